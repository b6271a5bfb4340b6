//! `systemctl start kafka-1` and its like. A unit is a host's one Kafka; on the host itself it is also called `kafka`.

use super::machines::{Machine, State};
use super::{Asked, Done};
use crate::shell::tools::text::instant_of;
use crate::sim::fault::Fault;
use crate::sim::time::{Duration, Time};

pub const VERBS: &str = "start, stop, kill, restart, status, is-active, is-failed, list-units";
/// LSB's status of a program that does not run, and of one that is not known.
const NOT_RUNNING: i32 = 3;
const NO_UNIT: i32 = 4;

/// Whether it has to know how the machines are.
pub(super) fn asks(args: &[String]) -> bool {
    verb(args).0.is_none_or(|verb| ["status", "is-active", "is-failed", "list-units"].contains(&verb))
}

/// The verb and its units; options apart.
pub(super) fn verb(args: &[String]) -> (Option<&str>, Vec<&str>) {
    let mut words = args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-'));
    (words.next(), words.collect())
}

/// The host that a unit stands for.
pub(super) fn host_of(unit: &str, asked: &Asked) -> Result<String, String> {
    let name = unit.strip_suffix(".service").unwrap_or(unit);
    match name {
        "kafka" if asked.is_host(asked.own) => Ok(asked.own.to_owned()),
        name if asked.is_host(name) => Ok(name.to_owned()),
        name => Err(name.to_owned()),
    }
}

/// `systemctl VERB UNIT...`, but `restart`, which takes its time.
pub(super) fn systemctl(args: &[String], asked: &Asked) -> Done {
    let (verb, units) = verb(args);
    match verb {
        None | Some("list-units") => return list(args, asked),
        Some("is-active" | "is-failed") if !units.is_empty() => return is(verb.unwrap_or_default(), args, &units, asked),
        Some("status") => return status(&units, asked),
        Some("start" | "stop" | "kill" | "is-active" | "is-failed") => {}
        Some(verb) => return Done::failed(format!("Unknown command verb '{verb}'. Here are: {VERBS}."), 1),
    }
    if units.is_empty() {
        return Done::failed("Too few arguments.", 1);
    }
    let verb = verb.unwrap_or_default();
    let mut done = Done::default();
    for unit in units {
        match host_of(unit, asked) {
            // `systemctl kill` sends SIGTERM, as `systemctl stop` does.
            Ok(host) => done.faults.push(if verb == "start" { Fault::Start { host } } else { Fault::Stop { host } }),
            Err(name) => {
                done.err.push(missing(verb, &name));
                done.status = 5;
            }
        }
    }
    done
}

/// What is said of a unit that is not there.
pub(super) fn missing(verb: &str, name: &str) -> String {
    let missing = if ["start", "restart"].contains(&verb) { "found" } else { "loaded" };
    format!("Failed to {verb} {name}.service: Unit {name}.service not {missing}.")
}

/// `start kafka-1`, `stop kafka-1`, `poweroff kafka-1`; `poweroff` alone on the host itself.
pub(super) fn each(name: &str, args: &[String], asked: &Asked) -> Done {
    if name == "poweroff" && args.is_empty() && asked.is_host(asked.own) {
        return Done { faults: vec![Fault::PowerCut { host: asked.own.to_owned() }], ..Done::default() };
    }
    if args.is_empty() {
        return Done::failed(format!("{name}: which host?"), 1);
    }
    let mut done = Done::default();
    for host in args.iter().cloned() {
        if !asked.is_host(&host) {
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

/// systemd's two words for a state, and what it says of its end. A broker that was asked to stop ends with 143 (SIGTERM), which its unit
/// takes for a success.
fn words(state: State) -> (&'static str, &'static str, String) {
    match state {
        State::Running => ("active", "running", String::new()),
        State::Starting => ("activating", "start", String::new()),
        State::Killed => ("failed", "failed", " (Result: signal)".into()),
        State::Exited(0 | 143) | State::NoPower | State::Empty => ("inactive", "dead", String::new()),
        State::Exited(_) => ("failed", "failed", " (Result: exit-code)".into()),
    }
}

fn description(host: &str) -> String {
    match host.strip_prefix("kafka-").and_then(|id| id.parse::<u32>().ok()) {
        Some(id) if id >= 100 => format!("Apache Kafka, controller {id}"),
        Some(id) => format!("Apache Kafka, broker {id}"),
        None => "Apache Kafka".into(),
    }
}

fn status(units: &[&str], asked: &Asked) -> Done {
    let mut done = Done::default();
    let own = ["kafka"];
    let units = if units.is_empty() && asked.is_host(asked.own) { &own[..] } else { units };
    if units.is_empty() {
        return Done::failed("systemctl: the status of which host?", 1);
    }
    for unit in units {
        let machine = host_of(unit, asked).and_then(|host| asked.machines.machine(&host).ok_or(host));
        let machine = match machine {
            Ok(machine) => machine,
            Err(name) => {
                done.err.push(format!("Unit {name}.service could not be found."));
                done.status = NO_UNIT;
                continue;
            }
        };
        if !done.out.is_empty() {
            done.out.push(String::new());
        }
        describe(machine, asked.now, &mut done.out);
        if machine.state.is_down() && done.status == 0 {
            done.status = NOT_RUNNING;
        }
    }
    done
}

fn describe(machine: &Machine, now: Time, out: &mut Vec<String>) {
    let (active, sub, result) = words(machine.state);
    let dot = match active {
        "active" => "●",
        "failed" => "×",
        "activating" => "●",
        _ => "○",
    };
    let shown = if active == "failed" { active.to_owned() + &result } else { format!("{active} ({sub})") };
    out.push(format!("{dot} {0}.service - {1}", machine.host, description(&machine.host)));
    out.push(format!("     Loaded: loaded (/etc/systemd/system/{}.service; enabled)", machine.host));
    out.push(format!("     Active: {shown} since {}; {} ago", instant_of(machine.since.wall_ms()), span(now.since(machine.since))));
    match machine.state {
        State::Killed => out.push("    Process: ExecStart=/opt/kafka/bin/kafka-server-start.sh (code=killed, signal=KILL)".into()),
        State::Exited(status) => {
            let meaning = if status == 0 { "/SUCCESS" } else { "" };
            out.push(format!("    Process: ExecStart=/opt/kafka/bin/kafka-server-start.sh (code=exited, status={status}{meaning})"));
        }
        State::NoPower => out.push("    Machine: without power; start gives it power again".into()),
        _ => {}
    }
}

/// `3min 20s`, as systemd writes spans: the two largest units.
fn span(span: Duration) -> String {
    let ms = span.as_ms();
    let parts =
        [(ms / 86_400_000, " days"), (ms / 3_600_000 % 24, "h"), (ms / 60_000 % 60, "min"), (ms / 1_000 % 60, "s"), (ms % 1_000, "ms")];
    let from = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let keep = if from >= 3 { 1 } else { 2 };
    let shown: Vec<String> =
        parts[from..].iter().take(keep).filter(|(count, _)| *count > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if shown.is_empty() { "0".into() } else { shown.join(" ") }
}

/// `is-active`, `is-failed`: the word for each, and as the status whether one is so.
fn is(verb: &str, args: &[String], units: &[&str], asked: &Asked) -> Done {
    let wanted = verb.trim_start_matches("is-");
    let is_quiet = args.iter().any(|arg| arg == "-q" || arg == "--quiet");
    let mut done = Done { status: if wanted == "active" { NOT_RUNNING } else { 1 }, ..Done::default() };
    for unit in units {
        let machine = host_of(unit, asked).ok().and_then(|host| asked.machines.machine(&host));
        let word = machine.map_or("inactive", |machine| words(machine.state).0);
        if word == wanted {
            done.status = 0;
        } else if machine.is_none() && done.status != 0 {
            done.status = NO_UNIT;
        }
        if !is_quiet {
            done.out.push(word.into());
        }
    }
    done
}

/// `list-units [--all] [--failed]`
fn list(args: &[String], asked: &Asked) -> Done {
    let (all, failed) =
        (args.iter().any(|arg| arg == "--all" || arg == "-a"), args.iter().any(|arg| arg == "--failed" || arg == "--state=failed"));
    let machines = asked.machines.machines.iter().filter(|machine| asked.is_host(&machine.host));
    let rows: Vec<[String; 5]> = machines
        .filter(|machine| match words(machine.state).0 {
            "failed" => true,
            "inactive" => all && !failed,
            _ => !failed,
        })
        .map(|machine| {
            let (active, sub, _) = words(machine.state);
            let mark = if active == "failed" { "● " } else { "  " };
            [format!("{mark}{}.service", machine.host), "loaded".into(), active.into(), sub.into(), description(&machine.host)]
        })
        .collect();
    let head = ["  UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"].map(str::to_owned);
    let width = |n: usize| rows.iter().chain([&head]).map(|row| row[n].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(widths) {
            text += cell;
            text += &" ".repeat(width - cell.chars().count() + 1);
        }
        text + &row[4]
    };
    let mut out = vec![line(&head)];
    out.extend(rows.iter().map(line));
    out.extend([
        String::new(),
        format!("{} loaded units listed.{}", rows.len(), if all { "" } else { " Pass --all to see loaded but inactive units, too." }),
    ]);
    Done::said(out)
}
