//! How many partitions somebody may make and unmake (KIP-599, `ControllerMutationQuotaManager`). A request of a version that knows the error is
//! refused while the bucket is overdrawn; an older one is let through and pays afterwards.

use std::collections::BTreeMap;

use super::Sampling;
use super::limits::{CONTROLLER_MUTATION_RATE, Quotas, Tags, is_enabled, quota_of};
use super::token_bucket::TokenBucket;

/// From so many buckets on, those that are full again are forgotten.
const MANY: usize = 1_000;

/// What is left to whom.
#[derive(Clone, Debug)]
pub struct Mutations {
    sampling: Sampling,
    buckets: BTreeMap<Tags, TokenBucket>,
}

/// The quota of one request.
#[derive(Debug, Default)]
pub struct MutationQuota<'a> {
    bucket: Option<(&'a mut TokenBucket, f64, Sampling)>,
    strict: bool,
    now_ms: u64,
    throttle_ms: u64,
}

/// `ThrottlingQuotaExceededException`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded;

impl Mutations {
    pub fn new(sampling: Sampling) -> Mutations {
        Mutations { sampling, buckets: BTreeMap::new() }
    }

    /// `newQuotaFor`
    pub fn quota_for(&mut self, now_ms: u64, quotas: &Quotas, user: &str, client: &str, strict: bool) -> MutationQuota<'_> {
        let unlimited = MutationQuota { strict, now_ms, ..MutationQuota::default() };
        if !is_enabled(quotas, CONTROLLER_MUTATION_RATE) {
            return unlimited;
        }
        let (tags, Some(bound)) = quota_of(quotas, CONTROLLER_MUTATION_RATE, user, client) else { return unlimited };
        let sampling = self.sampling;
        if self.buckets.len() >= MANY {
            let full_ms = u64::from(sampling.samples) * sampling.window_ms;
            self.buckets.retain(|_, bucket| now_ms.saturating_sub(bucket.last_ms()) < full_ms);
        }
        let bucket = self.buckets.entry(tags).or_insert_with(|| TokenBucket::full(now_ms, sampling, bound));
        MutationQuota { bucket: Some((bucket, bound, sampling)), ..unlimited }
    }
}

impl MutationQuota<'_> {
    /// Takes tokens for so many partitions.
    ///
    /// # Errors
    /// [`Exceeded`]: nothing may be done now.
    pub fn record(&mut self, partitions: u64) -> Result<(), Exceeded> {
        let Some((bucket, bound, sampling)) = &mut self.bucket else { return Ok(()) };
        if self.strict {
            self.throttle_ms = bucket.throttle_ms(self.now_ms, *sampling, *bound);
            if self.throttle_ms > 0 {
                return Err(Exceeded);
            }
        }
        bucket.record(self.now_ms, partitions as f64, *sampling, *bound);
        if !self.strict {
            self.throttle_ms = bucket.throttle_ms(self.now_ms, *sampling, *bound);
        }
        Ok(())
    }

    /// For how long the client is throttled.
    pub fn throttle_ms(&self) -> u64 {
        self.throttle_ms
    }
}
