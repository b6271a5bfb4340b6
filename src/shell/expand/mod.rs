//! Expansion: what the words of a command become.
//!
//! Braces, then parameters, the output of commands and arithmetic, then splitting at `$IFS`, then the names of files. The output of commands
//! takes time to come: an expansion that needs one stops ([`Stop::Run`]) and is begun again when it is there, on a fresh copy of the state.

pub mod arithmetic;
pub mod array;
pub mod brace;
mod field;
pub mod glob;
mod parameter;
pub mod state;

use std::cell::Cell;
use std::sync::Arc;

use self::field::Fields;
use self::state::State;
use super::syntax::{List, Part, Word};

/// What a line is expanded to may have this many bytes in all.
pub const EXPANDED_BYTES: usize = 2 << 20;

/// And so many words.
const MOST_WORDS: usize = 100_000;

/// Why an expansion did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The output of these commands is needed first.
    Run(Arc<List>),
    /// What bash says, behind `bash: `; the command is not run.
    Error(String),
}

/// Finding again what a command printed costs as much as so many bytes.
const OUTPUT_COST: usize = 64;
/// So does looking whether a pattern means a file.
const PATH_COST: usize = 64;

/// An expansion at work.
pub struct Expansion<'a> {
    /// Assignments (`${X:=1}`, `$((x++))`) are made here; whoever expands keeps it if all went well.
    pub state: State,
    /// The outputs of the commands that were needed, in order.
    pub outputs: &'a [String],
    /// Every file that patterns can mean, by absolute path.
    pub files: &'a dyn Fn() -> Vec<String>,
    /// For `$RANDOM` and `$SECONDS`.
    pub random: u32,
    pub seconds: u64,
    used: usize,
    bytes: usize,
    /// Bytes that were looked at beside those.
    looked_at: Cell<usize>,
    /// What the commands of `<(...)` printed, in order.
    pub substituted: Vec<String>,
}

/// The file that the nth `<(...)` of a command is.
pub fn substituted_path(n: usize) -> String {
    format!("/dev/fd/{}", 63_usize.saturating_sub(n))
}

type Expanded<T> = Result<T, Stop>;

impl<'a> Expansion<'a> {
    pub fn new(state: State, outputs: &'a [String], files: &'a dyn Fn() -> Vec<String>) -> Expansion<'a> {
        Expansion { state, outputs, files, random: 0, seconds: 0, used: 0, bytes: 0, looked_at: Cell::new(0), substituted: Vec::new() }
    }

    /// About how many bytes it went through.
    pub fn cost(&self) -> usize {
        self.bytes + self.looked_at.get() + OUTPUT_COST * self.used
    }

    /// Counts bytes that are moved without becoming part of a word.
    fn looks_at(&self, bytes: usize) {
        self.looked_at.set(self.looked_at.get() + bytes);
    }

    /// The fields that words become.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn words(&mut self, words: &[Word]) -> Expanded<Vec<String>> {
        let mut all = Vec::new();
        for word in words {
            let Some(braced) = brace::expand(word) else {
                return Err(Stop::Error(format!("brace expansion: more than {} words", brace::MOST_WORDS)));
            };
            for word in braced {
                let mut fields = Fields::new(self.state.field_separators());
                self.add_fields(&word, &mut fields)?;
                for field in fields.finish() {
                    match field.is_pattern.then(|| self.paths(&field.pattern)).filter(|found| !found.is_empty()) {
                        Some(found) => all.extend(found),
                        None => all.push(field.text),
                    }
                }
                if all.len() > MOST_WORDS {
                    return Err(Stop::Error("Argument list too long".into()));
                }
            }
        }
        Ok(all)
    }

    /// One word without splitting and without the names of files: a value, a path, a here-document.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn text(&mut self, word: &Word) -> Expanded<String> {
        let mut fields = Fields::whole();
        self.add_fields(word, &mut fields)?;
        Ok(fields.finish().pop().map(|field| field.text).unwrap_or_default())
    }

    /// One word as a pattern: what was quoted in it means itself.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn pattern(&mut self, word: &Word) -> Expanded<String> {
        let mut fields = Fields::whole();
        self.add_fields(word, &mut fields)?;
        Ok(fields.finish().pop().map(|field| field.pattern).unwrap_or_default())
    }

    /// The path that a redirection names.
    ///
    /// # Errors
    /// See [`Stop`]; several words are ambiguous.
    pub fn path(&mut self, word: &Word) -> Expanded<String> {
        let mut words = self.words(std::slice::from_ref(word))?;
        match words.len() {
            1 => Ok(words.remove(0)),
            _ => Err(Stop::Error(format!("{}: ambiguous redirect", shown(word)))),
        }
    }

    /// What an arithmetic expression is worth.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn number(&mut self, expression: &Word) -> Expanded<i64> {
        let text = self.text(expression)?;
        arithmetic::evaluate(&text, &mut self.state).map_err(Stop::Error)
    }

    fn add_fields(&mut self, word: &Word, fields: &mut Fields) -> Expanded<()> {
        for (n, part) in word.0.iter().enumerate() {
            match part {
                Part::Bare(text) if n == 0 && text.starts_with('~') => {
                    let end = text.find('/').unwrap_or(text.len());
                    let is_whole = end < text.len() || word.0.len() == 1;
                    if end == 1 && is_whole {
                        fields.quoted(self.state.get("HOME").unwrap_or(state::HOME));
                        fields.bare(&text[1..]);
                    } else {
                        fields.bare(text);
                    }
                }
                Part::Bare(text) => fields.bare(text),
                Part::Quoted(text) => fields.quoted(text),
                Part::Parameter { name, index, change, quoted } => self.parameter(name, index.as_ref(), change, *quoted, fields)?,
                Part::Output { list, quoted } => {
                    let Some(output) = self.outputs.get(self.used) else { return Err(Stop::Run(list.clone())) };
                    self.used += 1;
                    self.put(output.trim_end_matches('\n'), *quoted, fields)?;
                }
                Part::Process(list) => {
                    // Its output is whole before the command begins, which sees no difference unless it never ends.
                    let Some(output) = self.outputs.get(self.used) else { return Err(Stop::Run(list.clone())) };
                    self.used += 1;
                    self.count(output.len())?;
                    fields.quoted(&substituted_path(self.substituted.len()));
                    self.substituted.push(output.clone());
                }
                Part::Arithmetic { expression, quoted } => {
                    let number = self.number(expression)?;
                    self.put(&number.to_string(), *quoted, fields)?;
                }
            }
        }
        Ok(())
    }

    /// A value that was expanded.
    fn put(&mut self, value: &str, quoted: bool, fields: &mut Fields) -> Expanded<()> {
        self.count(value.len())?;
        if quoted {
            fields.quoted(value);
        } else {
            fields.split(value);
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Expanded<()> {
        self.bytes += bytes;
        if self.bytes > EXPANDED_BYTES { Err(Stop::Error("Argument list too long".into())) } else { Ok(()) }
    }

    /// The paths that a pattern means, spelled as the pattern is.
    fn paths(&self, pattern: &str) -> Vec<String> {
        let files = (self.files)();
        self.looks_at(PATH_COST * files.len());
        if pattern.starts_with('/') {
            return glob::paths(pattern, files.iter().map(String::as_str));
        }
        let folder = format!("{}/", self.state.folder.trim_end_matches('/'));
        let (before, pattern) = match pattern.strip_prefix("./") {
            Some(rest) => ("./", rest),
            None => ("", pattern),
        };
        let below = files.iter().filter_map(|path| path.strip_prefix(folder.as_str()));
        glob::paths(pattern, below).into_iter().map(|path| format!("{before}{path}")).collect()
    }
}

/// A word roughly as it was typed, for messages.
fn shown(word: &Word) -> String {
    let part = |part: &Part| match part {
        Part::Bare(text) | Part::Quoted(text) => text.clone(),
        Part::Parameter { name, .. } => format!("${name}"),
        Part::Output { .. } => "$(...)".into(),
        Part::Process(_) => "<(...)".into(),
        Part::Arithmetic { .. } => "$((...))".into(),
    };
    word.0.iter().map(part).collect()
}

/// The words of one simple command, with nothing set: for tests of what tools make of them.
#[cfg(test)]
pub fn words_of(line: &str) -> Vec<String> {
    let list = super::syntax::parse(line).unwrap();
    let super::syntax::Kind::Simple { words, .. } = &list.0[0].chain.first.stages[0].kind else { panic!("{line} is no simple command") };
    Expansion::new(State::new(1, "client"), &[], &Vec::new).words(words).unwrap()
}
