//! Is the code laid out as ARCHITECTURE.md says? Who may use whom, what the deterministic core must not mention, and what no file may name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each module of src/ with the modules that it may use besides itself. Arrows point one way.
const MAY_USE: &[(&str, &[&str])] = &[
    ("sim", &[]),
    ("kafka", &["sim"]),
    ("shell", &["sim", "kafka"]),
    ("playground", &["sim", "kafka", "shell"]),
    ("lesson", &["sim", "kafka", "playground"]),
    ("scene", &["sim", "kafka", "playground"]),
    ("wire", &["sim", "kafka", "playground", "lesson", "scene"]),
    ("web", &["sim", "kafka", "shell", "playground", "lesson", "wire"]),
    ("readline", &[]),
    // `web` for gloo's spawner, which takes the worker's type, and for permalinks.
    ("ui", &["readline", "wire", "scene", "lesson", "web", "playground"]),
    ("edge", &["sim", "kafka", "playground"]),
];

/// The modules in which a run must be the same on every machine.
const DETERMINISTIC: &[&str] = &["sim", "kafka", "shell", "playground", "lesson", "scene"];

/// What they must not mention, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("Instant::now", "the only clock is the simulation's"),
    ("std::time::Instant", "the only clock is the simulation's"),
    ("SystemTime", "the only clock is the simulation's"),
    ("std::thread", "a run is one queue on one thread"),
    ("std::fs", "disks are simulated"),
    ("std::net", "the network is simulated"),
    ("std::env", "a run depends on its seed and commands only"),
    ("std::process", "processes are simulated"),
    ("target_arch", "the core is the same on every target"),
    ("target_pointer_width", "the core is the same on every target"),
    ("HashMap", "its order differs from run to run: take a BTreeMap, or mark the line `// lookup only` if nothing iterates over it"),
    ("HashSet", "its order differs from run to run: take a BTreeSet, or mark the line `// lookup only` if nothing iterates over it"),
    ("thread_rng", "random numbers come from the seed"),
    ("rand::random", "random numbers come from the seed"),
];

#[test]
fn modules_use_only_those_below_them() {
    check(arrows);
}

#[test]
fn the_core_is_deterministic() {
    check(|module, path, source| if DETERMINISTIC.contains(&module) { mentions(path, source) } else { Vec::new() });
}

#[test]
fn the_core_builds_without_what_only_one_target_has() {
    let crates = crates_of_one_target();
    assert!(crates.contains("gloo") && crates.contains("tokio"), "read from Cargo.toml: {crates:?}");
    check(|module, path, source| if DETERMINISTIC.contains(&module) { paths_into(&crates, path, source) } else { Vec::new() });
}

#[test]
fn every_module_has_its_line_in_the_table() {
    let unknown: Vec<_> = sources().into_keys().filter(|path| module_of(path).is_none_or(|module| !is_module(module))).collect();
    assert!(unknown.is_empty(), "not in MAY_USE: {unknown:#?}");
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Somebody else may own the checkout, as on a build machine; reading it is harmless.
    let git = ["-c", "safe.directory=*", "ls-files", "-z"];
    let output = Command::new("git").args(git).current_dir(root).output().expect("git is installed");
    let listed = String::from_utf8_lossy(&output.stdout);
    assert!(listed.contains("tests/architecture.rs"), "this is no git checkout: {}", String::from_utf8_lossy(&output.stderr));
    let mut found = Vec::new();
    for path in listed.split_terminator('\0') {
        // Not text, as segment files, or deleted but not yet committed.
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        found.extend(places(path, &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Applies `rule` to every file of the library; what it finds is the failure's message.
fn check(rule: impl Fn(&str, &str, &str) -> Vec<String>) {
    let found: Vec<String> = sources().iter().filter_map(|(path, source)| Some(rule(module_of(path)?, path, source))).flatten().collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Uses of modules that `module` may not use.
fn arrows(module: &str, path: &str, source: &str) -> Vec<String> {
    let allowed = MAY_USE.iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, allowed)| allowed);
    let depth = path.trim_end_matches("/mod.rs").trim_end_matches(".rs").split('/').count();
    let wrong = used_modules(&code(source), depth).into_iter().filter(|(_, used)| used != module && !allowed.contains(&used.as_str()));
    wrong.map(|(line, used)| format!("src/{path}:{line}: `{module}` may use {allowed:?}, not `{used}`")).collect()
}

/// Forbidden words, outside of comments, strings and tests (which read example files).
fn mentions(path: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, (line, raw)) in without_tests(code(source)).lines().zip(source.lines()).enumerate() {
        for (word, why) in FORBIDDEN {
            let looked_up = word.starts_with("Hash") && raw.contains("// lookup only");
            if has_word(line, word) && !looked_up {
                found.push(format!("src/{path}:{}: mentions {word}; {why}", number + 1));
            }
        }
    }
    found
}

/// Paths that begin with one of `crates`, outside of comments, strings and tests.
fn paths_into(crates: &BTreeSet<String>, path: &str, source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in without_tests(code(source)).lines().enumerate() {
        let starts_path = |name: &str| {
            line.match_indices(&format!("{name}::")).any(|(at, _)| !line[..at].ends_with("::") && !line[..at].ends_with(is_word))
        };
        let hits = crates.iter().filter(|name| starts_path(name));
        found.extend(hits.map(|name| format!("src/{path}:{}: `{name}` is not there on every target", number + 1)));
    }
    found
}

/// The crates that Cargo.toml has for the browser or for native only, as paths spell them.
fn crates_of_one_target() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("Cargo.toml can be read");
    let manifest: toml::Table = manifest.parse().expect("Cargo.toml is TOML");
    let names = |table: &toml::Value| table.get("dependencies")?.as_table().map(|crates| crates.keys().cloned().collect::<Vec<_>>());
    let everywhere = manifest["dependencies"].as_table().expect("a table");
    let targets = manifest["target"].as_table().expect("a table").values().filter_map(names).flatten();
    targets.filter(|name| !everywhere.contains_key(name)).map(|name| name.replace('-', "_")).collect()
}

/// Lines that name a path of one person's machine, or a host from which Cargo is configured to download.
fn places(path: &str, text: &str) -> Vec<String> {
    // Put together here, as this file is checked too. Lock files name crates.io's index by its canonical address, which is no place.
    let machine = ["/ho".to_owned() + "me/", "/Use".to_owned() + "rs/", "/ro".to_owned() + "ot/", "/wo".to_owned() + "rk/"];
    let registry = [
        "artifact".to_owned() + "ory",
        "replace-wi".to_owned() + "th",
        "static.crat".to_owned() + "es.io",
        "index.crat".to_owned() + "es.io",
    ];
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let hit = machine.iter().find(|word| names_path(line, word)).or_else(|| registry.iter().find(|word| line.contains(*word)));
        found.extend(hit.map(|word| format!("{path}:{}: names `{word}`, which is elsewhere on other machines", number + 1)));
    }
    found
}

/// Whether `line` has an absolute path that begins with `start`; `target/work/` and `https://host/work/` are none.
fn names_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-*})/".contains(before)))
}

/// The top-level modules that `code` names by `crate::` or by enough `super::`, each with its line.
fn used_modules(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    let starts = code.match_indices("crate::").map(|(at, word)| (at, at + word.len()));
    for (at, end) in starts.filter(|(at, _)| !code[..*at].ends_with(is_word)) {
        let line = code[..at].matches('\n').count() + 1;
        used.extend(heads(&code[end..]).into_iter().map(|head| (line, head)));
    }
    for (at, _) in code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("::") && !code[..*at].ends_with(is_word)) {
        let rest = code[at..].trim_start_matches("super::");
        let supers = (code[at..].len() - rest.len()) / "super::".len();
        if supers >= depth {
            let line = code[..at].matches('\n').count() + 1;
            used.extend(heads(rest).into_iter().filter(|head| is_module(head)).map(|head| (line, head)));
        }
    }
    used
}

/// The first names of a path, of which a group has several: `sim::time` has one, `{kafka::{a, b}, sim}` has two.
fn heads(path: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|&c| is_word(c)).collect::<String>();
    if !path.starts_with('{') {
        return vec![name(path)];
    }
    let mut heads = Vec::new();
    let mut nesting = 0;
    let mut expected = false;
    for (at, character) in path.char_indices() {
        match character {
            '{' => nesting += 1,
            '}' => nesting -= 1,
            _ if expected && !character.is_whitespace() => heads.push(name(&path[at..])),
            _ => {}
        }
        expected = nesting == 1 && (at == 0 || character == ',' || expected && character.is_whitespace());
        if nesting == 0 {
            break;
        }
    }
    heads
}

/// `source` with comments and the insides of string literals blanked, line by line as it was.
fn code(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if (rest.starts_with("r\"") || rest.starts_with("r#")) && !out.ends_with(is_word) {
            raw_string(rest).unwrap_or(1)
        } else if first == '"' {
            string(rest)
        } else {
            // A quote as a character would open a string.
            let character =
                ["'\"'", "'\\\"'"].iter().find(|literal| rest.starts_with(**literal)).map_or(first.len_utf8(), |literal| literal.len());
            out.push_str(&rest[..character].replace('"', " "));
            rest = &rest[character..];
            continue;
        };
        out.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    out
}

/// `code` with every item under `#[cfg(test)]` blanked.
fn without_tests(mut code: String) -> String {
    const TEST: &str = "#[cfg(test)]";
    while let Some(start) = code.find(TEST) {
        let mut nesting = 0;
        let end = code[start..].char_indices().find(|(_, character)| {
            nesting += match character {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            nesting == 0 && matches!(character, '}' | ';')
        });
        let end = start + end.map_or(code.len() - start, |(at, character)| at + character.len_utf8());
        let blank = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>();
        code.replace_range(start..end, &blank);
    }
    code
}

/// The length of the string literal that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// The length of the raw string literal that `text` begins with; None for a raw identifier.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let inside = text[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(inside.find(&close).map_or(text.len(), |at| 2 + hashes + at + close.len()))
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + word.len()..].starts_with(is_word))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_module(name: &str) -> bool {
    MAY_USE.iter().any(|(module, _)| *module == name)
}

/// `kafka/log/mod.rs` is of `kafka`, `wire.rs` of `wire`.
fn module_of(path: &str) -> Option<&str> {
    Some(path.split('/').next()?.trim_end_matches(".rs"))
}

/// The library's files by their paths below src/; lib.rs is the map and the bins stand above all modules.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries: Vec<PathBuf> = std::fs::read_dir(&folder).expect("src can be read").flatten().map(|entry| entry.path()).collect();
        for path in entries {
            let relative = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
            if path.is_dir() && relative != "bin" {
                folders.push(path);
            } else if relative.ends_with(".rs") && relative != "lib.rs" {
                found.insert(relative, std::fs::read_to_string(&path).expect("Rust is UTF-8"));
            }
        }
    }
    found
}

/// The rules themselves, on sources that break them.
mod rules {
    use super::*;

    #[track_caller]
    fn check(found: Vec<String>, expected: &[&str]) {
        assert_eq!(found, expected);
    }

    #[test]
    fn an_arrow_upwards_is_found() {
        let upwards = "use crate::sim::time;\nuse crate::playground::event::Event;\n";
        check(arrows("kafka", "kafka/log/mod.rs", upwards), &["src/kafka/log/mod.rs:2: `kafka` may use [\"sim\"], not `playground`"]);
        check(arrows("lesson", "lesson/mod.rs", upwards), &[]);
    }

    #[test]
    fn groups_and_paths_in_expressions_are_found() {
        let grouped = "use crate::{\n    sim::{net, ui},\n    wire,\n};\nfn f() { let x = crate::ui::start(); }";
        let expected = ["src/sim/a.rs:1: `sim` may use [], not `wire`", "src/sim/a.rs:5: `sim` may use [], not `ui`"];
        check(arrows("sim", "sim/a.rs", grouped), &expected);
    }

    #[test]
    fn super_that_leaves_the_module_is_found() {
        let two = "use super::super::wire::ToWorker;\nuse super::wire_format;";
        check(arrows("kafka", "kafka/log/mod.rs", two), &["src/kafka/log/mod.rs:1: `kafka` may use [\"sim\"], not `wire`"]);
        check(arrows("kafka", "kafka/log/segment.rs", two), &[]);
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let harmless = "/// See crate::ui.\n// HashMap\nlet a = \"crate::ui HashMap \\\" std::fs\"; let q = '\"'; let r = r#\"HashMap \" \"#;\n/* std::fs */";
        check(arrows("sim", "sim/a.rs", harmless), &[]);
        check(mentions("sim/a.rs", harmless), &[]);
        assert_eq!(code("a \"b\"\n// c\nd"), "a    \n    \nd");
    }

    #[test]
    fn clocks_and_unordered_maps_are_found() {
        let source = "use std::time::SystemTime;\nlet a: HashMap<u8, u8>;\nlet b: HashMap<u8, u8>; // lookup only\nstruct MyHashMap;\n";
        let found = mentions("sim/a.rs", source);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with("src/sim/a.rs:1: mentions SystemTime"));
        assert!(found[1].starts_with("src/sim/a.rs:2: mentions HashMap"));
    }

    #[test]
    fn tests_may_read_files_and_what_follows_them_may_not() {
        let source = "#[cfg(test)]\nmod tests {\n    fn f() { g('}'); std::fs::read(\"}\") }\n}\nfn h() { std::fs::read(1) }\n";
        check(mentions("sim/a.rs", source), &["src/sim/a.rs:5: mentions std::fs; disks are simulated"]);
        check(
            mentions("sim/a.rs", "#[cfg(test)]\nmod tests;\nuse std::net;"),
            &["src/sim/a.rs:3: mentions std::net; the network is simulated"],
        );
    }

    #[test]
    fn a_crate_of_one_target_is_found() {
        let crates = BTreeSet::from(["tokio".to_owned()]);
        let source = "use tokio::net;\nuse kafka::tokio::x;\nlet my_tokio::x;\n// tokio::net\n";
        check(paths_into(&crates, "sim/a.rs", source), &["src/sim/a.rs:1: `tokio` is not there on every target"]);
    }

    #[test]
    fn a_machines_path_is_found() {
        let path = format!("see {}me/ann/ottla", "/ho");
        assert_eq!(places("README.md", &path).len(), 1);
        assert_eq!(places("README.md", "https://example.com/home/ and target/work/ are fine").len(), 0);
        assert_eq!(places(".cargo/config.toml", &format!("replace-{} = \"mirror\"", "with")).len(), 1);
    }
}
