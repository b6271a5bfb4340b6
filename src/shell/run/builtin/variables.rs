//! Variables and the shell's own settings: `export`, `local`, `unset`, `set`, `shift`, `let`, `env`.

use std::sync::Arc;

use crate::shell::expand::arithmetic;
use crate::shell::expand::state::{Items, Variable};
use crate::shell::run::frame::Frame;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::syntax::is_name;

/// What `declare`, `export`, `readonly` and `local` are told by letters.
#[derive(Default)]
struct Flags {
    export: bool,
    readonly: bool,
    /// `-a`, `-A`: an array, a map.
    array: bool,
    map: bool,
    /// `-i`: a number, `-n`: another variable's name.
    number: bool,
    refers: bool,
    print: bool,
}

impl Flags {
    /// # Errors
    /// A letter that is not here.
    fn read(name: &str, args: &[String]) -> Result<Flags, String> {
        let mut flags = Flags { export: name == "export", readonly: name == "readonly", ..Flags::default() };
        for letter in args.iter().filter_map(|arg| arg.strip_prefix('-')).flat_map(str::chars) {
            match letter {
                'x' => flags.export = true,
                'r' => flags.readonly = true,
                'a' => flags.array = true,
                'A' => flags.map = true,
                'p' => flags.print = true,
                'i' => flags.number = true,
                'n' if name != "export" && name != "readonly" => flags.refers = true,
                'g' => {}
                letter => return Err(format!("bash: {name}: -{letter} is not here; -a, -A, -i, -n, -r, -x and -p are")),
            }
        }
        Ok(flags)
    }
}

/// `export X=1`, `declare -A M`, `readonly X`, `declare -p X`
pub(super) fn declare(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
    let flags = match Flags::read(name, args) {
        Ok(flags) => flags,
        Err(said) => {
            cx.complain(said);
            return 2;
        }
    };
    let names: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    if names.is_empty() || flags.print {
        return print(shell, name, &flags, &names, cx);
    }
    let mut status = 0;
    for word in names {
        if let Err(said) = declare_one(shell, name, &flags, word) {
            cx.complain(format!("bash: {said}"));
            status = 1;
        }
    }
    status
}

fn declare_one(shell: &mut Shell, name: &str, flags: &Flags, word: &str) -> Result<(), String> {
    let (variable, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if !is_name(variable) {
        return Err(format!("{name}: `{word}': not a valid identifier"));
    }
    let is_array = shell.state.variable(variable).is_some_and(|variable| variable.items.is_some());
    if (flags.array || flags.map) && !is_array {
        shell.state.set_items(variable, Items::new(flags.map))?;
    }
    if flags.refers {
        return shell.state.refer(variable, value.unwrap_or_default());
    }
    if flags.number {
        shell.state.make_number(variable)?;
    }
    if let Some(value) = value {
        shell.state.set(variable, value)?;
    }
    if flags.export {
        shell.state.export(variable);
    }
    if flags.readonly {
        shell.state.make_readonly(variable);
    }
    Ok(())
}

/// `declare -p`: variables as they could be declared again.
fn print(shell: &Shell, name: &str, flags: &Flags, names: &[&String], cx: &mut Cx) -> i32 {
    let fits = |name: &str, variable: &Variable| match names {
        [] => (variable.exported || !flags.export) && (variable.readonly || !flags.readonly),
        names => names.iter().any(|wanted| *wanted == name),
    };
    let lines: Vec<String> = shell
        .state
        .variables()
        .filter(|(name, variable)| fits(name, variable))
        .map(|(name, variable)| {
            let letters: String = [
                variable.items.as_ref().map(|items| if items.is_map { 'A' } else { 'a' }),
                variable.is_number.then_some('i'),
                variable.refers.then_some('n'),
                variable.readonly.then_some('r'),
                variable.exported.then_some('x'),
            ]
            .into_iter()
            .flatten()
            .collect();
            let letters = if letters.is_empty() { "-" } else { letters.as_str() };
            match &variable.items {
                None => format!("declare -{letters} {name}=\"{}\"", variable.value),
                Some(items) => {
                    let items: Vec<String> = items.iter().map(|(key, value)| format!("[{key}]=\"{value}\"")).collect();
                    format!("declare -{letters} {name}=({})", items.join(" "))
                }
            }
        })
        .collect();
    let missing = names.iter().filter(|name| shell.state.variable(name).is_none());
    let missing: Vec<String> = missing.map(|missing| format!("bash: {name}: {missing}: not found")).collect();
    lines.into_iter().for_each(|line| cx.print(line, true));
    let status = i32::from(!missing.is_empty());
    missing.into_iter().for_each(|line| cx.complain(line));
    status
}

pub(super) fn local(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let Some(call) = shell.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. })) else {
        cx.complain("bash: local: can only be used in a function");
        return 1;
    };
    let flags = match Flags::read("local", args) {
        Ok(flags) => flags,
        Err(said) => {
            cx.complain(said);
            return 2;
        }
    };
    for word in args.iter().filter(|arg| !arg.starts_with('-')) {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        let hidden = if let Frame::Call { hidden, .. } = &mut shell.frames[call] { Some(hidden) } else { None };
        // What it hides comes back when the function ends; a second `local` hides nothing more.
        let hides = is_name(name) && hidden.as_ref().is_some_and(|hidden| hidden.iter().all(|(known, _)| known != name));
        if hides {
            let old = shell.state.variable(name).cloned();
            let bytes = name.len() + old.as_ref().map_or(0, Variable::bytes);
            shell.state.unset(name);
            hidden.into_iter().for_each(|hidden| hidden.push((name.to_owned(), old.clone())));
            shell.hold(call, bytes, cx);
        }
        let is_whole = word.contains('=') || flags.array || flags.map || !hides;
        let with_value = if is_whole { word.clone() } else { format!("{word}=") };
        if let Err(said) = declare_one(shell, "local", &flags, &with_value) {
            cx.complain(format!("bash: {said}"));
            return 1;
        }
    }
    0
}

/// `unset X`, `unset 'X[0]'`, `unset -f name`
pub(super) fn unset(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut status = 0;
    for word in args.iter().filter(|arg| !arg.starts_with('-')) {
        let (name, key) =
            word.strip_suffix(']').and_then(|word| word.split_once('[')).map_or((word.as_str(), None), |(n, key)| (n, Some(key)));
        match shell.state.variable(name) {
            Some(variable) if !args.iter().any(|arg| arg == "-f") => {
                if variable.readonly {
                    cx.complain(format!("bash: unset: {name}: cannot unset: readonly variable"));
                    status = 1;
                } else if let Some(key) = key {
                    let is_map = variable.items.as_ref().is_some_and(|items| items.is_map);
                    let number = (!is_map).then(|| arithmetic::evaluate(key, &mut shell.state));
                    match number {
                        None => shell.state.unset_element(name, key),
                        Some(Ok(number)) => shell.state.unset_element(name, &number.to_string()),
                        Some(Err(said)) => {
                            cx.complain(format!("bash: unset: {said}"));
                            status = 1;
                        }
                    }
                } else {
                    shell.state.unset(name);
                }
            }
            _ => drop(shell.state.functions.remove(name)),
        }
    }
    status
}

/// `set -e`, `set +x`, `set -o pipefail`, `set -- a b`
pub(super) fn set(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut args = args.iter();
    if args.len() == 0 {
        let shown = |(name, variable): (&Arc<str>, &Variable)| format!("{name}={}", variable.text().unwrap_or_default());
        let lines: Vec<String> = shell.state.variables().map(shown).collect();
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
                'o' if args.len() == 0 => {
                    let shown = [
                        ("errexit", options.errexit),
                        ("nounset", options.nounset),
                        ("pipefail", options.pipefail),
                        ("xtrace", options.xtrace),
                    ];
                    shown.iter().for_each(|(name, on)| cx.print(format!("{name:<15}\t{}", if *on { "on" } else { "off" }), true));
                }
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

pub(super) fn let_(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut last = 0;
    for arg in args {
        match arithmetic::evaluate(arg, &mut shell.state) {
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
    shell.push_saved(saved, cx);
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
