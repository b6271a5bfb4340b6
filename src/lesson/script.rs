//! What somebody types into the terminal, and when: the language of `solution` and `wrong` blocks.
//!
//! | a line | means |
//! |---|---|
//! | `kafka-topics.sh ...` | typed when the prompt is there; the next line waits until it has ended |
//! | `sleep 30` | thirty seconds of virtual time pass (`sleep 500ms` too) |
//! | `> hello` | typed to the program that is running, with Enter |
//! | `^C` or `^D`, also `^C after 5s` | interrupts the program that is running, or ends its input; after a while if one is given |
//! | `# text` | a comment |
//!
//! Several may stand on one line with `;` between them (outside quotes).

use serde::{Deserialize, Serialize};

use super::span::TimeSpan;

/// What is typed, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script(pub Vec<Act>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// A command line at the prompt.
    Line(String),
    /// Nothing is typed for so long.
    Sleep(TimeSpan),
    /// A line for the running program's standard input.
    Input(String),
    /// Ctrl-C, so long after the act before.
    Interrupt(TimeSpan),
    /// Ctrl-D, so long after the act before.
    EndOfInput(TimeSpan),
}

/// Why a line of a script means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no time to wait")]
pub struct ScriptProblem {
    /// Byte offset in the script.
    pub offset: usize,
    pub text: String,
}

impl Script {
    /// Reads a script; all its problems if there are any.
    pub fn parse(text: &str) -> Result<Script, Vec<ScriptProblem>> {
        let (mut acts, mut problems) = (Vec::new(), Vec::new());
        for (offset, line) in statements(text) {
            match act(line) {
                Ok(Some(act)) => acts.push(act),
                Ok(None) => {}
                Err(text) => problems.push(ScriptProblem { offset, text }),
            }
        }
        if problems.is_empty() { Ok(Script(acts)) } else { Err(problems) }
    }

    /// Whether this word is typed anywhere: a topic a goal asks for may come from the script itself.
    pub fn mentions(&self, name: &str) -> bool {
        let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        self.0.iter().any(|act| match act {
            Act::Line(line) | Act::Input(line) => line.split(|c| !part_of_name(c)).any(|word| word == name),
            Act::Sleep(_) | Act::Interrupt(_) | Act::EndOfInput(_) => false,
        })
    }
}

fn act(statement: &str) -> Result<Option<Act>, String> {
    let after = |rest: &str| match rest.trim().strip_prefix("after ") {
        None if rest.trim().is_empty() => Ok(TimeSpan::ZERO),
        None => Err(rest.trim().to_owned()),
        Some(time) => TimeSpan::parse(time.trim()).ok_or_else(|| time.trim().to_owned()),
    };
    if statement.is_empty() || statement.starts_with('#') {
        Ok(None)
    } else if let Some(time) = statement.strip_prefix("sleep ") {
        let time = time.trim();
        let bare_seconds = || time.parse::<u32>().ok().map(|s| TimeSpan::from_seconds(s.into()));
        let span = TimeSpan::parse(time).or_else(bare_seconds).ok_or_else(|| time.to_owned())?;
        Ok(Some(Act::Sleep(span)))
    } else if let Some(text) = statement.strip_prefix("> ") {
        Ok(Some(Act::Input(text.to_owned())))
    } else if let Some(rest) = statement.strip_prefix("^C") {
        Ok(Some(Act::Interrupt(after(rest)?)))
    } else if let Some(rest) = statement.strip_prefix("^D") {
        Ok(Some(Act::EndOfInput(after(rest)?)))
    } else {
        Ok(Some(Act::Line(statement.to_owned())))
    }
}

/// The script cut at line ends and at `;` outside quotes, each piece trimmed, with its offset.
fn statements(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut quote) = (0, None);
    let mut cut = |from: usize, to: usize| {
        let piece = &text[from..to];
        let indent = piece.len() - piece.trim_start().len();
        found.push((from + indent, piece.trim()));
    };
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let ends = match (quote, c) {
            _ if escaped => {
                escaped = false;
                false
            }
            (_, '\n') => true,
            (None, ';') => true,
            (None | Some('"'), '\\') => {
                escaped = true;
                false
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                false
            }
            (Some(open), c) if c == open => {
                quote = None;
                false
            }
            _ => false,
        };
        if ends {
            quote = None;
            cut(start, at);
            start = at + 1;
        }
    }
    cut(start, text.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_typed() {
        let script = Script::parse("# first\necho 'a;b' | wc -l; sleep 30\n  sleep 500ms\n> hello; world\n^C after 5s\n^D\n").unwrap();
        let expected = vec![
            Act::Line("echo 'a;b' | wc -l".into()),
            Act::Sleep(TimeSpan::from_seconds(30)),
            Act::Sleep(TimeSpan::from_micros(500_000)),
            Act::Input("hello".into()),
            Act::Line("world".into()),
            Act::Interrupt(TimeSpan::from_seconds(5)),
            Act::EndOfInput(TimeSpan::ZERO),
        ];
        assert_eq!(script.0, expected);
        assert!(script.mentions("world") && !script.mentions("hell"));
    }

    #[test]
    fn says_where_a_time_is_wrong() {
        let problems = Script::parse("sleep 30; sleep long\n^C after never").unwrap_err();
        assert_eq!(problems.iter().map(|p| p.offset).collect::<Vec<_>>(), [10, 21]);
    }
}
