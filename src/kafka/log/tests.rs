//! A follower's log against its leader's.

use kafka_protocol::ResponseError;

use super::partition_log::PartitionLog;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::sim::disk::Disk;
use crate::sim::process::{ChunkIds, ProcessId, Store};
use crate::sim::time::Time;

/// A leader's first two batches, of five records each.
fn batches(store: &mut Store) -> [Batch; 2] {
    let mut leader = PartitionLog::create("t-0", Default::default(), store);
    [(); 2].map(|()| {
        let mut builder = BatchBuilder::new(CompressionType::None, 1_000);
        (0..5).for_each(|_| builder.append(0, None, Some(b"value"), &[]));
        let batch = builder.build(store.ids.next_id());
        leader.append_as_leader(batch, 0, store).unwrap();
        leader.tail(i64::MAX).next().unwrap().clone()
    })
}

/// DeleteRecords may leave a leader's log to begin inside of a batch: a follower that begins there takes that batch whole.
#[test]
fn a_log_that_begins_inside_of_a_batch_takes_all_of_it() {
    let (mut disk, mut ids) = (Disk::new(1 << 20), 0);
    let ids = ChunkIds::new(ProcessId(0), &mut ids);
    let mut store = Store { now: Time::ZERO, disk: &mut disk, ids };
    let [first, second] = batches(&mut store);
    let mut follower = PartitionLog::create("f-0", Default::default(), &mut store);
    follower.start_anew_at(8, &mut store);
    follower.append_as_follower(second.clone(), &mut store).unwrap();
    assert_eq!((follower.log_start_offset(), follower.log_end_offset()), (5, 10));
    // What is in a log is not taken again, nor what ends before an empty one begins.
    assert_eq!(follower.append_as_follower(second, &mut store), Err(ResponseError::OffsetOutOfRange));
    follower.start_anew_at(8, &mut store);
    assert_eq!(follower.append_as_follower(first, &mut store), Err(ResponseError::OffsetOutOfRange));
}

/// `LocalLog.read`: an answer never goes beyond a segment, whatever it may hold.
#[test]
fn one_read_is_of_one_segment() {
    let (mut disk, mut ids) = (Disk::new(1 << 20), 0);
    let ids = ChunkIds::new(ProcessId(0), &mut ids);
    let mut store = Store { now: Time::ZERO, disk: &mut disk, ids };
    let [first, second] = batches(&mut store);
    let mut log = PartitionLog::create("f-0", Default::default(), &mut store);
    log.append_as_follower(first, &mut store).unwrap();
    log.roll(&mut store);
    log.append_as_follower(second, &mut store).unwrap();
    let begins = |batches: Vec<Batch>| batches.iter().map(|batch| batch.base_offset).collect::<Vec<_>>();
    assert_eq!(begins(log.read(0, u32::MAX, i64::MAX).unwrap()), [0]);
    assert_eq!(begins(log.read(5, u32::MAX, i64::MAX).unwrap()), [5]);
    assert_eq!(begins(log.read_to(0, i64::MAX).unwrap()), [0, 5]);
    assert_eq!(begins(log.read_to(0, 5).unwrap()), [0]);
}
