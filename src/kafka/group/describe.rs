//! DescribeGroups and ListGroups.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::{GroupId, ListGroupsRequest};

use super::classic_group::ClassicGroup;
use super::out::{address, str_bytes};
use crate::kafka::event::GroupState;
use crate::kafka::names::Name;

/// From this version on an unknown group is an error, not a dead group.
const GROUP_ID_NOT_FOUND_VERSION: i16 = 6;

/// A group that is not described.
pub(super) fn refusal(group: &GroupId, error: ResponseError) -> DescribedGroup {
    DescribedGroup::default().with_group_id(group.clone()).with_error_code(error.code())
}

/// A group that does not exist.
pub(super) fn unknown(version: i16, group: &GroupId) -> DescribedGroup {
    let dead = DescribedGroup::default().with_group_id(group.clone()).with_group_state(str_bytes(GroupState::Dead.as_str()));
    if version < GROUP_ID_NOT_FOUND_VERSION {
        return dead;
    }
    let message = format!("Group {} not found.", group.as_str());
    dead.with_error_code(ResponseError::GroupIdNotFound.code()).with_error_message(Some(str_bytes(&message)))
}

/// A group that is described by another request.
pub(super) fn not_classic(version: i16, group: &GroupId) -> DescribedGroup {
    let message = format!("Group {} is not a classic group.", group.as_str());
    let described = unknown(version, group);
    if version < GROUP_ID_NOT_FOUND_VERSION { described } else { described.with_error_message(Some(str_bytes(&message))) }
}

/// Whether a group of this state and type is to be listed.
pub(super) fn is_wanted(request: &ListGroupsRequest, state: &str, kind: &str) -> bool {
    let passes = |filter: &[kafka_protocol::protocol::StrBytes], own: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(own))
    };
    passes(&request.states_filter, state) && passes(&request.types_filter, kind)
}

impl ClassicGroup {
    pub(super) fn describe(&self) -> DescribedGroup {
        let stable = self.state == GroupState::Stable;
        // Outside of Stable metadata and assignments may be of different generations, so Kafka shows none.
        let protocol = self.protocol_name.as_deref().filter(|_| stable);
        let member = |id: Name| {
            let member = &self.members[&id];
            DescribedGroupMember::default()
                .with_member_id(str_bytes(&member.id))
                .with_group_instance_id(member.instance_id.as_deref().map(str_bytes))
                .with_client_id(str_bytes(&member.client_id))
                .with_client_host(str_bytes(&address(&member.client_host)))
                .with_member_metadata(protocol.map(|name| member.metadata(name)).unwrap_or_default())
                .with_member_assignment(member.assignment.clone())
        };
        DescribedGroup::default()
            .with_group_id(GroupId(str_bytes(&self.id)))
            .with_group_state(str_bytes(self.state.as_str()))
            .with_protocol_type(str_bytes(self.protocol_type.as_deref().unwrap_or_default()))
            .with_protocol_data(str_bytes(protocol.unwrap_or_default()))
            .with_members(self.member_ids().into_iter().map(member).collect())
    }

    /// The group as a line of a list, if the filters let it through.
    pub(super) fn list(&self, request: &ListGroupsRequest) -> Option<ListedGroup> {
        let state = self.state.as_str();
        if !is_wanted(request, state, "classic") {
            return None;
        }
        let group = ListedGroup::default()
            .with_group_id(GroupId(str_bytes(&self.id)))
            .with_protocol_type(str_bytes(self.protocol_type.as_deref().unwrap_or_default()));
        Some(group.with_group_state(str_bytes(state)).with_group_type(str_bytes("classic")))
    }
}
