//! `replication-offset-checkpoint`: every partition's high watermark, on the disk (`ReplicaManager.checkpointHighWatermarks`).
//!
//! Kafka writes all of the file anew each time. So does a broker here, but of pieces that it kept, one for some neighbours each: only those are made
//! anew in which a high watermark has moved, so that it costs what has changed, and not how many partitions there are.

use std::collections::BTreeSet;

use imbl::OrdMap;
use uuid::Uuid;

use super::process::Broker;
use super::startup::HW_CHECKPOINT;
use crate::kafka::actor::Outbox;
use crate::kafka::log::checkpoint_file::{offset_line, offsets_head};
use crate::kafka::names::TopicPartition;
use crate::sim::chunk::Chunk;

/// So many partitions of a topic share a piece.
const A_PIECE: i32 = 64;

/// The file's pieces.
#[derive(Clone, Debug, Default)]
pub struct HighWatermarks {
    /// By directory, and the first partition that could stand there.
    pieces: OrdMap<(Uuid, TopicPartition), Piece>,
    /// Those in which something has changed since.
    stale: BTreeSet<TopicPartition>,
}

#[derive(Clone, Debug)]
struct Piece {
    lines: u32,
    text: Chunk,
}

impl HighWatermarks {
    /// A high watermark has moved, or a replica came, went, or lies elsewhere now.
    pub fn changed(&mut self, name: &TopicPartition) {
        self.stale.insert(TopicPartition { topic: name.topic.clone(), partition: name.partition / A_PIECE * A_PIECE });
    }
}

impl Broker {
    /// `checkpointHighWatermarks`, every replica.high.watermark.checkpoint.interval.ms and at a clean stop.
    pub(super) fn write_high_watermarks(&mut self, out: &mut Outbox) {
        let stale = std::mem::take(&mut self.replicas.high_watermarks.stale);
        for dir in self.log_dirs.online() {
            for first in &stale {
                let neighbours =
                    first.clone()..TopicPartition { topic: first.topic.clone(), partition: first.partition.saturating_add(A_PIECE) };
                let (mut lines, mut text) = (0, String::new());
                let current = self.replicas.partitions.range(neighbours.clone());
                let current = current.map(|(name, partition)| (name, &partition.log, partition.high_watermark));
                let futures = self.futures.logs.range(neighbours).map(|(name, future)| (name, &future.log, future.high_watermark));
                for (name, log, high_watermark) in current.chain(futures) {
                    if self.log_dirs.is_in(log.dir(), dir) {
                        offset_line(&mut text, &name.topic, name.partition, high_watermark);
                        lines += 1;
                    }
                }
                let (pieces, key) = (&mut self.replicas.high_watermarks.pieces, (dir.id, first.clone()));
                match lines {
                    0 => drop(pieces.remove(&key)),
                    lines => drop(pieces.insert(key, Piece { lines, text: out.store().chunk(text.into()) })),
                }
            }
            let of_dir = || self.replicas.high_watermarks.pieces.iter().filter(|((id, _), _)| *id == dir.id).map(|(_, piece)| piece);
            let mut store = out.store();
            let mut file = vec![store.chunk(offsets_head(of_dir().map(|piece| piece.lines).sum()).into())];
            file.extend(of_dir().map(|piece| piece.text.clone()));
            // What cannot be written now is written at the next chance.
            let _ = store.disk.replace_by(store.now, &format!("{}{HW_CHECKPOINT}", dir.prefix), file);
        }
    }
}
