//! Jobs: `wait`, `fg`, `jobs`, `kill`.

use crate::shell::run::frame::Frame;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::run::table::{MAIN, outcome};
use crate::shell::tools::hosts::{self, Done, Signal};

pub(super) fn wait(shell: &mut Shell, args: &[String], cx: &mut Cx) {
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

pub(super) fn jobs(shell: &Shell, cx: &mut Cx) -> i32 {
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
pub(super) fn kill(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
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

/// A job's last line: `[1]+  Done    sleep 3`.
pub fn epitaph(number: u32, status: i32, text: &str) -> String {
    let status = outcome(status);
    format!("[{number}]+  {status:<24}{text}")
}
