//! The format of a transcript (tests/golden/README.md): TOML between two lines `---`, then commands with what they printed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sim::time::Duration;

/// A recording.
#[derive(Clone, Debug)]
pub struct Transcript {
    pub head: Head,
    pub steps: Vec<Step>,
}

/// On what it was recorded.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Head {
    pub title: String,
    pub brokers: Option<u32>,
    pub controllers: Option<Vec<u32>>,
    /// Lines of server.properties for all.
    pub config: String,
    /// Lines of server.properties for one broker.
    pub broker: BTreeMap<String, String>,
    pub features: Vec<String>,
    /// Brokers that are not started at first.
    pub down: Vec<u32>,
    /// Files in the terminal's working folder.
    pub files: BTreeMap<String, String>,
    /// Seconds that a command may take.
    pub timeout: Option<u64>,
}

/// Something done, and what was printed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its line in the file, from 1.
    pub line: usize,
    pub act: Act,
    /// Standard output as it was, standard error behind `! `, the status behind `= ` unless it was 0.
    pub expected: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `$ command`, with its standard input.
    Run {
        command: String,
        stdin: Option<String>,
    },
    /// `& name $ command`
    Start {
        name: String,
        command: String,
        stdin: Option<String>,
    },
    /// `@ type name text`
    Type {
        name: String,
        text: String,
    },
    /// `@ await name`: its input ends, and it is waited for.
    Await(String),
    Interrupt(String),
    /// SIGKILL.
    Slay(String),
    /// `@ kill 2` and its like.
    Host {
        verb: HostVerb,
        id: u32,
    },
    /// `@ cut 1 2`, hosts by number or `client`.
    Cut {
        a: String,
        b: String,
        one_way: bool,
    },
    Heal,
    Sleep(Duration),
    /// `@ ls 1 orders-0`: what is in a folder of a broker's data folder.
    List {
        id: u32,
        folder: String,
    },
    /// `@ cat 1 FILE`
    Show {
        id: u32,
        file: String,
    },
    /// `@ log 1 REGEX`: lines of a broker's log.
    Log {
        id: u32,
        pattern: String,
    },
    /// `@ mark`, and `@ save`, which is for whoever records.
    Note,
    /// Something that this player does not do.
    Other(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostVerb {
    Kill,
    Stop,
    Start,
    Pause,
    Resume,
}

/// Why a file is no transcript.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    #[error("a transcript begins with a line `---`, and another one ends its front matter")]
    NoHead,
    #[error("front matter: {0}")]
    Head(String),
    #[error("line {line}: `{text}` is not understood")]
    Step { line: usize, text: String },
}

impl Act {
    /// What it is called, if it prints something that is compared.
    pub fn command(&self) -> Option<String> {
        Some(match self {
            Act::Run { command, .. } => command.clone(),
            Act::Await(name) => format!("@ await {name}"),
            Act::Interrupt(name) => format!("@ interrupt {name}"),
            Act::Slay(name) => format!("@ slay {name}"),
            Act::List { id, folder } => format!("@ ls {id} {folder}").trim_end().to_owned(),
            Act::Show { id, file } => format!("@ cat {id} {file}"),
            Act::Log { id, pattern } => format!("@ log {id} {pattern}"),
            Act::Other(what) => format!("@ {what}"),
            Act::Start { .. } | Act::Type { .. } | Act::Host { .. } | Act::Cut { .. } | Act::Heal | Act::Sleep(_) | Act::Note => {
                return None;
            }
        })
    }
}

impl Transcript {
    /// # Errors
    /// What in it is not understood, and where.
    pub fn read(text: &str) -> Result<Transcript, TranscriptError> {
        let rest = text.strip_prefix("---\n").ok_or(TranscriptError::NoHead)?;
        let (head, body) = rest.split_once("\n---\n").ok_or(TranscriptError::NoHead)?;
        let before = 2 + head.lines().count();
        let head: Head = toml::from_str(head).map_err(|error| TranscriptError::Head(error.message().to_owned()))?;
        let mut steps: Vec<Step> = Vec::new();
        for (n, line) in body.lines().enumerate() {
            let number = before + n + 1;
            let unknown = || TranscriptError::Step { line: number, text: line.to_owned() };
            if line.starts_with(['$', '&', '@']) && line[1..].starts_with(' ') {
                steps.push(Step { line: number, act: act(line).ok_or_else(unknown)?, expected: Vec::new() });
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            match steps.last_mut() {
                Some(Step { act: Act::Run { stdin, .. } | Act::Start { stdin, .. }, expected, .. })
                    if line.starts_with("| ") && expected.is_empty() =>
                {
                    let stdin = stdin.get_or_insert_default();
                    stdin.push_str(&line[2..]);
                    stdin.push('\n');
                }
                Some(step) => step.expected.push(line.to_owned()),
                None if line.is_empty() => {}
                None => return Err(unknown()),
            }
        }
        for step in &mut steps {
            while step.expected.last().is_some_and(String::is_empty) {
                step.expected.pop();
            }
        }
        Ok(Transcript { head, steps })
    }
}

fn act(line: &str) -> Option<Act> {
    let (sign, rest) = line.split_once(' ')?;
    match sign {
        "$" => Some(Act::Run { command: rest.to_owned(), stdin: None }),
        "&" => {
            let (name, command) = rest.split_once(" $ ")?;
            Some(Act::Start { name: name.to_owned(), command: command.to_owned(), stdin: None })
        }
        _ => Some(operation(rest)?),
    }
}

fn operation(text: &str) -> Option<Act> {
    let words: Vec<&str> = text.split(' ').collect();
    let name = || Some((*words.get(1)?).to_owned());
    let host = |verb| Some(Act::Host { verb, id: words.get(1)?.parse().ok()? });
    match words[0] {
        // A whole data centre (`dc2` in the front matter of the recorder).
        "kill" | "stop" | "start" | "pause" | "resume" if words.get(1).is_some_and(|id| id.starts_with("dc")) => {
            Some(Act::Other(text.to_owned()))
        }
        "type" => Some(Act::Type { name: name()?, text: text.splitn(3, ' ').nth(2)?.to_owned() }),
        "await" => Some(Act::Await(name()?)),
        "interrupt" => Some(Act::Interrupt(name()?)),
        "slay" => Some(Act::Slay(name()?)),
        "kill" => host(HostVerb::Kill),
        "stop" => host(HostVerb::Stop),
        "start" => host(HostVerb::Start),
        "pause" => host(HostVerb::Pause),
        "resume" => host(HostVerb::Resume),
        "cut" => Some(Act::Cut { a: name()?, b: (*words.get(2)?).to_owned(), one_way: words.contains(&"one-way") }),
        "heal" => Some(Act::Heal),
        "ls" => Some(Act::List { id: words.get(1)?.parse().ok()?, folder: words.get(2).copied().unwrap_or_default().to_owned() }),
        "cat" => Some(Act::Show { id: words.get(1)?.parse().ok()?, file: (*words.get(2)?).to_owned() }),
        "log" => {
            let (id, pattern) = text.split_once(' ')?.1.split_once(' ')?;
            Some(Act::Log { id: id.parse().ok()?, pattern: pattern.to_owned() })
        }
        "mark" | "save" => Some(Act::Note),
        "sleep" => {
            let (whole, fraction) = words.get(1)?.strip_suffix('s')?.split_once('.').unwrap_or((words[1].strip_suffix('s')?, "0"));
            let tenths: u64 = fraction.get(..1)?.parse().ok()?;
            Some(Act::Sleep(Duration::ms(whole.parse::<u64>().ok()? * 1_000 + tenths * 100)))
        }
        _ => Some(Act::Other(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"---
title = "A sample"
brokers = 1
[files]
"a.json" = '''{}'''
---
# a comment
$ cat
| one
| 
! err
= 1

& c1 $ consume --x

@ type c1 hello  there
@ sleep 1.5s

@ kill 3
@ cut 1 client one-way
@ ls 1 orders-0
$ echo

a

b
"#;

    #[test]
    fn reads_commands_with_their_output() {
        let transcript = Transcript::read(SAMPLE).unwrap();
        assert_eq!(
            (transcript.head.title.as_str(), transcript.head.brokers, transcript.head.files["a.json"].as_str()),
            ("A sample", Some(1), "{}")
        );
        let acts: Vec<Act> = transcript.steps.iter().map(|step| step.act.clone()).collect();
        let expected = [
            Act::Run { command: "cat".into(), stdin: Some("one\n\n".into()) },
            Act::Start { name: "c1".into(), command: "consume --x".into(), stdin: None },
            Act::Type { name: "c1".into(), text: "hello  there".into() },
            Act::Sleep(Duration::ms(1_500)),
            Act::Host { verb: HostVerb::Kill, id: 3 },
            Act::Cut { a: "1".into(), b: "client".into(), one_way: true },
            Act::List { id: 1, folder: "orders-0".into() },
            Act::Run { command: "echo".into(), stdin: None },
        ];
        assert_eq!(acts, expected);
        assert_eq!((transcript.steps[0].line, transcript.steps[0].expected.as_slice()), (8, &["! err".to_owned(), "= 1".to_owned()][..]));
        assert_eq!(transcript.steps[7].expected, ["", "a", "", "b"]);
    }

    #[test]
    fn says_what_it_does_not_understand() {
        assert_eq!(Transcript::read("x").unwrap_err(), TranscriptError::NoHead);
        let error = Transcript::read("---\ntitle = \"\"\n---\n@ kill x\n").unwrap_err();
        assert_eq!(error.to_string(), "line 4: `@ kill x` is not understood");
    }
}
