//! Faults of links, disks and clocks, on two hosts that do nothing but count: `a` says the time to `b` every 100 ms, and `b` writes it down.

use super::*;
use crate::sim::disk::Head;
use crate::sim::fault::{Fault, Occurrence};
use crate::sim::process::{self, Frame};

#[derive(Clone, Debug)]
struct Pair;

#[derive(Clone, Debug)]
struct Word(u64);

/// What was heard, and when (in ms): of the event list.
#[derive(Clone, Debug, Hash)]
enum Heard {
    Sim(Occurrence),
    Word { said: u64, at: u64 },
    Echo(u64),
    Full,
}

impl From<Occurrence> for Heard {
    fn from(occurrence: Occurrence) -> Heard {
        Heard::Sim(occurrence)
    }
}

impl Frame for Word {
    fn size_bytes(&self) -> u64 {
        8
    }
}

#[derive(Clone, Debug, Default)]
struct Speaker {
    speaks: bool,
    conn: Option<ConnId>,
    next: Option<Time>,
}

impl Model for Pair {
    type Frame = Word;
    type Event = Heard;
    type Tell = ();
    type Spec = bool;
    type Process = Speaker;

    fn boot(speaks: &bool, _: &Boot) -> Speaker {
        Speaker { speaks: *speaks, ..Speaker::default() }
    }

    fn start_up(_: &bool) -> Duration {
        Duration::ms(1)
    }
}

impl process::Process<Pair> for Speaker {
    fn step(&mut self, now: Time, input: Input<Word, ()>, out: &mut Outbox<Word, Heard>) {
        match input {
            Input::Start if self.speaks => self.conn = Some(out.connect("b", 1)),
            Input::Start => out.listen(1),
            Input::Connected(_) => self.next = Some(now + Duration::ms(100)),
            Input::Wake if self.next.is_some_and(|at| at <= now) => {
                self.next = Some(now + Duration::ms(100));
                self.conn.into_iter().for_each(|conn| out.send(conn, Word(now.0 / 1_000)));
            }
            Input::Frame(_, Word(said)) if self.speaks => drop(out.emit(Heard::Echo(said))),
            Input::Frame(conn, Word(said)) => {
                out.emit(Heard::Word { said, at: now.0 / 1_000 });
                let chunk = out.chunk(bytes::Bytes::from(said.to_string()));
                let store = out.store();
                if store.disk.append(store.now, "words", Head::EMPTY, chunk).is_err() {
                    out.emit(Heard::Full);
                }
                out.send(conn, Word(said));
            }
            _ => {}
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.next
    }
}

fn pair() -> Sim<Pair> {
    let mut sim = Sim::new(Settings { link: LinkSpec { latency: Duration::ms(1), ..LinkSpec::default() }, ..Settings::default() });
    sim.spawn("b", "b", false, Duration::ZERO);
    sim.spawn("a", "a", true, Duration::ms(1));
    sim
}

/// Faults at their times (ms); then what was heard until a second has passed, as `said@heard`, `<echo`, `full`.
fn check(faults: &[(u64, Fault)], expected: &str) -> Sim<Pair> {
    let mut sim = pair();
    for (at, fault) in faults {
        sim.run_until(Time::from_ms(*at));
        sim.inject(fault, None).unwrap();
    }
    sim.run_until(Time::from_ms(650));
    let text = |event: &Heard| match event {
        Heard::Sim(_) => None,
        Heard::Word { said, at } => Some(format!("{said}@{at}")),
        Heard::Echo(said) => Some(format!("<{said}")),
        Heard::Full => Some("full".to_owned()),
    };
    let heard: Vec<String> = sim.take_events().iter().filter_map(|recorded| text(&recorded.event)).collect();
    assert_eq!(heard.join(" "), expected);
    sim
}

fn hosts(from: &str, to: &str) -> (String, String) {
    (from.to_owned(), to.to_owned())
}

#[test]
fn all_is_well() {
    check(&[], "103@104 <103 203@204 <203 303@304 <303 403@404 <403 503@504 <503 603@604 <603");
}

#[test]
fn a_cut_of_one_way_leaves_the_other() {
    let (from, to) = hosts("a", "b");
    let cut = Fault::CutOneWay { from: from.clone(), to: to.clone() };
    check(
        &[(250, cut.clone()), (450, Fault::HealOneWay { from: from.clone(), to: to.clone() })],
        "103@104 <103 203@204 <203 303@451 403@451 <303 <403 503@504 <503 603@604 <603",
    );
    let (from, to) = hosts("b", "a");
    check(&[(250, Fault::CutOneWay { from, to })], "103@104 <103 203@204 <203 303@304 403@404 503@504 603@604");
    // A connection needs both ways.
    let (from, to) = hosts("b", "a");
    check(&[(0, Fault::CutOneWay { from, to }), (450, Fault::HealAll)], "552@553 <552");
}

#[test]
fn what_is_lost_comes_late() {
    let (a, b) = hosts("a", "b");
    check(
        &[(250, Fault::Lose { a: a.clone(), b: b.clone(), permille: 1_000 }), (350, Fault::Lose { a, b, permille: 0 })],
        "103@104 <103 203@204 <203",
    );
}

#[test]
fn a_slow_disk_makes_its_process_wait() {
    let slow = |delay_us| Fault::SlowDisk { host: "b".into(), delay_us };
    check(&[(250, slow(150_000)), (500, slow(0))], "103@104 <103 203@204 <203 303@304 403@454 <303 503@604 603@604 <403 <503 <603");
}

#[test]
fn a_full_disk_takes_nothing() {
    let host = || "b".to_owned();
    let faults = [(250, Fault::FillDisk { host: host() }), (350, Fault::FreeDisk { host: host() })];
    check(&faults, "103@104 <103 203@204 <203 303@304 full <303 403@404 <403 503@504 <503 603@604 <603");
}

#[test]
fn a_clock_that_is_set_moves_what_waits_for_it() {
    let skew = |ms| Fault::SkewClock { host: "a".into(), ms };
    // Ahead: what is due at 303 is due at once, as 1,250. Back again: the next is due at 1,350, which is far away.
    check(&[(250, skew(1_000)), (320, skew(0))], "103@104 <103 203@204 <203 1250@251 <1250");
}

#[test]
fn bits_flip_while_nothing_runs() {
    let flip = Fault::FlipBit { host: "b".into(), path: "words".into() };
    let mut sim = check(&[], "103@104 <103 203@204 <203 303@304 <303 403@404 <403 503@504 <503 603@604 <603");
    assert!(sim.inject(&flip, None).is_err());
    sim.inject(&Fault::Kill { host: "b".into() }, None).unwrap();
    sim.inject(&flip, None).unwrap();
    assert_eq!(&sim.host("b").unwrap().disk.file("words").unwrap().read()[..], b"103203303403503613");
}
