//! Histories known to be good and known to be bad: one for each anomaly, and one for each circumstance that excuses it.

use super::*;
use crate::kafka::names::BrokerId;

/// A history being told. Batches go by a letter; each has five records.
#[derive(Default)]
struct Tale {
    history: WholeHistory,
    now: u64,
    log: FinalLog,
    complete: Vec<Name>,
}

fn orders() -> TopicPartition {
    TopicPartition::new("orders", 0)
}

fn chunk(letter: char) -> ChunkId {
    ChunkId(letter as u64)
}

impl Tale {
    fn new(acks_all: bool, idempotent: bool) -> Tale {
        let mut tale = Tale::default();
        tale.history.promise("checkout", Promise { acks_all, idempotent });
        tale
    }

    fn event(mut self, event: &Event, epoch: i32) -> Tale {
        self.now += 1_000;
        self.history.event(Time(self.now), event, || epoch);
        self
    }

    fn sent(self, letter: char, attempt: u32) -> Tale {
        let sent = Event::BatchSent { producer: "checkout".into(), partition: orders(), count: 5, chunk: chunk(letter), attempt };
        self.event(&sent, 0)
    }

    /// Sent once and appended by the leader of this epoch.
    fn appended(self, letter: char, base: i64, epoch: i32) -> Tale {
        let (partition, broker) = (orders(), BrokerId(1));
        let appended = Event::Appended { partition, broker, base_offset: base, last_offset: base + 4, size_bytes: 1, chunk: chunk(letter) };
        self.sent(letter, 1).event(&appended, epoch)
    }

    fn acked(self, letter: char, base: i64) -> Tale {
        let (producer, partition, latency_us) = ("checkout".into(), orders(), 1);
        self.event(&Event::BatchAcked { producer, partition, base_offset: base, count: 5, chunk: chunk(letter), latency_us }, 0)
    }

    fn failed(self, letter: char, error: i16) -> Tale {
        let failed = Event::BatchFailed { producer: "checkout".into(), partition: orders(), count: 5, chunk: chunk(letter), error };
        self.event(&failed, 0)
    }

    /// Of the batch that begins there.
    fn polled(self, letter: char, from: i64, to: i64) -> Tale {
        self.polled_of(from, letter, from, to)
    }

    fn polled_of(self, base_offset: i64, letter: char, from: i64, to: i64) -> Tale {
        let (group, client, partition, count) = (Some("g".into()), "g-1".into(), orders(), (to - from + 1) as u32);
        self.event(&Event::Consumed { group, client, partition, base_offset, from, to, count, chunk: chunk(letter) }, 0)
    }

    /// In the same poll as what came before.
    fn also_polled(mut self, letter: char, from: i64, to: i64) -> Tale {
        self.now -= 1_000;
        self.polled(letter, from, to)
    }

    fn stored(mut self, letter: char, base: i64) -> Tale {
        self.log.batches.push((base, base + 4, chunk(letter)));
        self
    }

    fn loss(mut self, why: Circumstance, epoch: i32) -> Tale {
        self.history.may_have_lost(&orders(), why, epoch);
        self
    }

    #[track_caller]
    fn check(self, expected: &[&str]) {
        let found = self.history.judge(&BTreeMap::from([(orders(), self.log)]), &self.complete);
        let found: Vec<String> = found.iter().map(|f| format!("{} {}..{}", f.anomaly.name(), f.from, f.to)).collect();
        assert_eq!(found, expected);
    }
}

fn strong() -> Tale {
    Tale::new(true, true)
}

#[test]
fn good() {
    let tale = strong().appended('a', 0, 1).acked('a', 0).appended('b', 5, 1).polled('a', 0, 4).acked('b', 5).polled('b', 5, 6);
    // Sent again after another leader took over; never acknowledged and gone; read in two parts; a poll of nothing.
    let tale = tale.appended('c', 10, 1).polled_of(5, 'b', 7, 9).sent('c', 2).appended('d', 10, 2).acked('d', 10).polled('d', 10, 14);
    let mut tale = tale.stored('a', 0).stored('b', 5).stored('d', 10);
    tale.complete = vec!["g".into()];
    tale.check(&[]);
}

#[test]
fn lost_write() {
    strong().appended('a', 0, 1).acked('a', 0).check(&["lost-write 0..4"]);
    // What was read was committed, whoever wrote it.
    Tale::new(false, false).appended('a', 0, 1).polled('a', 0, 4).check(&["lost-write 0..4"]);
    Tale::new(false, false).appended('a', 0, 1).acked('a', 0).check(&[]);
    for why in [Circumstance::UncleanElection, Circumstance::DisksLost] {
        strong().appended('a', 0, 1).acked('a', 0).loss(why, 2).check(&[]);
        strong().appended('a', 0, 3).acked('a', 0).loss(why, 2).check(&["lost-write 0..4"]);
    }
    let mut tale = strong().appended('a', 0, 1).acked('a', 0);
    tale.log.start = 5;
    tale.check(&[]);
    // Sent again to the next leader, who has it a little earlier: it is that batch which is read, in parts.
    let twice = || strong().appended('a', 2, 1).appended('a', 0, 2).stored('a', 0).acked('a', 0);
    twice().polled('a', 0, 2).polled_of(0, 'a', 3, 4).check(&[]);
    twice().polled_of(2, 'a', 3, 4).check(&["lost-write 2..6", "duplicate 0..4"]);
}

#[test]
fn inconsistent_offsets() {
    let tale = || strong().appended('a', 0, 1).acked('a', 0).appended('b', 2, 2);
    tale().polled('b', 2, 6).stored('b', 2).check(&["lost-write 0..4", "inconsistent-offsets 2..4"]);
    tale().stored('b', 2).check(&["lost-write 0..4", "inconsistent-offsets 2..4"]);
    tale().loss(Circumstance::UncleanElection, 2).polled('b', 2, 6).stored('b', 2).check(&[]);
}

#[test]
fn g1a() {
    let tale = || strong().appended('a', 0, 1);
    tale().failed('a', 10).polled('a', 0, 4).stored('a', 0).check(&["G1a 0..4"]);
    // Whether a batch that timed out, or was sent twice, was written nobody knows.
    tale().failed('a', 7).polled('a', 0, 4).stored('a', 0).check(&[]);
    tale().sent('a', 2).failed('a', 10).polled('a', 0, 4).stored('a', 0).check(&[]);
}

#[test]
fn unseen() {
    let tale = || strong().appended('a', 0, 1).acked('a', 0).stored('a', 0);
    tale().check(&[]);
    let mut tale = tale();
    tale.complete = vec!["g".into()];
    tale.check(&["unseen 0..4"]);
}

#[test]
fn duplicate() {
    let twice = |tale: Tale| tale.appended('a', 0, 1).appended('a', 5, 2).acked('a', 5).stored('a', 0).stored('a', 5);
    twice(strong()).check(&["duplicate 5..9"]);
    twice(Tale::new(true, false)).check(&[]);
    // The log kept one of them.
    strong().appended('a', 0, 1).appended('a', 5, 2).acked('a', 5).stored('a', 5).check(&[]);
}

#[test]
fn polls() {
    let tale = || strong().appended('a', 0, 1).appended('b', 5, 1).appended('c', 10, 1).stored('a', 0).stored('b', 5).stored('c', 10);
    tale().polled('a', 0, 4).polled('c', 10, 14).check(&["poll-skip 5..9"]);
    tale().polled('a', 0, 4).polled('b', 5, 9).polled('a', 0, 4).check(&["nonmonotonic-poll 0..9"]);
    tale().polled('a', 0, 4).also_polled('c', 10, 14).check(&["int-poll-skip 5..9"]);
    tale().polled('b', 5, 9).also_polled('a', 0, 4).check(&["int-nonmonotonic-poll 0..9"]);
    let (group, client, partition) = (Some("g".into()), "g-1".into(), orders());
    let reset = Event::OffsetReset { group, client, partition, to: 10 };
    tale().polled('a', 0, 4).event(&reset, 0).polled('c', 10, 14).check(&[]);
    let joined = |member: &str, client: &str| Event::MemberJoined { group: "g".into(), member: member.into(), client: client.into() };
    let assigned = |member: &str| Event::Assigned { group: "g".into(), member: member.into(), generation: 2, partitions: vec![orders()] };
    let (its, others) = (assigned("550e"), assigned("551f"));
    let tale = || tale().event(&joined("550e", "g-1"), 0).event(&joined("551f", "g-10"), 0);
    tale().polled('a', 0, 4).polled('b', 5, 9).event(&its, 0).polled('a', 0, 4).check(&[]);
    tale().polled('a', 0, 4).event(&others, 0).polled('c', 10, 14).check(&["poll-skip 5..9"]);
}
