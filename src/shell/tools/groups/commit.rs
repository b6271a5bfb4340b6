//! A commit of offsets from outside of a group.

use kafka_protocol::messages::offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest, OffsetCommitResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;

/// The request: the group has no members.
pub fn commit(group: &str, offsets: &[(TopicPartition, i64)]) -> OffsetCommitRequest {
    let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
    for (at, offset) in offsets {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(at.partition)
            .with_committed_offset(*offset)
            .with_committed_leader_epoch(-1)
            .with_committed_metadata(Some(StrBytes::from_static_str("")));
        match topics.iter_mut().find(|topic| topic.name.as_str() == &*at.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => {
                let name = TopicName(at.topic.to_string().into());
                topics.push(OffsetCommitRequestTopic::default().with_name(name).with_partitions(vec![partition]));
            }
        }
    }
    OffsetCommitRequest::default()
        .with_group_id(GroupId(group.to_owned().into()))
        .with_generation_id_or_member_epoch(-1)
        .with_member_id(StrBytes::from_static_str(""))
        .with_topics(topics)
}

/// # Errors
/// The first error of a partition.
pub fn committed(body: &OffsetCommitResponse) -> Result<(), Exception> {
    let mut codes = body.topics.iter().flat_map(|topic| &topic.partitions).map(|partition| partition.error_code);
    codes.find(|code| *code != 0).map_or(Ok(()), |code| Err(Exception::of(code, None)))
}
