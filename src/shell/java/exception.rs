//! Exceptions as tools print them.

use crate::kafka::protocol::errors;

/// An exception: what a tool shows of it. (Frames of stack traces are never shown here: they would name code that does not exist.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// With its package.
    pub class: String,
    pub message: Option<String>,
}

impl Exception {
    pub fn new(class: &str, message: impl Into<String>) -> Exception {
        Exception { class: class.to_owned(), message: Some(message.into()) }
    }

    /// What a client throws for an error code and the broker's own message, if it sent one.
    pub fn of(code: i16, message: Option<&str>) -> Exception {
        let info = errors::info(code);
        // The one exception of a code that is not in `errors`.
        let package = if info.exception == "InvalidRecordException" { "org.apache.kafka.common" } else { "org.apache.kafka.common.errors" };
        Exception::new(&format!("{package}.{}", info.exception), message.filter(|text| !text.is_empty()).unwrap_or(info.message))
    }

    pub fn illegal_argument(message: impl Into<String>) -> Exception {
        Exception::new("java.lang.IllegalArgumentException", message)
    }

    pub fn config(message: impl Into<String>) -> Exception {
        Exception::new("org.apache.kafka.common.config.ConfigException", message)
    }

    pub fn kafka(message: impl Into<String>) -> Exception {
        Exception::new("org.apache.kafka.common.KafkaException", message)
    }

    /// An exception that was thrown in another thread, as `Future.get` throws it.
    pub fn in_execution(&self) -> Exception {
        Exception::new("java.util.concurrent.ExecutionException", self.to_string())
    }

    /// The message alone (`getMessage`), `null` if there is none.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or("null")
    }
}

impl std::fmt::Display for Exception {
    /// As `Throwable.toString`: the first line of a stack trace.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.class),
            None => f.write_str(&self.class),
        }
    }
}

impl std::error::Error for Exception {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_client_throws_them() {
        let exists = Exception::of(36, Some("Topic 'orders' already exists."));
        assert_eq!(exists.to_string(), "org.apache.kafka.common.errors.TopicExistsException: Topic 'orders' already exists.");
        assert_eq!(
            Exception::of(69, None).to_string(),
            "org.apache.kafka.common.errors.GroupIdNotFoundException: The group id does not exist."
        );
        assert!(Exception::of(87, None).class.starts_with("org.apache.kafka.common.InvalidRecord"));
    }
}
