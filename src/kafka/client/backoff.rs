//! Waiting longer after each failure, with jitter (`org.apache.kafka.common.utils.ExponentialBackoff`).

use crate::sim::rng::Rng;
use crate::sim::time::Duration;

/// Doubles from `initial` to `max`, each wait 20 % shorter to 20 % longer by chance, never beyond `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExponentialBackoff {
    pub initial: Duration,
    pub max: Duration,
}

impl ExponentialBackoff {
    pub const fn ms(initial: u64, max: u64) -> ExponentialBackoff {
        ExponentialBackoff { initial: Duration::ms(initial), max: Duration::ms(max) }
    }

    /// The wait after this many failures before the last one: 0 gives about `initial`.
    pub fn after(&self, attempts: u32, rng: &mut Rng) -> Duration {
        // Nothing to grow into: Kafka waits exactly `initial`, without jitter.
        if self.max <= self.initial {
            return self.initial;
        }
        let term = self.initial.0.saturating_mul(1 << attempts.min(32)).min(self.max.0);
        let jittered = term.saturating_mul(8) / 10 + rng.below(term.saturating_mul(4) / 10 + 1);
        Duration(jittered.min(self.max.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_within_its_bounds() {
        let (backoff, mut rng) = (ExponentialBackoff::ms(100, 1_000), Rng::derive(1, "backoff"));
        for (attempts, base) in [(0, 100), (1, 200), (2, 400), (3, 800), (9, 1_000), (99, 1_000)] {
            for _ in 0..50 {
                let wait = backoff.after(attempts, &mut rng);
                assert!(wait >= Duration::ms(base * 8 / 10) && wait <= Duration::ms((base * 12 / 10).min(1_000)), "{attempts}: {wait:?}");
            }
        }
        assert_eq!(ExponentialBackoff::ms(50, 50).after(3, &mut rng), Duration::ms(50));
    }
}
