//! What a jq program is once it was read.

use std::sync::Arc;

use super::json::Json;

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Identity,
    RecurseAll,
    Literal(Json),
    /// `"a \(.b)"`, with the format in front of it.
    Text(Option<String>, Vec<Piece>),
    Format(String),
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    Iterate(Box<Expr>),
    Pipe(Box<Expr>, Box<Expr>),
    Comma(Box<Expr>, Box<Expr>),
    Array(Option<Box<Expr>>),
    Object(Vec<(Expr, Expr)>),
    Negate(Box<Expr>),
    Binary(Box<Expr>, &'static str, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Otherwise(Box<Expr>, Box<Expr>),
    Assign(Box<Expr>, &'static str, Box<Expr>),
    If(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    Try(Box<Expr>, Option<Box<Expr>>),
    Variable(String),
    Bind(Box<Expr>, Vec<Pattern>, Box<Expr>),
    Reduce(Box<Expr>, Pattern, Box<Expr>, Box<Expr>),
    Foreach(Box<Expr>, Pattern, Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Define(Arc<Definition>, Box<Expr>),
    Call(String, Vec<Expr>),
}

/// What `as` takes a value apart with.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Variable(String),
    Array(Vec<Pattern>),
    Object(Vec<(Expr, Pattern)>),
}

#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Value(Expr),
}

#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: String,
    pub params: Vec<String>,
    pub body: Expr,
}
