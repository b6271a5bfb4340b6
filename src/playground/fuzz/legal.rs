//! Which anomalies Kafka allows, under which settings and after which faults. docs/anomalies.md is this table with its reasons, and a test
//! holds the two together. What is not in it is a bug.

use crate::playground::history::whole::Anomaly;

/// What excuses an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Circumstance {
    /// The batch's producer had acks=0 or acks=1, and nobody had read the batch.
    AcksBelowAll,
    /// The batch's producer had enable.idempotence=false, and sent it again.
    NotIdempotent,
    /// Later, a replica outside ISR and ELR was elected: unclean.leader.election.enable, or by hand.
    UncleanElection,
    /// Later, every in-sync replica having stopped uncleanly, the last known leader was elected, and it had lost what was not flushed.
    DisksLost,
    /// Later, an eligible leader was elected, min.insync.replicas having been changed: the leader before may have acknowledged by the old value.
    MinIsrChanged,
    /// Later, a replica was elected that the controller had taken into the ISR after its leader had forgotten the proposal, and that had not
    /// caught up since.
    ProposalForgotten,
    /// The log start has passed the batch: retention, DeleteRecords.
    Retention,
    /// The consumer was assigned anew between the two polls.
    Rebalance,
    /// The consumer's position was out of range, or its log was cut, and auto.offset.reset set it.
    OffsetReset,
}

/// Each circumstance with what it excuses.
pub const TABLE: &[(Circumstance, &[Anomaly])] = {
    use Anomaly::*;
    &[
        (Circumstance::AcksBelowAll, &[LostWrite, Unseen, InconsistentOffsets]),
        (Circumstance::NotIdempotent, &[Duplicate]),
        (Circumstance::UncleanElection, &[LostWrite, Unseen, InconsistentOffsets, Duplicate]),
        (Circumstance::DisksLost, &[LostWrite, Unseen, InconsistentOffsets, Duplicate]),
        (Circumstance::MinIsrChanged, &[LostWrite, Unseen, InconsistentOffsets, Duplicate]),
        (Circumstance::ProposalForgotten, &[LostWrite, Unseen, InconsistentOffsets, Duplicate]),
        (Circumstance::Retention, &[LostWrite, Unseen]),
        (Circumstance::Rebalance, &[PollSkip, NonmonotonicPoll]),
        (Circumstance::OffsetReset, &[PollSkip, NonmonotonicPoll]),
    ]
};

/// Whether a circumstance excuses an anomaly.
pub fn is_legal(circumstance: Circumstance, anomaly: Anomaly) -> bool {
    TABLE.iter().any(|(of, anomalies)| *of == circumstance && anomalies.contains(&anomaly))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the written table: the name of a circumstance, and the anomalies in its second column.
    #[test]
    fn the_written_table_is_this_one() {
        let text = include_str!("../../../docs/anomalies.md");
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        let written: Vec<(String, Vec<String>)> = rows
            .map(|(circumstance, rest)| {
                let anomalies = rest.split('|').next().unwrap_or("").split(',').map(|name| name.trim().to_owned()).collect();
                (circumstance.to_owned(), anomalies)
            })
            .collect();
        let here: Vec<(String, Vec<String>)> = TABLE
            .iter()
            .map(|(circumstance, anomalies)| {
                (format!("{circumstance:?}"), anomalies.iter().map(|anomaly| anomaly.name().to_owned()).collect())
            })
            .collect();
        assert_eq!(written, here);
    }
}
