//! What an awk program is once it was read.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_lite::Regex;

#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    pub rules: Vec<Rule>,
    pub functions: BTreeMap<String, Function>,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub params: Vec<String>,
    pub body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub when: When,
    /// `None`: the line is printed.
    pub body: Option<Vec<Statement>>,
}

#[derive(Clone, Debug)]
pub(super) enum When {
    Begin,
    End,
    Always,
    If(Expr),
    Range(Expr, Expr),
}

#[derive(Clone, Debug)]
pub(super) enum Statement {
    Expr(Expr),
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    If(Expr, Vec<Statement>, Vec<Statement>),
    While { condition: Expr, body: Vec<Statement>, step: Option<Box<Statement>>, body_first: bool },
    ForIn(String, String, Vec<Statement>),
    Block(Vec<Statement>),
    Delete(String, Option<Vec<Expr>>),
    Next,
    Break,
    Continue,
    Exit(Option<Expr>),
    Return(Option<Expr>),
}

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(Arc<str>),
    Regex(Regex),
    Variable(String),
    Element(String, Vec<Expr>),
    Field(Box<Expr>),
    Assign(Box<Expr>, Option<&'static str>, Box<Expr>),
    /// `++x`, `x--`: by how much, and whether the old value counts.
    Step(Box<Expr>, f64, bool),
    Unary(&'static str, Box<Expr>),
    Binary(Box<Expr>, &'static str, Box<Expr>),
    Matches(Box<Expr>, Box<Expr>, bool),
    In(Vec<Expr>, String),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
}
