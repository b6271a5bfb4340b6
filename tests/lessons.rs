//! Are the lessons right? Each is played without a page: no goal is reached before anything was done, the solution reaches them all, and each wrong
//! way misses its goal and is explained. And what the documentation for authors shows is what the engine reads.

use ottla::lesson::catalog;
use ottla::lesson::format::parse;
use ottla::lesson::goal::{GoalBoard, GoalStatus, Progress};
use ottla::lesson::model::{Lesson, Wrong};
use ottla::lesson::player::{self, Next, Player};
use ottla::lesson::script::Script;
use ottla::playground::timeline::{LOOK_EVERY, Timeline};
use ottla::playground::world::World;
use ottla::shell::screen::Prompt;
use ottla::sim::time::{Duration, Time};

#[test]
fn topic_and_console() {
    check("basics/01-topic-and-console");
}

#[test]
fn competing_consumers() {
    check("basics/02-competing-consumers");
}

#[test]
fn kill_a_node() {
    check("replication/01-kill-a-node");
}

/// Goals travel with the world: before the kill it has not happened; played again, all is as it was; and another way leads elsewhere.
#[test]
fn goals_go_back_and_forth_in_time() {
    let lesson = lesson("replication/01-kill-a-node");
    let script = |text: &str| Script::parse(text).expect("a script");
    let mut play = Play::begin(&lesson);
    let begin = play.timeline.now();
    play.script(&script("sleep 5; kill -9 kafka-3; sleep 25"));
    let (reached, end) = (play.statuses(), play.timeline.now());
    let progress = |play: &Play, id: &str| play.statuses().into_iter().find(|goal| goal.id == id).map(|goal| goal.progress);
    assert_eq!(progress(&play, "rate-returns"), Some(Progress::Done), "{reached:#?}");
    play.timeline.seek(begin + Duration::secs(2));
    assert_eq!(progress(&play, "killed"), Some(Progress::Open));
    play.timeline.seek(end);
    assert_eq!(play.statuses(), reached);
    play.timeline.seek(begin + Duration::secs(2));
    play.script(&script("systemctl stop kafka-3; sleep 5"));
    assert_eq!(progress(&play, "killed"), Some(Progress::Open));
}

/// A lesson that has no test of its own would never be played.
#[test]
fn every_lesson_is_played() {
    let tests = include_str!("lessons.rs");
    for slug in catalog::slugs() {
        assert!(tests.contains(&format!("check({slug:?});")), "{slug} is not played");
    }
}

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

/// A lesson being played: a world in time, watched by the lesson's goals.
struct Play {
    timeline: Timeline<World, GoalBoard>,
}

impl Play {
    fn begin(lesson: &Lesson) -> Play {
        let world = World::build(&lesson.cluster, lesson.seed).unwrap_or_else(|error| panic!("{}: {error}", lesson.slug));
        Play { timeline: Timeline::new(world, GoalBoard::new(lesson)) }
    }

    /// Types a script; what does not come to an end is the script's fault.
    fn script(&mut self, script: &Script) {
        let mut player = Player::new(script.clone(), self.timeline.now().0);
        loop {
            let prompt = self.timeline.world().session(player::SESSION).map(|session| session.prompt());
            let is_busy = prompt.is_some_and(|prompt| prompt != Prompt::Command);
            match player.next(self.timeline.now().0, is_busy) {
                Next::Do(command) => self.timeline.act(command).unwrap_or_else(|error| panic!("{error}\n{}", self.screen())),
                Next::Wait(until_us) => self.timeline.run_until(Time(until_us)),
                Next::Done => break,
                Next::Stuck(line) => panic!("{line:?} never gave the prompt back\n{}", self.screen()),
            }
        }
        let soon = self.timeline.now() + LOOK_EVERY + LOOK_EVERY;
        self.timeline.run_until(soon);
    }

    fn statuses(&self) -> Vec<GoalStatus> {
        self.timeline.watcher().statuses()
    }

    /// What the terminal shows, for whoever has to find out why a test failed.
    fn screen(&self) -> String {
        let Some(session) = self.timeline.world().session(player::SESSION) else { return String::new() };
        session.output_since(0).map(|piece| format!("{}{}", piece.text, if piece.newline { "\n" } else { "" })).collect()
    }
}

fn lesson(slug: &str) -> Lesson {
    catalog::find(slug).and_then(|entry| entry.parse().lesson).unwrap_or_else(|| panic!("{slug} cannot be read"))
}

fn check(slug: &str) {
    let lesson = lesson(slug);
    check_reached(&lesson);
    assert!(!lesson.wrongs.is_empty(), "{slug} has no wrong block");
    lesson.wrongs.iter().for_each(|wrong| check_missed(&lesson, wrong));
}

fn check_reached(lesson: &Lesson) {
    let mut play = Play::begin(lesson);
    let early: Vec<GoalStatus> = play.statuses().into_iter().filter(|goal| goal.progress == Progress::Done).collect();
    assert!(early.is_empty(), "{}: reached before anything was done: {early:#?}", lesson.slug);
    play.script(&lesson.solution);
    let missed: Vec<GoalStatus> = play.statuses().into_iter().filter(|goal| goal.progress != Progress::Done).collect();
    assert!(missed.is_empty(), "{}: not reached by the solution: {missed:#?}\n{}", lesson.slug, play.screen());
}

fn check_missed(lesson: &Lesson, wrong: &Wrong) {
    let mut play = Play::begin(lesson);
    play.script(&wrong.does);
    let goal = play.statuses().into_iter().find(|goal| goal.id == wrong.fails).expect("a goal of the lesson");
    let explains = goal.progress != Progress::Done && goal.detail.contains(&wrong.expect);
    assert!(
        explains,
        "{}: {:?} should be missed, saying {:?}, and is {goal:#?}\n{}",
        lesson.slug,
        wrong.fails,
        wrong.expect,
        play.screen()
    );
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
