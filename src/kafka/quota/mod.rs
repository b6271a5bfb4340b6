//! Client quotas: how much of something somebody may do, and how long to wait after too much.
//!
//! * [`rate`]: what was done lately, in samples (`Rate`, `SampledStat`)
//! * [`token_bucket`]: what may still be done (`TokenBucket`)
//! * [`limits`]: whose quota is whose (`DefaultQuotaCallback`)
//! * [`client_quotas`]: the quotas of a broker: bytes produced and fetched, time of request handlers (`ClientQuotaManager`)
//! * [`mutations`]: the quota of a controller: partitions made and unmade (`ControllerMutationQuotaManager`)

pub mod client_quotas;
pub mod limits;
pub mod mutations;
pub mod rate;
pub mod token_bucket;

use super::actor::Config;

/// How rates are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// How many samples are kept.
    pub samples: u32,
    /// What one sample spans.
    pub window_ms: u64,
}

impl Sampling {
    /// `PREFIX.window.num` and `PREFIX.window.size.seconds`.
    pub fn configured(config: &Config, prefix: &str) -> Sampling {
        let number = |name: &str, default: u32| {
            let value = config.get(&format!("{prefix}.{name}")).and_then(|value| value.trim().parse().ok());
            value.unwrap_or(default).max(1)
        };
        Sampling { samples: number("window.num", 11), window_ms: u64::from(number("window.size.seconds", 1)) * 1_000 }
    }
}
