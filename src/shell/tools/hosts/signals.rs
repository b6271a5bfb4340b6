//! `kill -9 kafka-1`

use super::{Asked, Done};
use crate::sim::fault::Fault;

/// The signals that mean something to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Kill,
    /// SIGTERM, and SIGINT and SIGHUP, which a broker takes the same way.
    Term,
    Int,
    Stop,
    Cont,
}

/// What `kill` is asked for: the signal, and whom.
///
/// # Errors
/// What the shell says about it, and the status.
pub fn signal(args: &[String]) -> Result<(Signal, Vec<String>), (String, i32)> {
    let usage = || ("kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]".to_owned(), 2);
    let (name, targets) = match args {
        [flag, name, targets @ ..] if flag == "-s" || flag == "-n" => (name.as_str(), targets),
        [flag, targets @ ..] if flag.starts_with('-') && flag != "--" => (&flag[1..], targets),
        targets => ("TERM", targets),
    };
    if targets.is_empty() {
        return Err(usage());
    }
    let upper = name.to_ascii_uppercase();
    let signal = match upper.strip_prefix("SIG").unwrap_or(&upper) {
        "KILL" | "9" => Signal::Kill,
        "TERM" | "15" | "HUP" | "1" => Signal::Term,
        "INT" | "2" => Signal::Int,
        "STOP" | "19" | "TSTP" | "20" => Signal::Stop,
        "CONT" | "18" => Signal::Cont,
        _ => return Err((format!("bash: kill: {name}: invalid signal specification"), 1)),
    };
    Ok((signal, targets.to_vec()))
}

pub(super) fn kill(args: &[String], asked: &Asked) -> Done {
    let (signal, targets) = match signal(args) {
        Ok(asked) => asked,
        Err((said, status)) => return Done::failed(said, status),
    };
    let mut done = Done::default();
    for host in targets {
        if !asked.is_host(&host) {
            done.err.push(format!("bash: kill: ({host}) - No such process"));
            done.status = 1;
            continue;
        }
        done.faults.push(match signal {
            Signal::Kill => Fault::Kill { host },
            Signal::Term | Signal::Int => Fault::Stop { host },
            Signal::Stop => Fault::Pause { host },
            Signal::Cont => Fault::Resume { host },
        });
    }
    done
}
