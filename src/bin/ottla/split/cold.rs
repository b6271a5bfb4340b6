//! Which functions may wait.
//!
//! Names, not numbers of functions: they stay the same when other code changes. Each stands as its CRC-32C; two that agree by chance cost
//! a few bytes, or a wait, and nothing else. A function that a recording does not know (it is new, or another compiler named it) does not
//! wait. So an old recording makes the first file somewhat larger, and never wrong.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Names of functions that a start does not call, each as a number.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cold {
    names: BTreeSet<u32>,
}

impl Cold {
    /// Of a recording: every function's name, and whether it was called.
    pub fn recorded<'n>(functions: impl IntoIterator<Item = (&'n str, bool)>) -> Self {
        let (called, not): (Vec<_>, Vec<_>) = functions.into_iter().partition(|(_, called)| *called);
        let called: BTreeSet<u32> = called.into_iter().map(|(name, _)| number(name)).collect();
        Self { names: not.into_iter().map(|(name, _)| number(name)).filter(|number| !called.contains(number)).collect() }
    }

    /// From the file that [`Self::bytes`] wrote.
    pub fn read(bytes: &[u8]) -> Self {
        Self { names: bytes.as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number)).collect() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.names.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    /// Whether the function of this name may wait.
    pub fn holds(&self, name: &str) -> bool {
        self.names.contains(&number(name))
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }
}

fn number(name: &str) -> u32 {
    crc32c::crc32c(stable(name).as_bytes())
}

/// A name without what differs from build to build: hashes of crates, as in `alloc[21dbdaf5]::vec`, and what LLVM appends.
fn stable(name: &str) -> Cow<'_, str> {
    let name = name.split_once(".llvm.").map_or(name, |(name, _)| name);
    if !name.contains('[') {
        return Cow::Borrowed(name);
    }
    let mut pieces = name.split('[');
    let mut kept = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(']') {
            Some((hash, after)) if hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => kept.push_str(after),
            _ => {
                kept.push('[');
                kept.push_str(piece);
            }
        }
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_another_build() {
        let cold = Cold::recorded([("<alloc[21dbdaf5000aa111]::vec::Vec<[u8; 4]>>::push", false), ("b", true), ("c", false), ("c", true)]);
        assert!(cold.holds("<alloc[0a0a0a0a0b0b0b0b]::vec::Vec<[u8; 4]>>::push.llvm.77"));
        assert!(!cold.holds("<alloc[0a0a0a0a0b0b0b0b]::vec::Vec<[u8; 5]>>::push"));
        assert!(!cold.holds("b") && !cold.holds("c"), "called, or of the name of one that was");
        assert_eq!(Cold::read(&cold.bytes()), cold);
        assert_eq!(cold.len(), 1);
    }
}
