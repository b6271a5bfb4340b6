//! Random streams: one per process and per link, so that a new draw of one does not shift another's.

use rand_core::{Rng as _, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A random stream. Draws are whole numbers of fixed width: the same on 32 and 64 bits.
#[derive(Clone, Debug)]
pub struct Rng(Pcg64Mcg);

impl Rng {
    /// The stream called `name` (a process, a link) of the run with this seed.
    pub fn derive(seed: u64, name: &str) -> Rng {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for byte in name.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            state ^= state >> 29;
        }
        Rng(Pcg64Mcg::seed_from_u64(state))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which must not be zero. (Multiply and shift; the bias is below 2^-32 for small bounds.)
    pub fn below(&mut self, bound: u64) -> u64 {
        debug_assert!(bound > 0);
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// Sixteen random bytes, for ids that Kafka draws as UUIDs.
    pub fn bytes16(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next_u64().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next_u64().to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_name_and_seed_and_repeat() {
        let draw = |seed, name| Rng::derive(seed, name).next_u64();
        assert_eq!(draw(1, "kafka-1"), draw(1, "kafka-1"));
        assert_ne!(draw(1, "kafka-1"), draw(1, "kafka-2"));
        assert_ne!(draw(1, "kafka-1"), draw(2, "kafka-1"));
    }
}
