//! `xargs`

use crate::shell::run::frame::{Frame, Xargs};
use crate::shell::run::limits::ARGS_BYTES;
use crate::shell::run::shell::{Cx, Next, Shell};
use crate::shell::run::streams::In;
use crate::shell::tools::text::KEPT_BYTES;

/// `xargs [-n MOST] [-I TEXT] [-r] [COMMAND [ARG]...]`
pub(super) fn xargs(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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
        bytes: 0,
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

impl Shell {
    /// Gets on with `xargs`: reads arguments, runs the command with them.
    pub(in crate::shell::run) fn xargs(&mut self, cx: &mut Cx) -> Next {
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
                Some(line) if xargs.replace.is_some() => {
                    xargs.bytes += line.len();
                    xargs.words.push_back(line.trim_start().to_owned());
                }
                Some(line) => {
                    xargs.bytes += line.len();
                    xargs.words.extend(line.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()));
                }
                None if at_end => xargs.all_read = true,
                None => {
                    self.frames.push(Frame::Xargs(xargs));
                    return Next::Blocked;
                }
            }
            if xargs.words.len() > MOST || xargs.bytes > KEPT_BYTES {
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
                let mut room = ARGS_BYTES.saturating_sub(xargs.command.iter().map(|word| word.len() + 1).sum());
                let fits = |word: &&String| {
                    let left = room.checked_sub(word.len() + 1);
                    room = left.unwrap_or(0);
                    left.is_some()
                };
                // One that is longer than all the room is refused by who starts the command.
                let fitting = xargs.words.iter().take_while(fits).count().max(1);
                let count = xargs.most.unwrap_or(usize::MAX).min(fitting).min(xargs.words.len());
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
