//! What a shell does itself.

use std::sync::Arc;

use super::frame::{Frame, ReadLine, Xargs};
use super::shell::{Cx, Next, Shell};
use super::streams::In;
use super::table::{MAIN, Work, outcome};
use super::{Shown, test};
use crate::shell::expand::state::{State, absolute};
use crate::shell::files::Files;
use crate::shell::syntax::{is_name, parse};
use crate::shell::tools::hosts::{self, Done, Signal};
use crate::shell::tools::{file, help, span, text};
use crate::sim::time::Duration;

/// Builtins, for completion and `type`.
pub const NAMES: &[&str] = &[
    ".", ":", "[", "bash", "break", "cd", "clear", "continue", "declare", "env", "eval", "exit", "export", "false", "fg", "help",
    "history", "jobs", "kill", "let", "local", "printenv", "pwd", "read", "return", "set", "shift", "source", "ssh", "test", "timeout",
    "true", "type", "unset", "wait", "which", "xargs",
];

/// Of these, the ones that look at names of files.
pub(super) const LOOK_AROUND: &[&str] = &["[", "test", "cd"];

/// `ssh` waits so long for another machine.
const CONNECT_PATIENCE: Duration = Duration::secs(10);

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
        "sh" => true,
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
        "export" | "declare" | "typeset" => declare(shell, name, args, cx),
        "local" => local(shell, args, cx),
        "unset" => unset(shell, args),
        "set" => set(shell, args, cx),
        "shift" => shift(shell, args),
        "let" => arithmetic(shell, args, cx),
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
        "jobs" => jobs(shell, cx),
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

/// `export X=1`, `export X`, `export -p`
fn declare(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
    let exports = name == "export" || args.iter().any(|arg| arg.starts_with('-') && arg.contains('x'));
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    if names.is_empty() {
        let lines: Vec<String> =
            shell.state.variables().filter(|(_, v)| v.exported).map(|(name, v)| format!("declare -x {name}=\"{}\"", v.value)).collect();
        lines.into_iter().for_each(|line| cx.print(line, true));
        return 0;
    }
    let mut status = 0;
    for word in names {
        let (variable, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        if !is_name(variable) {
            cx.complain(format!("bash: {name}: `{word}': not a valid identifier"));
            status = 1;
            continue;
        }
        if let Some(Err(said)) = value.map(|value| shell.state.set(variable, value)) {
            cx.complain(format!("bash: {said}"));
            status = 1;
        }
        if exports {
            shell.state.export(variable);
        }
    }
    status
}

fn local(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let Some(call) = shell.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. })) else {
        cx.complain("bash: local: can only be used in a function");
        return 1;
    };
    for word in args.iter().filter(|arg| !arg.starts_with('-')) {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        if !is_name(name) {
            cx.complain(format!("bash: local: `{word}': not a valid identifier"));
            return 1;
        }
        let old = shell.state.variable(name).cloned();
        if let Frame::Call { hidden, .. } = &mut shell.frames[call] {
            hidden.push((name.to_owned(), old));
        }
        if let Err(said) = shell.state.set(name, value) {
            cx.complain(format!("bash: {said}"));
            return 1;
        }
    }
    0
}

fn unset(shell: &mut Shell, args: &[String]) -> i32 {
    for name in args.iter().filter(|arg| !arg.starts_with('-')) {
        if !args.iter().any(|arg| arg == "-f") && shell.state.get(name).is_some() {
            shell.state.unset(name);
        } else {
            shell.state.functions.remove(name.as_str());
        }
    }
    0
}

/// `set -e`, `set +x`, `set -o pipefail`, `set -- a b`
fn set(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut args = args.iter();
    if args.len() == 0 {
        let lines: Vec<String> = shell.state.variables().map(|(name, variable)| format!("{name}={}", variable.value)).collect();
        lines.into_iter().for_each(|line| cx.print(line, true));
        return 0;
    }
    while let Some(arg) = args.next() {
        let on = arg.starts_with('-');
        if arg == "--" || !(on || arg.starts_with('+')) {
            let mut rest: Vec<String> = if arg == "--" { Vec::new() } else { vec![arg.clone()] };
            rest.extend(args.cloned());
            shell.state.args = Arc::new(rest);
            return 0;
        }
        for letter in arg[1..].chars() {
            let options = &mut shell.state.options;
            match letter {
                'e' => options.errexit = on,
                'u' => options.nounset = on,
                'x' => options.xtrace = on,
                'o' => match args.next().map(String::as_str) {
                    Some("pipefail") => options.pipefail = on,
                    Some("errexit") => options.errexit = on,
                    Some("nounset") => options.nounset = on,
                    Some("xtrace") => options.xtrace = on,
                    other => {
                        cx.complain(format!("bash: set: {}: invalid option name", other.unwrap_or_default()));
                        return 2;
                    }
                },
                letter => {
                    cx.complain(format!("bash: set: {}{letter}: invalid option", if on { '-' } else { '+' }));
                    return 2;
                }
            }
        }
    }
    0
}

fn shift(shell: &mut Shell, args: &[String]) -> i32 {
    let count = args.first().map_or(Some(1), |arg| arg.parse::<usize>().ok());
    match count.filter(|count| *count <= shell.state.args.len()) {
        Some(count) => {
            shell.state.args = Arc::new(shell.state.args[count..].to_vec());
            0
        }
        None => 1,
    }
}

fn arithmetic(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut last = 0;
    for arg in args {
        match crate::shell::expand::arithmetic::evaluate(arg, &mut shell.state) {
            Ok(value) => last = value,
            Err(said) => {
                cx.complain(format!("bash: let: {said}"));
                return 1;
            }
        }
    }
    i32::from(last == 0)
}

/// `env`, `env X=1 command`, `printenv X`
fn env(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) {
    if name == "printenv" && !args.is_empty() {
        let values: Vec<String> = args.iter().filter_map(|name| shell.state.get(name).map(str::to_owned)).collect();
        let status = i32::from(values.len() < args.len());
        values.into_iter().for_each(|value| cx.print(value, true));
        return shell.finish(status, cx);
    }
    let is_assign = |arg: &&String| arg.split_once('=').is_some_and(|(name, _)| is_name(name));
    let assigns: Vec<&String> = args.iter().take_while(is_assign).collect();
    let rest = &args[assigns.len()..];
    let saved =
        assigns.iter().filter_map(|arg| arg.split_once('=')).map(|(name, _)| (name.to_owned(), shell.state.variable(name).cloned()));
    let saved: Vec<_> = saved.collect();
    for (name, value) in assigns.iter().filter_map(|arg| arg.split_once('=')) {
        // What has no room is as it was.
        let _ = shell.state.set(name, value);
        shell.state.export(name);
    }
    shell.push(Frame::Variables(saved), cx);
    if rest.is_empty() {
        let lines: Vec<String> =
            shell.state.variables().filter(|(_, v)| v.exported).map(|(name, variable)| format!("{name}={}", variable.value)).collect();
        lines.into_iter().for_each(|line| cx.print(line, true));
        return shell.finish(0, cx);
    }
    match shell.spawn_words(rest, cx.streams.input.clone(), cx) {
        Some(pid) => shell.push(Frame::Children { pids: vec![pid], until: None }, cx),
        None => shell.finish(254, cx),
    }
}

/// `read [-r] [-t SECONDS] [-p PROMPT] NAME...`
fn read(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut read = ReadLine { names: Vec::new(), raw: false, until: None, begun: String::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-r" => read.raw = true,
            "-s" | "-e" => {}
            "-t" => {
                let Some(time) = args.next().and_then(|time| span(time)) else {
                    cx.complain("bash: read: invalid timeout specification");
                    return shell.finish(1, cx);
                };
                read.until = Some(cx.env.now + time);
            }
            "-p" => {
                let prompt = args.next().cloned().unwrap_or_default();
                if cx.streams.input == In::Terminal {
                    cx.print(prompt, false);
                }
            }
            flag if flag.starts_with('-') && flag.len() > 1 => {
                cx.complain(format!("bash: read: {flag}: invalid option"));
                return shell.finish(2, cx);
            }
            name if is_name(name) => read.names.push(name.to_owned()),
            name => {
                cx.complain(format!("bash: read: `{name}': not a valid identifier"));
                return shell.finish(1, cx);
            }
        }
    }
    shell.push(Frame::Read(Box::new(read)), cx);
}

fn eval(shell: &mut Shell, text: &str, cx: &mut Cx) {
    match parse(text) {
        Ok(list) => {
            shell.state.status = 0;
            shell.push(Frame::List { list: Arc::new(list), at: 0 }, cx);
        }
        Err(error) => {
            cx.complain(format!("bash: eval: {error}"));
            shell.finish(2, cx);
        }
    }
}

fn source(shell: &mut Shell, name: &str, args: &[String], files: &Files, cx: &mut Cx) {
    let Some((path, rest)) = args.split_first() else {
        cx.complain(format!("bash: {name}: filename argument required"));
        return shell.finish(2, cx);
    };
    let Some(text) = files.get(path) else {
        cx.complain(format!("bash: {path}: No such file or directory"));
        return shell.finish(1, cx);
    };
    match parse(text) {
        Ok(list) => {
            let args = if rest.is_empty() { shell.state.args.clone() } else { Arc::new(rest.to_vec()) };
            let before = std::mem::replace(&mut shell.state.args, args);
            shell.push(Frame::Call { args: before, hidden: Vec::new() }, cx);
            shell.push(Frame::List { list: Arc::new(list), at: 0 }, cx);
        }
        Err(error) => {
            cx.complain(format!("bash: {path}: {error}"));
            shell.finish(2, cx);
        }
    }
}

/// `bash script args`, `bash -c 'commands'`, `bash`: a shell of its own.
fn bash(shell: &mut Shell, args: &[String], files: &Files, cx: &mut Cx) {
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
    child.state.args = Arc::new(rest.to_vec());
    child.state.name = name.into();
    child.state.options = Default::default();
    start_child(shell, child, cx);
}

fn start_child(shell: &mut Shell, child: Shell, cx: &mut Cx) {
    if cx.table.is_full() {
        cx.complain("bash: fork: retry: Resource temporarily unavailable");
        return shell.finish(254, cx);
    }
    let pid = shell.spawn(cx.job, cx.streams.clone(), Work::Shell(Box::new(child)), cx);
    shell.push(Frame::Children { pids: vec![pid], until: None }, cx);
}

fn timeout(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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

/// `xargs [-n MOST] [-I TEXT] [-r] [COMMAND [ARG]...]`
fn xargs(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut xargs = Xargs {
        command: Vec::new(),
        most: None,
        replace: None,
        skip_empty: false,
        words: std::collections::VecDeque::new(),
        all_read: false,
        ran: false,
        status: 0,
        child: None,
    };
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next_if(|arg| arg.starts_with('-')) {
        let (flag, inline) = arg.split_at(arg.len().min(2));
        let mut value = || if inline.is_empty() { args.next().cloned() } else { Some(inline.to_owned()) };
        match flag {
            "-r" | "-t" => xargs.skip_empty |= flag == "-r",
            "-n" | "-L" | "-P" => {
                let number = value().unwrap_or_default();
                match number.parse() {
                    Ok(most) if most > 0 => xargs.most = if flag == "-P" { xargs.most } else { Some(most) },
                    _ => {
                        cx.complain(format!("xargs: invalid number \"{number}\" for {flag} option"));
                        return shell.finish(1, cx);
                    }
                }
            }
            "-I" => xargs.replace = value(),
            flag => {
                cx.complain(format!("xargs: invalid option -- '{}'", flag.trim_start_matches('-')));
                return shell.finish(1, cx);
            }
        }
    }
    xargs.command = args.cloned().collect();
    if xargs.command.is_empty() {
        xargs.command.push("echo".into());
    }
    shell.push(Frame::Xargs(Box::new(xargs)), cx);
}

/// `ssh HOST [COMMAND...]`: a shell that sees that machine's files.
fn ssh(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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

fn wait(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut pids = Vec::new();
    for arg in args {
        let job = arg.strip_prefix('%').and_then(|number| shell.jobs.iter().find(|job| job.number.to_string() == number));
        match job.map(|job| job.pid).or_else(|| arg.parse().ok()) {
            Some(pid) => pids.push(pid),
            None => {
                cx.complain(format!("bash: wait: `{arg}': not a pid or valid job spec"));
                return shell.finish(1, cx);
            }
        }
    }
    if args.is_empty() {
        pids = shell.running_children();
    }
    shell.state.status = 0;
    shell.push(Frame::Wait { pids }, cx);
}

fn fg(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let wanted = args.first().map(|arg| arg.trim_start_matches('%').to_owned());
    let found = match &wanted {
        Some(number) => shell.jobs.iter().position(|job| job.number.to_string() == *number),
        None => shell.jobs.len().checked_sub(1),
    };
    let Some(at) = found.filter(|_| cx.pid == MAIN) else {
        cx.complain(format!("bash: fg: {}: no such job", wanted.as_deref().unwrap_or("current")));
        return shell.finish(1, cx);
    };
    let job = shell.jobs.remove(at);
    cx.print(job.text, true);
    cx.job = job.id;
    shell.push(Frame::Children { pids: vec![job.pid], until: None }, cx);
}

fn jobs(shell: &Shell, cx: &mut Cx) -> i32 {
    let last = shell.jobs.len();
    for (n, job) in shell.jobs.iter().enumerate() {
        let sign = if n + 1 == last {
            '+'
        } else if n + 2 == last {
            '-'
        } else {
            ' '
        };
        cx.print(format!("[{}]{sign}  {:<24}{} &", job.number, "Running", job.text), true);
    }
    0
}

/// `kill %1`, `kill 1001`
fn kill(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    if args.first().is_some_and(|arg| arg == "-l") {
        cx.print(" 1) SIGHUP\t 2) SIGINT\t 9) SIGKILL\t15) SIGTERM\n18) SIGCONT\t19) SIGSTOP", true);
        return 0;
    }
    let (signal, targets) = match hosts::signal(args) {
        Ok(asked) => asked,
        Err((said, status)) => {
            let Done { err, .. } = Done::failed(said, status);
            err.into_iter().for_each(|line| cx.complain(line));
            return status;
        }
    };
    let mut status = 0;
    for target in targets {
        let job = match target.strip_prefix('%') {
            Some(number) => shell.jobs.iter().find(|job| job.number.to_string() == number).map(|job| job.id),
            None => target.parse().ok().and_then(|pid| cx.table.job_of(pid)).filter(|job| *job != cx.job),
        };
        let said = match (job, signal) {
            (None, _) if target.starts_with('%') => format!("bash: kill: {target}: no such job"),
            (None, _) => format!("bash: kill: ({target}) - No such process"),
            (Some(job), Signal::Kill) => {
                cx.table.kill(job, cx.env);
                continue;
            }
            (Some(job), Signal::Term | Signal::Int) => {
                cx.table.interrupt(job, cx.env);
                continue;
            }
            (Some(_), Signal::Stop | Signal::Cont) => format!("bash: kill: {target}: jobs are not stopped and continued here"),
        };
        cx.complain(said);
        status = 1;
    }
    status
}

fn history(args: &[String], cx: &mut Cx) -> i32 {
    let all = cx.env.history.len();
    let last = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(all);
    let lines: Vec<String> =
        cx.env.history.iter().enumerate().skip(all.saturating_sub(last)).map(|(n, line)| format!("{:>5}  {line}", n + 1)).collect();
    lines.into_iter().for_each(|line| cx.print(line, true));
    0
}

fn which(shell: &Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
    let mut status = 0;
    for word in args.iter().filter(|arg| !arg.starts_with('-')) {
        let tool = crate::shell::tools::tool_name(word);
        let path = if crate::shell::tools::kafka_table(tool).is_some() {
            Some(format!("/opt/kafka/bin/{tool}.sh"))
        } else if text::NAMES.contains(&word.as_str())
            || file::NAMES.contains(&word.as_str())
            || hosts::NAMES.contains(&word.as_str())
            || word == "sleep"
        {
            Some(format!("/usr/bin/{word}"))
        } else {
            None
        };
        let said = match (name, path) {
            ("type", _) if shell.state.functions.contains_key(word.as_str()) => format!("{word} is a function"),
            ("type", _) if NAMES.contains(&word.as_str()) => format!("{word} is a shell builtin"),
            ("type", Some(path)) => format!("{word} is {path}"),
            (_, Some(path)) => path,
            ("type", None) => {
                cx.complain(format!("bash: type: {word}: not found"));
                status = 1;
                continue;
            }
            (_, None) => {
                status = 1;
                continue;
            }
        };
        cx.print(said, true);
    }
    status
}

/// A job's last line: `[1]+  Done    sleep 3`.
pub fn epitaph(number: u32, status: i32, text: &str) -> String {
    let status = outcome(status);
    format!("[{number}]+  {status:<24}{text}")
}

impl Shell {
    /// Gets on with `xargs`: reads arguments, runs the command with them.
    pub(super) fn xargs(&mut self, cx: &mut Cx) -> Next {
        /// Its input may have so many words.
        const MOST: usize = 100_000;
        let Some(Frame::Xargs(mut xargs)) = self.frames.pop() else { return Next::Blocked };
        if let Some(pid) = xargs.child {
            if self.runs(pid) {
                self.frames.push(Frame::Xargs(xargs));
                return Next::Blocked;
            }
            xargs.child = None;
            if self.take_status(pid).is_some_and(|status| status != 0) {
                xargs.status = 123;
            }
        }
        while !xargs.all_read {
            let (line, at_end) = match cx.input() {
                None => (None, true),
                Some(pipe) => (pipe.take(), pipe.at_end()),
            };
            match line {
                Some(line) if xargs.replace.is_some() => xargs.words.push_back(line.trim_start().to_owned()),
                Some(line) => xargs.words.extend(line.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned())),
                None if at_end => xargs.all_read = true,
                None => {
                    self.frames.push(Frame::Xargs(xargs));
                    return Next::Blocked;
                }
            }
            if xargs.words.len() > MOST {
                cx.complain("xargs: argument list too long");
                self.finish(1, cx);
                return Next::On;
            }
        }
        let due = !xargs.words.is_empty() || !(xargs.ran || xargs.skip_empty || xargs.replace.is_some());
        if !due {
            let status = xargs.status;
            self.finish(status, cx);
            return Next::On;
        }
        xargs.ran = true;
        let mut words = xargs.command.clone();
        match &xargs.replace {
            Some(text) => {
                let line = xargs.words.pop_front().unwrap_or_default();
                words.iter_mut().for_each(|word| *word = word.replace(text.as_str(), &line));
            }
            None => {
                let count = xargs.most.unwrap_or(usize::MAX).min(xargs.words.len());
                words.extend(xargs.words.drain(..count));
            }
        }
        xargs.child = self.spawn_words(&words, In::Null, cx);
        if xargs.child.is_none() {
            self.finish(254, cx);
            return Next::On;
        }
        self.push(Frame::Xargs(xargs), cx);
        Next::On
    }
}
