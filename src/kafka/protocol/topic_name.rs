//! Which names a topic may have (`org.apache.kafka.common.internals.Topic`).

use thiserror::Error;

/// Longest name, so that `name-PARTITION` and a suffix fit a file name.
pub const MAX_NAME_LENGTH: usize = 249;
pub const GROUP_METADATA_TOPIC_NAME: &str = "__consumer_offsets";
pub const TRANSACTION_STATE_TOPIC_NAME: &str = "__transaction_state";
pub const SHARE_GROUP_STATE_TOPIC_NAME: &str = "__share_group_state";
pub const CLUSTER_METADATA_TOPIC_NAME: &str = "__cluster_metadata";

/// Why a name is refused: the message of Kafka's `InvalidTopicException`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TopicNameError {
    #[error("Topic name is invalid: the empty string is not allowed")]
    Empty,
    #[error("Topic name is invalid: '.' is not allowed")]
    Dot,
    #[error("Topic name is invalid: '..' is not allowed")]
    DotDot,
    #[error("Topic name is invalid: the length of '{0}' is longer than the max allowed length {MAX_NAME_LENGTH}")]
    TooLong(String),
    #[error("Topic name is invalid: '{0}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")]
    Characters(String),
}

/// # Errors
/// The first rule that the name breaks.
pub fn validate(name: &str) -> Result<(), TopicNameError> {
    match name {
        "" => Err(TopicNameError::Empty),
        "." => Err(TopicNameError::Dot),
        ".." => Err(TopicNameError::DotDot),
        _ if name.encode_utf16().count() > MAX_NAME_LENGTH => Err(TopicNameError::TooLong(name.to_owned())),
        _ if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) => {
            Err(TopicNameError::Characters(name.to_owned()))
        }
        _ => Ok(()),
    }
}

pub fn is_valid(name: &str) -> bool {
    validate(name).is_ok()
}

/// Topics of the coordinators; clients may not produce to them. (`__cluster_metadata` is not among them: it is no topic of the brokers.)
pub fn is_internal(name: &str) -> bool {
    matches!(name, GROUP_METADATA_TOPIC_NAME | TRANSACTION_STATE_TOPIC_NAME | SHARE_GROUP_STATE_TOPIC_NAME)
}

/// Names with `.` or `_` can collide in the names of metrics.
pub fn has_collision_chars(name: &str) -> bool {
    name.contains(['_', '.'])
}

/// How a name appears in the names of metrics.
pub fn unify_collision_chars(name: &str) -> String {
    name.replace('.', "_")
}

/// Whether two names become one in the names of metrics.
pub fn has_collision(a: &str, b: &str) -> bool {
    unify_collision_chars(a) == unify_collision_chars(b)
}
