//! Command lines of Kafka's tools, made of the options in their tables.

use super::Dice;
use crate::shell::argparse::Parser;
use crate::shell::options::{Opt, Options};
use crate::shell::tools::{Tool, help, kafka_table, program};

/// The names of a tool's options, without dashes.
fn names(tool: &str) -> Vec<&'static str> {
    let table: &[Opt] = kafka_table(tool).unwrap_or_default();
    let parser = program::parser(tool);
    let of_parser = |parser: &'static Parser| {
        let arguments = parser.commands.iter().flat_map(|command| command.arguments).chain(parser.arguments);
        arguments.flat_map(|argument| argument.flags).map(|flag| flag.trim_start_matches('-'))
    };
    table.iter().map(|opt| opt.name).chain(parser.into_iter().flat_map(of_parser)).chain(["help", "version", "nothing"]).collect()
}

/// A tool of Kafka's.
fn tool(dice: &mut Dice) -> &'static str {
    let all = help::KAFKA.len() + program::NAMES.len() + 2;
    match dice.below(all) {
        n if n < help::KAFKA.len() => help::KAFKA[n],
        n => program::NAMES.get(n - help::KAFKA.len()).copied().unwrap_or(if n % 2 == 0 { "kcat" } else { "kaf" }),
    }
}

/// The arguments of one, most of which make no sense.
fn args(dice: &mut Dice, tool: &str) -> Vec<String> {
    let names = names(tool);
    let mut args: Vec<String> = (0..dice.below(7)).map(|_| option(dice, &names)).collect();
    if let Some(parser) = program::parser(tool).filter(|parser| !parser.commands.is_empty() && dice.below(4) > 0) {
        let at = dice.below(args.len() + 1);
        args.insert(at, parser.commands[dice.below(parser.commands.len())].name.to_owned());
    }
    args
}

/// A line with a tool in it.
pub(super) fn line(dice: &mut Dice) -> String {
    let tool = tool(dice);
    let quoted =
        |arg: String| if arg.contains(['(', '*', '{', '[', '\'']) || arg.is_empty() { format!("'{}'", arg.replace('\'', "")) } else { arg };
    let args: Vec<String> = args(dice, tool).into_iter().map(quoted).collect();
    format!("{tool}.sh {}", args.join(" "))
}

/// Has a tool's options read, and the files that they name.
pub(super) fn try_tables(dice: &mut Dice) {
    let tool = tool(dice);
    let args = args(dice, tool);
    // What is wrong with them makes no difference here.
    if let Some(table) = kafka_table(tool) {
        drop(Options::parse(table, &args));
    }
    if let Some(parser) = program::parser(tool) {
        drop(parser.parse(&args));
    }
    Tool::reads(tool, &args);
}

/// A word that could stand behind a tool of Kafka's.
fn option(dice: &mut Dice, names: &[&str]) -> String {
    let name = dice.one_of(names);
    let value = dice.one_of(&[
        "",
        "a",
        "-1",
        "0",
        "99999999999999999999",
        "a=b",
        "a:1",
        "kafka-1:9092",
        "{",
        "[0,1]",
        "é",
        ",",
        "a,b",
        "*",
        "(",
        "--help",
        "x=y,z",
    ]);
    match dice.below(6) {
        0 => format!("--{name}"),
        1 => format!("--{name}={value}"),
        2 => format!("-{name}"),
        3 => value.to_owned(),
        4 => format!("--{name}{value}"),
        _ => "--".to_owned(),
    }
}
