//! kafka-server-start and kafka-server-stop, on a broker's host (`ssh kafka-1 kafka-server-stop`) and on the terminal's own.
//!
//! A host has one configuration, the one that its cluster was made with: whatever file is named, it is started with that.

use super::hosts::Done;
use super::kafka::{VERSION, usage_and_exit};
use super::program::Program;
use super::{Context, INTERRUPTED, Start};
use crate::kafka::actor::Outbox;
use crate::kafka::names::node_on;
use crate::shell::java::log;
use crate::shell::options::{Opt, with};
use crate::sim::fault::Fault;

pub const TABLE: &[Opt] = &[with("override", "String", "A property instead of what the file has: key=value.")];
/// Controllers apart have numbers from here on.
const FIRST_CONTROLLER: i32 = 100;

/// A server in the foreground of its host: it ends with Ctrl-C.
#[derive(Clone, Debug)]
struct Server {
    host: String,
    is_started: bool,
}

/// The file that it will read on the terminal's own host.
pub fn reads(args: &[String]) -> Vec<String> {
    args.iter().find(|arg| !arg.starts_with('-')).cloned().into_iter().collect()
}

/// # Errors
/// What is said instead of running on.
pub fn start(start: &Start) -> Result<Box<dyn Program>, Done> {
    // Only there is the disk not the terminal's own.
    let is_remote = start.files.read_only;
    if start.name == "kafka-server-stop" {
        return Err(stop(start.args, start.host, is_remote));
    }
    const USAGE: &str = "server.properties [--override property=value]*";
    let (is_daemon, args) = match start.args.split_first() {
        None => return Err(Done { status: 1, ..Done::said(vec![format!("USAGE: kafka-server-start.sh [-daemon] {USAGE}")]) }),
        Some((flag, args)) if flag == "-daemon" => (true, args),
        Some(_) => (false, start.args),
    };
    if args.is_empty() || args.iter().any(|arg| arg == "--help") {
        return Err(usage_and_exit(TABLE, &format!("USAGE: java [options] kafka.Kafka {USAGE}")));
    }
    if args.iter().any(|arg| arg == "--version") {
        return Err(Done::said(vec![VERSION.to_owned()]));
    }
    let host = start.host.to_owned();
    match (is_remote, is_daemon) {
        (true, _) if args.iter().any(|arg| arg.starts_with("--override")) => {
            Err(Done::failed("kafka-server-start: --override: a host starts with the configuration that its cluster was made with", 1))
        }
        (true, true) => Err(Done { faults: vec![Fault::Start { host }], ..Done::default() }),
        (true, false) => Ok(Box::new(Server { host, is_started: false })),
        // What a daemon says is in its log.
        (false, true) if start.files.get(&args[0]).is_none() => Err(Done::default()),
        (false, _) => Err(not_here(start, &args[0])),
    }
}

fn not_here(start: &Start, path: &str) -> Done {
    if start.files.get(path).is_some() {
        return Done::failed(
            "kafka-server-start: this host is for clients; ssh kafka-1 kafka-server-start -daemon server.properties starts a broker",
            1,
        );
    }
    let err = vec![
        log::line(start.now, "ERROR", "Exiting Kafka due to fatal exception", "kafka.Kafka$"),
        format!("java.nio.file.NoSuchFileException: {path}"),
    ];
    Done { err, status: 1, ..Done::default() }
}

/// `kafka-server-stop.sh [--process-role=ROLE] [--node-id=ID]`: SIGTERM for the servers of this host that are meant.
fn stop(args: &[String], host: &str, is_remote: bool) -> Done {
    let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name));
    let (role, node) = (value("--process-role="), value("--node-id="));
    let mut done = Done::default();
    if role.is_some() && node.is_some() {
        done.out.push("When both node-id and process-role are provided, the value for node-id will take precedence".into());
    }
    if !is_remote {
        done.out.push("No kafka server to stop".into());
        return Done { status: 1, ..done };
    }
    let own = node_on(host).map(|id| id.0);
    let is_controller = own.is_some_and(|id| id >= FIRST_CONTROLLER);
    let is_meant = match (node, role) {
        (Some(node), _) => own.is_some_and(|id| id.to_string() == node),
        (None, Some(role)) => role == if is_controller { "controller" } else { "broker" },
        (None, None) => true,
    };
    if is_meant {
        done.faults.push(Fault::Stop { host: host.to_owned() });
    }
    done
}

impl Program for Server {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if !std::mem::replace(&mut self.is_started, true) {
            cx.out.fault(Fault::Start { host: self.host.clone() });
        }
        None
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        cx.out.fault(Fault::Stop { host: self.host.clone() });
        Some(INTERRUPTED)
    }

    fn kill(&mut self, out: &mut Outbox) {
        out.fault(Fault::Kill { host: self.host.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, is_remote: bool, line: &str, said: &[&str], stops: bool) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let done = stop(&args, host, is_remote);
        assert_eq!(done.out, said, "{host} {line}");
        assert_eq!(done.faults, if stops { vec![Fault::Stop { host: host.into() }] } else { Vec::new() }, "{host} {line}");
    }

    #[test]
    fn stops_the_server_that_is_meant() {
        check("client", false, "", &["No kafka server to stop"], false);
        check("kafka-2", true, "", &[], true);
        check("kafka-2", true, "--node-id=2", &[], true);
        check("kafka-2", true, "--node-id=3", &[], false);
        check("kafka-2", true, "--process-role=controller", &[], false);
        check("kafka-100", true, "--process-role=controller", &[], true);
    }
}
