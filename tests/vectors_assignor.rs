//! Do our client-side assignors give what Apache Kafka's give? Every case of `tests/golden/vectors/assignor-classic-*` for those we have.

use std::collections::BTreeMap;

use bytes::Bytes;
use ottla::kafka::group::assignor::{Assignor, Subscriber};
use ottla::kafka::group::hash_order;
use ottla::kafka::names::{Name, TopicPartition};
use serde_json::Value;

#[test]
fn range() {
    check("assignor-classic-range", Assignor::Range);
}

#[test]
fn round_robin() {
    check("assignor-classic-roundrobin", Assignor::RoundRobin);
}

#[test]
fn sticky() {
    check("assignor-classic-sticky", Assignor::Sticky);
}

#[test]
fn cooperative_sticky() {
    check("assignor-classic-cooperative-sticky", Assignor::CooperativeSticky);
}

/// Compares the whole assignment, the order of partitions included, and the order of members in Kafka's map.
fn check(file: &str, assignor: Assignor) {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    // A case is one rebalance, or several of one group.
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for (place, case) in cases.iter().enumerate() {
        let rounds = case["rounds"].as_array().cloned().unwrap_or_else(|| vec![case.clone()]);
        for (round, case) in rounds.iter().enumerate() {
            check_round(&format!("{file}.json, case {place}, round {round}"), case, assignor);
        }
    }
}

fn check_round(what: &str, case: &Value, assignor: Assignor) {
    let topics: BTreeMap<Name, i32> = case["partitionsPerTopic"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(topic, partitions)| (Name::from(topic.as_str()), partitions.as_i64().unwrap() as i32))
        .collect();
    let members: Vec<Subscriber> = case["members"].as_array().unwrap().iter().map(subscriber).collect();
    let expected: BTreeMap<Name, Vec<Name>> =
        case["assignment"].as_object().unwrap().iter().map(|(member, owned)| (Name::from(member.as_str()), names(owned))).collect();
    let actual: BTreeMap<Name, Vec<Name>> = assignor
        .assign(&topics, &members)
        .into_iter()
        .map(|(member, owned)| (member, owned.iter().map(|partition| Name::from(partition.to_string())).collect()))
        .collect();
    assert_eq!(actual, expected, "{what}");
    let mut ids: Vec<Name> = members.iter().map(|member| member.member_id.clone()).collect();
    hash_order::sort(&mut ids, |id| id);
    assert_eq!(ids, names(&case["hashMapOrder"]), "{what}");
}

fn subscriber(member: &Value) -> Subscriber {
    Subscriber {
        member_id: member["memberId"].as_str().unwrap().into(),
        group_instance_id: member["groupInstanceId"].as_str().map(Name::from),
        topics: names(&member["topics"]),
        owned: member["ownedPartitions"].as_array().into_iter().flatten().map(partition).collect(),
        generation: member.get("ownedPartitions").and_then(|_| member["generation"].as_i64()).map(|generation| generation as i32),
        user_data: member["userData"].as_str().map(bytes),
    }
}

fn names(list: &Value) -> Vec<Name> {
    list.as_array().unwrap().iter().map(|name| Name::from(name.as_str().unwrap())).collect()
}

/// `orders-0`.
fn partition(name: &Value) -> TopicPartition {
    let (topic, number) = name.as_str().unwrap().rsplit_once('-').unwrap();
    TopicPartition::new(topic, number.parse().unwrap())
}

fn bytes(hex: &str) -> Bytes {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
