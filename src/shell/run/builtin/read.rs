//! `read`

use crate::shell::run::frame::{Frame, Lines, ReadLine};
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::run::streams::In;
use crate::shell::syntax::is_name;
use crate::shell::tools::span;

/// `read [-r] [-t SECONDS] [-p PROMPT] NAME...`
pub(super) fn read(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut read = ReadLine { names: Vec::new(), raw: false, until: None, begun: String::new(), array: false, lines: None };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-r" => read.raw = true,
            "-a" | "-ra" => (read.raw, read.array) = (read.raw || arg == "-ra", true),
            "-rp" => {
                read.raw = true;
                prompt(args.next(), cx);
            }
            "-s" | "-e" => {}
            "-t" => {
                let Some(time) = args.next().and_then(|time| span(time)) else {
                    cx.complain("bash: read: invalid timeout specification");
                    return shell.finish(1, cx);
                };
                read.until = Some(cx.env.now + time);
            }
            "-p" => prompt(args.next(), cx),
            "-d" | "-n" | "-N" | "-u" => {
                cx.complain(format!("bash: read: {arg} is not here: a whole line of standard input is read"));
                return shell.finish(2, cx);
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

fn prompt(text: Option<&String>, cx: &mut Cx) {
    if let (Some(text), In::Terminal) = (text, &cx.streams.input) {
        cx.print(text.as_str(), false);
    }
}

/// `mapfile [-t] [NAME]`: all lines into an array.
pub(super) fn mapfile(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut lines = Lines::default();
    let mut names = Vec::new();
    for arg in args {
        match arg.as_str() {
            "-t" => lines.without_breaks = true,
            name if is_name(name) && names.is_empty() => names.push(name.to_owned()),
            other => {
                cx.complain(format!("bash: mapfile: {other} is not here: mapfile [-t] [NAME] is"));
                return shell.finish(2, cx);
            }
        }
    }
    let read = ReadLine { names, raw: true, until: None, begun: String::new(), array: false, lines: Some(lines) };
    shell.push(Frame::Read(Box::new(read)), cx);
}
