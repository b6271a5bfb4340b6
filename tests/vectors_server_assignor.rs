//! Do the coordinator's assignors and the steps of members towards their target equal Apache Kafka's? Every case of
//! `tests/golden/vectors/assignor-server-*` and `current-assignment.json`.

use std::collections::{BTreeMap, BTreeSet};

use ottla::kafka::group::consumer::assignment::{Held, Partitions};
use ottla::kafka::group::consumer::assignor::{ServerAssignor, Subscriber};
use ottla::kafka::group::consumer::current_assignment::{Current, MemberState, Step};
use ottla::kafka::group::hash_order;
use ottla::kafka::names::Name;
use serde_json::Value;
use uuid::Uuid;

#[test]
fn uniform() {
    check("assignor-server-uniform", ServerAssignor::Uniform);
}

#[test]
fn range() {
    check("assignor-server-range", ServerAssignor::Range);
}

fn check(file: &str, assignor: ServerAssignor) {
    let cases = cases(file);
    assert!(cases.len() >= 40);
    for (place, case) in cases.iter().enumerate() {
        for (round, case) in case["rounds"].as_array().unwrap().iter().enumerate() {
            let what = format!("{file}.json, case {place}, round {round}");
            let topics: BTreeMap<Uuid, i32> =
                case["partitionsPerTopic"].as_object().unwrap().iter().map(|(topic, n)| (id(topic), n.as_i64().unwrap() as i32)).collect();
            let order: Vec<Uuid> = case["topicOrder"].as_array().unwrap().iter().map(of).collect();
            let members = case["members"].as_array().unwrap().iter().map(|member| subscriber(member, &order));
            let members: Vec<Subscriber> = members.collect();
            let targets = assignor.assign(&topics, &members);
            for (member, target) in members.iter().zip(targets) {
                assert_eq!(target, partitions(&case["assignment"][&*member.member_id]), "{what}, {}", member.member_id);
            }
            let mut sorted = order.clone();
            hash_order::sort_uuids(&mut sorted, |id| *id);
            assert_eq!(sorted, order, "{what}: the order of topics");
            let mut order: Vec<Name> = members.iter().map(|member| member.member_id.clone()).collect();
            hash_order::sort(&mut order, |id| id);
            assert!(order.iter().eq(members.iter().map(|member| &member.member_id)), "{what}: the order of members");
        }
    }
}

#[test]
fn current_assignment() {
    let cases = cases("current-assignment");
    assert!(cases.len() >= 200);
    for (place, case) in cases.iter().enumerate() {
        let epochs = held(&case["currentPartitionEpochs"]);
        let owned = (!case["ownedTopicPartitions"].is_null()).then(|| partitions(&case["ownedTopicPartitions"]));
        let subscribed: BTreeSet<Uuid> = case["subscribedTopicIds"].as_array().unwrap().iter().map(of).collect();
        let step = Step {
            target_epoch: case["targetEpoch"].as_i64().unwrap() as i32,
            target: &partitions(&case["target"]),
            subscribed: &subscribed,
            subscription_changed: case["hasSubscriptionChanged"].as_bool().unwrap(),
            owned: owned.as_ref(),
            is_held: &|topic, partition| epochs.get(topic).and_then(|held| held.get(&partition)).is_some_and(|epoch| *epoch != -1),
        };
        assert_eq!(current(&case["current"]).next(&step), current(&case["updated"]), "current-assignment.json, case {place}");
    }
}

fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

/// `order`: of all topics in Kafka's set; of those that share a bucket it is the order of insertion.
fn subscriber(member: &Value, order: &[Uuid]) -> Subscriber {
    let topics: BTreeSet<Uuid> = member["topics"].as_array().unwrap().iter().map(of).collect();
    Subscriber {
        member_id: member["memberId"].as_str().unwrap().into(),
        instance_id: member["instanceId"].as_str().map(Name::from),
        topics: order.iter().copied().filter(|topic| topics.contains(topic)).collect(),
        previous: partitions(&member["previous"]),
    }
}

fn current(value: &Value) -> Current {
    let epoch = |name: &str| value[name].as_i64().unwrap() as i32;
    Current {
        state: match value["state"].as_str().unwrap() {
            "STABLE" => MemberState::Stable,
            "UNREVOKED_PARTITIONS" => MemberState::UnrevokedPartitions,
            "UNRELEASED_PARTITIONS" => MemberState::UnreleasedPartitions,
            other => panic!("{other}"),
        },
        epoch: epoch("memberEpoch"),
        previous_epoch: epoch("previousMemberEpoch"),
        assigned: held(&value["assigned"]),
        revoking: held(&value["pendingRevocation"]),
    }
}

/// Topic id to partitions.
fn partitions(value: &Value) -> Partitions {
    let topics = value.as_object().into_iter().flatten();
    let partitions = |list: &Value| list.as_array().unwrap().iter().map(|partition| partition.as_i64().unwrap() as i32).collect();
    topics.map(|(topic, list)| (id(topic), partitions(list))).filter(|(_, list): &(Uuid, BTreeSet<i32>)| !list.is_empty()).collect()
}

/// Topic id to partition to epoch.
fn held(value: &Value) -> Held {
    let epochs = |of: &Value| {
        let of = of.as_object().unwrap();
        of.iter().map(|(partition, epoch)| (partition.parse().unwrap(), epoch.as_i64().unwrap() as i32)).collect()
    };
    value.as_object().into_iter().flatten().map(|(topic, of)| (id(topic), epochs(of))).collect()
}

fn of(text: &Value) -> Uuid {
    id(text.as_str().unwrap())
}

/// Base64 for URLs, without padding.
fn id(text: &str) -> Uuid {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |letter: u8| DIGITS.iter().position(|digit| *digit == letter).unwrap() as u128;
    let bytes = text.as_bytes();
    let high = bytes[..21].iter().fold(0, |bits, letter| (bits << 6) | digit(*letter));
    Uuid::from_u128((high << 2) | (digit(bytes[21]) >> 4))
}
