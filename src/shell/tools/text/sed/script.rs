//! What a sed script is once it was read.

use regex_lite::Regex;

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) negated: bool,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Address {
    Line(u64),
    Last,
    Matches(Regex),
    /// `1~2`
    Step(u64, u64),
    /// `/a/,+2`
    More(u64),
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Substitute {
        pattern: Regex,
        with: Vec<Piece>,
        all: bool,
        which: usize,
        print: bool,
    },
    Translate(Vec<(char, char)>),
    Print,
    PrintFirst,
    Delete,
    DeleteFirst,
    Quit(i32, bool),
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Next,
    Join,
    Hold {
        append: bool,
    },
    Get {
        append: bool,
    },
    Exchange,
    Label(String),
    Branch(String),
    BranchIf(String),
    /// `{`, with the number of the command behind its `}`.
    Block(usize),
    End,
}

/// A piece of what `s` puts in.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Group(usize),
    /// `\U`, `\L`, `\E`
    Letters(Option<bool>),
}
