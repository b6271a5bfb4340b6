//! Stories told to a board in events and snapshots; what it answers, goal by goal.

use super::*;
use crate::kafka::event::{Event, GroupState};
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::lesson::span::TimeSpan;
use crate::playground::snapshot::*;
use crate::sim::chunk::ChunkId;
use crate::sim::fault::Occurrence;

const S: u64 = 1_000_000;

/// A board of goals as a lesson would write them.
fn board(goals: &str) -> GoalBoard {
    let text = format!("{}\n# T\n{goals}\n```solution\nsleep 1\n```\n", include_str!("samples/front.md"));
    let parsed = crate::lesson::format::parse("t/t", &text, &[]);
    GoalBoard::new(&parsed.lesson.unwrap_or_else(|| panic!("{:#?}", parsed.problems)))
}

fn goal(body: &str) -> GoalBoard {
    board(&format!("```goal\nid = \"g\"\nsay = \"\"\n{body}\n```\n"))
}

/// Three brokers; orders-0 to orders-2 led by 1 to 3; billing with two members.
fn cluster(now_us: u64) -> Snapshot {
    let node = |id| NodeView {
        id,
        host: format!("kafka-{id}"),
        process: id as u32,
        is_broker: id < 100,
        is_controller: id >= 100,
        state: NodeState::Running,
        fenced: false,
        session_ends_us: None,
        disk_bytes: 0,
        leaders: 1,
        replicas: 3,
    };
    let log = |broker| ReplicaView {
        broker,
        log_start: 0,
        log_end: 100,
        high_watermark: 100,
        size_bytes: 1,
        tail: Vec::new(),
        epochs: Vec::new(),
        segments: Vec::new(),
        leads: false,
    };
    let partition = |partition: i32| PartitionView {
        partition,
        leader: Some(partition + 1),
        leader_epoch: 0,
        partition_epoch: 0,
        replicas: vec![1, 2, 3],
        isr: vec![1, 2, 3],
        elr: Vec::new(),
        logs: vec![log(1), log(2), log(3)],
    };
    let orders = TopicView {
        name: "orders".into(),
        internal: false,
        replication_factor: 3,
        min_isr: 2,
        partitions: (0..3).map(partition).collect(),
        acked_per_s: 0,
    };
    let at = |partition| Position { topic: "orders".into(), partition, position: 0 };
    let member = |n: u32, owned: Vec<i32>| MemberView {
        process: n,
        member_id: format!("m{n}"),
        client_id: format!("billing-{n}"),
        owned: owned.into_iter().map(at).collect(),
        stopped: false,
        consumed_per_s: 0,
    };
    let offset = |partition| GroupOffset { topic: "orders".into(), partition, committed: Some(90), log_end: 100 };
    let billing = GroupView {
        name: "billing".into(),
        state: GroupState::Stable,
        generation: 1,
        assignor: "range".into(),
        coordinator: Some(1),
        members: vec![member(1, vec![0, 1]), member(2, vec![2])],
        offsets: (0..3).map(offset).collect(),
        consumed_per_s: 0,
    };
    let nodes = [1, 2, 3, 100].map(node).to_vec();
    Snapshot { now_us, nodes, topics: vec![orders], groups: vec![billing], ..Snapshot::default() }
}

fn read(group: Option<&str>, partition: i32, from: i64, to: i64) -> Event {
    Event::Consumed {
        group: group.map(Name::from),
        client: "c".into(),
        partition: TopicPartition::new("orders", partition),
        base_offset: from,
        from,
        to,
        count: (to - from + 1) as u32,
        chunk: ChunkId((partition as u64) << 32 | from as u64),
    }
}

fn acked(partition: i32, from: i64, to: i64) -> Event {
    Event::BatchAcked {
        producer: "checkout".into(),
        partition: TopicPartition::new("orders", partition),
        base_offset: from,
        count: (to - from + 1) as u32,
        chunk: ChunkId((partition as u64) << 32 | from as u64),
        latency_us: 1,
    }
}

fn ended(tool: &str, args: &str, status: i32, output: &str) -> Event {
    let args = args.split_whitespace().map(Name::from).collect();
    Event::ToolEnded { session: 1, job: 1, tool: tool.into(), args, status, output: output.into() }
}

fn stopping(host: &str) -> Event {
    Event::Sim(Occurrence::Stopping { host: host.into() })
}

fn killed(host: &str) -> Event {
    Event::Sim(Occurrence::Killed { host: host.into() })
}

/// The first goal: how far it is, and what it says.
fn status(board: &GoalBoard) -> (Progress, String) {
    let status = board.statuses().swap_remove(0);
    (status.progress, status.detail)
}

/// What a goal about a state says of this one; empty if it holds.
fn check_state(goal_body: &str, snapshot: &Snapshot, expected: &str) {
    let mut board = goal(goal_body);
    board.look(snapshot.now_us, snapshot);
    let (progress, detail) = status(&board);
    assert_eq!((progress == Progress::Done, detail.as_str()), (expected.is_empty(), expected), "{goal_body}");
}

#[test]
fn states_say_why_not() {
    let ok = cluster(S);
    let check = |goal: &str, expected: &str| check_state(goal, &ok, expected);
    check("topic = { name = \"orders\", partitions = 3, replication_factor = 3 }", "");
    check("topic = { name = \"orders\", partitions = 1 }", "orders has 3 partitions, and 1 is asked for");
    check("topic = { name = \"orders\", exists = false }", "the topic orders is still there");
    check("topic = { name = \"__other\" }", "there is no topic __other");
    check("records = { topic = \"orders\", at_least = 300 }", "");
    check("records = { topic = \"orders\", at_least = 1301 }", "orders holds 300 records, and 1,301 are asked for");
    check("records = { topic = \"orders\", partition = 1, at_least = 101 }", "orders-1 holds 100 records, and 101 are asked for");
    check("isr = { topic = \"orders\", full = true }", "");
    check("isr = { topic = \"orders\", at_most = 1 }", "orders-0: ISR is 1, 2, 3, and at most 1 is asked for (and 2 partitions more)");
    check("group = { name = \"billing\", members = 2, state = \"stable\", idle_members = 0 }", "");
    check("group = { name = \"billing\", members = 3 }", "billing has 2 members, and 3 are asked for");
    check("group = { name = \"billing\", each_owns = 1 }", "billing-1 of billing owns 2 partitions, and 1 for each is asked for");
    check("group = { name = \"billing\", idle_members = 1 }", "every member of billing owns something, and 1 idle is asked for");
    check("lag = { group = \"billing\", at_most = 30 }", "");
    check("lag = { group = \"billing\", at_most = 5 }", "billing is 30 records behind, and at most 5 are asked for");
}

#[test]
fn a_replica_that_is_not_in_sync_is_explained() {
    let goal = "isr = { topic = \"orders\", full = true }";
    let mut cluster = cluster(S);
    let p = &mut cluster.topics[0].partitions[1];
    p.isr = vec![2, 3];
    p.logs[1].log_end = 1304;
    check_state(goal, &cluster, "orders-1: ISR is 2, 3; kafka-1 is 1,204 records behind");
    cluster.topics[0].partitions[2].isr = vec![3];
    cluster.nodes[0].state = NodeState::Killed;
    check_state(goal, &cluster, "orders-1: ISR is 2, 3; kafka-1 is down: start kafka-1 (and 1 partition more)");
}

#[test]
fn a_tool_that_was_run_otherwise_is_named() {
    let mut board = goal("ran = { tool = \"kafka-topics\", with = [\"--describe\"], topic = \"orders\", prints = \"Leader\" }");
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "kafka-topics has not been run yet");
    let runs = [
        (ended("kafka-topics.sh", "--list", 0, ""), "kafka-topics was run without --describe"),
        (ended("kafka-topics.sh", "--describe", 0, ""), "kafka-topics was asked about no topic in particular, and orders is meant"),
        (ended("kafka-topics", "--describe --topic x", 0, ""), "kafka-topics was asked about the topic x, and orders is meant"),
        (
            ended("kafka-topics", "--describe --topic orders", 1, ""),
            "kafka-topics ended with status 1, and 0 is meant: see what it printed",
        ),
        (ended("kafka-topics", "--describe --topic=orders", 0, "none"), "kafka-topics did not print \"Leader\""),
        (ended("kafka-configs", "--describe --topic orders", 0, "Leader"), "kafka-topics did not print \"Leader\""),
    ];
    for (event, why) in runs {
        board.event(2 * S, &event);
        board.look(2 * S, &cluster(2 * S));
        assert_eq!(status(&board), (Progress::Open, why.into()));
    }
    board.event(3 * S, &ended("kafka-topics.sh", "--describe --topic orders", 0, "Leader: 1"));
    assert_eq!(status(&board), (Progress::Done, String::new()));
}

#[test]
fn a_broker_that_ended_otherwise_is_named() {
    let mut board = goal("event = { broker_killed = { led = \"orders\" } }");
    board.look(S, &cluster(S));
    assert_eq!(status(&board), (Progress::Open, "no broker was killed yet".into()));
    board.event(S, &killed("kafka-100"));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "kafka-100 was killed, but it led no partition of orders");
    board.event(S, &stopping("kafka-1"));
    let why = "kafka-1 was stopped in an orderly way: it handed its leaderships over first, so there was nothing to see. Use kill -9.";
    assert_eq!(status(&board).1, why);
    board.event(S, &Event::BrokerStarted { broker: BrokerId(1), clean: true });
    assert_eq!(status(&board), (Progress::Open, why.into()));
    board.event(S, &killed("kafka-2"));
    let mut later = board.clone();
    later.event(S + 1, &stopping("kafka-3"));
    assert_eq!(status(&later).0, Progress::Done);
    board.look(S, &cluster(S));
    assert_eq!(status(&board).0, Progress::Done);
}

/// A page that is opened again kills and starts every host at one instant.
#[test]
fn a_restart_by_nobody_counts_for_nothing() {
    let again = |goal_body: &str, by_nobody: bool| {
        let mut board = goal(goal_body);
        board.look(S, &cluster(S));
        board.event(S, &killed("kafka-1"));
        board.event(if by_nobody { S } else { 2 * S }, &Event::Sim(Occurrence::Started { host: "kafka-1".into() }));
        board.look(3 * S, &cluster(3 * S));
        board.event(4 * S, &Event::BrokerStarted { broker: BrokerId(1), clean: false });
        status(&board).0
    };
    for body in ["event = { broker_killed = { led = \"orders\" } }", "event = { broker_started = {} }"] {
        assert_eq!((again(body, true), again(body, false)), (Progress::Open, Progress::Done));
    }
}

/// A rate that falls, explained at each stage, comes back and must stay.
#[test]
fn a_rate_is_explained_and_must_hold() {
    let mut board = goal("within = \"30s\"\nheld_for = \"2s\"\nrate = { consumed = \"billing\", at_least = 800 }");
    let mut cluster = cluster(0);
    cluster.nodes[0].state = NodeState::Killed;
    cluster.nodes[0].session_ends_us = Some(8_200_000);
    let look = |board: &mut GoalBoard, snapshot: &Snapshot, at: u64| board.look(at, &Snapshot { now_us: at, ..snapshot.clone() });
    look(&mut board, &cluster, S);
    assert_eq!(
        status(&board).1,
        "billing reads 0 a second, and at least 800 are asked for. kafka-1 is dead, and still in the ISR of orders-0, orders-1 and orders-2: \
         nothing is committed without it until the controller fences it, in 7.2 s"
    );
    cluster.nodes[0].fenced = true;
    cluster.topics[0].partitions.iter_mut().for_each(|p| p.isr = vec![3]);
    let mut below = board.clone();
    look(&mut below, &cluster, 9 * S);
    assert!(status(&below).1.contains("orders-0: 1 in-sync replica, min.insync.replicas is 2"), "{}", status(&below).1);
    look(&mut below, &cluster, 32 * S);
    assert_eq!(status(&below).0, Progress::Failed);
    assert!(status(&below).1.starts_with("not within 30s: billing reads 0 a second"), "{}", status(&below).1);

    cluster.topics[0].partitions.iter_mut().for_each(|p| p.isr = vec![2, 3]);
    for tenth in 100..=130 {
        board.event(tenth * S / 10, &read(Some("billing"), 0, tenth as i64 * 100, tenth as i64 * 100 + 99));
        look(&mut board, &cluster, tenth * S / 10);
        match tenth {
            ..108 => assert_eq!(status(&board).0, Progress::Open, "{tenth}"),
            112 => assert_eq!(status(&board), (Progress::Holding, "holds for 0.4 s of 2s".into())),
            128.. => assert_eq!(status(&board).0, Progress::Done, "{tenth}"),
            _ => {}
        }
    }
}

#[test]
fn reading_from_the_end_is_explained() {
    let mut board = goal("consumed = { topic = \"orders\", at_least = 3, from_beginning = true }");
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "nobody has read orders since then");
    let reset = |to| Event::OffsetReset { group: Some("g".into()), client: "c".into(), partition: TopicPartition::new("orders", 0), to };
    board.event(S, &reset(3));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "a consumer began at the end, and 3 records stand before it. Add --from-beginning.");
    board.event(S, &read(Some("g"), 0, 3, 9));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).0, Progress::Open);
    board.event(S, &read(Some("h"), 0, 0, 1));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "2 records of orders are read, of 3 that are asked for");
    board.event(S, &read(Some("h"), 0, 2, 2));
    assert_eq!(status(&board).0, Progress::Done);
}

#[test]
fn a_history_waits_for_what_was_acknowledged_when_it_came_up() {
    let mut board = goal("history = { topic = \"orders\", group = \"billing\", free_of = [\"lost-write\", \"inconsistent-offsets\"] }");
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "no record of orders was acknowledged yet");
    board.event(S, &acked(0, 0, 9));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).1, "billing has yet to read 10 acknowledged records of orders");
    board.event(S, &acked(0, 10, 19));
    let mut skipped = board.clone();
    skipped.event(S, &read(Some("billing"), 0, 0, 4));
    skipped.event(S, &acked(0, 20, 29));
    skipped.event(S, &read(Some("billing"), 0, 20, 29));
    skipped.look(S, &cluster(S));
    let why = "billing has read on, and not 15 acknowledged records before that (orders-0 from offset 5)";
    assert_eq!(status(&skipped), (Progress::Open, why.into()));
    board.event(S, &read(Some("billing"), 0, 0, 9));
    board.look(S, &cluster(S));
    assert_eq!(status(&board).0, Progress::Done);
}

#[test]
fn goals_follow_one_another_and_never_waits_for_all() {
    let goals = "```goal\nid = \"never\"\nsay = \"\"\nnever = true\nevent = { broker_killed = {} }\n```\n\
                 ```goal\nid = \"second\"\nsay = \"\"\nafter = \"first\"\nrecords = { topic = \"orders\", at_least = 1 }\n```\n\
                 ```goal\nid = \"first\"\nsay = \"\"\nran = { tool = \"kafka-topics\" }\n```\n";
    let mut board = board(goals);
    board.look(S, &cluster(S));
    let progress = |board: &GoalBoard| board.statuses().iter().map(|s| s.progress).collect::<Vec<_>>();
    assert_eq!(progress(&board), [Progress::Open, Progress::Waiting, Progress::Open]);
    let mut dead = board.clone();
    dead.event(S, &killed("kafka-1"));
    dead.look(S, &cluster(S));
    assert_eq!(progress(&dead)[0], Progress::Failed);
    board.event(S, &ended("kafka-topics", "--list", 0, ""));
    assert_eq!(progress(&board), [Progress::Open, Progress::Open, Progress::Done]);
    board.look(2 * S, &cluster(2 * S));
    assert_eq!(progress(&board), [Progress::Done; 3]);
    assert!(board.is_done() && !dead.is_done());
}

/// A cluster starts before it is ready for a learner.
#[test]
fn what_happens_before_the_first_look_reaches_nothing() {
    let mut board = goal("event = { broker_started = {} }");
    for broker in 1..=3 {
        board.event(0, &Event::BrokerStarted { broker: BrokerId(broker), clean: true });
    }
    board.look(S, &cluster(S));
    assert_eq!(status(&board).0, Progress::Open);
}

#[test]
fn a_time_is_read_as_written() {
    let board = goal("within = \"30s\"\nheld_for = \"500ms\"\nisr = { topic = \"orders\", full = true }");
    let mode = Mode::Reach { within: Some(TimeSpan::from_seconds(30)), held_for: TimeSpan::from_micros(500_000) };
    assert!(format!("{board:?}").contains(&format!("{mode:?}")));
}
