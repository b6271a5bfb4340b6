//! `quorum-state`: what a replica must remember over a restart, lest it vote twice (`FileQuorumStateStore`, version 1).

use uuid::Uuid;

use super::ReplicaKey;
use crate::kafka::names::{BrokerId, uuid_of, uuid_text};

/// Its name, in the folder of the log.
pub const QUORUM_STATE: &str = "quorum-state";

/// The epoch, who leads it, and for whom this replica has voted in it (`ElectionState`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ElectionState {
    pub epoch: i32,
    pub leader: Option<BrokerId>,
    pub voted: Option<ReplicaKey>,
}

impl ElectionState {
    /// As Kafka writes it.
    pub fn text(&self) -> String {
        let leader = self.leader.map_or(-1, |leader| leader.0);
        let voted = self.voted.map_or(-1, |voted| voted.id.0);
        let directory = uuid_text(self.voted.map_or(Uuid::nil(), |voted| voted.directory));
        format!(
            r#"{{"leaderId":{leader},"leaderEpoch":{},"votedId":{voted},"votedDirectoryId":"{directory}","data_version":1}}"#,
            self.epoch
        )
    }

    /// What a file says; `None` if it cannot be read.
    pub fn parse(text: &[u8]) -> Option<ElectionState> {
        let json: serde_json::Value = serde_json::from_slice(text).ok()?;
        let id = |name: &str| i32::try_from(json.get(name)?.as_i64()?).ok();
        let directory = json.get("votedDirectoryId").and_then(|id| uuid_of(id.as_str()?)).unwrap_or_default();
        Some(ElectionState {
            epoch: id("leaderEpoch")?,
            leader: id("leaderId").filter(|id| *id >= 0).map(BrokerId),
            voted: id("votedId").filter(|id| *id >= 0).map(|id| ReplicaKey { id: BrokerId(id), directory }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kafkas_file() {
        let text = r#"{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#;
        let state = ElectionState { epoch: 1, leader: Some(BrokerId(1)), voted: None };
        assert_eq!(state.text(), text);
        assert_eq!(ElectionState::parse(text.as_bytes()), Some(state));
        let directory = Uuid::from_u128(0x2445d8e9aab3418fb7d8fe534adcda16);
        let voted = ElectionState { epoch: 7, leader: None, voted: Some(ReplicaKey { id: BrokerId(3), directory }) };
        assert!(voted.text().contains("JEXY6aqzQY-32P5TStzaFg"));
        assert_eq!(ElectionState::parse(voted.text().as_bytes()), Some(voted));
        assert_eq!(ElectionState::parse(b"{"), None);
    }
}
