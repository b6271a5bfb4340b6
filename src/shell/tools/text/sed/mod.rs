//! `sed [-nE] [-e SCRIPT]... [SCRIPT] [FILE]...`

mod parser;
mod run;
mod script;

use std::collections::VecDeque;

use self::parser::Parser;
use self::script::{Action, Command};
use super::args::Args;
use super::{Made, made};

#[derive(Clone, Debug)]
struct Sed {
    commands: Vec<Command>,
    /// Which ranges have begun, by command.
    active: Vec<bool>,
    /// On which line those end that hold for a number of lines.
    until: Vec<u64>,
    quiet: bool,
    /// The script looks at further lines (`n`, `N`): all input is taken first.
    whole: bool,
    buffer: VecDeque<(String, bool)>,
    /// How many bytes of its input it keeps, if it keeps all.
    kept: usize,
    at_end: bool,
    hold: String,
    number: u64,
    status: Option<i32>,
}

pub(super) fn sed(args: &[String]) -> Made {
    let mut args = Args::parse("sed", args, "nErsuz", "eil")?;
    if args.value('i').is_some() {
        return Err(("sed: -i is not here: write to another file and mv it".into(), 1));
    }
    let mut scripts: Vec<String> = args.values('e').map(str::to_owned).collect();
    if scripts.is_empty() {
        if args.operands.is_empty() {
            return Err(("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...".into(), 1));
        }
        scripts.push(args.operands.remove(0));
    }
    let script = scripts.join("\n");
    let mut parser =
        Parser { script: &script, at: 0, extended: args.flag('E') || args.flag('r'), commands: Vec::new(), open: Vec::new(), last: None };
    parser.commands().map_err(|said| (format!("sed: -e expression #1, char {}: {said}", parser.at), 1))?;
    let commands = parser.commands;
    let whole = commands.iter().any(|command| matches!(command.action, Action::Next | Action::Join | Action::DeleteFirst));
    let (active, until) = (vec![false; commands.len()], vec![0; commands.len()]);
    made(
        Sed {
            commands,
            active,
            until,
            quiet: args.flag('n'),
            whole,
            buffer: VecDeque::new(),
            kept: 0,
            at_end: false,
            hold: String::new(),
            number: 0,
            status: None,
        },
        args.operands,
    )
}
