//! What records look like: decoded once for each chunk, however often and on however many replicas it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kafka::records::batch::Batch;
use crate::kafka::records::murmur2::murmur2;
use crate::kafka::records::record::Record;
use crate::playground::snapshot::{Hue, TAIL};
use crate::sim::chunk::ChunkId;

/// When so many chunks are remembered, those that were not asked for since the last time are forgotten.
const GENERATION: usize = 4_096;
/// Keys fall on so many hues.
const HUES: u32 = 12;

/// The hues of a batch's records.
#[derive(Debug, Default)]
pub struct BatchHues {
    pub first: Hue,
    /// Of its last offsets, at most [`TAIL`], oldest first.
    pub tail: Vec<Hue>,
}

/// Hues by chunk, in two generations.
#[derive(Clone, Debug, Default)]
pub struct HueCache {
    young: BTreeMap<ChunkId, Arc<BatchHues>>,
    old: BTreeMap<ChunkId, Arc<BatchHues>>,
}

impl HueCache {
    pub fn of(&mut self, batch: &Batch) -> Arc<BatchHues> {
        let id = batch.body.id();
        if let Some(known) = self.young.get(&id) {
            return known.clone();
        }
        let hues = self.old.remove(&id).unwrap_or_else(|| Arc::new(decode(batch)));
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, hues.clone());
        hues
    }
}

fn decode(batch: &Batch) -> BatchHues {
    let offsets = usize::try_from(batch.info.last_offset_delta).unwrap_or(0) + 1;
    let mut tail = vec![Hue::Gap; offsets.min(TAIL)];
    if batch.info.is_control() {
        tail.fill(Hue::Control);
        return BatchHues { first: Hue::Control, tail };
    }
    let begin = batch.next_offset() - tail.len() as i64;
    let mut first = Hue::Gap;
    // A batch that cannot be read shows gaps.
    let records = batch.records().ok();
    for record in records.iter().flatten().map_while(Result::ok) {
        if first == Hue::Gap {
            first = hue(&record);
        }
        if let Some(place) = usize::try_from(record.offset - begin).ok().and_then(|place| tail.get_mut(place)) {
            *place = hue(&record);
        }
    }
    BatchHues { first, tail }
}

fn hue(record: &Record) -> Hue {
    match (record.key, record.value) {
        (None, _) => Hue::Plain,
        (Some(_), None) => Hue::Tombstone,
        (Some(key), Some(_)) => Hue::Key(((murmur2(key) as u32 & 0x7fff_ffff) % HUES) as u8),
    }
}
