//! Further questions to Apache Kafka 4.3.1, and its answers (tests/asked, tests/opened): recordings in the format of tests/golden, of which the
//! commands listed here differ, for the reasons given.

use ottla::playground::replay::{SEED, play};
use ottla::shell::transcript::diff::unified;
use ottla::shell::transcript::read::Transcript;

fn check(file: &str, differing: &[(usize, &str)]) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let transcript = Transcript::read(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut wrong = String::new();
    for command in play(&transcript, SEED) {
        let listed = differing.iter().find(|(line, _)| *line == command.line);
        match (command.is_equal(), listed) {
            (false, None) => {
                wrong += &format!("{file}:{}: {}\n{}\n", command.line, command.command, unified(&command.expected, &command.printed))
            }
            (true, Some((_, why))) => wrong += &format!("{file}:{} agrees again ({why})\n", command.line),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Who may do what, over SASL/PLAIN: users with rights, without, with a wrong password, with a mechanism that is not enabled.
#[test]
fn users_and_their_rights() {
    check(
        "tests/asked/sasl-and-acls.txt",
        &[
            (
                92,
                "an idempotent producer that was refused once tries to abort a transaction at its end, and says that it has none; ours does not",
            ),
            (282, "our controller is kafka-100, a host of its own, so nothing listens on kafka-1:9093"),
        ],
    );
}

/// SCRAM: who has a credential of the mechanism and knows the password; and listeners, to each of which its clients are sent.
#[test]
fn scram_as_a_login_and_two_listeners() {
    check("tests/asked/scram-login.txt", &[]);
}

#[test]
fn kafka_acls_used_wrongly_scram_credentials_and_mutations() {
    check("tests/asked/usage-scram-and-mutations.txt", &[]);
}

/// A broker that was down finds at its return that topics were deleted, made anew under the same name, and configured: what is of no replica
/// any more is set aside.
#[test]
fn what_happened_while_a_broker_was_down() {
    check("tests/asked/while-a-broker-was-down.txt", &[]);
}

/// A partition that was reassigned to fewer replicas than min.insync.replicas keeps eligible leaders that are none of its replicas, and then
/// waits for an operator.
#[test]
fn eligible_leaders_that_are_no_replicas() {
    check("tests/asked/elr-of-strangers.txt", &[]);
}

/// ... and no reassignment can bring one back: the election within it fails.
#[test]
fn an_eligible_leader_that_is_no_replica_cannot_come_back() {
    check("tests/asked/a-stranger-comes-back.txt", &[]);
}

/// Segments, indexes, producers' snapshots, the offsets' topic, the metadata log and its snapshots, as our broker wrote them: what the real
/// kafka-dump-log printed when it opened these very files (tests/opened/record.py), and what ours prints.
#[test]
fn what_we_wrote_opened_by_the_real_tool() {
    check("tests/opened/one-broker.txt", &[]);
    check("tests/opened/metadata-snapshot.txt", &[]);
}

/// Every tool with an unknown option, options without their argument, arguments of the wrong type, wrong combinations. (Help tables are
/// `(usage)`; left out are sentences that list something in an order that Java draws.)
#[test]
fn every_tool_used_wrongly() {
    check("tests/asked/usage.txt", &[]);
}

#[test]
fn a_link_that_is_cut() {
    check("tests/asked/link-cut.txt", &[]);
}

/// KIP-1066: which directories get new replicas, what a broker and a controller refuse, and a replica that moves away.
#[test]
fn cordoned_log_directories() {
    check("tests/asked/cordoned-log-dirs.txt", &[]);
}

/// Unknown topics and groups, and a cluster that is down, in the tools of which no other recording asks it.
#[test]
fn unknown_names_and_a_cluster_that_is_down() {
    let shares = "share groups and those of Kafka Streams are still to come: brokers do not offer their requests, and the client says so";
    check(
        "tests/asked/wrong.txt",
        &[
            (35, "the id that GetTelemetrySubscriptions takes is taken before or after the second warning (a race in the real one, too)"),
            (72, shares),
            (88, "the real client asked 228,489 times in a minute without a pause, and counts that; ours backs off"),
            (119, shares),
            (125, shares),
            (131, shares),
            (137, shares),
            (142, shares),
            (154, shares),
            (157, shares),
            (164, shares),
            (171, shares),
            (178, shares),
        ],
    );
}

/// Topics that may not be deleted, settings that contradict each other, partitions for which nobody is there; a file of its full length from
/// the beginning; a batch a record; and a broker that does not hand over when it stops: its session ends by itself.
#[test]
fn what_a_cluster_refuses_and_a_stop_without_handing_over() {
    check("tests/asked/what-a-cluster-refuses.txt", &[]);
}

/// Without a controller a broker has nobody who lets it go: after five minutes it stops all the same, and in order.
#[test]
fn a_stop_without_a_controller() {
    check("tests/asked/no-leave-to-stop.txt", &[]);
}

/// A broker's tools at a controller's port, and a controller's at a broker's: the node says what it is not.
#[test]
fn clients_at_a_wrong_port() {
    check("tests/asked/wrong-port.txt", &[]);
}

/// What controllers answer tools that ask them (KIP-919), what the active one takes, and what the client knows that none of them does.
#[test]
fn tools_that_ask_controllers() {
    check("tests/asked/controllers.txt", &[]);
}

/// A controller that becomes a voter by itself, and again after it was removed (KIP-1186); one that is added by hand, and twice.
#[test]
fn voters_that_join_by_themselves_and_by_hand() {
    check("tests/asked/auto-join.txt", &[]);
}

/// A consumer in a follower's rack reads what that follower has, until metadata.max.age.ms is over or the follower is gone (KIP-392).
#[test]
fn fetching_from_the_closest_replica() {
    check("tests/asked/closest-replica.txt", &[]);
}

/// A group that is full (group.max.size), a request that is too large (socket.request.max.bytes), an address that may not connect
/// (max.connections.per.ip), and settings that do not go together.
#[test]
fn limits_of_a_broker() {
    check("tests/asked/limits.txt", &[]);
}
