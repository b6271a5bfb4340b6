//! What happened, kept for search, for "why?" and for the marks of the time bar.
//!
//! Every event of the recent past, and for longer those that a person asks about: not the steady flow of batches.

use std::collections::VecDeque;
use std::sync::Arc;

use imbl::Vector;

use crate::sim::process::{EventId, Recorded};

/// The last so many events are kept whatever they are.
pub const MAX_RECENT: usize = 50_000;
/// The last so many notable events are kept.
pub const MAX_NOTABLE: usize = 50_000;

/// The events of one branch of time. Past the bounds the oldest go.
#[derive(Clone, Debug)]
pub struct Chronicle<E> {
    /// Without gaps.
    recent: VecDeque<Arc<Recorded<E>>>,
    /// By id, with gaps. Shared with the branches of time.
    notable: Vector<Arc<Recorded<E>>>,
}

impl<E> Default for Chronicle<E> {
    fn default() -> Self {
        Chronicle { recent: VecDeque::new(), notable: Vector::new() }
    }
}

impl<E> Chronicle<E> {
    /// Takes note of an event. One that is known already (the run was rewound) changes nothing.
    pub fn record(&mut self, event: Recorded<E>, notable: bool) {
        let next = self.recent.back().map(|last| last.id.0 + 1);
        if next.is_some_and(|next| event.id.0 < next) {
            return;
        }
        if next.is_some_and(|next| event.id.0 > next) {
            self.recent.clear();
        }
        let event = Arc::new(event);
        if notable && self.notable.last().is_none_or(|last| last.id < event.id) {
            self.notable.push_back(event.clone());
            if self.notable.len() > MAX_NOTABLE {
                self.notable.pop_front();
            }
        }
        self.recent.push_back(event);
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }

    /// The event of that id, if it is still kept.
    pub fn get(&self, id: EventId) -> Option<&Recorded<E>> {
        let first = self.recent.front()?.id.0;
        if let Some(index) = id.0.checked_sub(first) {
            return self.recent.get(index as usize).map(|event| &**event);
        }
        let index = self.notable.binary_search_by_key(&id, |event| event.id).ok()?;
        self.notable.get(index).map(|event| &**event)
    }

    /// The notable events, oldest first.
    pub fn notable(&self) -> impl DoubleEndedIterator<Item = &Recorded<E>> {
        self.notable.iter().map(|event| &**event)
    }

    /// Every event of the recent past, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Recorded<E>> {
        self.recent.iter().map(|event| &**event)
    }

    /// Notable events with this id or a later one, oldest first.
    pub fn notable_from(&self, id: EventId) -> impl Iterator<Item = &Recorded<E>> {
        let start = self.notable.iter().rev().take_while(|event| event.id >= id).count();
        self.notable.iter().skip(self.notable.len() - start).map(|event| &**event)
    }

    /// Forgets the events from `id` on: that future will not be.
    pub fn cut(&mut self, id: EventId) {
        let recent = self.recent.partition_point(|event| event.id < id);
        self.recent.truncate(recent);
        let kept = self.notable.iter().rev().skip_while(|event| event.id >= id).count();
        self.notable.truncate(kept);
    }

    /// The future of another branch, which parts from this one at event `parting`.
    pub fn switch_to(&mut self, other: &Vector<Arc<Recorded<E>>>, parting: EventId) {
        self.recent.truncate(self.recent.partition_point(|event| event.id < parting));
        self.notable = other.clone();
    }

    /// The notable events, to be kept with a branch. Costs nothing.
    pub fn share(&self) -> Vector<Arc<Recorded<E>>> {
        self.notable.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::time::Time;

    fn event(id: u64) -> Recorded<u64> {
        Recorded { id: EventId(id), at: Time(id), process: None, trigger: None, blockers: Vec::new(), event: id }
    }

    #[test]
    fn is_bounded_and_keeps_what_is_notable_longer() {
        let mut chronicle = Chronicle::default();
        for id in 0..MAX_RECENT as u64 + 500 {
            chronicle.record(event(id), id % 100 == 0);
        }
        assert_eq!(chronicle.recent().count(), MAX_RECENT);
        assert_eq!(chronicle.get(EventId(100)).map(|e| e.event), Some(100));
        assert!(chronicle.get(EventId(101)).is_none());
        assert_eq!(chronicle.get(EventId(50_001)).map(|e| e.event), Some(50_001));
    }

    #[test]
    fn what_is_known_is_not_recorded_twice() {
        let mut chronicle = Chronicle::default();
        (0..10).chain(5..12).for_each(|id| chronicle.record(event(id), true));
        assert_eq!(chronicle.recent().map(|e| e.event).collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
        assert_eq!(chronicle.notable_from(EventId(9)).count(), 3);
        chronicle.cut(EventId(7));
        assert_eq!((chronicle.recent().count(), chronicle.notable().count()), (7, 7));
    }
}
