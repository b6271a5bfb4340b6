//! `read`

use crate::shell::run::frame::{Frame, ReadLine};
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::run::streams::In;
use crate::shell::syntax::is_name;
use crate::shell::tools::span;

/// `read [-r] [-t SECONDS] [-p PROMPT] NAME...`
pub(super) fn read(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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
