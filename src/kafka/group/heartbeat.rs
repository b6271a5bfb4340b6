//! Heartbeat: the member lives, and learns of a rebalance.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::HeartbeatRequest;

use super::classic_group::ClassicGroup;
use crate::kafka::event::GroupState;
use crate::sim::time::Time;

impl ClassicGroup {
    /// `classicGroupHeartbeatToClassicGroup`.
    ///
    /// # Errors
    /// What the member is told; REBALANCE_IN_PROGRESS counts as a heartbeat all the same.
    pub(super) fn heartbeat(&mut self, now: Time, request: &HeartbeatRequest) -> Result<(), ResponseError> {
        if self.state == GroupState::Dead {
            return Err(ResponseError::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        match self.state {
            GroupState::PreparingRebalance => {
                self.reschedule_heartbeat(now, &request.member_id);
                Err(ResponseError::RebalanceInProgress)
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.reschedule_heartbeat(now, &request.member_id);
                Ok(())
            }
            _ => Err(ResponseError::UnknownMemberId),
        }
    }
}
