//! Are the lessons right? What the documentation for authors shows is what the engine reads.

use ottla::lesson::format::parse;

/// Every kind of goal that lessons/README.md shows is read as it stands there.
#[test]
fn the_documentation_shows_goals_that_can_be_read() {
    let readme = include_str!("../lessons/README.md");
    let table = readme.lines().filter(|line| line.starts_with("| `"));
    let shown: Vec<&str> = table
        .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
        .filter(|code| code.contains(" = {"))
        .collect();
    assert!(shown.len() >= 11, "{shown:?}");
    for code in shown {
        check_goal(&code.replace('°', ""));
    }
}

/// The cluster that lessons/README.md shows can be built.
#[test]
fn the_documentation_shows_a_cluster_that_can_be_built() {
    let readme = include_str!("../lessons/README.md");
    let toml = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("a toml block");
    let problems = problems(&format!("+++\ntitle = \"T\"\nminutes = 1\n{toml}+++\n# T\n"));
    assert!(problems.iter().all(|problem| problem.contains("the lesson has no")), "{problems:#?}");
}

fn check_goal(predicate: &str) {
    let cluster = "[cluster]\n[[cluster.topic]]\nname = \"orders\"\n[[cluster.producer]]\nname = \"checkout\"\ntopic = \"orders\"\n\
                   records_per_second = 1\n[[cluster.group]]\nname = \"billing\"\ntopics = [\"orders\"]\n";
    let found = problems(&format!(
        "+++\ntitle = \"T\"\nminutes = 1\n{cluster}+++\n# T\n```goal\nid = \"g\"\nsay = \"s\"\n{predicate}\n```\n```solution\nsleep 1\n```\n"
    ));
    assert!(found.iter().all(|problem| problem.contains("warning")), "{predicate}\n{found:#?}");
}

fn problems(text: &str) -> Vec<String> {
    parse("t/t", text, &[]).problems.iter().map(ToString::to_string).collect()
}

/// `ottla check` says `file:line:column: message`, then the remedy, and fails; a good lesson passes.
#[test]
fn the_command_line_names_the_place_and_the_remedy() {
    let check = |file: &str| {
        let mut ottla = std::process::Command::new(env!("CARGO_BIN_EXE_ottla"));
        let output = ottla.args(["check", file]).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("ottla runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, said) = check("src/lesson/format/samples/bad.md");
    assert_eq!(status, Some(1));
    let expected = "src/lesson/format/samples/bad.md:11:22: the replication factor of orders is 3, and there are 2 brokers\n    \
                    a replica needs a broker of its own: choose 1 to 2, or more brokers\n";
    assert!(said.contains(expected), "{said}");
    assert_eq!(check("lessons/replication/01-kill-a-node.md"), (Some(0), String::new()));
    let (status, said) = check("lessons/no-such-lesson.md");
    assert!(status == Some(1) && said.starts_with("lessons/no-such-lesson.md: "), "{said}");
}
