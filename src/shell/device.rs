//! Devices that a tool can read: `/dev/zero` and `/dev/urandom` without end, `/dev/null` without anything.
//!
//! What flows here is text, so the bytes of `/dev/urandom` are below 128; and nobody is given more than [`BYTES`] of either.

/// So much of a device is read.
pub const BYTES: usize = 4 << 20;
/// In pieces of this size.
const PIECE: usize = 64 << 10;

/// A device that is being read.
#[derive(Clone, Debug)]
pub struct Device {
    pub path: &'static str,
    left: usize,
    /// Of the random bytes: SplitMix64's state.
    state: Option<u64>,
}

impl Device {
    /// The device of this path, if it is one; `seed` is where its random bytes begin.
    pub fn of(path: &str, seed: u32) -> Option<Device> {
        match path {
            "/dev/zero" => Some(Device { path: "/dev/zero", left: BYTES, state: None }),
            "/dev/urandom" => Some(Device { path: "/dev/urandom", left: BYTES, state: Some(seed.into()) }),
            "/dev/random" => Some(Device { path: "/dev/random", left: BYTES, state: Some(seed.into()) }),
            _ => None,
        }
    }

    /// The next of it; nothing once enough was read.
    pub fn read(&mut self) -> Option<String> {
        let count = self.left.min(PIECE);
        self.left -= count;
        if count == 0 {
            return None;
        }
        let Some(state) = &mut self.state else { return Some("\0".repeat(count)) };
        let mut text = String::with_capacity(count);
        while text.len() < count {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let mixed = mixed ^ (mixed >> 31);
            text.extend(mixed.to_le_bytes().map(|byte| char::from(byte & 0x7f)));
        }
        Some(text)
    }
}
