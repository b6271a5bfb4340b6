//! The proof by random faults: many runs in which nothing that must hold is broken, and, with any one rule of Kafka switched off, a run in which
//! the right thing is. `ottla fuzz` does the same by the hundred thousand.

use std::sync::atomic::{AtomicU64, Ordering};

use ottla::kafka::rules::Rule;
use ottla::playground::fuzz::plan::Plan;
use ottla::playground::fuzz::replay::Replay;
use ottla::playground::fuzz::run::run;
use ottla::playground::fuzz::shrink::shrink;

const STEPS: u32 = 10;

/// Calls `each` with the numbers below `until`, on two threads, until it says stop.
fn in_parallel(until: u64, each: impl Fn(u64) -> bool + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let n @ 0.. = next.fetch_add(1, Ordering::Relaxed)
                    && n < until
                    && !each(n)
                {}
                next.store(until, Ordering::Relaxed);
            });
        }
    });
}

#[test]
fn all_that_must_hold_holds() {
    let runs = std::env::var("OTTLA_FUZZ_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2_000);
    let failed = std::sync::Mutex::new(None);
    in_parallel(runs, |seed| {
        let plan = Plan::draw(seed, STEPS, None);
        let Err(failure) = run(&plan) else { return false };
        let (plan, failure) = shrink(&plan, &failure);
        *failed.lock().unwrap() = Some(format!("{failure}\n  ottla fuzz --replay {}", Replay::of(&plan)));
        true
    });
    if let Some(failure) = failed.into_inner().unwrap() {
        panic!("{failure}");
    }
}

/// Runs in which something was wrong once, with what it was.
#[test]
fn what_was_mended_stays_so() {
    const MENDED: &[(&str, &str)] = &[
        (
            "1037/10:0,2,6,8,9",
            "after a heartbeat without an answer a member said only what had changed, and was not told its assignment again",
        ),
        ("1367/10:1,3", "a partition with an error stayed in the leader's fetch session, whose next answer put the retry off again"),
        ("1321/10:2,3,4", "a batch that two leaders had appended at two places was read, and the checker took it for the wrong one"),
        (
            "3194/10:3,6,7,9",
            "a power cut took a broker's copy of the metadata, and it did not open the logs of topics that it did not know",
        ),
        ("4899/10", "an expired session whose records could not be written was expired again at once, for ever"),
        ("5641/10:2,4,5,6", "a leader that had not heard of a new replica let it read, and forgot that it had"),
        ("6970/10:4,5,6,9", "a late answer to a replica that had been deleted was appended to the one that was there anew"),
        ("7171/10:2,3,8,9", "an old leader was held to what a replica had that was taken away since"),
        ("268/10:6,7,9", "eligible leaders that are no replicas: who helps at the end did not know that Kafka leaves that to an operator"),
        (
            "41660/10:2,3",
            "a leader of the quorum that had resigned and stood still was told the time by fetches, and did nothing when its was over",
        ),
        (
            "70419/10:0,5",
            "a registration whose answer came late got another epoch when it was sent again, and the broker's heartbeats were stale",
        ),
        (
            "30866/10:0,1,2,6",
            "a stop during the recovery of the logs left the mark of a clean one, and a damaged batch was not looked at again",
        ),
        (
            "14581/10:1,2,4,6,7,8,9",
            "a group's records that nobody confirmed in time were in the log, and the group was put back to before them",
        ),
        (
            "58082/10:0,4,5,7,8",
            "a leader answered what it had been asked before another led for a while, and that was taken for the answer to what was asked since",
        ),
        (
            "242080/10:1,2,3,8,9",
            "a follower was sent a batch that begins before its log ends, and asked again and again: it gives up, as Kafka's",
        ),
        ("37175/10:2,3,4,5,6,8,9", "records that DeleteRecords had deleted were back after a kill, and the checkers took them for kept"),
        ("74353/10:1,8,9", "an operator who helped before a replica was there did not help again"),
        ("36625/10:1,6", "a run ended before a consumer had asked the new leader whether its position was right"),
        (
            "19699/10:2,4,6,7,9",
            "a reassignment made an eligible leader that was no replica one again, empty, and it led; Kafka's controller fails then",
        ),
        ("32474/10:1,5,6,8", "min.insync.replicas was raised behind the back of a leader that was cut off: so it is in Kafka"),
    ];
    for (replay, what) in MENDED {
        let plan = replay.parse::<Replay>().unwrap().plan();
        if let Err(failure) = run(&plan) {
            panic!("{replay}: {failure}\n  ({what})");
        }
    }
}

#[test]
fn a_run_is_the_same_again() {
    let plan = Plan::draw(5, STEPS, None);
    assert_eq!(run(&plan), run(&plan));
}

/// With a rule switched off, one of these is found within so many runs. (A cluster may also hang then, which names no rule.)
#[track_caller]
fn check(off: Rule, expected: &[&str]) {
    const MOST: u64 = 3_000;
    let found = std::sync::Mutex::new(None);
    in_parallel(MOST, |seed| {
        let Err(failure) = run(&Plan::draw(seed, STEPS, Some(off))) else { return false };
        if failure.name() == "stuck" {
            return false;
        }
        found.lock().unwrap().get_or_insert((seed, failure));
        true
    });
    match found.into_inner().unwrap() {
        Some((seed, failure)) => assert!(expected.contains(&failure.name().as_str()), "seed {seed}: {failure}"),
        None => panic!("nothing was found in {MOST} runs without {}", off.name()),
    }
}

#[test]
fn a_rule_that_is_switched_off_is_found_and_named() {
    const LOGS: &[&str] = &["WeakIsr", "StrongIsr", "ValidHighWatermark", "inconsistent-offsets", "lost-write"];
    check(Rule::TruncationByEpoch, LOGS);
    // What is lost may be seen first as an offset that is given twice.
    check(Rule::MinIsr, &["lost-write", "unseen", "StrongIsr", "inconsistent-offsets"]);
    check(Rule::CleanElection, &["LeaderInIsr", "StrongIsr", "WeakIsr"]);
    check(Rule::CrcCheck, LOGS);
    check(Rule::CaughtUp, &["StrongIsr", "ValidHighWatermark"]);
    check(Rule::SequenceCheck, &["duplicate"]);
    check(Rule::FencingByEpoch, LOGS);
    check(Rule::FlushOrder, LOGS);
}
