//! The shell's language: what a script is once it was read ([`parse`]), and why it could not be.
//!
//! The grammar is bash's, as far as it is typed at a prompt; what is not here is refused by name, never run as something else.

mod alias;
mod command;
mod cursor;
mod here;
mod parameter;
mod redirect;
mod simple;
mod test;
mod word;

use std::sync::Arc;

pub use self::alias::with_aliases;
pub use self::command::parse;

/// Commands, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<Item>);

/// A chain of pipelines, and whether it ended in `&`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub chain: Arc<Chain>,
    pub background: bool,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub first: Arc<Pipeline>,
    pub rest: Vec<(Joint, Arc<Pipeline>)>,
    /// As it was typed, for `jobs`.
    pub text: String,
}

/// Whether the next pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `&&`: if the one before succeeded.
    And,
    /// `||`: if it failed.
    Or,
}

/// Commands whose output goes to the next one's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// `! a | b`
    pub negated: bool,
    /// `time a | b`
    pub timed: bool,
    /// At least one.
    pub stages: Vec<Arc<Command>>,
}

/// A command with what is redirected for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub kind: Kind,
    pub redirects: Vec<Redirect>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Simple {
        assigns: Vec<Assign>,
        words: Vec<Word>,
    },
    /// `{ ...; }`
    Group(Arc<List>),
    /// `( ... )`
    Subshell(Arc<List>),
    If {
        /// Conditions and what follows if they hold.
        branches: Vec<(Arc<List>, Arc<List>)>,
        otherwise: Option<Arc<List>>,
    },
    /// `while`, `until`, and `for ((...))` with its step.
    Loop {
        until: bool,
        condition: Arc<List>,
        body: Arc<List>,
        step: Option<Arc<List>>,
    },
    For {
        name: String,
        /// `None`: the positional parameters.
        words: Option<Vec<Word>>,
        body: Arc<List>,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<Word>, Arc<List>)>,
    },
    Function {
        name: String,
        body: Arc<Command>,
        /// The length of its text.
        bytes: usize,
    },
    /// `[[ ... ]]`
    Test(Condition),
    /// `(( ... ))`
    Arithmetic(Word),
}

/// `X=1`, `X+=1`, `X[0]=1`, `X=(1 2)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assign {
    pub name: String,
    /// `X[index]=...`
    pub index: Option<Word>,
    pub value: Assigned,
    pub append: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    One(Word),
    /// `(a b [k]=c)`: keys, where they are given, and words.
    Array(Vec<(Option<Word>, Word)>),
}

/// Which elements of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// `[@]`: each as a word of its own.
    Each,
    /// `[*]`: all in one word.
    All,
    At(Word),
}

/// A word, not yet expanded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word(pub Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it stands; `*`, `?`, `[` and braces mean something in it.
    Bare(String),
    /// From quotes or behind a backslash.
    Quoted(String),
    Parameter {
        name: String,
        index: Option<Index>,
        change: Change,
        quoted: bool,
    },
    /// `$(...)`, `` `...` ``
    Output {
        list: Arc<List>,
        quoted: bool,
    },
    /// `<(...)`: a file of what the commands print.
    Process(Arc<List>),
    /// `$((...))`
    Arithmetic {
        expression: Word,
        quoted: bool,
    },
}

/// What `${X...}` makes of a parameter's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    /// `${#X}`
    Length,
    /// `${!X[@]}`: the keys; `${!X}`: the value of the variable that X names.
    Bang,
    /// `${X:-word}` and its like; `or_empty` with the colon.
    Unset {
        or_empty: bool,
        then: Unset,
        word: Word,
    },
    /// `${X#pattern}`, `${X##pattern}`
    Prefix {
        longest: bool,
        pattern: Word,
    },
    /// `${X%pattern}`, `${X%%pattern}`
    Suffix {
        longest: bool,
        pattern: Word,
    },
    /// `${X/pattern/with}`, `${X//pattern/with}`
    Replace {
        all: bool,
        pattern: Word,
        with: Word,
    },
    /// `${X:offset:length}`
    Substring {
        offset: Word,
        length: Option<Word>,
    },
    /// `${X^^}`, `${X,}`
    Letters {
        upper: bool,
        all: bool,
    },
}

/// What to do about a parameter that has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// `-`
    Use,
    /// `=`
    Assign,
    /// `?`
    Fail,
    /// `+`: the word if there is a value.
    Instead,
}

/// A stream redirected: 0, 1 or 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub stream: u8,
    pub target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `<f`
    Read(Word),
    /// `>f`, `>>f`
    Write { path: Word, append: bool },
    /// `&>f`: both streams.
    WriteBoth { path: Word, append: bool },
    /// `2>&1`
    Same(u8),
    /// `<<EOF`, `<<<word`: the text.
    Text(Word),
    /// `2>&-`
    Nowhere,
}

/// What `[[ ... ]]` asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    /// `-n word`
    Unary(String, Word),
    /// `a == b`
    Binary(Word, String, Word),
}

/// Why a script cannot be run, as the shell says it (behind `bash: `).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    #[error("syntax error near unexpected token `{0}'")]
    Unexpected(String),
    #[error("unexpected EOF while looking for matching `{0}'")]
    Unclosed(&'static str),
    #[error("syntax error: unexpected end of file")]
    UnexpectedEnd,
    #[error("here-document delimited by end-of-file (wanted `{0}')")]
    HereDocument(String),
    #[error("{0}: bad substitution")]
    BadSubstitution(String),
    #[error("this terminal has no {0}")]
    Unsupported(&'static str),
    #[error("syntax error: more than {MAX_DEPTH} constructs within each other")]
    TooDeep,
}

/// A longer script is not read.
pub const SCRIPT_BYTES: usize = 128 << 10;
/// Constructs may be nested so deeply.
pub const MAX_DEPTH: usize = 40;

impl SyntaxError {
    /// Whether more lines could make it whole.
    pub fn is_incomplete(&self) -> bool {
        matches!(self, SyntaxError::Unclosed(_) | SyntaxError::UnexpectedEnd | SyntaxError::HereDocument(_))
    }
}

impl Word {
    /// The word's text if nothing in it is to be expanded, and nothing is quoted.
    pub fn bare(&self) -> Option<&str> {
        match &self.0[..] {
            [Part::Bare(text)] => Some(text),
            _ => None,
        }
    }

    pub fn text(text: impl Into<String>) -> Word {
        Word(vec![Part::Quoted(text.into())])
    }
}

/// Whether this is one command without `;`, `&`, `&&`, `||` or `|`: what can simply be given an input.
pub fn is_one_command(text: &str) -> bool {
    let Ok(list) = parse(text) else { return false };
    match &list.0[..] {
        [Item { chain, background: false }] => chain.rest.is_empty() && chain.first.stages.len() == 1,
        _ => false,
    }
}

/// Whether a text can be a variable's name.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
