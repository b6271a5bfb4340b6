//! Work that takes time: a pool of servers and the queue in front of it. So a busy process makes others wait, as in life.

use std::collections::{BTreeMap, VecDeque};

use super::time::{Duration, Time};

/// Jobs in service and in the queue. First come, first served.
#[derive(Clone, Debug)]
pub struct Pool<T> {
    servers: u32,
    /// By the time at which it is done, then by arrival.
    in_service: BTreeMap<(Time, u64), T>,
    queue: VecDeque<(Duration, T)>,
    arrivals: u64,
}

impl<T> Pool<T> {
    /// A pool of at least one server.
    pub fn new(servers: u32) -> Pool<T> {
        Pool { servers: servers.max(1), in_service: BTreeMap::new(), queue: VecDeque::new(), arrivals: 0 }
    }

    /// Hands a job in; it comes out of [`Pool::finished`] once a server has spent `cost` on it.
    pub fn submit(&mut self, now: Time, cost: Duration, job: T) {
        if self.in_service.len() < self.servers as usize {
            self.begin(now, cost, job);
        } else {
            self.queue.push_back((cost, job));
        }
    }

    /// The next job that is done by now, if there is one; its server takes up the next from the queue.
    pub fn finished(&mut self, now: Time) -> Option<T> {
        let entry = self.in_service.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((done, _), job) = entry.remove_entry();
        if let Some((cost, next)) = self.queue.pop_front() {
            self.begin(done, cost, next);
        }
        Some(job)
    }

    /// When the next job is done.
    pub fn next_wake(&self) -> Option<Time> {
        self.in_service.keys().next().map(|(at, _)| *at)
    }

    /// Jobs that wait for a server.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    fn begin(&mut self, at: Time, cost: Duration, job: T) {
        self.arrivals += 1;
        self.in_service.insert((at + cost, self.arrivals), job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_servers_take_three_jobs_in_two_rounds() {
        let mut pool = Pool::new(2);
        for job in ["a", "b", "c"] {
            pool.submit(Time(0), Duration::us(10), job);
        }
        assert_eq!(pool.queued(), 1);
        assert_eq!(pool.finished(Time(9)), None);
        let at = |pool: &mut Pool<&'static str>, now| std::iter::from_fn(|| pool.finished(Time(now))).collect::<Vec<_>>();
        assert_eq!(at(&mut pool, 10), ["a", "b"]);
        assert_eq!(pool.next_wake(), Some(Time(20)));
        assert_eq!(at(&mut pool, 20), ["c"]);
        assert_eq!(pool.next_wake(), None);
    }
}
