//! Do our client-side assignors give what Apache Kafka's give? Every case of `tests/golden/vectors/assignor-classic-*` for those we have.

use std::collections::BTreeMap;

use ottla::kafka::group::assignor::{Assignor, Subscriber};
use ottla::kafka::group::hash_order;
use ottla::kafka::names::Name;
use serde_json::Value;

#[test]
fn range() {
    check("assignor-classic-range", Assignor::Range);
}

#[test]
fn round_robin() {
    check("assignor-classic-roundrobin", Assignor::RoundRobin);
}

/// Compares the whole assignment, the order of partitions included, and the order of members in Kafka's map.
fn check(file: &str, assignor: Assignor) {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 100);
    for (place, case) in cases.iter().enumerate() {
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
        assert_eq!(actual, expected, "{file}.json, case {place}");
        let mut ids: Vec<Name> = members.iter().map(|member| member.member_id.clone()).collect();
        hash_order::sort(&mut ids, |id| id);
        assert_eq!(ids, names(&case["hashMapOrder"]), "{file}.json, case {place}");
    }
}

fn subscriber(member: &Value) -> Subscriber {
    Subscriber {
        member_id: member["memberId"].as_str().unwrap().into(),
        group_instance_id: member["groupInstanceId"].as_str().map(Name::from),
        topics: names(&member["topics"]),
    }
}

fn names(list: &Value) -> Vec<Name> {
    list.as_array().unwrap().iter().map(|name| Name::from(name.as_str().unwrap())).collect()
}
