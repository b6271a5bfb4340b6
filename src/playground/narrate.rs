//! One plain sentence for each event and each command.

use super::command::Command;
use crate::kafka::event::{Event, Fenced, GroupState, Left, QuorumRole};
use crate::kafka::names::{BrokerId, TopicPartition, host_of};
use crate::sim::fault::{Fault, Occurrence, Shaping};

/// At most so much of a typed line or of a list is repeated.
const MOST: usize = 80;

/// What happened: "orders-0: leader 1 → 2, leader epoch 2".
pub fn event(event: &Event) -> String {
    match event {
        Event::Sim(occurrence) => self::occurrence(occurrence),
        Event::LineEntered { line, .. } => format!("`{}` was entered", cut(line)),
        Event::ToolStarted { tool, .. } => format!("{tool} began"),
        Event::ServerLog { broker, line } => format!("{} logs: {line}", host_of(*broker)),
        Event::ToolEnded { tool, status: 0, .. } => format!("{tool} ended"),
        Event::ToolEnded { tool, status, .. } => format!("{tool} ended with status {status}"),
        Event::GroupChanged { .. }
        | Event::MemberJoined { .. }
        | Event::MemberLeft { .. }
        | Event::Assigned { .. }
        | Event::Consumed { .. }
        | Event::OffsetCommitted { .. }
        | Event::OffsetReset { .. } => group(event),
        Event::ProducerStarted { .. } | Event::BatchSent { .. } | Event::BatchAcked { .. } | Event::BatchFailed { .. } => producer(event),
        Event::Appended { .. }
        | Event::Replicated { .. }
        | Event::HighWatermarkMoved { .. }
        | Event::Truncated { .. }
        | Event::SegmentRolled { .. }
        | Event::LogStartMoved { .. }
        | Event::LogDirFailed { .. }
        | Event::LogCleaned { .. }
        | Event::CorruptBatch { .. } => log(event),
        _ => cluster(event),
    }
}

/// What was asked for: "kill kafka-1".
pub fn command(command: &Command) -> String {
    match command {
        Command::Fault(fault) => self::fault(fault),
        Command::Line { text, .. } => cut(text),
        Command::Interrupt { .. } => "Ctrl-C".into(),
        Command::EndOfInput { .. } => "Ctrl-D".into(),
        Command::File { file, .. } => format!("put {} into the folder", file.name),
        Command::AddProducer(spec) => format!("add the producer {}", spec.name),
        Command::AddGroup(spec) => format!("add {} to {}", count(u64::from(spec.members), "member"), spec.name),
        Command::RestartAll => "all hosts start again from their disks".into(),
    }
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Kill { host } => format!("kill {host}"),
        Fault::PowerCut { host } => format!("cut the power of {host}"),
        Fault::Stop { host } => format!("stop {host}"),
        Fault::Start { host } => format!("start {host}"),
        Fault::Pause { host } => format!("pause {host}"),
        Fault::Resume { host } => format!("let {host} go on"),
        Fault::Cut { a, b } => format!("cut {a} off from {b}"),
        Fault::Heal { a, b } => format!("mend the link of {a} and {b}"),
        Fault::HealAll => "mend all links".into(),
        Fault::CutOneWay { from, to } | Fault::CutAtSender { from, to } => format!("drop what {from} sends to {to}"),
        Fault::HealOneWay { from, to } => format!("let through what {from} sends to {to}"),
        Fault::Lose { a, b, permille } => format!("lose {} of the packets between {a} and {b}", percent(*permille)),
        Fault::SlowDisk { host, delay_us } => format!("slow the disk of {host} down to {} a write", milliseconds(*delay_us)),
        Fault::FillDisk { host } => format!("fill the disk of {host}"),
        Fault::FreeDisk { host } => format!("make room on the disk of {host}"),
        Fault::BreakDisk { host, folder } => format!("break {}", disk_of(host, folder)),
        Fault::MendDisk { host, folder } => format!("mend {}", disk_of(host, folder)),
        Fault::SkewClock { host, ms } => format!("set the clock of {host} off by {ms} ms"),
        Fault::FlipBit { host, path } => format!("flip a bit of {path} on {host}"),
        Fault::Shape { host, shaping } => format!("{host}: {}", shaped(*shaping)),
    }
}

fn shaped(shaping: Shaping) -> String {
    if shaping.is_nothing() {
        return "what it sends is no longer slowed".into();
    }
    let Shaping { delay_us, jitter_us, lost_ppm } = shaping;
    let ms = |us: u64| format!("{}.{:03} ms", us / 1_000, us % 1_000);
    format!("what it sends is {} late, up to {} more or less, and {lost_ppm} of a million packets are lost", ms(delay_us), ms(jitter_us))
}

fn occurrence(occurrence: &Occurrence) -> String {
    match occurrence {
        Occurrence::Started { host } => format!("{host} was started"),
        Occurrence::Killed { host } => format!("{host} was killed"),
        Occurrence::PowerLost { host } => format!("{host} lost its power"),
        Occurrence::Stopping { host } => format!("{host} was asked to stop"),
        // 143: ended by SIGTERM, as asked.
        Occurrence::Exited { host, status: 0 | 143 } => format!("{host} stopped"),
        Occurrence::Exited { host, status } => format!("{host} stopped with status {status}"),
        Occurrence::Paused { host } => format!("{host} was paused"),
        Occurrence::Resumed { host } => format!("{host} goes on"),
        Occurrence::LinkCut { a, b } => format!("{a} and {b} were cut off from each other"),
        Occurrence::LinkHealed { a, b } => format!("{a} and {b} hear each other again"),
        Occurrence::LinkCutOneWay { from, to } => format!("{to} no longer hears {from}"),
        Occurrence::LinkHealedOneWay { from, to } => format!("{to} hears {from} again"),
        Occurrence::LinkLossy { a, b, permille } => format!("{} of the packets between {a} and {b} are lost", percent(*permille)),
        Occurrence::DiskSlow { host, delay_us } => format!("the disk of {host} takes {} a write", milliseconds(*delay_us)),
        Occurrence::DiskFilled { host } => format!("the disk of {host} is full"),
        Occurrence::DiskFreed { host } => format!("there is room on the disk of {host} again"),
        Occurrence::DiskBroken { host, folder } => format!("{} is broken", disk_of(host, folder)),
        Occurrence::DiskMended { host, folder } => format!("{} works again", disk_of(host, folder)),
        Occurrence::ClockSkewed { host, ms: 0 } => format!("the clock of {host} is right again"),
        Occurrence::ClockSkewed { host, ms } => format!("the clock of {host} is off by {ms} ms"),
        Occurrence::BitFlipped { host, path } => format!("a bit of {path} on {host} flipped"),
        Occurrence::Shaped { host, shaping } => format!("{host}: {}", shaped(*shaping)),
    }
}

fn cluster(event: &Event) -> String {
    match event {
        Event::BrokerStarted { broker, clean: true } => format!("{} has opened its logs", host_of(*broker)),
        Event::BrokerStarted { broker, clean: false } => format!("{} has recovered its logs", host_of(*broker)),
        Event::BrokerRegistered { broker, epoch } => format!("broker {broker} registered, broker epoch {epoch}"),
        Event::BrokerUnfenced { broker } => format!("the controller counts on broker {broker}"),
        Event::BrokerFenced { broker, why } => match why {
            Fenced::SessionExpired => format!("broker {broker}'s session ended: the controller fenced it"),
            Fenced::ShutDown => format!("broker {broker} was fenced: it shuts down"),
            Fenced::Restarted => format!("broker {broker} was fenced: it had started anew"),
        },
        Event::ControlledShutdown { broker } => format!("broker {broker} hands over its leaderships"),
        Event::ControllerElected { controller, epoch } => format!("{} is the active controller, epoch {epoch}", host_of(*controller)),
        Event::QuorumRoleChanged { node, role, epoch } => quorum(*node, *role, *epoch),
        Event::VoteCast { voter, candidate, epoch, granted, pre_vote } => {
            let (voter, candidate) = (host_of(*voter), host_of(*candidate));
            match (pre_vote, granted) {
                (true, true) => format!("{voter} would vote for {candidate}"),
                (true, false) => format!("{voter} would not vote for {candidate}"),
                (false, true) => format!("{voter} votes for {candidate} in epoch {epoch}"),
                (false, false) => format!("{voter} does not vote for {candidate} in epoch {epoch}"),
            }
        }
        Event::MetadataCommitted { high_watermark, .. } => format!("metadata is committed up to {high_watermark}"),
        Event::TopicCreated { topic, partitions, replication_factor } => {
            format!("topic {topic} was created: {}, replication factor {replication_factor}", count(*partitions as u64, "partition"))
        }
        Event::TopicDeleted { topic } => format!("topic {topic} was deleted"),
        Event::PartitionsAdded { topic, from, to } => format!("{topic}: {from} → {to} partitions"),
        Event::LeaderElected { partition, leader, before, leader_epoch, unclean, .. } => {
            let unclean = if *unclean { ", not from the ISR" } else { "" };
            format!("{partition}: leader {} → {}, leader epoch {leader_epoch}{unclean}", node(*before), node(*leader))
        }
        Event::IsrChanged { partition, before, isr, .. } => format!("{partition}: ISR {} → {}", nodes(before), nodes(isr)),
        Event::ConfigChanged { resource, name, value: Some(value) } => format!("{resource}: {name} = {}", cut(value)),
        Event::ConfigChanged { resource, name, value: None } => format!("{resource}: {name} is its default again"),
        _ => String::new(),
    }
}

fn quorum(node: BrokerId, role: QuorumRole, epoch: i32) -> String {
    let node = host_of(node);
    match role {
        QuorumRole::Unattached => format!("{node} knows no leader of the quorum in epoch {epoch}"),
        QuorumRole::Prospective => format!("{node} misses the quorum's leader, and asks whether it could win an election"),
        QuorumRole::Candidate => format!("{node} asks for votes in epoch {epoch}"),
        QuorumRole::Leader => format!("{node} leads the quorum in epoch {epoch}"),
        QuorumRole::Follower => format!("{node} follows the quorum's leader of epoch {epoch}"),
        QuorumRole::Resigned => format!("{node} leads the quorum no more"),
    }
}

fn log(event: &Event) -> String {
    let on = |broker: &BrokerId| host_of(*broker);
    match event {
        Event::Appended { partition, broker, base_offset, last_offset, .. } => {
            format!("{partition}: {} appended {}", on(broker), offsets(*base_offset, *last_offset))
        }
        Event::Replicated { partition, broker, log_end } => format!("{partition}: {} has all up to {log_end}", on(broker)),
        Event::HighWatermarkMoved { partition, high_watermark, .. } => format!("{partition}: high watermark {high_watermark}"),
        Event::Truncated { partition, broker, from, to } => {
            format!("{partition}: {} cut its log from {from} back to {to}", on(broker))
        }
        Event::SegmentRolled { partition, broker, base_offset } => {
            format!("{partition}: {} began a new segment at {base_offset}", on(broker))
        }
        Event::LogDirFailed { broker, dir } => format!("broker {broker} can no longer use its log directory {dir}"),
        Event::LogStartMoved { partition, broker, log_start } => {
            format!("{partition}: {} deleted what was before {log_start}", on(broker))
        }
        Event::LogCleaned { partition, broker, first_dirty, bytes_before, bytes_after } => {
            format!("{partition}: {} compacted what was before {first_dirty}: {bytes_before} bytes became {bytes_after}", on(broker))
        }
        Event::CorruptBatch { partition, broker, offset } => {
            format!("{partition}: {} found a batch whose checksum is wrong, at {offset}", on(broker))
        }
        _ => String::new(),
    }
}

fn producer(event: &Event) -> String {
    match event {
        Event::ProducerStarted { producer } => format!("{producer} began to produce"),
        Event::BatchSent { producer, partition, count: n, attempt, .. } => match attempt {
            0 | 1 => format!("{producer} sent {} to {partition}", count(u64::from(*n), "record")),
            attempt => format!("{producer} sent {} to {partition} again (attempt {attempt})", count(u64::from(*n), "record")),
        },
        Event::BatchAcked { producer, partition, base_offset, count: n, .. } => match base_offset {
            -1 => format!("{producer} sent {} to {partition} and waits for no answer", count(u64::from(*n), "record")),
            base => format!("{producer}: {partition} has {}", offsets(*base, base + i64::from(*n) - 1)),
        },
        Event::BatchFailed { producer, partition, count: n, error, .. } => {
            let name = kafka_protocol::ResponseError::try_from_code(*error).map_or_else(|| format!("error {error}"), |e| format!("{e:?}"));
            format!("{producer} gave up {} for {partition}: {name}", count(u64::from(*n), "record"))
        }
        _ => String::new(),
    }
}

fn group(event: &Event) -> String {
    match event {
        Event::GroupChanged { group, state, generation } => match state {
            GroupState::Empty => format!("{group} is empty"),
            GroupState::PreparingRebalance => format!("{group} rebalances: it waits for its members to join"),
            GroupState::Assigning => format!("{group}: epoch {generation}, a new target is due"),
            GroupState::Reconciling => format!("{group}: epoch {generation}, members give up and take over partitions"),
            GroupState::CompletingRebalance => format!("{group}: generation {generation}, its leader assigns partitions"),
            GroupState::Stable => format!("{group} is stable, generation {generation}"),
            GroupState::Dead => format!("{group} is gone"),
        },
        Event::MemberJoined { group, client, .. } => format!("{client} joined {group}"),
        Event::MemberLeft { group, member, why } => match why {
            Left::Closed => format!("{} left {group}", client_of(member)),
            Left::SessionExpired => format!("{} is no longer in {group}: its session ended", client_of(member)),
            Left::RebalanceTimedOut => format!("{} is no longer in {group}: it did not rejoin in time", client_of(member)),
        },
        Event::Assigned { member, partitions, .. } if partitions.is_empty() => format!("{} owns nothing", client_of(member)),
        Event::Assigned { member, partitions, .. } => format!("{} owns {}", client_of(member), list(partitions)),
        Event::Consumed { client, partition, from, to, .. } => format!("{client} read {partition} {}", offsets(*from, *to)),
        Event::OffsetCommitted { group, partition, offset } => format!("{group} committed {offset} of {partition}"),
        Event::OffsetReset { client, partition, to, .. } => format!("{client} begins to read {partition} at {to}"),
        _ => String::new(),
    }
}

/// A member id is the client id and a UUID: `billing-1-9a0c…`. A person knows the first part.
fn client_of(member: &str) -> &str {
    const UUID: usize = 37;
    let cut = member.len().checked_sub(UUID).filter(|&at| member.is_char_boundary(at) && member[at..].starts_with('-'));
    cut.map_or(member, |at| &member[..at])
}

fn node(node: Option<BrokerId>) -> String {
    node.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

fn nodes(nodes: &[BrokerId]) -> String {
    let ids: Vec<String> = nodes.iter().map(BrokerId::to_string).collect();
    if ids.is_empty() { "nobody".into() } else { ids.join(", ") }
}

fn list(partitions: &[TopicPartition]) -> String {
    let names: Vec<String> = partitions.iter().take(6).map(TopicPartition::to_string).collect();
    match partitions.len().saturating_sub(6) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn percent(permille: u16) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

fn milliseconds(us: u32) -> String {
    format!("{}.{:03} ms", us / 1_000, us % 1_000)
}

fn offsets(from: i64, to: i64) -> String {
    if from == to { format!("offset {from}") } else { format!("offsets {from} to {to}") }
}

fn count(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A disk, or what lies below a folder of it.
fn disk_of(host: &str, folder: &str) -> String {
    match folder {
        "" => format!("the disk of {host}"),
        folder => format!("the disk of {host} below /{folder}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(happened: Event, expected: &str) {
        assert_eq!(event(&happened), expected);
    }

    #[test]
    fn says_what_happened() {
        let orders = TopicPartition::new("orders", 0);
        check(
            Event::LeaderElected {
                partition: orders.clone(),
                leader: Some(BrokerId(2)),
                before: Some(BrokerId(1)),
                leader_epoch: 2,
                isr: vec![],
                unclean: false,
            },
            "orders-0: leader 1 → 2, leader epoch 2",
        );
        check(Event::Sim(Occurrence::Killed { host: "kafka-1".into() }), "kafka-1 was killed");
        check(
            Event::IsrChanged { partition: orders, before: vec![BrokerId(1), BrokerId(2)], isr: vec![BrokerId(2)], leader_epoch: 1 },
            "orders-0: ISR 1, 2 → 2",
        );
        let member = "billing-1-550e8400-e29b-41d4-a716-446655440000".into();
        check(Event::MemberLeft { group: "billing".into(), member, why: Left::Closed }, "billing-1 left billing");
        check(Event::LineEntered { session: 0, line: "é".repeat(100).into() }, &format!("`{}…` was entered", "é".repeat(MOST)));
    }
}
