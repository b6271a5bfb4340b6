//! What a goal asks for: a predicate over the cluster's state or history, and when it must hold. Typed data; nothing is evaluated from text.
//!
//! Each predicate is one table in a `goal` block, under its own name. lessons/README.md shows them to authors.

use serde::{Deserialize, Serialize};

use crate::lesson::span::TimeSpan;
use crate::playground::history::Anomaly;

/// One checked task of a lesson.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalSpec {
    /// Names it in `after` and `fails`; unique in its lesson.
    pub id: String,
    /// What the learner reads, as a fact that will hold: "billing reads at least 800 a second again".
    pub say: String,
    /// It is not looked at before this goal was reached.
    pub after: Option<String>,
    pub mode: Mode,
    pub predicate: Predicate,
}

/// When the predicate must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// At some moment, and from there for `held_for` (zero: that moment is enough). With `within`, that moment must come so soon after the goal
    /// came up, or the goal has failed.
    Reach { within: Option<TimeSpan>, held_for: TimeSpan },
    /// At no moment from when it came up until every other goal is reached.
    Never,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    Ran(Ran),
    Event(EventIs),
    Rate(Rate),
    Isr(IsrIs),
    History(HistoryIs),
    Topic(TopicIs),
    Records(RecordsAre),
    Group(GroupIs),
    Consumed(Consumed),
    Lag(LagIs),
}

/// A tool was run in the terminal and has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ran {
    /// Its name without `.sh`.
    pub tool: String,
    /// Words that must be among its arguments.
    #[serde(default)]
    pub with: Vec<String>,
    /// The topic it must be about (the value of `--topic`).
    #[serde(default)]
    pub topic: Option<String>,
    /// The exit status it must have.
    #[serde(default)]
    pub status: i32,
    /// Text that must be in what it printed.
    #[serde(default)]
    pub prints: Option<String>,
}

/// Something happened to a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EventIs {
    /// Its process ended without warning (`kill -9`).
    BrokerKilled(Which),
    /// It was told to stop, and handed its leaderships over first (controlled shutdown).
    BrokerStopped(Which),
    /// Its process began.
    BrokerStarted(Which),
}

/// Which broker is meant; with nothing given, any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Which {
    pub broker: Option<i32>,
    /// It led a partition of this topic just before.
    pub led: Option<String>,
}

/// Records a second, over the last second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RateToml", into = "RateToml")]
pub struct Rate {
    pub of: Flow,
    pub at_least: Option<u32>,
    pub at_most: Option<u32>,
}

/// A stream of records that has a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// What the members of this group read.
    Consumed(String),
    /// What this producer hands to `send()`.
    Produced(String),
    /// What brokers acknowledge of this topic.
    Acknowledged(String),
}

/// The in-sync replicas of every partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsrIs {
    pub topic: String,
    /// Every replica is in sync.
    #[serde(default)]
    pub full: bool,
    #[serde(default)]
    pub at_least: Option<u32>,
    #[serde(default)]
    pub at_most: Option<u32>,
}

/// What was acknowledged and what was read, compared (as Jepsen's Kafka workload does).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryIs {
    pub topic: String,
    pub free_of: Vec<Anomaly>,
    /// Only what this group read counts as read; without it, what anybody read.
    #[serde(default)]
    pub group: Option<String>,
}

/// A topic as the controller knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicIs {
    pub name: String,
    #[serde(default = "yes")]
    pub exists: bool,
    #[serde(default)]
    pub partitions: Option<u32>,
    #[serde(default)]
    pub replication_factor: Option<u32>,
}

/// What a topic holds, up to the high watermark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordsAre {
    pub topic: String,
    pub at_least: u64,
    /// Only this partition; without it, all together.
    #[serde(default)]
    pub partition: Option<i32>,
}

/// A consumer group as its coordinator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupIs {
    pub name: String,
    #[serde(default)]
    pub state: Option<GroupStateIs>,
    #[serde(default)]
    pub members: Option<u32>,
    #[serde(default)]
    pub members_at_least: Option<u32>,
    /// So many members own no partition.
    #[serde(default)]
    pub idle_members: Option<u32>,
    /// Every member owns so many partitions.
    #[serde(default)]
    pub each_owns: Option<u32>,
}

/// The states of a group that a goal can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupStateIs {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
    Dead,
}

/// Records of a topic were read, by a group or by a console consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumed {
    pub topic: String,
    pub at_least: u64,
    /// Only what this group read.
    #[serde(default)]
    pub group: Option<String>,
    /// One reader began with the first record that is there.
    #[serde(default)]
    pub from_beginning: bool,
}

/// How far a group is behind the high watermark, over all its partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LagIs {
    pub group: String,
    #[serde(default)]
    pub topic: Option<String>,
    #[serde(default)]
    pub at_least: Option<u64>,
    #[serde(default)]
    pub at_most: Option<u64>,
}

/// How a [`Rate`] is written: the stream's kind is the key of its name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RateToml {
    consumed: Option<String>,
    produced: Option<String>,
    acknowledged: Option<String>,
    at_least: Option<u32>,
    at_most: Option<u32>,
}

impl EventIs {
    /// The broker it is about.
    pub fn which(&self) -> &Which {
        match self {
            EventIs::BrokerKilled(which) | EventIs::BrokerStopped(which) | EventIs::BrokerStarted(which) => which,
        }
    }
}

impl TryFrom<RateToml> for Rate {
    type Error = &'static str;

    fn try_from(toml: RateToml) -> Result<Rate, Self::Error> {
        let of = match (toml.consumed, toml.produced, toml.acknowledged) {
            (Some(group), None, None) => Flow::Consumed(group),
            (None, Some(producer), None) => Flow::Produced(producer),
            (None, None, Some(topic)) => Flow::Acknowledged(topic),
            _ => return Err("a rate is of one thing: consumed = GROUP, produced = PRODUCER or acknowledged = TOPIC"),
        };
        Ok(Rate { of, at_least: toml.at_least, at_most: toml.at_most })
    }
}

impl From<Rate> for RateToml {
    fn from(rate: Rate) -> RateToml {
        let mut toml = RateToml { at_least: rate.at_least, at_most: rate.at_most, ..RateToml::default() };
        match rate.of {
            Flow::Consumed(group) => toml.consumed = Some(group),
            Flow::Produced(producer) => toml.produced = Some(producer),
            Flow::Acknowledged(topic) => toml.acknowledged = Some(topic),
        }
        toml
    }
}

fn yes() -> bool {
    true
}
