//! Why? From an event through what set it off and what was missing, back to a command or a fault.

use std::collections::BTreeSet;

use super::chronicle::Chronicle;
use super::narrate;
use crate::kafka::event::{Event, Fenced, Left};
use crate::sim::process::{EventId, Recorded};
use crate::sim::time::Time;

/// A chain has at most so many links.
pub const MAX_LINKS: usize = 24;

/// One link: something that happened, because of the one after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub id: EventId,
    pub at: Time,
    /// A sentence without its full stop.
    pub text: String,
}

/// The chain of causes, the asked-for event first. Empty if it is no longer kept.
///
/// What kept the expected thing from happening says more than the timer that then rang, so it is followed first.
pub fn why(chronicle: &Chronicle<Event>, asked: EventId) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = vec![asked];
    while let Some(id) = next.pop()
        && links.len() < MAX_LINKS
    {
        // A cause comes before what it causes, so no chain runs in a circle; two chains may meet.
        if !seen.insert(id) {
            continue;
        }
        let Some(event) = chronicle.get(id) else { continue };
        // What is said already ("broker 1 was fenced" by two chains, a leader's every append) is not said twice.
        if is_worth_a_link(event) || id == asked {
            links.push(Link { id, at: event.at, text: text(event) });
        }
        let causes = event.trigger.into_iter().chain(event.blockers.iter().rev().copied());
        next.extend(causes.filter(|cause| *cause < id));
    }
    links
}

/// The chain as one sentence. `since`: from where times are counted.
pub fn sentence(links: &[Link], since: Time) -> String {
    let parts: Vec<String> = links.iter().map(|link| format!("{} at {}", link.text, seconds(link.at.since(since).0))).collect();
    parts.join(", because ")
}

fn text(event: &Recorded<Event>) -> String {
    let mut text = narrate::event(&event.event);
    match &event.event {
        Event::BrokerFenced { why: Fenced::SessionExpired, .. } => text.push_str(", for no heartbeat had come"),
        Event::MemberLeft { why: Left::SessionExpired, .. } => text.push_str(", for no heartbeat had come"),
        _ => {}
    }
    text
}

/// The steady flow of batches explains nothing that a person asks for.
fn is_worth_a_link(event: &Recorded<Event>) -> bool {
    super::world::is_notable(&event.event)
}

fn seconds(us: u64) -> String {
    format!("{}.{} s", us / 1_000_000, us / 100_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::{BrokerId, TopicPartition};
    use crate::sim::fault::Occurrence;

    fn event(id: u64, trigger: Option<u64>, blockers: &[u64], event: Event) -> Recorded<Event> {
        let blockers = blockers.iter().copied().map(EventId).collect();
        Recorded { id: EventId(id), at: Time(id * 1_000_000), process: None, trigger: trigger.map(EventId), blockers, event }
    }

    #[test]
    fn an_election_goes_back_to_the_kill() {
        let mut chronicle = Chronicle::default();
        let elected = Event::LeaderElected {
            partition: TopicPartition::new("orders", 0),
            leader: Some(BrokerId(2)),
            before: Some(BrokerId(1)),
            leader_epoch: 1,
            isr: vec![BrokerId(2)],
            unclean: false,
        };
        for happened in [
            event(1, None, &[], Event::LineEntered { session: 0, line: "kill -9 kafka-1".into() }),
            event(2, Some(1), &[], Event::Sim(Occurrence::Killed { host: "kafka-1".into() })),
            event(3, None, &[2], Event::BrokerFenced { broker: BrokerId(1), why: Fenced::SessionExpired }),
            event(4, Some(3), &[], elected),
        ] {
            chronicle.record(happened, true);
        }
        assert_eq!(
            sentence(&why(&chronicle, EventId(4)), Time(500_000)),
            "orders-0: leader 1 → 2, leader epoch 1 at 3.5 s, because broker 1's session ended: the controller fenced it, \
             for no heartbeat had come at 2.5 s, because kafka-1 was killed at 1.5 s, because `kill -9 kafka-1` was entered at 0.5 s"
        );
        assert_eq!(why(&chronicle, EventId(9)), []);
    }

    #[test]
    fn a_chain_that_points_at_itself_ends() {
        let mut chronicle = Chronicle::default();
        for id in 0..100 {
            let blockers: Vec<u64> = (0..=id + 1).collect();
            chronicle.record(event(id, Some(id), &blockers, Event::BrokerUnfenced { broker: BrokerId(1) }), true);
        }
        assert_eq!(why(&chronicle, EventId(99)).len(), MAX_LINKS);
    }
}
