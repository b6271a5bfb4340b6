//! `nc -z kafka-1 9092` opens a real connection; `ping kafka-1` asks the other machine and takes the time until it answers.

use super::Done;
use crate::kafka::actor::Input;
use crate::shell::tools::program::Program;
use crate::shell::tools::{Context, Start, span};
use crate::sim::process::{CloseReason, ConnId, ReadId};
use crate::sim::time::{Duration, Time};

/// Without `-w`, nc waits until the system gives up (Linux: 2 min 10 s).
const CONNECT_PATIENCE: Duration = Duration::secs(130);
const PING_EVERY: Duration = Duration::secs(1);
/// Behind the last request, ping waits so long for its answer.
const PING_PATIENCE: Duration = Duration::secs(10);

/// `nc -z [-v] [-w SECONDS] HOST PORT`
#[derive(Clone, Debug)]
pub struct Nc {
    host: String,
    port: u16,
    quiet: bool,
    until: Time,
    conn: Option<ConnId>,
    /// What came of it, and the status.
    ended: Option<(Option<String>, i32)>,
}

/// # Errors
/// What is wrong with the arguments.
pub fn nc(start: &Start) -> Result<Nc, Done> {
    refuse_elsewhere(start)?;
    let (mut scans, mut loud, mut patience) = (false, false, CONNECT_PATIENCE);
    let mut operands = Vec::new();
    let mut args = start.args.iter();
    while let Some(arg) = args.next() {
        match arg.strip_prefix('-') {
            Some("w") => match args.next().and_then(|time| span(time)) {
                Some(time) => patience = time,
                None => return Err(Done::failed("nc: timeout invalid", 1)),
            },
            Some(flags) if !flags.is_empty() && flags.chars().all(|c| "zvn".contains(c)) => {
                scans |= flags.contains('z');
                loud |= flags.contains('v');
            }
            Some(_) => return Err(Done::failed(format!("nc: {arg} is not here; nc -z HOST PORT looks whether a port is open"), 1)),
            None => operands.push(arg.clone()),
        }
    }
    let port = operands.get(1).and_then(|port| port.parse().ok());
    match (&operands[..], port) {
        ([host, _], Some(port)) if scans => {
            Ok(Nc { host: host.clone(), port, quiet: !loud, until: start.now + patience, conn: None, ended: None })
        }
        _ => Err(Done::failed("usage: nc -z [-v] [-w timeout] destination port", 1)),
    }
}

impl Program for Nc {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.conn.is_none() {
            self.conn = Some(cx.out.connect(&self.host, self.port));
        }
        if self.ended.is_none() && self.until <= cx.now {
            self.kill(cx.out);
            self.ended = Some((Some("Connection timed out".into()), 1));
        }
        let (said, status) = self.ended.as_ref()?;
        let Nc { host, port, quiet, .. } = self;
        match said {
            // A failure is only told with -v.
            Some(_) if *quiet => {}
            Some(said) => cx.print.error(format!("nc: connect to {host} port {port} (tcp) failed: {said}")),
            None if *quiet => {}
            None => cx.print.error(format!("Connection to {host} {port} port [tcp/*] succeeded!")),
        }
        Some(*status)
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        match input {
            Input::Connected(conn) => {
                cx.out.close(conn);
                self.ended = Some((None, 0));
            }
            Input::Closed(_, CloseReason::UnknownHost) => self.ended = Some((Some("Name or service not known".into()), 1)),
            Input::Closed(..) => self.ended = Some((Some("Connection refused".into()), 1)),
            _ => {}
        }
    }

    fn owns(&self, input: &Input) -> bool {
        matches!(input, Input::Connected(conn) | Input::Closed(conn, _) if self.conn == Some(*conn))
    }

    fn kill(&mut self, out: &mut crate::kafka::actor::Outbox) {
        if self.ended.is_none() {
            self.conn.into_iter().for_each(|conn| out.close(conn));
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.ended.is_none().then_some(self.until)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `ping [-c COUNT] HOST`
#[derive(Clone, Debug)]
pub struct Ping {
    host: String,
    /// How many; without `-c` until Ctrl-C.
    count: u64,
    sent: u64,
    received: u64,
    began: Time,
    next: Time,
    /// The last request, and when it was sent.
    asked: Option<(ReadId, Time)>,
    /// The answer's time in microseconds, not yet printed.
    answer: Option<u64>,
}

/// # Errors
/// What is wrong with the arguments.
pub fn ping(start: &Start) -> Result<Ping, Done> {
    refuse_elsewhere(start)?;
    let mut count = u64::MAX;
    let mut host = None;
    let mut args = start.args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-c" => match args.next().and_then(|count| count.parse().ok()).filter(|count| *count > 0) {
                Some(number) => count = number,
                None => return Err(Done::failed("ping: invalid argument for -c", 1)),
            },
            "-W" | "-i" => drop(args.next()),
            "-q" | "-n" | "-4" => {}
            flag if flag.starts_with('-') => return Err(Done::failed(format!("ping: invalid option -- '{}'", &flag[1..]), 2)),
            name => host = Some(name.to_owned()),
        }
    }
    let Some(host) = host else { return Err(Done::failed("ping: usage error: Destination address required", 1)) };
    if !start.hosts.contains(&host) && host != start.host {
        return Err(Done::failed(format!("ping: {host}: Name or service not known"), 2));
    }
    Ok(Ping { host, count, sent: 0, received: 0, began: start.now, next: start.now, asked: None, answer: None })
}

impl Program for Ping {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.sent == 0 {
            cx.print.line(format!("PING {0} ({0}) 56(84) bytes of data.", self.host));
        }
        if let Some(us) = self.answer.take() {
            self.received += 1;
            cx.print.line(format!("64 bytes from {}: icmp_seq={} ttl=64 time={}.{:03} ms", self.host, self.sent, us / 1_000, us % 1_000));
        }
        if self.next > cx.now {
            return None;
        }
        if self.sent == self.count {
            return Some(self.end(cx));
        }
        self.sent += 1;
        self.asked = Some((cx.out.read_of(&self.host, ""), cx.now));
        self.next = cx.now + if self.sent == self.count { PING_PATIENCE } else { PING_EVERY };
        None
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let (Input::Read(_, file), Some((_, sent))) = (input, self.asked.take()) {
            let is_there = file.is_some();
            self.answer = is_there.then(|| cx.now.since(sent).0);
            if is_there && self.sent == self.count {
                self.next = cx.now;
            }
        }
    }

    fn owns(&self, input: &Input) -> bool {
        matches!(input, Input::Read(id, _) if self.asked.is_some_and(|(asked, _)| asked == *id))
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        Some(self.end(cx))
    }

    fn next_wake(&self) -> Option<Time> {
        Some(self.next)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Ping {
    fn end(&self, cx: &mut Context) -> i32 {
        let Ping { host, sent, received, .. } = self;
        let lost = (sent - received) * 100 / (*sent).max(1);
        cx.print.line(String::new());
        cx.print.line(format!("--- {host} ping statistics ---"));
        let ms = cx.now.since(self.began).as_ms();
        cx.print.line(format!("{sent} packets transmitted, {received} received, {lost}% packet loss, time {ms}ms"));
        i32::from(*received == 0)
    }
}

/// Connections begin in the terminal: there is no process on the other machine that could open them.
fn refuse_elsewhere(start: &Start) -> Result<(), Done> {
    let Start { name, host, client, .. } = start;
    if host == client { Ok(()) } else { Err(Done::failed(format!("{name}: run it in the terminal itself, not through ssh"), 1)) }
}
