//! What holds for every line, not only for those that somebody thought of: quoting, arrays, options, and that nothing panics or hangs.
//!
//! (`ottla fuzz-shell --lines N` types lines by the million; here they shrink to the smallest that fails.)

use ottla::kafka::actor::Tell;
use ottla::shell::alone::Terminal;
use ottla::shell::complete::{CompletionContext, complete};
use ottla::shell::fuzz::{Dice, Fuzzed, Outcome, line};
use ottla::shell::options::{Arg, Options};
use ottla::shell::screen::Stream;
use ottla::shell::session::LINE_BYTES;
use ottla::shell::syntax::{parse, with_aliases};
use ottla::shell::tools::{Tool, help, kafka_table, program};
use ottla::sim::time::Duration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What a line prints on standard output in a fresh terminal.
fn printed(line: &str) -> String {
    let mut terminal = Terminal::default();
    terminal.tell(Tell::Line(line.to_owned()));
    terminal.wait(Duration::secs(1));
    let mut text = String::new();
    let session = terminal.session().expect("a session");
    for piece in session.output_since(0).filter(|piece| piece.stream == Stream::Out) {
        text += &piece.text;
        text += if piece.newline { "\n" } else { "" };
    }
    text
}

/// As a careful person quotes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Text of one line: letters, what means something to a shell, controls, several bytes.
fn text() -> impl Strategy<Value = String> {
    let any_char = prop_oneof![
        4 => select("abcxyz019".chars().collect::<Vec<_>>()),
        4 => select(" \t!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars().collect::<Vec<_>>()),
        1 => select("\u{1}\u{7}\u{1b}\u{7f}é漢\u{301}\u{200b}🦦\u{10ffff}".chars().collect::<Vec<_>>()),
    ];
    vec(any_char, 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// A script that is one by its grammar.
fn script() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        text().prop_map(|text| quoted(&text)),
        select(vec!["$X", "\"$@\"", "${X:-a}", "$((1+2))", "a*", "{a,b}", "${a[0]}", "\"${a[@]}\"", "x"]).prop_map(str::to_owned),
    ];
    let simple = (select(vec!["echo", "true", ":", "printf '%s'", "X=1", "a=(1 2)"]), vec(word, 0..3));
    let simple = simple.prop_map(|(command, words)| match command {
        "X=1" | "a=(1 2)" => command.to_owned(),
        command => [command.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" "),
    });
    simple.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            (inner.clone(), select(vec![" | ", " && ", " || ", "; ", " & ", "\n"]), inner.clone()).prop_map(|(a, joint, b)| a + joint + &b),
            inner.clone().prop_map(|a| format!("( {a} )")),
            inner.clone().prop_map(|a| format!("{{ {a}; }}").replace("& ;", "&")),
            inner.clone().prop_map(|a| format!("echo \"$({a}\n)\"")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("if {a}\nthen {b}\nfi")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("while {a}\ndo {b}\ndone")),
            inner.clone().prop_map(|a| format!("for i in 1 2\ndo {a}\ndone")),
            inner.clone().prop_map(|a| format!("case x in y) {a}\n;; esac")),
            inner.prop_map(|a| format!("f() {{ {a}\n}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_quoted_is_printed_as_it_is(words in vec(text(), 1..4)) {
        let all: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let lines: String = words.iter().map(|word| format!("<{word}>\n")).collect();
        prop_assert_eq!(printed(&format!("printf '<%s>\\n' {}", all.join(" "))), lines.clone());
        // An array keeps them, however they look.
        prop_assert_eq!(printed(&format!("a=({}); printf '<%s>\\n' \"${{a[@]}}\"", all.join(" "))), lines.clone());
        prop_assert_eq!(printed(&format!("a=({}); echo ${{#a[@]}}", all.join(" "))), format!("{}\n", words.len()));
        prop_assert_eq!(printed(&format!("f() {{ printf '<%s>\\n' \"$@\"; }}; f {}", all.join(" "))), lines);
    }

    #[test]
    fn a_value_comes_back(value in text()) {
        let quoted = quoted(&value);
        let shown = format!("[{value}]\n");
        prop_assert_eq!(printed(&format!("X={quoted}; printf '[%s]\\n' \"$X\"")), shown.clone());
        prop_assert_eq!(printed(&format!("declare -A m; m[{quoted}]={quoted}; printf '[%s]\\n' \"${{m[@]}}\"")), shown.clone());
        prop_assert_eq!(printed(&format!("printf '%s' {quoted} > f; printf '[%s]\\n' \"$(cat f)\"")), shown);
        prop_assert_eq!(printed(&format!("X={quoted}; echo ${{#X}}")), format!("{}\n", value.chars().count()));
    }

    #[test]
    fn what_the_grammar_makes_can_be_read(script in script()) {
        if let Err(error) = parse(&script) {
            prop_assert!(error.to_string().contains("constructs within each other"), "{error}: {script}");
        }
    }

    /// Of a script, every beginning: it is read, or refused, and what is refused says why.
    #[test]
    fn every_beginning_is_read_or_refused(script in script()) {
        for (at, _) in script.char_indices() {
            if let Err(error) = parse(&script[..at]) {
                prop_assert!(!error.to_string().is_empty());
            }
            with_aliases(&script[..at], &|name| (name == "echo").then(|| "echo '".to_owned()));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,120}", cursor in 0..200_usize) {
        drop(parse(&text));
        complete(&text, cursor, &CompletionContext::default());
    }

    /// Every option with an argument is found again, whatever its argument is.
    #[test]
    fn options_are_found_again(tool in select(help::KAFKA.iter().chain(program::NAMES).copied().collect::<Vec<_>>()), values in vec(text(), 8), at in 0..1_000_usize) {
        if let Some(table) = kafka_table(tool) {
            let with: Vec<_> = table.iter().filter(|opt| matches!(opt.arg, Arg::Required(_))).collect();
            let chosen: Vec<_> = (0..with.len().min(3)).map(|n| with[(at + n) % with.len()]).collect();
            let args: Vec<String> = chosen.iter().zip(&values).flat_map(|(opt, value)| [format!("--{}", opt.name), value.clone()]).collect();
            let options = Options::parse(table, &args).expect("nothing but options of the table");
            for (opt, value) in chosen.iter().zip(&values) {
                prop_assert_eq!(options.one(opt.name), Ok(Some(value.as_str())));
            }
        }
        let arbitrary: Vec<String> = values.iter().take(at % 8).map(|value| format!("--{value}")).collect();
        if let Some(Err(done)) = program::parser(tool).map(|parser| parser.parse(&arbitrary)) {
            prop_assert!(!(done.out.is_empty() && done.err.is_empty()));
        }
        Tool::reads(tool, &arbitrary);
    }

    /// Lines of every kind that `ottla fuzz-shell` types: each ends, by itself or when it is interrupted.
    #[test]
    fn every_line_ends(seed in any::<u64>()) {
        let text = line(&mut Dice::new(seed));
        prop_assert_ne!(Fuzzed::default().enter(&text), Outcome::Stuck, "{}", text);
    }
}

/// Lines around the longest that is taken, and far beyond.
#[test]
fn long_lines_end_too() {
    for piece in ["a", "(", "echo a;", "a|", "{a,b}", "\"", "a=(1) ", "`", "<<E "] {
        for bytes in [LINE_BYTES - 1_000, 4 * LINE_BYTES] {
            let mut terminal = Fuzzed::default();
            assert_ne!(terminal.enter(&piece.repeat(bytes / piece.len())), Outcome::Stuck, "{piece} up to {bytes}");
        }
    }
}
