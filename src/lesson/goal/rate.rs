//! Records a second: counted from events, explained from the state.

use super::watch::Verdict;
use super::words::{list, number, seconds};
use super::{Flow, Rate};
use crate::kafka::event::Event;
use crate::kafka::names::host_of;
use crate::playground::snapshot::{NodeView, PartitionView, Snapshot, TopicView};

/// Measures a flow over the last second.
#[derive(Clone, Debug)]
pub struct RateWatch {
    rate: Rate,
    meter: Meter,
}

impl RateWatch {
    pub fn new(rate: Rate) -> RateWatch {
        RateWatch { rate, meter: Meter::default() }
    }

    pub fn event(&mut self, now_us: u64, event: &Event) {
        let records = match (&self.rate.of, event) {
            (Flow::Consumed(wanted), Event::Consumed { group: Some(group), count, .. }) if **group == **wanted => *count,
            (Flow::Produced(wanted), Event::BatchSent { producer, count, attempt: 1, .. }) if **producer == **wanted => *count,
            (Flow::Acknowledged(wanted), Event::BatchAcked { partition, count, .. }) if *partition.topic == **wanted => *count,
            _ => return,
        };
        self.meter.add(now_us, records);
    }

    pub fn look(&mut self, now_us: u64, snapshot: &Snapshot) -> Verdict {
        let rate = self.meter.per_second(now_us);
        let (name, does) = match &self.rate.of {
            Flow::Consumed(group) => (group, "reads"),
            Flow::Produced(producer) => (producer, "sends"),
            Flow::Acknowledged(topic) => (topic, "takes in"),
        };
        let now = format!("{name} {does} {} a second", number(rate));
        if let Some(least) = self.rate.at_least
            && rate < u64::from(least)
        {
            let because = obstacle(&topics(&self.rate.of, snapshot), snapshot).map_or(String::new(), |why| format!(". {why}"));
            return Verdict::NotYet(format!("{now}, and at least {} are asked for{because}", number(least.into())));
        }
        match self.rate.at_most {
            Some(most) if rate > u64::from(most) => Verdict::NotYet(format!("{now}, and at most {} are asked for", number(most.into()))),
            _ => Verdict::Holds,
        }
    }
}

/// Counts in tenths of a second.
#[derive(Clone, Debug, Default)]
struct Meter {
    /// Tenth `i` of the run is counted at `i % 16`.
    tenths: [u64; 16],
    /// The latest tenth that is counted.
    latest: u64,
}

const TENTH_US: u64 = 100_000;

impl Meter {
    fn add(&mut self, now_us: u64, records: u32) {
        self.advance(now_us);
        self.tenths[(self.latest % 16) as usize] += u64::from(records);
    }

    /// Over the last ten whole tenths.
    fn per_second(&mut self, now_us: u64) -> u64 {
        self.advance(now_us);
        (1..=10).filter_map(|back| self.latest.checked_sub(back)).map(|tenth| self.tenths[(tenth % 16) as usize]).sum()
    }

    fn advance(&mut self, now_us: u64) {
        let tenth = now_us / TENTH_US;
        for passed in (self.latest + 1..=tenth).take(16) {
            self.tenths[(passed % 16) as usize] = 0;
        }
        if tenth > self.latest + 16 {
            self.tenths = [0; 16];
        }
        self.latest = self.latest.max(tenth);
    }
}

/// The topics that a flow goes through.
fn topics<'s>(of: &Flow, snapshot: &'s Snapshot) -> Vec<&'s TopicView> {
    let through = |topic: &str| match of {
        Flow::Acknowledged(wanted) => topic == wanted,
        Flow::Produced(producer) => snapshot.producers.iter().any(|p| p.name == *producer && p.topic == topic),
        Flow::Consumed(group) => snapshot.groups.iter().filter(|g| g.name == *group).any(|group| {
            let owned = group.members.iter().flat_map(|member| &member.owned);
            group.offsets.iter().any(|at| at.topic == topic) || owned.into_iter().any(|at| at.topic == topic)
        }),
    };
    snapshot.topics.iter().filter(|topic| through(&topic.name)).collect()
}

/// What keeps records from flowing through these topics, if the state shows it.
fn obstacle(topics: &[&TopicView], snapshot: &Snapshot) -> Option<String> {
    let partitions = || topics.iter().flat_map(|topic| topic.partitions.iter().map(move |partition| (*topic, partition)));
    let name = |(topic, partition): (&TopicView, &PartitionView)| format!("{}-{}", topic.name, partition.partition);
    for node in snapshot.nodes.iter().filter(|node| node.is_broker && !node.state.is_up()) {
        let waiting: Vec<String> = partitions().filter(|(_, p)| p.isr.contains(&node.id)).map(name).collect();
        if !waiting.is_empty() && !node.fenced {
            return Some(dead_in_isr(node, &waiting, snapshot.now_us));
        }
    }
    let leaderless: Vec<String> = partitions().filter(|(_, p)| p.leader.is_none()).map(name).collect();
    if !leaderless.is_empty() {
        return Some(format!("{} without a leader: no replica that is in sync is alive", list(leaderless)));
    }
    let below = partitions().find(|(topic, p)| (p.isr.len() as i32) < topic.min_isr);
    below.map(|(topic, p)| {
        let s = if p.isr.len() == 1 { "" } else { "s" };
        format!("{}: {} in-sync replica{s}, min.insync.replicas is {}", name((topic, p)), p.isr.len(), topic.min_isr)
    })
}

fn dead_in_isr(node: &NodeView, waiting: &[String], now_us: u64) -> String {
    let host = host_of(crate::kafka::names::BrokerId(node.id));
    let left = node.session_ends_us.and_then(|ends| ends.checked_sub(now_us)).map_or(String::new(), |us| format!(", in {}", seconds(us)));
    format!(
        "{host} is dead, and still in the ISR of {}: nothing is committed without it until the controller fences it{left}",
        list(waiting)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_looks_back_one_second() {
        let mut meter = Meter::default();
        for ms in (0..3_000).step_by(10) {
            meter.add(ms * 1_000, 10);
        }
        assert_eq!(meter.per_second(3_000_000), 1_000);
        assert_eq!(meter.per_second(3_500_000), 500);
        assert_eq!(meter.per_second(4_100_000), 0);
        meter.add(90_000_000, 7);
        assert_eq!(meter.per_second(90_100_000), 7);
    }
}
