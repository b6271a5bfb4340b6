//! `trap`: commands for the shell's end, for failures, for Ctrl-C.

use std::sync::Arc;

use crate::shell::expand::state::Variable;
use crate::shell::run::frame::Frame;
use crate::shell::run::limits::PARSED;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::syntax::parse;

/// At what a command can be run.
const NAMES: &[(&str, &str)] = &[("EXIT", "0"), ("ERR", "ERR"), ("HUP", "1"), ("INT", "2"), ("TERM", "15")];

/// `trap COMMAND NAME...`, `trap - NAME...`, `trap`
pub(super) fn trap(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let args = if args.first().is_some_and(|arg| arg == "--") { &args[1..] } else { args };
    let (command, names) = match args {
        [] => return print(shell, &[], cx),
        [flag, names @ ..] if flag == "-p" => return print(shell, names, cx),
        // One word alone is a signal that is not trapped any more.
        [name] => (None, std::slice::from_ref(name)),
        [command, names @ ..] => (Some(command.as_str()).filter(|command| *command != "-"), names),
    };
    let mut status = 0;
    for name in names {
        let Some(known) = known(name) else {
            cx.complain(format!("bash: trap: {name}: is not here; EXIT, ERR, HUP, INT and TERM are"));
            status = 1;
            continue;
        };
        match command {
            Some(command) => drop(shell.state.traps.insert(known.into(), Variable { value: command.into(), ..Variable::default() })),
            None => drop(shell.state.traps.remove(known)),
        }
    }
    status
}

fn known(name: &str) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    NAMES.iter().find(|(name, number)| *name == short || *number == short).map(|(name, _)| *name)
}

fn print(shell: &Shell, names: &[String], cx: &mut Cx) -> i32 {
    let wanted: Vec<&str> = names.iter().filter_map(|name| known(name)).collect();
    let shown = shell.state.traps.iter().filter(|(name, _)| names.is_empty() || wanted.contains(&&***name));
    let lines: Vec<String> = shown
        .map(|(name, command)| {
            let sig = if ["EXIT", "ERR"].contains(&&**name) { "" } else { "SIG" };
            format!("trap -- '{}' {sig}{name}", command.value.replace('\'', "'\\''"))
        })
        .collect();
    lines.into_iter().for_each(|line| cx.print(line, true));
    0
}

impl Shell {
    /// Whether something is to be done at this; an empty command is one too.
    pub(in crate::shell::run) fn traps(&self, name: &str) -> bool {
        self.state.traps.contains_key(name)
    }

    /// Runs a trap's command; the status is as before when it has ended.
    pub(in crate::shell::run) fn run_trap(&mut self, name: &str, cx: &mut Cx) {
        let Some(command) = self.state.traps.get(name).map(|trap| trap.value.clone()) else { return };
        match parse(&command) {
            Ok(list) => {
                self.push(Frame::Trap { status: self.state.status }, cx);
                self.push_holding(Frame::List { list: Arc::new(list), at: 0 }, PARSED * command.len(), cx);
            }
            Err(error) => cx.complain(format!("bash: trap: {error}")),
        }
    }

    /// At the shell's end: once.
    pub(in crate::shell::run) fn run_exit_trap(&mut self, cx: &mut Cx) {
        if self.traps("EXIT") {
            self.run_trap("EXIT", cx);
            self.state.traps.remove("EXIT");
        }
    }
}
