//! What there is: `type`, `which`, `history`.

use super::{IN_BASH, NAMES};
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::tools::{self, file, hosts, text};

pub(super) fn history(args: &[String], cx: &mut Cx) -> i32 {
    let all = cx.env.history.len();
    let last = args.first().and_then(|arg| arg.parse().ok()).unwrap_or(all);
    let lines: Vec<String> =
        cx.env.history.iter().enumerate().skip(all.saturating_sub(last)).map(|(n, line)| format!("{:>5}  {line}", n + 1)).collect();
    lines.into_iter().for_each(|line| cx.print(line, true));
    0
}

pub(super) fn which(shell: &Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
    let mut status = 0;
    for word in args.iter().filter(|arg| !arg.starts_with('-')) {
        let path = path_of(word);
        let said = match (name, path) {
            ("type", _) if shell.state.aliases.contains_key(word.as_str()) => {
                format!("{word} is aliased to `{}'", shell.state.aliases.get(word.as_str()).map_or("", |text| &text.value))
            }
            ("type", _) if shell.state.functions.contains_key(word.as_str()) => format!("{word} is a function"),
            ("type", _) if is_in_bash(word) => format!("{word} is a shell builtin"),
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

fn is_in_bash(name: &str) -> bool {
    NAMES.contains(&name) || IN_BASH.contains(&name)
}

/// Where a tool stands.
pub(in crate::shell::run) fn path_of(word: &str) -> Option<String> {
    let tool = tools::tool_name(word);
    if tools::kafka_table(tool).is_some() || tools::program::NAMES.contains(&tool) {
        return Some(format!("/opt/kafka/bin/{tool}.sh"));
    }
    let known = [text::NAMES, file::NAMES, hosts::NAMES, &["sleep"]];
    known.iter().any(|names| names.contains(&word)).then(|| format!("/usr/bin/{word}"))
}

/// `command -v NAME`: how the shell would run it.
pub(super) fn command(shell: &Shell, args: &[String], cx: &mut Cx) -> i32 {
    let names = match args {
        [flag, names @ ..] if flag == "-v" || flag == "-V" => names,
        [] => return 0,
        [flag, ..] => {
            cx.complain(format!("bash: command: {flag}: invalid option"));
            return 2;
        }
    };
    let mut status = i32::from(!names.is_empty());
    for name in names {
        let said = match shell.state.aliases.get(name.as_str()) {
            Some(text) => Some(format!("alias {name}='{}'", text.value)),
            None if shell.state.functions.contains_key(name.as_str()) || is_in_bash(name) => Some(name.clone()),
            None => path_of(name),
        };
        if let Some(said) = said {
            cx.print(said, true);
            status = 0;
        }
    }
    status
}
