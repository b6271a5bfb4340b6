//! What is done to hosts and links from the terminal, in the words of a Unix shell: `kill -9 kafka-1`, `systemctl stop kafka-1`,
//! `start kafka-1`, `poweroff kafka-1`, `cut kafka-1 kafka-2`, `heal`.
//!
//! A host stands for the one Kafka process on it. The terminal knows which hosts there are, not how they are: what makes no sense at
//! present (killing what is dead) changes nothing and says nothing, as `systemctl` would.

use crate::sim::fault::Fault;

/// The names of these tools.
pub const NAMES: &[&str] = &["cut", "heal", "kill", "poweroff", "start", "stop", "systemctl"];

/// A tool that did its work at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub faults: Vec<Fault>,
    pub out: Vec<String>,
    pub err: Vec<String>,
    pub status: i32,
}

impl Done {
    pub fn failed(said: impl Into<String>, status: i32) -> Done {
        Done { err: vec![said.into()], status, ..Done::default() }
    }

    pub fn said(lines: Vec<String>) -> Done {
        Done { out: lines, ..Done::default() }
    }
}

/// Runs the command, if it is one of these. (`cut` with options is the text tool; `kill %1` is the shell's.)
/// `own`: the terminal's host, which is also called `client`.
pub fn run(name: &str, args: &[String], hosts: &[String], own: &str) -> Option<Done> {
    let known = |host: &str| hosts.iter().any(|known| known == host);
    match name {
        "kill" => Some(kill(args, known)),
        "systemctl" => Some(systemctl(args, known)),
        "start" | "stop" | "poweroff" => Some(each(name, args, known)),
        "cut" if !args.iter().any(|arg| arg.starts_with('-')) && args.iter().any(|arg| known(arg)) => Some(link(name, args, known, own)),
        "heal" if args.is_empty() => Some(Done { faults: vec![Fault::HealAll], ..Done::default() }),
        "heal" => Some(link(name, args, known, own)),
        _ => None,
    }
}

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

fn kill(args: &[String], known: impl Fn(&str) -> bool) -> Done {
    let (signal, targets) = match signal(args) {
        Ok(asked) => asked,
        Err((said, status)) => return Done::failed(said, status),
    };
    let mut done = Done::default();
    for host in targets {
        if !known(&host) {
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

fn systemctl(args: &[String], known: impl Fn(&str) -> bool) -> Done {
    let Some((verb, units)) = args.split_first() else {
        return Done::failed("systemctl: say start, stop or kill, and a host", 1);
    };
    if !["start", "stop", "kill"].contains(&verb.as_str()) {
        return Done::failed(format!("Unknown command verb '{verb}'. Here are: start, stop, kill."), 1);
    }
    if units.is_empty() {
        return Done::failed("Too few arguments.", 1);
    }
    let mut done = Done::default();
    for unit in units {
        let host = unit.strip_suffix(".service").unwrap_or(unit).to_owned();
        if !known(&host) {
            let missing = if verb == "start" { "found" } else { "loaded" };
            done.err.push(format!("Failed to {verb} {host}.service: Unit {host}.service not {missing}."));
            done.status = 5;
            continue;
        }
        // `systemctl kill` sends SIGTERM, as `systemctl stop` does.
        done.faults.push(if verb == "start" { Fault::Start { host } } else { Fault::Stop { host } });
    }
    done
}

fn each(name: &str, args: &[String], known: impl Fn(&str) -> bool) -> Done {
    if args.is_empty() {
        return Done::failed(format!("{name}: which host?"), 1);
    }
    let mut done = Done::default();
    for host in args.iter().cloned() {
        if !known(&host) {
            done.err.push(format!("{name}: {host}: no such host"));
            done.status = 1;
            continue;
        }
        done.faults.push(match name {
            "start" => Fault::Start { host },
            "stop" => Fault::Stop { host },
            _ => Fault::PowerCut { host },
        });
    }
    done
}

fn link(name: &str, args: &[String], known: impl Fn(&str) -> bool, own: &str) -> Done {
    let [a, b] = args else {
        return Done::failed(format!("{name}: between which two hosts?"), 1);
    };
    let named = |host: &str| if host == "client" { own.to_owned() } else { host.to_owned() };
    let (a, b) = (named(a), named(b));
    if let Some(unknown) = [&a, &b].into_iter().find(|host| !known(host) && *host != own) {
        return Done::failed(format!("{name}: {unknown}: no such host"), 1);
    }
    if a == b {
        return Done::failed(format!("{name}: {a}: a host has no link to itself"), 1);
    }
    Done { faults: vec![if name == "cut" { Fault::Cut { a, b } } else { Fault::Heal { a, b } }], ..Done::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let hosts = ["kafka-1".to_owned(), "kafka-2".to_owned()];
        let Some(done) = run(&words[0], &words[1..], &hosts, "terminal-1") else { return "not here".into() };
        let faults = done.faults.iter().map(|fault| format!("{fault:?}"));
        let mut said: Vec<String> = faults.chain(done.err).collect();
        said.extend((done.status != 0).then(|| format!("= {}", done.status)));
        said.join(" ")
    }

    #[test]
    fn faults_as_a_shell_says_them() {
        let cases = [
            ("kill -9 kafka-1", r#"Kill { host: "kafka-1" }"#),
            ("kill -KILL kafka-1 kafka-2", r#"Kill { host: "kafka-1" } Kill { host: "kafka-2" }"#),
            ("kill kafka-1", r#"Stop { host: "kafka-1" }"#),
            ("kill -STOP kafka-1", r#"Pause { host: "kafka-1" }"#),
            ("kill -s SIGCONT kafka-1", r#"Resume { host: "kafka-1" }"#),
            ("kill -9 kafka-9", "bash: kill: (kafka-9) - No such process = 1"),
            ("kill -x kafka-1", "bash: kill: x: invalid signal specification = 1"),
            ("systemctl stop kafka-1.service", r#"Stop { host: "kafka-1" }"#),
            ("systemctl start kafka-9", "Failed to start kafka-9.service: Unit kafka-9.service not found. = 5"),
            ("start kafka-1", r#"Start { host: "kafka-1" }"#),
            ("poweroff kafka-2", r#"PowerCut { host: "kafka-2" }"#),
            ("cut kafka-1 kafka-2", r#"Cut { a: "kafka-1", b: "kafka-2" }"#),
            ("cut client kafka-2", r#"Cut { a: "terminal-1", b: "kafka-2" }"#),
            ("cut kafka-1 kafka-7", "cut: kafka-7: no such host = 1"),
            ("cut -f 1", "not here"),
            ("cut letters", "not here"),
            ("heal", "HealAll"),
            ("heal kafka-1 kafka-2", r#"Heal { a: "kafka-1", b: "kafka-2" }"#),
            ("grep x", "not here"),
        ];
        for (line, expected) in cases {
            assert_eq!(check(line), expected, "{line}");
        }
    }
}
