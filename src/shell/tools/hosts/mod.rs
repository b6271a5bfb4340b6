//! What is done to hosts and links from the terminal, in the words of a Unix shell.
//!
//! * [`signals`]: `kill -9 kafka-1`; [`units`]: `systemctl`, `start`, `poweroff`; [`restart`]: what takes its time
//! * [`links`]: `cut kafka-1 kafka-2`, `heal`; [`iptables`], [`netem`]: the same on a machine, as administrators do it
//! * [`disks`]: `disk break kafka-1 /disk/b`, `disk fill kafka-1`
//! * [`reach`]: `ping`, `nc -z`
//! * [`machines`]: how the machines are
//!
//! A host stands for the one Kafka process on it. What makes no sense at present (killing what is dead) changes nothing and says nothing,
//! as `systemctl` would.

pub mod disks;
pub mod iptables;
pub mod links;
pub mod machines;
pub mod netem;
pub mod reach;
pub mod restart;
pub mod signals;
pub mod units;

use self::links::ONE_WAY;
use self::machines::{MACHINES, Machines};
use crate::shell::files::Files;
use crate::sim::fault::Fault;
use crate::sim::time::Time;

/// The names of these tools.
pub const NAMES: &[&str] = &["cut", "disk", "heal", "iptables", "kill", "nc", "ping", "poweroff", "start", "stop", "systemctl", "tc"];

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

/// Who asks for something, and where.
pub struct Asked<'a> {
    /// The cluster's hosts.
    pub hosts: &'a [String],
    /// The host on which the command runs.
    pub own: &'a str,
    /// The terminal's host, which is also called `client`.
    pub client: &'a str,
    pub machines: Machines,
    pub now: Time,
}

impl Asked<'_> {
    fn is_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known == host)
    }

    /// A host's name, of the cluster's hosts or of the terminal's.
    fn named(&self, host: &str) -> Option<String> {
        match host {
            "client" => Some(self.client.to_owned()),
            host if self.is_host(host) || host == self.client => Some(host.to_owned()),
            _ => None,
        }
    }
}

/// Runs the command, if it is one of these and does its work at once. (`cut` with options is the text tool; `kill %1` is the shell's.)
pub fn run(name: &str, args: &[String], asked: &Asked, files: &Files) -> Option<Done> {
    let is_of_hosts = || {
        let options = args.iter().filter(|arg| *arg != ONE_WAY).any(|arg| arg.starts_with('-'));
        !options && args.iter().any(|arg| asked.named(arg).is_some())
    };
    Some(match name {
        "kill" => signals::kill(args, asked),
        "systemctl" => units::systemctl(args, asked),
        "start" | "stop" | "poweroff" => units::each(name, args, asked),
        "cut" if is_of_hosts() => links::link(name, args, asked),
        "disk" => disks::disk(args, asked, files),
        "heal" if args.is_empty() => Done { faults: vec![Fault::HealAll], ..Done::default() },
        "heal" => links::link(name, args, asked),
        "iptables" => iptables::iptables(args, asked),
        "tc" => netem::tc(args, asked),
        _ => return None,
    })
}

/// The files that it reads: how the machines are, or a disk, if it has to know.
pub fn reads(name: &str, args: &[String]) -> Option<Vec<String>> {
    let asks = match name {
        "disk" => return Some(disks::asks(args).into_iter().collect()),
        "systemctl" => units::asks(args),
        "iptables" => iptables::asks(args),
        "tc" => args.iter().any(|arg| ["show", "list", "ls"].contains(&arg.as_str())),
        _ => return None,
    };
    Some(asks.then(|| MACHINES.to_owned()).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINES_TEXT: &str = "host\tkafka-1\trunning\t3000000\t100000\t5000\t20000\nhost\tkafka-2\tkilled\t60000000\t0\t0\t0\n\
                                 cut\tkafka-2\tkafka-1\treceiver\ncut\tkafka-1\tkafka-2\tsender\n";

    /// What comes of a line in the terminal itself, or behind `ssh kafka-1`.
    fn check(line: &str) -> String {
        let (own, line) = line.strip_prefix("ssh kafka-1 ").map_or(("terminal-1", line), |line| ("kafka-1", line));
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let hosts = ["kafka-1".to_owned(), "kafka-2".to_owned()];
        let machines = Machines::read(MACHINES_TEXT);
        let asked = Asked { hosts: &hosts, own, client: "terminal-1", machines, now: Time(200_000_000) };
        // Of kafka-1's disk `disk/b` works and `disk/c` does not.
        let state =
            |folder: &str| format!("{}\ndisk/c\n", if folder.starts_with("disk") && folder != "disk/x" { "there" } else { "nothing" });
        let named = reads(&words[0], &words[1..]).unwrap_or_default();
        let mut files = Files::default();
        for (name, (_, folder)) in named.iter().filter_map(|name| Some((name, disks::asked_of(name)?))) {
            files.insert(name, state(folder));
        }
        let Some(done) = run(&words[0], &words[1..], &asked, &files) else { return "not here".into() };
        let faults = done.faults.iter().map(|fault| format!("{fault:?}"));
        let mut said: Vec<String> = faults.chain(done.err).chain([done.out.join("|")].into_iter().filter(|out| !out.is_empty())).collect();
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
            ("cut kafka-1 kafka-2 --one-way", r#"CutAtSender { from: "kafka-1", to: "kafka-2" }"#),
            ("cut --one-way client kafka-2", r#"CutAtSender { from: "terminal-1", to: "kafka-2" }"#),
            ("heal kafka-1 kafka-2 --one-way", r#"HealOneWay { from: "kafka-1", to: "kafka-2" }"#),
            ("ssh kafka-1 systemctl stop kafka", r#"Stop { host: "kafka-1" }"#),
            ("systemctl stop kafka", "Failed to stop kafka.service: Unit kafka.service not loaded. = 5"),
            ("systemctl is-active kafka-1 kafka-2", "active|failed"),
            ("systemctl is-active kafka-2", "failed = 3"),
            ("systemctl -q is-active kafka-1", ""),
            ("systemctl is-active kafka-9", "inactive = 4"),
            (
                "systemctl enable kafka-1",
                "Unknown command verb 'enable'. Here are: start, stop, kill, restart, status, is-active, is-failed, list-units. = 1",
            ),
            (
                "systemctl status kafka-2",
                "× kafka-2.service - Apache Kafka, broker 2|     Loaded: loaded (/etc/systemd/system/kafka-2.service; enabled)|     \
                 Active: failed (Result: signal) since Thu 2026-01-01 00:01:00 UTC; 2min 20s ago|    \
                 Process: ExecStart=/opt/kafka/bin/kafka-server-start.sh (code=killed, signal=KILL) = 3",
            ),
            ("systemctl status kafka-7", "Unit kafka-7.service could not be found. = 4"),
            (
                "systemctl list-units",
                "  UNIT            LOAD   ACTIVE SUB     DESCRIPTION|  kafka-1.service loaded active running Apache Kafka, broker 1|\
                 ● kafka-2.service loaded failed failed  Apache Kafka, broker 2||2 loaded units listed. Pass --all to see loaded but inactive units, too.",
            ),
            ("ssh kafka-1 poweroff", r#"PowerCut { host: "kafka-1" }"#),
            ("ssh kafka-1 iptables -A INPUT -s kafka-2 -j DROP", r#"CutOneWay { from: "kafka-2", to: "kafka-1" }"#),
            ("ssh kafka-1 iptables -I OUTPUT 1 -d kafka-2/32 -p tcp -j DROP", r#"CutAtSender { from: "kafka-1", to: "kafka-2" }"#),
            ("iptables -A INPUT -s kafka-2 -j DROP", r#"CutOneWay { from: "kafka-2", to: "terminal-1" }"#),
            ("ssh kafka-1 iptables -A INPUT -s client -j DROP", r#"CutOneWay { from: "terminal-1", to: "kafka-1" }"#),
            ("ssh kafka-1 iptables -D INPUT -s kafka-2 -j DROP", r#"HealOneWay { from: "kafka-2", to: "kafka-1" }"#),
            ("ssh kafka-1 iptables -D INPUT -s client -j DROP", "iptables: Bad rule (does a matching rule exist in that chain?). = 1"),
            ("ssh kafka-1 iptables -D OUTPUT 1", r#"HealOneWay { from: "kafka-1", to: "kafka-2" }"#),
            ("ssh kafka-1 iptables -F", r#"HealOneWay { from: "kafka-2", to: "kafka-1" } HealOneWay { from: "kafka-1", to: "kafka-2" }"#),
            ("ssh kafka-1 iptables -F INPUT", r#"HealOneWay { from: "kafka-2", to: "kafka-1" }"#),
            (
                "ssh kafka-1 iptables -S",
                "-P INPUT ACCEPT|-P FORWARD ACCEPT|-P OUTPUT ACCEPT|-A INPUT -s kafka-2 -j DROP|-A OUTPUT -d kafka-2 -j DROP",
            ),
            (
                "ssh kafka-1 iptables -nL INPUT",
                "Chain INPUT (policy ACCEPT)|target     prot opt source               destination|\
                 DROP       all  --  kafka-2              anywhere",
            ),
            ("ssh kafka-1 iptables -A INPUT -s nope -j DROP", "iptables: host/network `nope' not found = 2"),
            ("ssh kafka-1 iptables -A INPUT -s kafka-2 -j REJECT", "iptables: REJECT is not here; DROP is = 2"),
            (
                "ssh kafka-1 iptables -A INPUT -p tcp --dport 9092 -j DROP",
                "iptables: --dport is not here: a link carries everything or nothing; say only the host (-s, -d) = 2",
            ),
            ("ssh kafka-1 iptables -A PRE -s kafka-2 -j DROP", "iptables: No chain/target/match by that name. = 1"),
            (
                "ssh kafka-1 tc qdisc add dev eth0 root netem delay 100ms 10ms loss 0.5%",
                r#"Shape { host: "kafka-1", shaping: Shaping { delay_us: 100000, jitter_us: 10000, lost_ppm: 5000 } }"#,
            ),
            ("tc qdisc del dev eth0 root", r#"Shape { host: "terminal-1", shaping: Shaping { delay_us: 0, jitter_us: 0, lost_ppm: 0 } }"#),
            (
                "ssh kafka-1 tc qdisc show dev eth0",
                "qdisc noqueue 0: dev lo root refcnt 2|qdisc netem 8001: dev eth0 root refcnt 2 limit 1000 delay 100ms  5ms loss 2%",
            ),
            ("tc qdisc add dev eth1 root netem delay 1s", "Cannot find device \"eth1\" = 1"),
            ("tc qdisc add dev eth0 root netem corrupt 1%", "tc: add: \"corrupt\" is not here: netem takes delay and loss = 1"),
            ("tc qdisc add dev eth0 root netem loss 200%", "tc: add: Illegal \"loss percent\": \"200%\" = 1"),
            ("disk break kafka-1 /disk/b", r#"BreakDisk { host: "kafka-1", folder: "disk/b" }"#),
            ("disk break kafka-1 /var/lib/kafka-1/disk/b/", r#"BreakDisk { host: "kafka-1", folder: "disk/b" }"#),
            ("disk break kafka-1", r#"BreakDisk { host: "kafka-1", folder: "" }"#),
            (
                "disk break kafka-1 /disk/x",
                "disk: /disk/x: kafka-1 has nothing there; its directories are those of log.dirs (one alone is the whole disk) = 1",
            ),
            ("disk break kafka-1 /disk/b /disk/c", "disk: /disk/c: one directory at a time = 1"),
            ("disk break kafka-7 /disk/b", "disk: kafka-7: no such host = 1"),
            ("disk break", "disk: break the disk of which host? = 1"),
            ("disk mend kafka-1 /disk/c", r#"MendDisk { host: "kafka-1", folder: "disk/c" }"#),
            ("disk mend kafka-1", r#"MendDisk { host: "kafka-1", folder: "disk/c" }"#),
            ("disk mend kafka-1 /disk/b", "disk: /disk/b: it is not broken on kafka-1 = 1"),
            ("disk fill kafka-2", r#"FillDisk { host: "kafka-2" }"#),
            ("disk free kafka-2", r#"FreeDisk { host: "kafka-2" }"#),
            ("disk fill kafka-1 /disk/b", "disk: /disk/b: a disk is full as a whole: name only the host = 1"),
            ("disk smash kafka-1", "disk: break, mend, fill or free? (disk break kafka-1 /disk/b) = 1"),
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
