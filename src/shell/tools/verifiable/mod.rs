//! kafka-verifiable-producer and kafka-verifiable-consumer: what they do, as a line of JSON each.

pub mod consumer;
pub mod producer;

use crate::shell::tools::dump_log::schema::quoted;
use crate::sim::time::Time;

/// `{"timestamp":N,"name":"NAME"REST}`; `rest` begins with a comma if it is not empty.
fn event(now: Time, name: &str, rest: &str) -> String {
    format!(r#"{{"timestamp":{},"name":"{name}"{rest}}}"#, now.wall_ms())
}

/// A JSON string, or null.
fn text(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), quoted)
}
