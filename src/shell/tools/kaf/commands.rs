//! kaf's commands, and the flags of each.

use super::{groups, topics};
use crate::shell::tools::script::Logic;

/// A command of kaf.
#[derive(Debug)]
pub struct Command {
    /// As it is typed: `group describe`.
    pub path: &'static str,
    /// What stands behind it in the usage.
    pub operands: &'static str,
    pub about: &'static str,
    pub flags: &'static [Flag],
    pub takes: Takes,
    pub work: Work,
}

/// A flag, as pflag knows it.
#[derive(Debug)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    pub kind: Kind,
    pub about: &'static str,
}

/// What a flag's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Text,
    /// Several, with commas or by giving the flag again.
    Texts,
    /// Several, by giving the flag again.
    Array,
    /// A number of so many bits.
    Int(u32),
    /// Several, with commas.
    Ints,
    OneOf(&'static [&'static str]),
}

/// How many arguments a command takes (cobra's `ExactArgs`, `MaximumNArgs`, `NoArgs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Any,
    Exactly(usize),
    AtMost(usize),
    None,
}

/// What a command does.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// It has commands of its own, and only tells of them.
    Parent,
    Produce,
    Consume,
    /// A few requests of an admin client.
    Admin(Logic),
}

const fn flag(name: &'static str, short: Option<char>, kind: Kind, about: &'static str) -> Flag {
    Flag { name, short, kind, about }
}

/// The flags of every command.
pub const PERSISTENT: &[Flag] = &[
    flag("brokers", Some('b'), Kind::Texts, "Where to begin: HOST:PORT, several with commas (localhost:9092 if not given)"),
    flag("config", None, Kind::Text, "A file of configuration; this terminal has none"),
    flag("schema-registry", None, Kind::Text, "The URL of a schema registry; this terminal has none"),
    flag("verbose", Some('v'), Kind::Bool, "Log what the client does; this terminal's does not"),
    flag("cluster", Some('c'), Kind::Text, "A cluster of the configuration"),
    flag("help", Some('h'), Kind::Bool, "This text"),
];

pub const OUTPUTS: &[&str] = &["default", "raw", "hex", "json", "json-each-row"];
const NO_HEADERS: &[Flag] = &[flag("no-headers", None, Kind::Bool, "Leave the heads of the table out")];

/// All commands; those with two words belong to the one of the first.
pub const COMMANDS: &[Command] = &[
    Command {
        path: "consume",
        operands: "TOPIC",
        about: "Print the messages of a topic",
        flags: &[
            flag("offset", None, Kind::Text, "Where to begin: oldest (if not given), newest, or a number"),
            flag("raw", None, Kind::Bool, "DEPRECATED: --output raw"),
            flag("output", None, Kind::OneOf(OUTPUTS), "How: default, raw, hex, json, json-each-row"),
            flag("follow", Some('f'), Kind::Bool, "Wait for more at the end"),
            flag("tail", Some('n'), Kind::Int(32), "The last so many messages of each partition"),
            flag("partitions", Some('p'), Kind::Ints, "Only these partitions"),
            flag("limit-messages", Some('l'), Kind::Int(64), "At most so many messages of each partition"),
            flag("group", Some('g'), Kind::Text, "As a member of this group, from what it committed"),
            flag("commit", None, Kind::Bool, "Commit what was printed (with --group)"),
            flag("header", None, Kind::Texts, "Only messages with these headers: key:value"),
            flag("read-committed", None, Kind::Bool, "Leave aborted transactions out"),
            flag("proto-type", None, Kind::Text, "A protobuf type to decode values with; this terminal knows none"),
        ],
        takes: Takes::Exactly(1),
        work: Work::Consume,
    },
    Command {
        path: "group",
        operands: "[command]",
        about: "Show consumer groups and what they committed",
        flags: &[],
        takes: Takes::Any,
        work: Work::Parent,
    },
    Command {
        path: "group commit",
        operands: "GROUP",
        about: "Set a group's offsets. Kafka 4.0 dropped the request it uses (OffsetCommit 1), so that it ends with EOF: kafka-consumer-groups --reset-offsets does it",
        flags: &[
            flag("topic", Some('t'), Kind::Text, "The topic"),
            flag("offset", Some('o'), Kind::Text, "oldest, newest, a number, or a time (RFC 3339)"),
            flag("partition", Some('p'), Kind::Int(32), "The partition (0 if not given)"),
            flag("all-partitions", None, Kind::Bool, "All partitions"),
            flag("offset-map", None, Kind::Text, "JSON: {\"0\": 123, \"1\": 42}"),
            flag("noconfirm", None, Kind::Bool, "Do not ask"),
        ],
        takes: Takes::Exactly(1),
        work: Work::Admin(groups::commit),
    },
    Command {
        path: "group delete",
        operands: "",
        about: "Delete a group",
        flags: &[],
        takes: Takes::AtMost(1),
        work: Work::Admin(groups::delete),
    },
    Command {
        path: "group describe",
        operands: "",
        about: "Show a group: what it committed, its lag, its members",
        flags: &[flag("no-members", None, Kind::Bool, "Leave the members out"), flag("topic", Some('t'), Kind::Texts, "Only these topics")],
        takes: Takes::Exactly(1),
        work: Work::Admin(groups::describe),
    },
    Command {
        path: "group ls",
        operands: "",
        about: "List groups",
        flags: NO_HEADERS,
        takes: Takes::None,
        work: Work::Admin(groups::list),
    },
    Command { path: "groups", operands: "", about: "List groups", flags: NO_HEADERS, takes: Takes::Any, work: Work::Admin(groups::list) },
    Command { path: "node", operands: "[command]", about: "Show brokers", flags: &[], takes: Takes::Any, work: Work::Parent },
    Command {
        path: "node ls",
        operands: "",
        about: "List brokers",
        flags: NO_HEADERS,
        takes: Takes::Any,
        work: Work::Admin(topics::nodes),
    },
    Command { path: "nodes", operands: "", about: "List brokers", flags: &[], takes: Takes::Any, work: Work::Admin(topics::nodes) },
    Command {
        path: "produce",
        operands: "TOPIC",
        about: "Send each line of the input as a record",
        flags: &[
            flag("key", Some('k'), Kind::Text, "The key of all records"),
            flag("raw-key", None, Kind::Bool, "The key is base64"),
            flag("header", Some('H'), Kind::Array, "A header: key:value"),
            flag("repeat", Some('n'), Kind::Int(64), "Send each so many times"),
            flag("partitioner", None, Kind::Text, "Who chooses the partition: jvm (as Java's client), rand, rr, hash (if not given)"),
            flag("timestamp", None, Kind::Text, "The records' time (RFC 3339)"),
            flag("partition", Some('p'), Kind::Int(32), "The partition"),
            flag("input-mode", None, Kind::Text, "line, or full: all the input is one record"),
            flag("input", None, Kind::OneOf(&["default", "json-each-row", "hex"]), "What a line is: default, hex, json-each-row"),
            flag("line-length-limit", None, Kind::Int(64), "How long a line may be (64 KiB if not given)"),
            flag("template", None, Kind::Bool, "Lines are Go templates; this terminal reads none"),
            flag("proto-type", None, Kind::Text, "A protobuf type to encode values with; this terminal knows none"),
            flag("key-proto-type", None, Kind::Text, "As --proto-type, for keys"),
            flag("avro-schema-id", None, Kind::Int(64), "A schema of a registry; this terminal has none"),
            flag("avro-key-schema-id", None, Kind::Int(64), "As --avro-schema-id, for keys"),
        ],
        takes: Takes::Exactly(1),
        work: Work::Produce,
    },
    Command { path: "topic", operands: "[command]", about: "Show and change topics", flags: &[], takes: Takes::Any, work: Work::Parent },
    Command {
        path: "topic create",
        operands: "TOPIC",
        about: "Create a topic",
        flags: &[
            flag("partitions", Some('p'), Kind::Int(32), "How many partitions (1 if not given)"),
            flag("replicas", Some('r'), Kind::Int(16), "How many replicas (1 if not given)"),
            flag("compact", None, Kind::Bool, "Compact it"),
        ],
        takes: Takes::Exactly(1),
        work: Work::Admin(topics::create),
    },
    Command {
        path: "topic delete",
        operands: "TOPIC",
        about: "Delete a topic",
        flags: &[],
        takes: Takes::Exactly(1),
        work: Work::Admin(topics::delete),
    },
    Command {
        path: "topic describe",
        operands: "",
        about: "Show a topic's partitions and those of its settings that are no defaults",
        flags: &[],
        takes: Takes::Exactly(1),
        work: Work::Admin(topics::describe),
    },
    Command {
        path: "topic ls",
        operands: "",
        about: "List topics",
        flags: NO_HEADERS,
        takes: Takes::Exactly(0),
        work: Work::Admin(topics::list),
    },
    Command { path: "topics", operands: "", about: "List topics", flags: NO_HEADERS, takes: Takes::Any, work: Work::Admin(topics::list) },
];

/// Commands of kaf that this terminal does without; they work on files of its own, or do what others here do better.
pub const MISSING: &[&str] = &[
    "completion",
    "config",
    "query",
    "group delete-offsets",
    "group peek",
    "topic add-config",
    "topic lag",
    "topic rm-config",
    "topic set-config",
    "topic update",
];

/// Its commands as they are typed, or those of one of them: for completion.
pub fn words(parent: Option<&str>) -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().filter_map(move |command| match (parent, command.path.split_once(' ')) {
        (None, None) => Some(command.path),
        (Some(parent), Some((first, word))) if first == parent => Some(word),
        _ => None,
    })
}

/// The flags of the command that this begins with.
pub fn flags(path: &str) -> impl Iterator<Item = &'static str> {
    let command = COMMANDS.iter().rev().find(|command| path == command.path || path.starts_with(&format!("{} ", command.path)));
    command.map_or(&[][..], |command| command.flags).iter().chain(PERSISTENT).map(|flag| flag.name)
}
