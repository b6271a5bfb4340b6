//! Which batches of a log that is being cleaned belong to aborted transactions, and which markers are needed no more
//! (`CleanedTransactionMetadata`).

use std::collections::{BTreeMap, BTreeSet};

use super::transaction_index::AbortedTxn;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::control::ControlRecordType;

/// Follows the transactions of a log that is read from some offset on.
#[derive(Clone, Debug, Default)]
pub struct CleanedTransactions {
    ongoing_committed: BTreeSet<i64>,
    /// By producer id, with the last batch of it that was seen.
    ongoing_aborted: BTreeMap<i64, (AbortedTxn, Option<i64>)>,
    /// Aborted transactions whose first offset lies ahead, by it.
    ahead: BTreeMap<(i64, i64), AbortedTxn>,
}

/// What a control batch means for the cleaner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ControlBatchRead {
    /// No data of its transaction is left.
    pub can_discard: bool,
    /// An aborted transaction of which there is data left: it stays in the transaction index.
    pub kept: Option<AbortedTxn>,
}

impl CleanedTransactions {
    pub fn add_aborted(&mut self, aborted: &[AbortedTxn]) {
        self.ahead.extend(aborted.iter().map(|txn| ((txn.first_offset, txn.producer_id), *txn)));
    }

    pub fn on_control_batch_read(&mut self, batch: &Batch) -> ControlBatchRead {
        self.consume_aborted_up_to(batch.last_offset());
        let producer_id = batch.info.producer_id;
        match control_type(batch) {
            // An empty control batch was cleaned already.
            None => ControlBatchRead { can_discard: true, kept: None },
            Some(ControlRecordType::Abort) => {
                let kept = self.ongoing_aborted.remove(&producer_id).and_then(|(aborted, seen)| seen.map(|_| aborted));
                ControlBatchRead { can_discard: kept.is_none(), kept }
            }
            Some(ControlRecordType::Commit) => ControlBatchRead { can_discard: !self.ongoing_committed.remove(&producer_id), kept: None },
            Some(_) => ControlBatchRead::default(),
        }
    }

    /// Returns whether the batch belongs to an aborted transaction.
    pub fn on_batch_read(&mut self, batch: &Batch) -> bool {
        self.consume_aborted_up_to(batch.last_offset());
        if !batch.info.is_transactional() {
            return false;
        }
        match self.ongoing_aborted.get_mut(&batch.info.producer_id) {
            Some((_, seen)) => {
                *seen = Some(batch.last_offset());
                true
            }
            None => {
                self.ongoing_committed.insert(batch.info.producer_id);
                false
            }
        }
    }

    fn consume_aborted_up_to(&mut self, offset: i64) {
        while let Some(entry) = self.ahead.first_entry().filter(|entry| entry.key().0 <= offset) {
            let aborted = entry.remove();
            self.ongoing_aborted.entry(aborted.producer_id).or_insert((aborted, None));
        }
    }
}

fn control_type(batch: &Batch) -> Option<ControlRecordType> {
    let records = batch.records().ok()?;
    let record = records.iter().next()?.ok()?;
    ControlRecordType::from_key(record.key).ok()
}
