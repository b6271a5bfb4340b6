//! What runs another script or command: `eval`, `source`, `bash`, `timeout`, `ssh`.

use std::sync::Arc;

use crate::shell::expand::state::State;
use crate::shell::files::Files;
use crate::shell::run::frame::Frame;
use crate::shell::run::limits::{PARSED, bytes_of};
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::run::table::Work;
use crate::shell::syntax::parse;
use crate::shell::tools::span;
use crate::sim::time::Duration;

/// `ssh` waits so long for another machine.
pub(super) const CONNECT_PATIENCE: Duration = Duration::secs(10);

pub(super) fn eval(shell: &mut Shell, text: &str, cx: &mut Cx) {
    match parse(&shell.with_aliases(text)) {
        Ok(list) => {
            shell.state.status = 0;
            shell.push_holding(Frame::List { list: Arc::new(list), at: 0 }, PARSED * text.len(), cx);
        }
        Err(error) => {
            cx.complain(format!("bash: eval: {error}"));
            shell.finish(2, cx);
        }
    }
}

pub(super) fn source(shell: &mut Shell, name: &str, args: &[String], files: &Files, cx: &mut Cx) {
    let Some((path, rest)) = args.split_first() else {
        cx.complain(format!("bash: {name}: filename argument required"));
        return shell.finish(2, cx);
    };
    let Some(text) = files.get(path) else {
        cx.complain(format!("bash: {path}: No such file or directory"));
        return shell.finish(1, cx);
    };
    match parse(&shell.with_aliases(text)) {
        Ok(list) => {
            let args = if rest.is_empty() { shell.state.args.clone() } else { Arc::new(rest.to_vec()) };
            let before = std::mem::replace(&mut shell.state.args, args);
            let bytes = PARSED * text.len() + bytes_of(rest);
            shell.push_holding(Frame::Call { args: before, hidden: Vec::new() }, bytes, cx);
            shell.push(Frame::List { list: Arc::new(list), at: 0 }, cx);
        }
        Err(error) => {
            cx.complain(format!("bash: {path}: {error}"));
            shell.finish(2, cx);
        }
    }
}

/// `bash script args`, `bash -c 'commands'`, `bash`: a shell of its own.
pub(super) fn bash(shell: &mut Shell, args: &[String], files: &Files, cx: &mut Cx) {
    let (script, name, rest) = match args {
        [] => (None, "bash", args),
        [flag, script, rest @ ..] if flag == "-c" => {
            (Some(script.as_str()), rest.first().map_or("bash", String::as_str), rest.get(1..).unwrap_or_default())
        }
        [path, rest @ ..] if !path.starts_with('-') => match files.get(path) {
            Some(text) => (Some(text), path.as_str(), rest),
            None => {
                cx.complain(format!("bash: {path}: No such file or directory"));
                return shell.finish(127, cx);
            }
        },
        [flag, ..] => {
            cx.complain(format!("bash: {flag}: invalid option"));
            return shell.finish(2, cx);
        }
    };
    let frame = match script.map(parse) {
        None => Frame::Script { pending: String::new() },
        Some(Ok(list)) => Frame::List { list: Arc::new(list), at: 0 },
        Some(Err(error)) => {
            cx.complain(format!("{name}: {error}"));
            return shell.finish(2, cx);
        }
    };
    let mut child = shell.fork(frame);
    child.held.push((0, PARSED * script.map_or(0, str::len) + bytes_of(rest)));
    child.state.args = Arc::new(rest.to_vec());
    child.state.name = name.into();
    child.state.options = Default::default();
    child.state.aliases.clear();
    start_child(shell, child, cx);
}

pub(super) fn start_child(shell: &mut Shell, child: Shell, cx: &mut Cx) {
    if !cx.can_fork() {
        return shell.finish(254, cx);
    }
    let pid = shell.spawn(cx.job, cx.streams.clone(), Work::Shell(Box::new(child)), cx);
    shell.push(Frame::Children { pids: vec![pid], until: None }, cx);
}

pub(super) fn timeout(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut args = args;
    while args.first().is_some_and(|arg| arg.starts_with('-')) {
        // `-s KILL`, `-k 5`, `--foreground`: how it is ended makes no difference here.
        let takes = matches!(args[0].as_str(), "-s" | "-k");
        args = args.get(if takes { 2 } else { 1 }..).unwrap_or_default();
    }
    let (time, words) = match args {
        [time, words @ ..] if !words.is_empty() => (time, words),
        _ => {
            cx.complain("timeout: missing operand\nTry 'timeout --help' for more information.");
            return shell.finish(125, cx);
        }
    };
    let Some(span) = span(time) else {
        cx.complain(format!("timeout: invalid time interval '{time}'\nTry 'timeout --help' for more information."));
        return shell.finish(125, cx);
    };
    let Some(pid) = shell.spawn_words(words, cx.streams.input.clone(), cx) else { return shell.finish(254, cx) };
    let until = (span > Duration::ZERO).then(|| cx.env.now + span);
    shell.push(Frame::Children { pids: vec![pid], until }, cx);
}

/// `ssh HOST [COMMAND...]`: a shell that sees that machine's files.
pub(super) fn ssh(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut args = args;
    while args.first().is_some_and(|arg| arg.starts_with('-')) {
        let takes = matches!(args[0].as_str(), "-o" | "-p" | "-l" | "-i");
        args = args.get(if takes { 2 } else { 1 }..).unwrap_or_default();
    }
    let Some((target, command)) = args.split_first() else {
        cx.complain("usage: ssh destination [command [argument ...]]");
        return shell.finish(255, cx);
    };
    let host = target.rsplit('@').next().unwrap_or(target);
    if !cx.env.spec.hosts.iter().any(|known| known == host) {
        cx.complain(format!("ssh: Could not resolve hostname {host}: Name or service not known"));
        return shell.finish(255, cx);
    }
    let command = (!command.is_empty()).then(|| command.join(" "));
    if let Some(Err(error)) = command.as_deref().map(parse) {
        cx.complain(format!("bash: {error}"));
        return shell.finish(2, cx);
    }
    let read = Some(cx.env.out.list_of(host));
    let until = cx.env.now + CONNECT_PATIENCE;
    let mut child = Shell::new(State::new(shell.state.pid, host), cx.env.now);
    child.frames.push(Frame::Connect { read, host: host.into(), command, until });
    start_child(shell, child, cx);
}
