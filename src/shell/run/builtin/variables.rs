//! Variables and the shell's own settings: `export`, `local`, `unset`, `set`, `shift`, `let`, `env`.

use std::sync::Arc;

use crate::shell::run::frame::Frame;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::syntax::is_name;

/// `export X=1`, `export X`, `export -p`
pub(super) fn declare(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
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

pub(super) fn local(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
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

pub(super) fn unset(shell: &mut Shell, args: &[String]) -> i32 {
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
pub(super) fn set(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
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

pub(super) fn shift(shell: &mut Shell, args: &[String]) -> i32 {
    let count = args.first().map_or(Some(1), |arg| arg.parse::<usize>().ok());
    match count.filter(|count| *count <= shell.state.args.len()) {
        Some(count) => {
            shell.state.args = Arc::new(shell.state.args[count..].to_vec());
            0
        }
        None => 1,
    }
}

pub(super) fn arithmetic(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
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
pub(super) fn env(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) {
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
