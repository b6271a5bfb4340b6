//! The options of kafka-transactions, as argparse4j reads them.

use crate::shell::argparse::{Argument, Command, Kind, Need, Parser, VERSION, argument};

const TOPIC: Argument = argument(&["--topic"], "TOPIC", Kind::Text, Need::Required, "The topic.");
const PARTITION: Argument = argument(&["--partition"], "PARTITION", Kind::Integer, Need::Required, "The number of its partition.");

pub const PARSER: Parser = Parser {
    prog: "kafka-transactions.sh",
    blurb: "Transactions: which there are, how they stand, and what hangs.",
    arguments: &[
        VERSION,
        argument(&["--command-config"], "FILE", Kind::Text, Need::Optional, "A file with properties for the admin client."),
        argument(
            &["--bootstrap-server"],
            "host:port",
            Kind::Text,
            Need::Required,
            "Brokers to begin with: HOST:PORT, or several with commas.",
        ),
    ],
    commands: &[
        Command {
            name: "list",
            blurb: "List the transactions of all coordinators.",
            arguments: &[
                argument(
                    &["--duration-filter"],
                    "DURATION_FILTER",
                    Kind::Long,
                    Need::Optional,
                    "Only those that have been open for longer, in ms; less than 0: all.",
                ),
                argument(
                    &["--transactional-id-pattern"],
                    "TRANSACTIONAL_ID_PATTERN",
                    Kind::Text,
                    Need::Optional,
                    "Only those whose transactional id this regular expression means.",
                ),
            ],
        },
        Command {
            name: "describe",
            blurb: "Show how a transactional id stands.",
            arguments: &[argument(&["--transactional-id"], "TRANSACTIONAL_ID", Kind::Text, Need::Required, "The transactional id.")],
        },
        Command {
            name: "describe-producers",
            blurb: "Show the producers that a partition knows.",
            arguments: &[
                argument(
                    &["--broker-id"],
                    "BROKER_ID",
                    Kind::Integer,
                    Need::Optional,
                    "The replica on this broker, instead of the leader.",
                ),
                TOPIC,
                PARTITION,
            ],
        },
        Command {
            name: "abort",
            blurb: "Abort a transaction that hangs.",
            arguments: &[
                TOPIC,
                PARTITION,
                argument(&["--start-offset"], "START_OFFSET", Kind::Long, Need::Optional, "Where the transaction begins on the partition."),
                argument(
                    &["--producer-id"],
                    "PRODUCER_ID",
                    Kind::Long,
                    Need::Optional,
                    "Instead, with brokers before 3.0: its producer id.",
                ),
                argument(&["--producer-epoch"], "PRODUCER_EPOCH", Kind::Short, Need::Optional, "With --producer-id: its epoch."),
                argument(
                    &["--coordinator-epoch"],
                    "COORDINATOR_EPOCH",
                    Kind::Integer,
                    Need::Optional,
                    "With --producer-id: the epoch of its coordinator.",
                ),
            ],
        },
        Command {
            name: "find-hanging",
            blurb: "Find transactions of which partitions know and no coordinator does.",
            arguments: &[
                argument(&["--broker-id"], "BROKER_ID", Kind::Integer, Need::Optional, "Among the replicas on this broker."),
                argument(
                    &["--max-transaction-timeout"],
                    "MAX_TRANSACTION_TIMEOUT",
                    Kind::Integer,
                    Need::Optional,
                    "Only those that have been open for longer, in minutes; default: 15.",
                ),
                argument(&["--topic"], "TOPIC", Kind::Text, Need::Optional, "Among the partitions of this topic."),
                argument(&["--partition"], "PARTITION", Kind::Integer, Need::Optional, "With --topic: on this partition alone."),
            ],
        },
        Command {
            name: "forceTerminateTransaction",
            blurb: "Abort whatever is open of a transactional id.",
            arguments: &[argument(&["--transactionalId"], "TRANSACTIONALID", Kind::Text, Need::Required, "The transactional id.")],
        },
    ],
};
