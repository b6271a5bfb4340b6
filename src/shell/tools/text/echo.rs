//! Tools that print without reading: `echo`, `printf`, `date`, `basename`, `dirname`, and what went wrong with arguments.

use super::{Filter, Made, made};
use crate::shell::escapes::decode;
use crate::shell::pipe::Printer;

/// A tool that knows what it prints.
#[derive(Clone, Debug)]
pub(super) struct Says {
    pub(super) out: String,
    pub(super) err: Option<String>,
    pub(super) status: i32,
}

impl Says {
    pub(super) fn status(status: i32) -> Says {
        Says { out: String::new(), err: None, status }
    }

    pub(super) fn text(out: String) -> Says {
        Says { out, err: None, status: 0 }
    }

    pub(super) fn failed(said: String, status: i32) -> Says {
        Says { out: String::new(), err: Some(said), status }
    }
}

impl Filter for Says {
    fn line(&mut self, _line: String, _ended: bool, _print: &mut Printer) -> Option<i32> {
        Some(self.status)
    }

    fn is_done(&self) -> bool {
        true
    }

    fn produce(&mut self, print: &mut Printer) -> Option<i32> {
        let out = std::mem::take(&mut self.out);
        match out.strip_suffix('\n') {
            Some(line) => print.line(line),
            None if out.is_empty() => {}
            None => print.text(out),
        }
        self.err.take().into_iter().for_each(|said| print.error(said));
        if print.broken && !print.pieces.is_empty() {
            return Some(super::BROKEN_PIPE);
        }
        Some(self.status)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// `echo [-neE] WORD...`
pub(super) fn echo(args: &[String]) -> Made {
    let is_flags = |arg: &&String| arg.len() > 1 && arg.starts_with('-') && arg[1..].chars().all(|c| "neE".contains(c));
    let flags: Vec<&String> = args.iter().take_while(is_flags).collect();
    let has = |flag: char| flags.iter().any(|arg| arg.contains(flag));
    let mut text = args[flags.len()..].join(" ");
    let mut stop = has('n');
    if has('e') {
        let decoded = decode(&text);
        stop |= decoded.stop;
        text = decoded.text;
    }
    if !stop {
        text.push('\n');
    }
    made(Says::text(text), Vec::new())
}

/// `basename PATH [SUFFIX]`, `dirname PATH`
pub(super) fn path(name: &str, args: &[String]) -> Made {
    let Some(path) = args.first() else {
        return Err((format!("{name}: missing operand\nTry '{name} --help' for more information."), 1));
    };
    let trimmed = path.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed };
    let text = match (name, trimmed.rsplit_once('/')) {
        ("basename", _) if trimmed == "/" => "/",
        ("basename", Some((_, last))) => last,
        ("basename", None) => trimmed,
        (_, Some(("", _))) => "/",
        (_, Some((folder, _))) => folder.trim_end_matches('/'),
        (_, None) => ".",
    };
    let suffix = args.get(1).filter(|suffix| name == "basename" && suffix.as_str() != text);
    let text = suffix.and_then(|suffix| text.strip_suffix(suffix.as_str())).unwrap_or(text);
    made(Says::text(format!("{text}\n")), Vec::new())
}
