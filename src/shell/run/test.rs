//! `[ ... ]`, `test` and `[[ ... ]]`.

use regex_lite::Regex;

use crate::shell::expand::{Expansion, Stop, arithmetic, glob};
use crate::shell::files::{Entry, is_folder};
use crate::shell::syntax::{Condition, Word};

/// Conditions may be nested so deeply.
const MOST_WORDS: usize = 256;
/// Texts up to this length are compared with patterns.
const MATCHED_BYTES: usize = 16 << 10;

/// What `[[ ... ]]` comes to.
pub(super) fn condition(condition: &Condition, expansion: &mut Expansion) -> Result<bool, Stop> {
    Ok(match condition {
        Condition::Not(inner) => !self::condition(inner, expansion)?,
        Condition::And(a, b) => self::condition(a, expansion)? && self::condition(b, expansion)?,
        Condition::Or(a, b) => self::condition(a, expansion)? || self::condition(b, expansion)?,
        Condition::Unary(operator, word) => {
            let text = expansion.text(word)?;
            match operator.as_str() {
                "-v" => expansion.state.get(&text).is_some(),
                operator => unary(operator, &text, expansion),
            }
        }
        Condition::Binary(a, operator, b) => {
            let left = expansion.text(a)?;
            match operator.as_str() {
                "==" | "=" | "!=" => fits(&left, b, expansion)? == (operator != "!="),
                "=~" => expression(&left, b, expansion)?,
                "<" => left < expansion.text(b)?,
                ">" => left > expansion.text(b)?,
                operator => {
                    let right = expansion.text(b)?;
                    let left = arithmetic::evaluate(&left, &mut expansion.state).map_err(|said| Stop::Error(format!("[[: {said}")))?;
                    let right = arithmetic::evaluate(&right, &mut expansion.state).map_err(|said| Stop::Error(format!("[[: {said}")))?;
                    compare(operator, left, right).unwrap_or(false)
                }
            }
        }
    })
}

fn fits(text: &str, pattern: &Word, expansion: &mut Expansion) -> Result<bool, Stop> {
    let pattern = expansion.pattern(pattern)?;
    if text.len() > MATCHED_BYTES || pattern.len() > MATCHED_BYTES {
        return Err(Stop::Error(format!("[[: more than {MATCHED_BYTES} bytes are not compared with patterns here")));
    }
    Ok(glob::matches(&pattern, text))
}

/// `=~`; what the whole and the groups match stands in `BASH_REMATCH`.
fn expression(text: &str, pattern: &Word, expansion: &mut Expansion) -> Result<bool, Stop> {
    let pattern = expansion.text(pattern)?;
    let Ok(regex) = Regex::new(&pattern) else { return Ok(false) };
    let Some(found) = regex.captures(text) else { return Ok(false) };
    let groups = (0..found.len()).map(|n| found.get(n).map_or("", |group| group.as_str()));
    expansion.state.set_list("BASH_REMATCH", groups).map_err(Stop::Error)?;
    Ok(true)
}

fn unary(operator: &str, text: &str, expansion: &Expansion) -> bool {
    match operator {
        "-n" => !text.is_empty(),
        "-z" => text.is_empty(),
        operator => {
            let paths = (expansion.files)();
            let absolute = crate::shell::expand::state::absolute(&expansion.state.folder, text);
            let is_file = paths.contains(&absolute);
            let below = format!("{absolute}/");
            let is_folder = paths.iter().any(|path| path.starts_with(&below)) || absolute == *expansion.state.folder;
            match operator {
                "-f" | "-s" => is_file,
                "-d" => is_folder,
                _ => is_file || is_folder,
            }
        }
    }
}

fn compare(operator: &str, left: i64, right: i64) -> Option<bool> {
    Some(match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        "-ge" => left >= right,
        _ => return None,
    })
}

/// What a test needs to know of files.
pub(super) struct Look<'a> {
    pub entries: &'a [Entry],
    pub folder: &'a str,
    pub name: &'a str,
}

/// `[ ... ]` without its brackets.
///
/// # Errors
/// What bash says; the status is 2.
pub(super) fn words(words: &[String], look: &Look) -> Result<bool, String> {
    if words.len() > MOST_WORDS {
        return Err("too many arguments".into());
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    few(&words, look)
}

/// POSIX's rules by the number of words.
fn few(words: &[&str], look: &Look) -> Result<bool, String> {
    match words {
        [] => Ok(false),
        [one] => Ok(!one.is_empty()),
        ["!", rest @ ..] => Ok(!few(rest, look)?),
        [operator, text] => one(operator, text, look),
        [a, operator, b] if is_binary(operator) => two(a, operator, b),
        ["(", inner @ .., ")"] => few(inner, look),
        words => match words.iter().rposition(|word| *word == "-o").filter(|at| *at > 0) {
            Some(at) => Ok(few(&words[..at], look)? || few(&words[at + 1..], look)?),
            None => match words.iter().rposition(|word| *word == "-a").filter(|at| *at > 0) {
                Some(at) => Ok(few(&words[..at], look)? && few(&words[at + 1..], look)?),
                None if words.len() == 3 => Err(format!("{}: binary operator expected", words[1])),
                None => Err("too many arguments".into()),
            },
        },
    }
}

fn is_binary(operator: &str) -> bool {
    matches!(operator, "=" | "==" | "!=" | "<" | ">" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge")
}

fn one(operator: &str, text: &str, look: &Look) -> Result<bool, String> {
    let absolute = crate::shell::expand::state::absolute(look.folder, text);
    let file = look.entries.iter().find(|entry| entry.path == absolute);
    let folder = is_folder(look.entries, &absolute) || absolute == look.folder;
    Ok(match operator {
        "-n" => !text.is_empty(),
        "-z" => text.is_empty(),
        "-f" => file.is_some(),
        "-s" => file.is_some_and(|file| file.bytes > 0),
        "-d" => folder,
        "-e" | "-r" | "-w" | "-x" => file.is_some() || folder,
        "-t" => false,
        _ => return Err(format!("{operator}: unary operator expected")),
    })
}

fn two(a: &str, operator: &str, b: &str) -> Result<bool, String> {
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("{text}: integer expression expected"));
    Ok(match operator {
        "=" | "==" => a == b,
        "!=" => a != b,
        "<" => a < b,
        ">" => a > b,
        operator => compare(operator, number(a)?, number(b)?).unwrap_or(false),
    })
}
