//! How the console consumer prints a record (`DefaultMessageFormatter`, `NoOpMessageFormatter`).

use super::coordinator::{self, Wanted};
use crate::kafka::actor::Config;

/// A record as a formatter sees it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    /// The broker's time, not the producer's.
    pub log_append_time: bool,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: &'a [(Vec<u8>, Option<Vec<u8>>)],
}

/// A formatter with its properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formatter {
    Default(Box<Print>),
    /// Records of `__consumer_offsets`.
    Coordinator(Wanted),
    NoOp,
}

/// The properties of the default formatter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    timestamp: bool,
    key: bool,
    value: bool,
    partition: bool,
    offset: bool,
    headers: bool,
    delivery: bool,
    epoch: bool,
    key_separator: String,
    line_separator: String,
    headers_separator: String,
    null_literal: String,
}

impl Formatter {
    /// The formatter of this class, if it is here.
    pub fn new(class: &str, props: &Config) -> Option<Formatter> {
        match class.strip_prefix("org.apache.kafka.tools.consumer.")? {
            "OffsetsMessageFormatter" => Some(Formatter::Coordinator(Wanted::Offsets)),
            "GroupMetadataMessageFormatter" => Some(Formatter::Coordinator(Wanted::Groups)),
            "DefaultMessageFormatter" => Some(Formatter::Default(Box::new(Print::new(props)))),
            "NoOpMessageFormatter" => Some(Formatter::NoOp),
            _ => None,
        }
    }

    /// The text of a record, its line separator included.
    pub fn format(&self, record: &Shown) -> String {
        match self {
            Formatter::Default(print) => print.format(record),
            Formatter::Coordinator(wanted) => coordinator::format(*wanted, record.key, record.value),
            Formatter::NoOp => String::new(),
        }
    }
}

impl Print {
    fn new(props: &Config) -> Print {
        let flag = |name: &str, default: bool| props.get(name).map_or(default, |value| value.trim().eq_ignore_ascii_case("true"));
        let text = |name: &str, default: &str| props.get(name).map_or(default, String::as_str).to_owned();
        Print {
            timestamp: flag("print.timestamp", false),
            key: flag("print.key", false),
            value: flag("print.value", true),
            partition: flag("print.partition", false),
            offset: flag("print.offset", false),
            headers: flag("print.headers", false),
            delivery: flag("print.delivery", false),
            epoch: flag("print.epoch", false),
            key_separator: text("key.separator", "\t"),
            line_separator: text("line.separator", "\n"),
            headers_separator: text("headers.separator", ","),
            null_literal: text("null.literal", "null"),
        }
    }

    fn format(&self, record: &Shown) -> String {
        let mut parts = Vec::new();
        if self.timestamp {
            let kind = if record.log_append_time { "LogAppendTime" } else { "CreateTime" };
            parts.push(if record.timestamp < 0 { "NO_TIMESTAMP".to_owned() } else { format!("{kind}:{}", record.timestamp) });
        }
        if self.partition {
            parts.push(format!("Partition:{}", record.partition));
        }
        if self.offset {
            parts.push(format!("Offset:{}", record.offset));
        }
        if self.delivery {
            parts.push("Delivery:NOT_PRESENT".into());
        }
        if self.epoch {
            parts.push("Epoch:NOT_PRESENT".into());
        }
        if self.headers {
            parts.push(self.shown_headers(record));
        }
        if self.key {
            parts.push(self.text(record.key));
        }
        if self.value {
            parts.push(self.text(record.value));
        }
        parts.join(&self.key_separator) + &self.line_separator
    }

    fn shown_headers(&self, record: &Shown) -> String {
        if record.headers.is_empty() {
            return "NO_HEADERS".into();
        }
        let pairs = record.headers.iter().map(|(key, value)| format!("{}:{}", String::from_utf8_lossy(key), self.text(value.as_deref())));
        pairs.collect::<Vec<_>>().join(&self.headers_separator)
    }

    fn text(&self, bytes: Option<&[u8]>) -> String {
        bytes.map_or_else(|| self.null_literal.clone(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(props: &str, expected: &str) {
        let props: Config =
            props.split('&').filter_map(|prop| prop.split_once('=')).map(|(key, value)| (key.into(), value.into())).collect();
        let headers = [(b"trace".to_vec(), Some(b"17".to_vec())), (b"source".to_vec(), None)];
        let record = Shown {
            partition: 1,
            offset: 0,
            timestamp: 1_795_245_852_884,
            log_append_time: false,
            key: Some(b"alice"),
            value: None,
            headers: &headers,
        };
        let formatter = Formatter::new("org.apache.kafka.tools.consumer.DefaultMessageFormatter", &props).unwrap();
        assert_eq!(formatter.format(&record), expected, "{props:?}");
    }

    #[test]
    fn the_parts_in_their_order() {
        check("", "null\n");
        check("print.key=true&print.value=false", "alice\n");
        check(
            "print.value=true&print.epoch=true&print.delivery=true&print.timestamp=true&print.partition=true&print.offset=true&print.headers=true&print.key=true",
            "CreateTime:1795245852884\tPartition:1\tOffset:0\tDelivery:NOT_PRESENT\tEpoch:NOT_PRESENT\ttrace:17,source:null\talice\tnull\n",
        );
        check(
            "print.headers=true&headers.separator=;&key.separator= => &null.literal=(none)&line.separator= / ",
            "trace:17;source:(none) => (none) / ",
        );
    }
}
