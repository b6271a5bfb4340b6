//! What there is: `type`, `which`, `history`.

use super::NAMES;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::tools::{file, hosts, text};

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
