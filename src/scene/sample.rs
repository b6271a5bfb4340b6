//! Clusters made up for tests and demonstrations of the stage. Nothing here simulates anything: it is a drawing's sitter.

use crate::kafka::event::GroupState;
use crate::kafka::protocol::frame::Kind;
use crate::playground::snapshot::*;

/// What a made-up cluster looks like.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub brokers: i32,
    pub partitions: i32,
    pub members: u32,
    /// Records a second, over all partitions.
    pub rate: i64,
    /// Records have keys.
    pub keyed: bool,
    /// kafka-1 is killed at 10 s, fenced at 19 s, started at 32 s, in sync at 36 s.
    pub kills: bool,
}

const KILLED: u64 = 10_000_000;
const FENCED: u64 = 19_000_000;
const STARTED: u64 = 32_000_000;
const IN_SYNC: u64 = 36_000_000;
const PRODUCER: u32 = 20;
const MEMBER: u32 = 30;
const CONTROLLER: i32 = 100;

impl Default for Sample {
    /// Three brokers, three partitions, two consumers, all well.
    fn default() -> Sample {
        Sample { brokers: 3, partitions: 3, members: 2, rate: 1_000, keyed: false, kills: false }
    }
}

impl Sample {
    /// The cluster at an instant: a pure function, so that it can be sought.
    pub fn at(&self, now_us: u64) -> Snapshot {
        let mut snapshot = Snapshot {
            now_us,
            controller: Some(CONTROLLER),
            controller_epoch: 1,
            nodes: self.nodes(now_us),
            topics: vec![self.orders(now_us), self.offsets_topic(now_us), self.metadata(now_us)],
            producers: vec![self.producer(now_us)],
            groups: vec![self.group(now_us)],
            ..Snapshot::default()
        };
        snapshot.frames = self.frames(now_us, &snapshot);
        let orders = &snapshot.topics[0].partitions;
        snapshot.health = Health {
            brokers: self.brokers as u32,
            brokers_up: snapshot.nodes.iter().filter(|n| n.is_broker && n.state.is_up()).count() as u32,
            under_replicated: orders.iter().filter(|p| p.isr.len() < p.replicas.len()).count() as u32,
            ..Health::default()
        };
        snapshot
    }

    fn down(&self, now_us: u64) -> bool {
        self.kills && (KILLED..STARTED).contains(&now_us)
    }

    fn fenced(&self, now_us: u64) -> bool {
        self.kills && (FENCED..STARTED + 1_500_000).contains(&now_us)
    }

    fn lags(&self, now_us: u64) -> bool {
        self.kills && (FENCED..IN_SYNC).contains(&now_us)
    }

    fn nodes(&self, now_us: u64) -> Vec<NodeView> {
        let broker = |id: i32| {
            let dead = id == 1 && self.down(now_us);
            let starting = id == 1 && self.kills && (STARTED..STARTED + 1_500_000).contains(&now_us);
            NodeView {
                id,
                host: format!("kafka-{id}"),
                process: id as u32,
                is_broker: true,
                is_controller: false,
                state: match () {
                    _ if dead => NodeState::Killed,
                    _ if starting => NodeState::Starting,
                    _ => NodeState::Running,
                },
                fenced: id == 1 && self.fenced(now_us),
                session_ends_us: (dead && now_us < FENCED).then_some(FENCED),
                disk_bytes: 1_200_000 + now_us / 10,
                leaders: (0..self.partitions).filter(|p| self.leader(*p, now_us) == id).count() as u32,
                replicas: self.partitions as u32,
            }
        };
        let mut nodes: Vec<NodeView> = (1..=self.brokers).map(broker).collect();
        nodes.push(NodeView {
            id: CONTROLLER,
            host: "kafka-100".into(),
            process: CONTROLLER as u32,
            is_broker: false,
            is_controller: true,
            state: NodeState::Running,
            fenced: false,
            session_ends_us: None,
            disk_bytes: 40_000,
            leaders: 0,
            replicas: 0,
        });
        nodes
    }

    fn leader(&self, partition: i32, now_us: u64) -> i32 {
        let preferred = partition % self.brokers + 1;
        let moved = self.kills && now_us >= FENCED && preferred == 1 && self.brokers > 1;
        if moved { 2 } else { preferred }
    }

    /// Where a partition's log ends; it stands still between the death and the fencing.
    fn end(&self, partition: i32, now_us: u64) -> i64 {
        let halted = self.kills && (KILLED..FENCED).contains(&now_us);
        let now_us = if halted { KILLED } else { now_us };
        (now_us as i64 * self.rate / 1_000_000 / self.partitions as i64) + partition as i64 * 3
    }

    fn orders(&self, now_us: u64) -> TopicView {
        let halted = self.kills && (KILLED..FENCED).contains(&now_us);
        let partitions = (0..self.partitions).map(|p| {
            let replicas: Vec<i32> = (0..self.brokers.min(3)).map(|i| (p + i) % self.brokers + 1).collect();
            let leader = self.leader(p, now_us);
            let end = self.end(p, now_us);
            let isr = replicas.iter().copied().filter(|id| !(*id == 1 && self.lags(now_us))).collect();
            let logs = replicas.iter().map(|id| {
                let lag = match () {
                    _ if *id == leader => 0,
                    _ if *id == 1 && self.down(now_us) => end - self.end(p, KILLED) + 1,
                    _ if *id == 1 && self.lags(now_us) => (IN_SYNC - now_us) as i64 / 400_000,
                    _ => (p + *id) as i64 % 3,
                };
                let leads = *id == leader;
                let ends = if leads && halted { end + 4 } else { (end - lag).max(0) };
                self.log(*id, p, ends, (end - 2).min(ends).max(0), leads, now_us)
            });
            PartitionView {
                partition: p,
                leader: Some(leader),
                leader_epoch: if self.kills && now_us >= FENCED { 1 } else { 0 },
                partition_epoch: 0,
                logs: logs.collect(),
                replicas,
                isr,
                elr: Vec::new(),
            }
        });
        TopicView {
            name: "orders".into(),
            internal: false,
            replication_factor: self.brokers.min(3),
            min_isr: 2.min(self.brokers),
            partitions: partitions.collect(),
            acked_per_s: self.rate as u32,
        }
    }

    fn log(&self, broker: i32, partition: i32, end: i64, high_watermark: i64, leads: bool, now_us: u64) -> ReplicaView {
        let first = (end - TAIL as i64).max(0);
        let hue = |offset: i64| match self.keyed {
            true => Hue::Key(((offset * 7 + offset / 5 + partition as i64 * 5) % 12) as u8),
            false => Hue::Plain,
        };
        let changed = self.end(partition, FENCED).min(end);
        let epochs = if self.kills && now_us >= FENCED && changed < end { vec![(0, 0), (1, changed)] } else { vec![(0, 0)] };
        ReplicaView {
            broker,
            log_start: 0,
            log_end: end,
            high_watermark,
            size_bytes: end as u64 * 120,
            tail: (first..end).map(hue).collect(),
            epochs,
            segments: (first..end).filter(|o| o % 20 == 0).collect(),
            leads,
        }
    }

    fn metadata(&self, now_us: u64) -> TopicView {
        let end = 60 + now_us as i64 / 500_000;
        let log = |id: i32| ReplicaView {
            broker: id,
            log_start: 0,
            log_end: end,
            high_watermark: end,
            size_bytes: 9_000,
            tail: vec![Hue::Plain; TAIL],
            epochs: vec![(1, 0)],
            segments: vec![0],
            leads: id == CONTROLLER,
        };
        let up = (1..=self.brokers).filter(|id| !(*id == 1 && self.down(now_us)));
        let partition = PartitionView {
            partition: 0,
            leader: Some(CONTROLLER),
            leader_epoch: 1,
            partition_epoch: 0,
            replicas: vec![CONTROLLER],
            isr: vec![CONTROLLER],
            elr: Vec::new(),
            logs: up.chain([CONTROLLER]).map(log).collect(),
        };
        internal("__cluster_metadata", vec![partition])
    }

    fn offsets_topic(&self, now_us: u64) -> TopicView {
        let partitions = (0..50).map(|p| PartitionView {
            partition: p,
            leader: Some(self.leader(p, now_us)),
            leader_epoch: 0,
            partition_epoch: 0,
            replicas: (1..=self.brokers.min(3)).collect(),
            isr: (1..=self.brokers.min(3)).collect(),
            elr: Vec::new(),
            logs: Vec::new(),
        });
        internal("__consumer_offsets", partitions.collect())
    }

    fn producer(&self, now_us: u64) -> ProducerView {
        let halted = self.kills && (KILLED + 500_000..FENCED).contains(&now_us);
        let waiting = if halted { (now_us - KILLED) as i64 * self.rate / 1_000_000 } else { 6 };
        ProducerView {
            process: PRODUCER,
            name: "checkout".into(),
            topic: "orders".into(),
            acks: -1,
            acked_per_s: if halted { 0 } else { self.rate as u32 },
            acked: 0,
            failed: 0,
            buffered_records: waiting as u32,
            buffered_bytes: waiting as u64 * 100,
            in_flight: 1,
            stuck: halted.then(|| "no answer".to_owned()),
        }
    }

    fn group(&self, now_us: u64) -> GroupView {
        let rebalances = self.kills && (22_000_000..23_500_000).contains(&now_us);
        let swapped = self.kills && now_us >= 23_500_000;
        let halted = self.kills && (KILLED + 500_000..FENCED).contains(&now_us);
        let rate = if halted { 0 } else { self.rate as u32 };
        let owner = |p: i32| if swapped { (p + 1) as u32 % self.members.max(1) } else { p as u32 * self.members / self.partitions as u32 };
        let member = |n: u32| MemberView {
            process: MEMBER + n,
            member_id: format!("billing-{}-c0ffee", n + 1),
            client_id: format!("billing-{}", n + 1),
            owned: (0..self.partitions)
                .filter(|p| !rebalances && owner(*p) == n)
                .map(|p| Position { topic: "orders".into(), partition: p, position: self.end(p, now_us) - 3 })
                .collect(),
            stopped: rebalances,
            consumed_per_s: rate / self.members.max(1),
        };
        let offset = |p: i32| GroupOffset {
            topic: "orders".into(),
            partition: p,
            committed: Some((self.end(p, now_us) - 9).max(0)),
            log_end: self.end(p, now_us),
        };
        GroupView {
            name: "billing".into(),
            state: if rebalances { GroupState::PreparingRebalance } else { GroupState::Stable },
            generation: if swapped { 2 } else { 1 },
            assignor: "range".into(),
            coordinator: Some(2),
            members: (0..self.members).map(member).collect(),
            offsets: (0..self.partitions).map(offset).collect(),
            consumed_per_s: rate,
        }
    }

    /// A frame every few milliseconds on each way, each at its place by the clock.
    fn frames(&self, now_us: u64, snapshot: &Snapshot) -> Vec<FrameView> {
        let mut frames = Vec::new();
        let members = self.members.max(1);
        for partition in &snapshot.topics[0].partitions {
            let p = partition.partition;
            let Some(leader) = partition.leader.filter(|id| !(*id == 1 && self.down(now_us))) else { continue };
            let follower = partition.replicas.iter().copied().find(|id| *id != leader && !(*id == 1 && self.down(now_us)));
            let member = MEMBER + p as u32 * members / self.partitions as u32;
            let leader = leader as u32;
            let mut ways = vec![
                (Kind::Produce, PRODUCER, leader, 8),
                (Kind::ProduceAck, leader, PRODUCER, 0),
                (Kind::FetchData, leader, member, 8),
                (Kind::Fetch, member, leader, 0),
            ];
            ways.extend(follower.map(|id| (Kind::FetchData, leader, id as u32, 5)));
            for (n, (kind, from, to, records)) in ways.into_iter().enumerate() {
                let about = Some(("orders".to_owned(), p));
                frames.push(frame(now_us, p as u64 * 16 + n as u64, kind, (from, to), records, about));
            }
        }
        for node in snapshot.nodes.iter().filter(|n| n.is_broker && n.state.is_up()) {
            frames.push(frame(now_us, 900 + node.id as u64, Kind::Heartbeat, (node.process, CONTROLLER as u32), 0, None));
        }
        frames
    }
}

fn frame(now_us: u64, lane: u64, kind: Kind, ends: (u32, u32), records: u32, about: Option<(String, i32)>) -> FrameView {
    let length = 300 + lane % 5 * 20;
    let sent_us = now_us.saturating_sub((now_us + lane * 37) % length);
    let hue = if records > 0 { Hue::Key((sent_us % 12) as u8) } else { Hue::Gap };
    let key = sent_us << 12 | lane;
    FrameView { key, from: ends.0, to: ends.1, kind, sent_us, due_us: sent_us + length, waits: false, retry: false, records, about, hue }
}

fn internal(name: &str, partitions: Vec<PartitionView>) -> TopicView {
    TopicView { name: name.into(), internal: true, replication_factor: 3, min_isr: 2, partitions, acked_per_s: 0 }
}
