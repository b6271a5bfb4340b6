//! What a client's caller is told: an exception of Kafka's, by class, message and cause.

use std::fmt;

use crate::kafka::protocol::api::Api;
use crate::kafka::protocol::errors;

/// An exception as Kafka's tools print it: `org.apache.kafka.common.errors.TimeoutException: Topic ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// The protocol's code, where there is one; else that of the class that fits best.
    pub code: i16,
    /// The full name of the class.
    pub class: &'static str,
    pub message: String,
    pub cause: Option<Box<ClientError>>,
}

impl ClientError {
    /// What `Errors.exception(message)` makes of a code; without a message it has the code's own.
    pub fn of_code(code: i16, message: Option<&str>) -> ClientError {
        let info = errors::info(code);
        let message = message.filter(|message| !message.is_empty()).unwrap_or(info.message);
        ClientError { code, class: info.exception, message: message.to_owned(), cause: None }
    }

    /// `TimeoutException` with a client's own words.
    pub fn timeout(message: String) -> ClientError {
        ClientError::of_code(REQUEST_TIMED_OUT, Some(&message))
    }

    /// `org.apache.kafka.common.KafkaException`.
    pub fn kafka(message: impl Into<String>) -> ClientError {
        ClientError { code: UNKNOWN_SERVER_ERROR, class: "KafkaException", message: message.into(), cause: None }
    }

    /// `NodeApiVersions.latestUsableVersion` of an API that a node does not offer.
    pub fn not_offered(api: Api) -> ClientError {
        ClientError::of_code(UNSUPPORTED_VERSION, Some(&format!("The node does not support {}", api.java_name())))
    }

    /// `TopicAuthorizationException` and `GroupAuthorizationException` with what they name; another code as it is.
    pub fn forbidden(code: i16, names: &[&str]) -> ClientError {
        let message = match code {
            TOPIC_AUTHORIZATION_FAILED => Some(format!("Not authorized to access topics: [{}]", names.join(", "))),
            GROUP_AUTHORIZATION_FAILED => Some(format!("Not authorized to access group: {}", names.join(", "))),
            _ => None,
        };
        ClientError::of_code(code, message.as_deref())
    }

    pub fn caused_by(self, cause: ClientError) -> ClientError {
        ClientError { cause: Some(Box::new(cause)), ..self }
    }

    pub fn is_retriable(&self) -> bool {
        errors::info(self.code).is_retriable()
    }

    /// The class with its package.
    pub fn full_class(&self) -> String {
        let package = match self.class {
            "KafkaException" => "org.apache.kafka.common",
            "BufferExhaustedException" => "org.apache.kafka.clients.producer",
            "CommitFailedException" | "NoOffsetForPartitionException" => "org.apache.kafka.clients.consumer",
            _ => "org.apache.kafka.common.errors",
        };
        format!("{package}.{}", self.class)
    }
}

impl fmt::Display for ClientError {
    /// As `Throwable.toString`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.full_class(), self.message)
    }
}

impl std::error::Error for ClientError {}

pub const UNKNOWN_SERVER_ERROR: i16 = -1;
pub const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
pub const NOT_LEADER_OR_FOLLOWER: i16 = 6;
pub const REQUEST_TIMED_OUT: i16 = 7;
pub const MESSAGE_TOO_LARGE: i16 = 10;
pub const NETWORK_EXCEPTION: i16 = 13;
pub const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
pub const COORDINATOR_NOT_AVAILABLE: i16 = 15;
pub const NOT_COORDINATOR: i16 = 16;
pub const INVALID_TOPIC_EXCEPTION: i16 = 17;
pub const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
pub const GROUP_AUTHORIZATION_FAILED: i16 = 30;
pub const CLUSTER_AUTHORIZATION_FAILED: i16 = 31;
pub const UNSUPPORTED_VERSION: i16 = 35;
pub const NOT_CONTROLLER: i16 = 41;
pub const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
pub const DUPLICATE_SEQUENCE_NUMBER: i16 = 46;
pub const INVALID_PRODUCER_EPOCH: i16 = 47;
pub const CONCURRENT_TRANSACTIONS: i16 = 51;
pub const TRANSACTION_COORDINATOR_FENCED: i16 = 52;
pub const UNKNOWN_PRODUCER_ID: i16 = 59;
pub const INVALID_RECORD: i16 = 87;
pub const MISMATCHED_ENDPOINT_TYPE: i16 = 114;
pub const UNSUPPORTED_ENDPOINT_TYPE: i16 = 115;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_java_does() {
        let cause = ClientError::of_code(UNKNOWN_TOPIC_OR_PARTITION, None);
        let error = ClientError::timeout("Topic nowhere not present in metadata after 4000 ms.".into()).caused_by(cause);
        let expected = "org.apache.kafka.common.errors.TimeoutException: Topic nowhere not present in metadata after 4000 ms.";
        assert_eq!(error.to_string(), expected);
        let cause = error.cause.expect("the code's own exception").to_string();
        assert_eq!(
            cause,
            "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition."
        );
    }
}
