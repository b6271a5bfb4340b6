//! `PartitionChangeBuilder` against Apache Kafka 4.3.1's answers (golden/vectors/partition-change.json).
//! Reassignments are not built yet: their cases are counted and left out.

use ottla::kafka::metadata::change::{ChangeBuilder, Election};
use ottla::kafka::metadata::image::PartitionRegistration;
use serde_json::Value;

fn ints(value: &Value) -> Vec<i32> {
    value.as_array().map(|list| list.iter().filter_map(|n| n.as_i64()).map(|n| n as i32).collect()).unwrap_or_default()
}

fn registration(value: &Value) -> PartitionRegistration {
    PartitionRegistration {
        replicas: ints(&value["replicas"]),
        isr: ints(&value["isr"]),
        elr: ints(&value["elr"]),
        last_known_elr: ints(&value["lastKnownElr"]),
        leader: value["leader"].as_i64().unwrap() as i32,
        recovering: value["leaderRecoveryState"] == "RECOVERING",
        leader_epoch: value["leaderEpoch"].as_i64().unwrap() as i32,
        partition_epoch: value["partitionEpoch"].as_i64().unwrap() as i32,
    }
}

#[test]
fn partitions_change_as_in_kafka() {
    let Ok(text) = std::fs::read_to_string("tests/golden/vectors/partition-change.json") else {
        panic!("tests/golden/vectors/partition-change.json is missing");
    };
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let (mut equal, mut left_out, mut wrong) = (0, 0, Vec::new());
    for case in vectors["cases"].as_array().unwrap() {
        let reassigns = !ints(&case["partition"]["adding"]).is_empty() || !ints(&case["partition"]["removing"]).is_empty();
        if reassigns
            || case.get("targetReplicas").is_some()
            || case.get("targetLeaderRecoveryState").is_some()
            || case["metadataVersion"] != "4.3-IV0"
        {
            left_out += 1;
            continue;
        }
        let partition = registration(&case["partition"]);
        let acceptable = ints(&case["acceptableLeaders"]);
        let builder = ChangeBuilder {
            partition: &partition,
            topic_id: Default::default(),
            partition_id: 0,
            acceptable: &|replica| acceptable.contains(&replica),
            min_isr: case["minIsr"].as_i64().unwrap() as i32,
            elr_enabled: case["elrEnabled"].as_bool().unwrap(),
            election: match case["election"].as_str().unwrap() {
                "PREFERRED" => Election::Preferred,
                "UNCLEAN" => Election::Unclean,
                _ => Election::Online,
            },
            target_isr: case.get("targetIsr").map_or_else(|| partition.isr.clone(), ints),
            unclean_shutdown: ints(&case["uncleanShutdownReplicas"]),
        };
        let result = builder.build().map_or_else(|| partition.clone(), |change| partition.merge(&change));
        if result == registration(&case["result"]) { equal += 1 } else { wrong.push(format!("{case}\n  gave {result:?}")) }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), equal + wrong.len(), wrong.join("\n"));
    assert!(equal > 200 && left_out < 80, "{equal} equal, {left_out} left out");
}
