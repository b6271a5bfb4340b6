//! Kafka's nouns as types.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name that many share: a topic's, a group's, a client's.
pub type Name = Arc<str>;

/// A broker's or controller's node id (`node.id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub i32);

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicPartition {
    pub topic: Name,
    pub partition: i32,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Name>, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    /// As Kafka names it, and its folder: `orders-0`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The host that a node runs on: `kafka-1`.
pub fn host_of(node: BrokerId) -> String {
    format!("kafka-{}", node.0)
}

/// The node that runs on a host, if it is one of the cluster's.
pub fn node_on(host: &str) -> Option<BrokerId> {
    host.strip_prefix("kafka-")?.parse().ok().map(BrokerId)
}

/// Where brokers listen for clients.
pub const BROKER_PORT: u16 = 9092;
/// Where controllers listen for brokers.
pub const CONTROLLER_PORT: u16 = 9093;

/// The topic of committed offsets and group metadata.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";
/// The controller's log.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// A UUID as Kafka writes it: base64 of its bytes, URL-safe, without padding.
pub fn uuid_text(id: uuid::Uuid) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = id.as_u128();
    // 22 digits of six bits; the last holds the remaining two.
    (0..22).map(|i| DIGITS[(if i < 21 { bits >> (122 - 6 * i) } else { bits << 4 } & 0x3f) as usize] as char).collect()
}

/// The reverse of [`uuid_text`].
pub fn uuid_of(text: &str) -> Option<uuid::Uuid> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    };
    if text.len() != 22 {
        return None;
    }
    let mut bits = 0_u128;
    for (i, c) in text.bytes().enumerate() {
        let digit = u128::from(digit(c)?);
        bits = if i < 21 { bits << 6 | digit } else { bits << 2 | digit >> 4 };
    }
    Some(uuid::Uuid::from_u128(bits))
}

/// The id of a node's one log directory, always the same for the same node of the same cluster.
pub fn directory_id(node: BrokerId, cluster_id: &str) -> uuid::Uuid {
    uuid::Uuid::from_bytes(crate::sim::rng::Rng::derive(node.0 as u64, cluster_id).bytes16())
}

/// Whether a topic is Kafka's own (`Topic.isInternal`).
pub fn is_internal(topic: &str) -> bool {
    matches!(topic, OFFSETS_TOPIC | "__transaction_state" | "__share_group_state")
}
