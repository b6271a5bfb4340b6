//! What a Produce request must be as a whole, before any partition is looked at (`KafkaApis.handleProduceRequest`,
//! `ReplicaManager.isValidRequiredAcks`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

use crate::kafka::protocol::frame::Batches;

/// The error that all partitions of a request get, of which nothing is written then.
pub(super) fn refused_as_a_whole(request: &ProduceRequest, batches: &[Batches]) -> Option<ResponseError> {
    if request.transactional_id.is_none() && batches.iter().flatten().any(|batch| batch.info.is_transactional()) {
        return Some(ResponseError::TransactionalIdAuthorizationFailed);
    }
    (!(-1..=1).contains(&request.acks)).then_some(ResponseError::InvalidRequiredAcks)
}

/// The answer to it.
pub(super) fn refusal(request: &ProduceRequest, error: ResponseError) -> ProduceResponse {
    let topics = request.topic_data.iter().map(|topic| {
        let partitions = topic.partition_data.iter().map(|data| {
            let answer = PartitionProduceResponse::default().with_index(data.index).with_error_code(error.code());
            answer.with_base_offset(-1).with_log_append_time_ms(-1)
        });
        TopicProduceResponse::default().with_topic_id(topic.topic_id).with_partition_responses(partitions.collect())
    });
    ProduceResponse::default().with_responses(topics.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::records::builder::BatchBuilder;
    use crate::kafka::records::compression::CompressionType;
    use crate::sim::chunk::ChunkId;

    #[test]
    fn what_is_refused_whoever_asks() {
        let batches = |transactional: bool| {
            let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
            builder.set_transactional(transactional);
            builder.append(0, None, Some(b"v"), &[]);
            vec![vec![builder.build(ChunkId(1))]]
        };
        let request = |acks| ProduceRequest::default().with_acks(acks);
        for acks in -1..=1 {
            assert_eq!(refused_as_a_whole(&request(acks), &batches(false)), None);
        }
        for acks in [-2, 2, 7] {
            assert_eq!(refused_as_a_whole(&request(acks), &batches(false)), Some(ResponseError::InvalidRequiredAcks));
        }
        let error = refused_as_a_whole(&request(1).with_transactional_id(None), &batches(true));
        assert_eq!(error, Some(ResponseError::TransactionalIdAuthorizationFailed));
    }
}
