//! What a shell does itself.

mod about;
mod aliases;
mod choosing;
pub mod jobs;
mod read;
mod scripts;
mod traps;
mod variables;
mod xargs;

pub(super) use self::about::path_of;
use self::about::{command, history, which};
use self::aliases::{alias, unalias};
use self::choosing::{getopts, select};
use self::jobs::{bg, disown, fg, jobs, kill, wait};
use self::read::{mapfile, read};
use self::scripts::{bash, eval, source, ssh, timeout};
use self::traps::trap;
use self::variables::{declare, env, let_, local, set, shift, unset};
use self::xargs::xargs;
use super::shell::{Cx, Shell};
use super::table::MAIN;
use super::{Shown, test};
use crate::shell::expand::state::absolute;
use crate::shell::files::Files;
use crate::shell::syntax::is_name;
use crate::shell::tools::{help, text};

/// Builtins, for completion and `type`.
pub const NAMES: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "bash",
    "bg",
    "break",
    "cd",
    "clear",
    "command",
    "continue",
    "declare",
    "disown",
    "env",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fg",
    "getopts",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "mapfile",
    "printenv",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "source",
    "ssh",
    "test",
    "timeout",
    "trap",
    "true",
    "type",
    "typeset",
    "unalias",
    "unset",
    "wait",
    "which",
    "xargs",
];

/// What is a tool here and bash does itself.
pub(super) const IN_BASH: [&str; 2] = ["echo", "printf"];

/// Of these, the ones that look at names of files.
pub(super) const LOOK_AROUND: &[&str] = &["[", "test", "cd"];

/// Words without what in front of them changes nothing here: `sudo`, `command`, `nohup`, `exec`.
pub(super) fn without_prefixes(words: &[String]) -> &[String] {
    let mut words = words;
    while words.len() > 1 && ["sudo", "command", "nohup", "exec", "builtin"].contains(&words[0].as_str()) && !words[1].starts_with('-') {
        words = &words[1..];
    }
    words
}

/// Whether this shell does it itself.
pub(super) fn is_builtin(name: &str, args: &[String]) -> bool {
    match name {
        "kill" => args.first().is_some_and(|arg| arg == "-l") || args.iter().any(|arg| is_process(arg)),
        "env" => true,
        // Without `-v` it is a tool.
        "printf" => args.first().is_some_and(|arg| arg == "-v"),
        "sh" | "select:show" | "select:choose" => true,
        name => NAMES.contains(&name),
    }
}

/// `%1`, `1001`: a process of this terminal, not a host.
fn is_process(word: &str) -> bool {
    word.starts_with('%') || word.parse().is_ok_and(|pid: u32| pid >= MAIN)
}

/// The files that a builtin reads; `None` if it is none.
pub(super) fn reads(name: &str, args: &[String]) -> Option<Vec<String>> {
    match name {
        "source" | "." => Some(args.first().cloned().into_iter().collect()),
        "bash" | "sh" if args.first().is_some_and(|arg| !arg.starts_with('-')) => Some(vec![args[0].clone()]),
        name if is_builtin(name, args) => Some(Vec::new()),
        _ => None,
    }
}

/// Runs a builtin: it is done, or a frame of it waits.
pub(super) fn run(shell: &mut Shell, name: &str, args: &[String], files: Files, cx: &mut Cx) {
    let status = match name {
        ":" | "true" => 0,
        "false" => 1,
        "break" | "continue" => return shell.leave_loops(name, args, cx),
        "return" => return shell.return_from(args, cx),
        "exit" => return exit(shell, args, cx),
        "[" | "test" => bracket(name, args, &files, cx),
        "cd" => cd(shell, args, &files, cx),
        "pwd" => {
            cx.print(shell.state.folder.to_string(), true);
            0
        }
        "export" | "declare" | "typeset" | "readonly" => declare(shell, name, args, cx),
        "local" => local(shell, args, cx),
        "unset" => unset(shell, args, cx),
        "set" => set(shell, args, cx),
        "shift" => shift(shell, args),
        "let" => let_(shell, args, cx),
        "env" | "printenv" => return env(shell, name, args, cx),
        "read" => return read(shell, args, cx),
        "eval" => return eval(shell, &args.join(" "), cx),
        "source" | "." => return source(shell, name, args, &files, cx),
        "bash" | "sh" => return bash(shell, args, &files, cx),
        "timeout" => return timeout(shell, args, cx),
        "xargs" => return xargs(shell, args, cx),
        "ssh" => return ssh(shell, args, cx),
        "wait" => return wait(shell, args, cx),
        "fg" => return fg(shell, args, cx),
        "bg" => bg(shell, args, cx),
        "disown" => disown(shell, args, cx),
        "jobs" => jobs(shell, args, cx),
        "alias" => alias(shell, args, cx),
        "unalias" => unalias(shell, args, cx),
        "trap" => trap(shell, args, cx),
        "mapfile" | "readarray" => return mapfile(shell, args, cx),
        "printf" => printf(shell, args, cx),
        "getopts" => getopts(shell, args, cx),
        "select:show" | "select:choose" => select(shell, name, args, cx),
        "command" => command(shell, args, cx),
        "exec" => {
            cx.complain("bash: exec: without a command it only redirects, and it has no options here");
            2
        }
        "kill" => kill(shell, args, cx),
        "history" => history(args, cx),
        "clear" => {
            cx.env.screen.push(Shown::Clear);
            0
        }
        "help" => {
            help::text().into_iter().for_each(|line| cx.print(line, true));
            0
        }
        "type" | "which" => which(shell, name, args, cx),
        _ => 0,
    };
    shell.finish(status, cx);
}

fn exit(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let status = args.first().map_or(shell.state.status, |arg| arg.parse::<i32>().map_or(2, |status| status & 255));
    if cx.pid == MAIN {
        cx.env.screen.push(Shown::Note { job: cx.job, text: "exit: this terminal stays open".into() });
    }
    shell.leave(status, cx);
    if cx.pid == MAIN {
        shell.run_exit_trap(cx);
    }
}

/// `printf -v NAME FORMAT [ARG]...`
fn printf(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let Some((name, args)) = args.get(1..).and_then(<[String]>::split_first) else {
        cx.complain("printf: usage: printf [-v var] format [arguments]");
        return 2;
    };
    let (text, wrong, status) = text::print_formatted(args);
    wrong.into_iter().for_each(|said| cx.complain(said));
    let element = name.strip_suffix(']').and_then(|name| name.split_once('['));
    let set = match element {
        Some((name, key)) if is_name(name) => shell.state.set_element(name, key, &text),
        None if is_name(name) => shell.state.set(name, &text),
        _ => Err(format!("printf: `{name}': not a valid identifier")),
    };
    match set {
        Ok(()) => status,
        Err(said) => {
            cx.complain(format!("bash: {said}"));
            1
        }
    }
}

fn bracket(name: &str, args: &[String], files: &Files, cx: &mut Cx) -> i32 {
    let words = match (name, args.split_last()) {
        ("test", _) => args,
        (_, Some((last, words))) if last == "]" => words,
        _ => {
            cx.complain("bash: [: missing `]'");
            return 2;
        }
    };
    let look = test::Look { entries: &files.entries, folder: &files.folder, name };
    match test::words(words, &look) {
        Ok(holds) => i32::from(!holds),
        Err(said) => {
            cx.complain(format!("bash: {}: {said}", look.name));
            2
        }
    }
}

fn cd(shell: &mut Shell, args: &[String], files: &Files, cx: &mut Cx) -> i32 {
    let old = shell.state.get("OLDPWD").unwrap_or_default().to_owned();
    let home = shell.state.get("HOME").unwrap_or_default().to_owned();
    let target = match args.first().map(String::as_str) {
        None => home,
        Some("-") => old,
        Some(target) => target.to_owned(),
    };
    let path = absolute(&shell.state.folder, &target);
    let base = shell.state.base();
    if path != base && !base.starts_with(&format!("{}/", path.trim_end_matches('/'))) && !files.is_folder(&path) {
        let why = if files.entry(&path).is_some() { "Not a directory" } else { "No such file or directory" };
        cx.complain(format!("bash: cd: {target}: {why}"));
        return 1;
    }
    let before = shell.state.folder.to_string();
    shell.state.folder = path.as_str().into();
    // Two short paths have room.
    let _ = shell.state.set("OLDPWD", &before).and_then(|()| shell.state.set("PWD", &path));
    0
}
