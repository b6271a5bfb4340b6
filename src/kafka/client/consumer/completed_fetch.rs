//! `CompletedFetch`: the batches of one partition out of one answer, handed out a portion at a time.

use std::collections::{BTreeSet, VecDeque};

use kafka_protocol::messages::fetch_response::AbortedTransaction;

use super::config::IsolationLevel;
use super::kafka_consumer::Receiver;
use crate::kafka::client::error::ClientError;
use crate::kafka::names::TopicPartition;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::control::ControlRecordType;
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::record::RecordCursor;

/// Batches that wait to be read.
#[derive(Clone, Debug)]
pub struct CompletedFetch {
    pub partition: TopicPartition,
    /// The next offset to hand out; the consumer's position must be the same, or all this is out of date.
    pub next_offset: i64,
    /// Of the last batch that was read of.
    pub last_epoch: Option<i32>,
    batches: VecDeque<Batch>,
    /// Where reading of the first batch stands.
    cursor: Option<RecordCursor>,
    /// By first offset.
    aborted: VecDeque<AbortedTransaction>,
    aborted_producers: BTreeSet<i64>,
}

/// What was handed out of one batch.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// Where the batch begins.
    pub base_offset: i64,
    pub from: i64,
    pub to: i64,
    pub count: u32,
    pub chunk: crate::sim::chunk::ChunkId,
}

impl CompletedFetch {
    pub fn new(
        partition: TopicPartition,
        fetch_offset: i64,
        batches: Vec<Batch>,
        aborted: Option<Vec<AbortedTransaction>>,
    ) -> CompletedFetch {
        let mut aborted = aborted.unwrap_or_default();
        aborted.sort_by_key(|transaction| transaction.first_offset);
        CompletedFetch {
            partition,
            next_offset: fetch_offset,
            last_epoch: None,
            batches: batches.into(),
            cursor: None,
            aborted: aborted.into(),
            aborted_producers: BTreeSet::new(),
        }
    }

    pub fn is_consumed(&self) -> bool {
        self.batches.is_empty()
    }

    /// Hands out at most `max` records of the first batch that has any; `None` when nothing is left.
    ///
    /// # Errors
    /// A batch or record that cannot be read. What comes before was handed out; asking again gives the same error.
    pub fn next_portion(
        &mut self,
        max: u32,
        isolation: IsolationLevel,
        check_crcs: bool,
        receiver: &mut dyn Receiver,
    ) -> Result<Option<Portion>, ClientError> {
        while let Some(batch) = self.batches.front().cloned() {
            if self.cursor.is_none() && !self.open(&batch, isolation, check_crcs)? {
                continue;
            }
            let (partition, Some(cursor)) = (&self.partition, &mut self.cursor) else { break };
            let mut portion: Option<Portion> = None;
            let mut failed = None;
            while portion.is_none_or(|portion| portion.count < max) {
                match cursor.next_record() {
                    Some(Ok(record)) if record.offset < self.next_offset => {} // asked for from the middle of a batch
                    Some(Ok(record)) => {
                        receiver.record(partition, &batch, &record);
                        let read = portion.get_or_insert(Portion {
                            base_offset: batch.base_offset,
                            from: record.offset,
                            to: 0,
                            count: 0,
                            chunk: batch.body.id(),
                        });
                        read.to = record.offset;
                        read.count += 1;
                    }
                    Some(Err(error)) => {
                        failed = Some(error);
                        break;
                    }
                    None => break,
                }
            }
            if let Some(portion) = portion {
                self.next_offset = portion.to + 1;
                self.last_epoch = Some(batch.leader_epoch);
            }
            match failed {
                // What came before the record is delivered first; then it is read again, and fails again.
                Some(error) => {
                    let error = record_error(partition, &error);
                    self.cursor = None;
                    if portion.is_none() {
                        return Err(error);
                    }
                }
                None if cursor.remaining() == 0 => self.pass(&batch),
                None => {}
            }
            if portion.is_some() {
                return Ok(portion);
            }
        }
        Ok(None)
    }

    /// Checks the first batch and opens it; `false` if it holds nothing for an application, and is passed.
    fn open(&mut self, batch: &Batch, isolation: IsolationLevel, check_crcs: bool) -> Result<bool, ClientError> {
        if check_crcs && let Err(error) = batch.check_crc() {
            return Err(batch_error(&self.partition, batch, &error));
        }
        if isolation == IsolationLevel::ReadCommitted && batch.info.has_producer_id() {
            self.consume_aborted_transactions_up_to(batch.last_offset());
            let producer = batch.info.producer_id;
            if batch.info.is_control() {
                if is_abort_marker(batch) {
                    self.aborted_producers.remove(&producer);
                }
            } else if batch.info.is_transactional() && self.aborted_producers.contains(&producer) {
                self.pass(batch);
                return Ok(false);
            }
        }
        if batch.info.is_control() || batch.next_offset() <= self.next_offset {
            self.pass(batch);
            return Ok(false);
        }
        self.cursor = Some(batch.cursor().map_err(|error| batch_error(&self.partition, batch, &error))?);
        Ok(true)
    }

    fn pass(&mut self, batch: &Batch) {
        self.next_offset = self.next_offset.max(batch.next_offset());
        self.last_epoch = Some(batch.leader_epoch);
        self.cursor = None;
        self.batches.pop_front();
    }

    fn consume_aborted_transactions_up_to(&mut self, offset: i64) {
        while self.aborted.front().is_some_and(|transaction| transaction.first_offset <= offset) {
            self.aborted_producers.extend(self.aborted.pop_front().map(|transaction| transaction.producer_id.0));
        }
    }
}

fn is_abort_marker(batch: &Batch) -> bool {
    let Ok(records) = batch.records() else { return false };
    let first = records.iter().next();
    matches!(first.and_then(Result::ok).map(|record| ControlRecordType::from_key(record.key)), Some(Ok(ControlRecordType::Abort)))
}

fn batch_error(partition: &TopicPartition, batch: &Batch, error: &RecordsError) -> ClientError {
    let offset = batch.base_offset;
    ClientError::kafka(format!("Record batch for partition {partition} at offset {offset} is invalid, cause: {error}"))
}

fn record_error(partition: &TopicPartition, error: &RecordsError) -> ClientError {
    let message = format!(
        "Received exception when fetching the next record from {partition}. If needed, please seek past the record to continue consumption."
    );
    ClientError::kafka(message).caused_by(ClientError::kafka(error.to_string()))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::kafka::records::builder::BatchBuilder;
    use crate::kafka::records::compression::CompressionType;
    use crate::kafka::records::record::Record;
    use crate::sim::chunk::{Chunk, ChunkId};

    /// Offsets as they come.
    #[derive(Default)]
    struct Seen(Vec<i64>);

    impl Receiver for Seen {
        fn record(&mut self, _: &TopicPartition, _: &Batch, record: &Record<'_>) {
            self.0.push(record.offset);
        }
    }

    /// Three records of this producer, from this offset on.
    fn batch(base_offset: i64, producer: i64, compression: CompressionType) -> Batch {
        let mut builder = BatchBuilder::new(compression, u32::MAX);
        builder.set_base_offset(base_offset);
        builder.set_leader_epoch(4);
        if producer >= 0 {
            builder.set_producer_state(producer, 0, 0);
            builder.set_transactional(true);
        }
        (0..3).for_each(|i| builder.append(i, None, Some(b"value"), &[]));
        builder.build(ChunkId(base_offset as u64))
    }

    fn marker(offset: i64, producer: i64, commit: bool) -> Batch {
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
        builder.set_base_offset(offset);
        builder.set_producer_state(producer, 0, -1);
        builder.set_transactional(true);
        builder.set_control(true);
        builder.append(0, Some(&[0, 0, 0, u8::from(commit)]), Some(&[0; 6]), &[]);
        builder.build(ChunkId(offset as u64))
    }

    fn fetch(from: i64, batches: Vec<Batch>, aborted: &[(i64, i64)]) -> CompletedFetch {
        let aborted = aborted
            .iter()
            .map(|&(producer, first)| AbortedTransaction::default().with_producer_id(producer.into()).with_first_offset(first));
        CompletedFetch::new(TopicPartition::new("orders", 0), from, batches, Some(aborted.collect()))
    }

    /// All that comes, in portions of at most `max`, and the error at the end if there is one.
    fn read(fetch: &mut CompletedFetch, max: u32, isolation: IsolationLevel) -> (Vec<i64>, Vec<u32>, Option<String>) {
        let (mut seen, mut counts) = (Seen::default(), Vec::new());
        loop {
            match fetch.next_portion(max, isolation, true, &mut seen) {
                Ok(Some(portion)) => {
                    assert_eq!(seen.0.last(), Some(&portion.to));
                    counts.push(portion.count);
                }
                Ok(None) => return (seen.0, counts, None),
                Err(error) => return (seen.0, counts, Some(error.message)),
            }
        }
    }

    #[test]
    fn portions_end_at_batches_and_begin_at_the_position() {
        for codec in [CompressionType::None, CompressionType::Gzip] {
            let mut completed = fetch(1, vec![batch(0, -1, codec), batch(3, -1, codec)], &[]);
            let (seen, counts, error) = read(&mut completed, 2, IsolationLevel::ReadUncommitted);
            assert_eq!((seen, counts, error), (vec![1, 2, 3, 4, 5], vec![2, 2, 1], None));
            assert!(completed.is_consumed());
            assert_eq!((completed.next_offset, completed.last_epoch), (6, Some(4)));
        }
    }

    #[test]
    fn aborted_transactions_and_markers_are_passed() {
        let none = CompressionType::None;
        // 7 aborts, 8 commits; a later transaction of 7 commits.
        let batches =
            || vec![batch(0, 7, none), batch(3, 8, none), marker(6, 7, false), marker(7, 8, true), batch(8, 7, none), marker(11, 7, true)];
        let mut committed = fetch(0, batches(), &[(7, 0)]);
        assert_eq!(read(&mut committed, 9, IsolationLevel::ReadCommitted).0, [3, 4, 5, 8, 9, 10]);
        assert_eq!(committed.next_offset, 12);
        let mut all = fetch(0, batches(), &[]);
        assert_eq!(read(&mut all, 9, IsolationLevel::ReadUncommitted).0, [0, 1, 2, 3, 4, 5, 8, 9, 10]);
    }

    #[test]
    fn a_corrupt_batch_stops_reading_behind_what_is_whole() {
        let whole = batch(0, -1, CompressionType::None);
        let damaged = batch(3, -1, CompressionType::None);
        let mut bytes = damaged.body.bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = Batch::from_body(3, 4, Chunk::new(ChunkId(99), Bytes::from(bytes))).unwrap();
        let mut completed = fetch(0, vec![whole, damaged], &[]);
        for expected in [vec![0, 1, 2], vec![]] {
            let (seen, _, error) = read(&mut completed, 9, IsolationLevel::ReadUncommitted);
            assert_eq!(seen, expected);
            let error = error.unwrap();
            assert!(
                error.starts_with("Record batch for partition orders-0 at offset 3 is invalid, cause: Record is corrupt (stored crc = ")
            );
        }
    }
}
