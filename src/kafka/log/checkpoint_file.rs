//! The text files of checkpoints (`CheckpointFile`): a version, a number, and that many lines.

use std::fmt::Write;

use thiserror::Error;

use super::epoch_cache::EpochEntry;

/// One line of an offset checkpoint: `orders 0 42`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OffsetCheckpointEntry {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

/// Where and why a file is no checkpoint. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Malformed line {line} in checkpoint file: {reason}")]
pub struct CheckpointError {
    pub line: u32,
    pub reason: &'static str,
}

/// Reads `leader-epoch-checkpoint`: lines of epoch and start offset.
///
/// # Errors
/// [`CheckpointError`] for another version, another number of lines, or a line that is not two numbers.
pub fn parse_leader_epochs(bytes: &[u8]) -> Result<Vec<EpochEntry>, CheckpointError> {
    parse(bytes, |line| {
        let (epoch, start_offset) = line.split_once(' ')?;
        Some(EpochEntry { epoch: epoch.parse().ok()?, start_offset: start_offset.parse().ok()? })
    })
}

pub fn leader_epochs_text(entries: &[EpochEntry]) -> String {
    text(entries.iter().map(|entry| format!("{} {}", entry.epoch, entry.start_offset)))
}

/// Reads a `*-offset-checkpoint`: lines of topic, partition and offset.
///
/// # Errors
/// As [`parse_leader_epochs`].
pub fn parse_offsets(bytes: &[u8]) -> Result<Vec<OffsetCheckpointEntry>, CheckpointError> {
    parse(bytes, |line| {
        let mut words = line.split(' ');
        let entry = OffsetCheckpointEntry {
            topic: words.next()?.to_owned(),
            partition: words.next()?.parse().ok()?,
            offset: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(entry)
    })
}

/// A `*-offset-checkpoint` with these offsets of topics' partitions.
pub fn offsets_text<'a>(entries: impl Iterator<Item = (&'a str, i32, i64)>) -> String {
    let mut lines = String::new();
    let count = entries.map(|(topic, partition, offset)| offset_line(&mut lines, topic, partition, offset)).count();
    offsets_head(count as u32) + &lines
}

/// What stands before that many lines.
pub fn offsets_head(lines: u32) -> String {
    format!("0\n{lines}\n")
}

pub fn offset_line(out: &mut String, topic: &str, partition: i32, offset: i64) {
    let _ = writeln!(out, "{topic} {partition} {offset}");
}

fn parse<T>(bytes: &[u8], entry: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, CheckpointError> {
    let malformed = |line, reason| CheckpointError { line, reason };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(1, "not text"))?;
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return Err(malformed(1, "the version is not 0"));
    }
    let expected: u32 = lines.next().and_then(|line| line.parse().ok()).ok_or(malformed(2, "not a number of entries"))?;
    let mut entries = Vec::new();
    for (number, line) in (3..).zip(lines) {
        entries.push(entry(line).ok_or(malformed(number, "not an entry"))?);
    }
    if entries.len() as u64 != u64::from(expected) {
        return Err(malformed(2, "the number of entries differs from those that follow"));
    }
    Ok(entries)
}

fn text(lines: impl ExactSizeIterator<Item = String>) -> String {
    let mut out = format!("0\n{}\n", lines.len());
    for line in lines {
        let _ = writeln!(out, "{line}");
    }
    out
}
