//! `PartitionChangeBuilder` against Apache Kafka 4.3.1's answers (golden/vectors/partition-change.json).
//! Some are of an older metadata.version, where the leader epoch rises when the ISR shrinks.

use ottla::kafka::metadata::change::{ChangeBuilder, Election};
use ottla::kafka::metadata::image::PartitionRegistration;
use ottla::kafka::metadata::reassignment::Reassignment;
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
        removing: ints(&value["removing"]),
        adding: ints(&value["adding"]),
        leader: value["leader"].as_i64().unwrap() as i32,
        recovering: value["leaderRecoveryState"] == "RECOVERING",
        leader_epoch: value["leaderEpoch"].as_i64().unwrap() as i32,
        partition_epoch: value["partitionEpoch"].as_i64().unwrap() as i32,
        directories: Vec::new(),
    }
}

#[test]
fn partitions_change_as_in_kafka() {
    let Ok(text) = std::fs::read_to_string("tests/golden/vectors/partition-change.json") else {
        panic!("tests/golden/vectors/partition-change.json is missing");
    };
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in vectors["cases"].as_array().unwrap() {
        let partition = registration(&case["partition"]);
        let acceptable = ints(&case["acceptableLeaders"]);
        let may_lead = |replica| acceptable.contains(&replica);
        let builder = ChangeBuilder {
            min_isr: case["minIsr"].as_i64().unwrap() as i32,
            bumps_on_shrink: case["metadataVersion"] != "4.3-IV0",
            elr_enabled: case["elrEnabled"].as_bool().unwrap(),
            election: match case["election"].as_str().unwrap() {
                "PREFERRED" => Election::Preferred,
                "UNCLEAN" => Election::Unclean,
                _ => Election::Online,
            },
            target_isr: case.get("targetIsr").map_or_else(|| partition.isr.clone(), ints),
            target: Reassignment {
                replicas: case.get("targetReplicas").map_or_else(|| partition.replicas.clone(), ints),
                removing: case.get("targetRemoving").map_or_else(|| partition.removing.clone(), ints),
                adding: case.get("targetAdding").map_or_else(|| partition.adding.clone(), ints),
            },
            target_recovering: case.get("targetLeaderRecoveryState").map_or(partition.recovering, |state| state == "RECOVERING"),
            unclean_shutdown: ints(&case["uncleanShutdownReplicas"]),
            ..ChangeBuilder::new(&partition, &may_lead)
        };
        let result = builder.build().map_or_else(|| partition.clone(), |change| partition.merge(&change));
        if result == registration(&case["result"]) { equal += 1 } else { wrong.push(format!("{case}\n  gave {result:?}")) }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), equal + wrong.len(), wrong.join("\n"));
    assert_eq!(equal, 299);
}
