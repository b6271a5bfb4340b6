//! ConsumerGroupDescribe and ListGroups.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::consumer_group_describe_response::{Assignment, DescribedGroup, Member, TopicPartitions};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, TopicName};
use uuid::Uuid;

use super::group::ConsumerGroup;
use crate::kafka::group::assignor::protocol::PROTOCOL_TYPE;
use crate::kafka::group::out::{GroupOut, address, str_bytes};

/// `ConsumerGroup` as a group's type is told (KIP-848).
pub const GROUP_TYPE: &str = "consumer";
/// A member that speaks the consumer protocol itself.
const CONSUMER_MEMBER: i8 = 1;

/// A group that is not described.
pub(in crate::kafka::group) fn refusal(group: &GroupId, error: ResponseError, message: Option<String>) -> DescribedGroup {
    let message = message.map(|message| str_bytes(&message));
    DescribedGroup::default().with_group_id(group.clone()).with_error_code(error.code()).with_error_message(message)
}

impl ConsumerGroup {
    pub(in crate::kafka::group) fn describe(&self, out: &mut dyn GroupOut) -> DescribedGroup {
        let mut members = Vec::new();
        for id in self.member_ids() {
            let member = &self.members[&id];
            let metadata = &member.metadata;
            let names = metadata.subscribed_topic_names.iter().map(|name| TopicName(str_bytes(name)));
            let assigned = member.current.assigned.iter().map(|(topic, held)| (*topic, held.keys().copied().collect()));
            let target = self.target.get(&id).into_iter().flatten().map(|(topic, held)| (*topic, held.iter().copied().collect()));
            members.push(
                Member::default()
                    .with_member_id(str_bytes(&id))
                    .with_instance_id(metadata.instance_id.as_deref().map(str_bytes))
                    .with_rack_id(metadata.rack_id.as_deref().map(str_bytes))
                    .with_member_epoch(member.current.epoch)
                    .with_client_id(str_bytes(&metadata.client_id))
                    .with_client_host(str_bytes(&address(&metadata.client_host)))
                    .with_subscribed_topic_names(names.collect())
                    .with_subscribed_topic_regex(Some(str_bytes("")))
                    .with_assignment(described(assigned, out))
                    .with_target_assignment(described(target, out))
                    .with_member_type(CONSUMER_MEMBER),
            );
        }
        DescribedGroup::default()
            .with_group_id(GroupId(str_bytes(&self.id)))
            .with_group_state(str_bytes(self.state().as_str()))
            .with_group_epoch(self.epoch)
            .with_assignment_epoch(self.target_epoch)
            .with_assignor_name(str_bytes(self.assignor().name()))
            .with_members(members)
    }

    pub(in crate::kafka::group) fn list(&self) -> ListedGroup {
        ListedGroup::default()
            .with_group_id(GroupId(str_bytes(&self.id)))
            .with_protocol_type(str_bytes(PROTOCOL_TYPE))
            .with_group_state(str_bytes(self.state().as_str()))
            .with_group_type(str_bytes(GROUP_TYPE))
    }
}

/// Topics that are gone have no name, and are left out.
fn described(topics: impl Iterator<Item = (Uuid, Vec<i32>)>, out: &mut dyn GroupOut) -> Assignment {
    let topic = |(id, partitions): (Uuid, Vec<i32>)| {
        let name = TopicName(str_bytes(&out.topic_name(&id)?));
        Some(TopicPartitions::default().with_topic_id(id).with_topic_name(name).with_partitions(partitions))
    };
    Assignment::default().with_topic_partitions(topics.filter_map(topic).collect())
}
