//! Jobs: `wait`, `fg`, `jobs`, `kill`.

use crate::shell::run::frame::{Awaited, Frame};
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::run::table::{MAIN, outcome};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::hosts::signals::{self, Signal};

pub(super) fn wait(shell: &mut Shell, args: &[String], cx: &mut Cx) {
    let mut pids = Vec::new();
    let any = args.first().is_some_and(|arg| arg == "-n");
    let args = if any { &args[1..] } else { args };
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
    let which = match (any, args.is_empty()) {
        (true, _) => Awaited::Any,
        (false, true) => Awaited::All,
        (false, false) => Awaited::Named,
    };
    shell.push(Frame::Wait { pids, which }, cx);
}

pub(super) fn fg(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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

pub(super) fn bg(shell: &Shell, args: &[String], cx: &mut Cx) -> i32 {
    let wanted = args.first().map(|arg| arg.trim_start_matches('%').to_owned());
    let found = match &wanted {
        Some(number) => shell.jobs.iter().find(|job| job.number.to_string() == *number),
        None => shell.jobs.last(),
    };
    // Nothing is ever stopped here (there is no Ctrl-Z).
    match found {
        Some(job) => cx.complain(format!("bash: bg: job {} already in background", job.number)),
        None => cx.complain(format!("bash: bg: {}: no such job", wanted.as_deref().unwrap_or("current"))),
    }
    i32::from(found.is_none())
}

/// `disown`: the shell no longer speaks of the job.
pub(super) fn disown(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    if args.iter().any(|arg| arg == "-a") {
        shell.jobs.clear();
        return 0;
    }
    let wanted = args.iter().find(|arg| !arg.starts_with('-')).map(|arg| arg.trim_start_matches('%').to_owned());
    let found = match &wanted {
        Some(number) => shell.jobs.iter().position(|job| job.number.to_string() == *number || job.pid.to_string() == *number),
        None => shell.jobs.len().checked_sub(1),
    };
    match found {
        Some(at) => drop(shell.jobs.remove(at)),
        None => cx.complain(format!("bash: disown: {}: no such job", wanted.as_deref().unwrap_or("current"))),
    }
    i32::from(found.is_none())
}

/// `jobs`, `jobs -l` with their process numbers, `jobs -p` those alone.
pub(super) fn jobs(shell: &Shell, args: &[String], cx: &mut Cx) -> i32 {
    let asked = |flag: &str| args.iter().any(|arg| arg == flag);
    let (long, only_pids) = (asked("-l"), asked("-p"));
    let last = shell.jobs.len();
    for (n, job) in shell.jobs.iter().enumerate() {
        let sign = if n + 1 == last {
            '+'
        } else if n + 2 == last {
            '-'
        } else {
            ' '
        };
        let pid = if long { format!("{} ", job.pid) } else { " ".into() };
        let line = if only_pids { job.pid.to_string() } else { format!("[{}]{sign} {pid}{:<24}{} &", job.number, "Running", job.text) };
        cx.print(line, true);
    }
    0
}

/// `kill %1`, `kill 1001`
pub(super) fn kill(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    if args.first().is_some_and(|arg| arg == "-l") {
        cx.print(" 1) SIGHUP\t 2) SIGINT\t 9) SIGKILL\t15) SIGTERM\n18) SIGCONT\t19) SIGSTOP", true);
        return 0;
    }
    let (signal, targets) = match signals::signal(args) {
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

/// A job's last line: `[1]+  Done    sleep 3`.
pub fn epitaph(number: u32, status: i32, text: &str) -> String {
    let status = outcome(status);
    format!("[{number}]+  {status:<24}{text}")
}
