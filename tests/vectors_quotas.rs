//! Throttle times against Apache Kafka 4.3.1's (golden/vectors/quotas.json).

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla::kafka::quota::Sampling;
use ottla::kafka::quota::client_quotas::{ClientQuotas, Measured};
use ottla::kafka::quota::limits::{CONTROLLER_MUTATION_RATE, PRODUCER_BYTE_RATE, Quotas};
use ottla::kafka::quota::mutations::Mutations;
use serde_json::Value;

/// A quota of the user alice.
fn of_alice(name: &str, rate: f64) -> Quotas {
    let entity = vec![("user".to_owned(), Some("alice".to_owned()))];
    Quotas::from_iter([(entity, Arc::new(BTreeMap::from([(name.to_owned(), rate.to_bits())])))])
}

#[test]
fn throttles_as_long_as_kafka() {
    let file = std::fs::read_to_string("tests/golden/vectors/quotas.json").unwrap();
    let vectors: Value = serde_json::from_str(&file).unwrap();
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in vectors["cases"].as_array().unwrap() {
        let number = |value: &Value| value.as_u64().unwrap();
        let rate = case["rate"].as_f64().unwrap();
        let sampling = Sampling { samples: number(&case["samples"]) as u32, window_ms: number(&case["windowSeconds"]) * 1_000 };
        let is_bytes = case["type"] == "bytes";
        let quotas = of_alice(if is_bytes { PRODUCER_BYTE_RATE } else { CONTROLLER_MUTATION_RATE }, rate);
        let (mut bytes, mut mutations) = (ClientQuotas::new(sampling), Mutations::new(sampling));
        bytes.configure(&quotas);
        for record in case["records"].as_array().unwrap() {
            let (now_ms, amount) = (number(&record[0]), number(&record[1]));
            let agrees = if is_bytes {
                bytes.record(now_ms, &quotas, Measured::Produced, "alice", "any", amount as f64) == number(&record[2])
            } else {
                let mut quota = mutations.quota_for(now_ms, &quotas, "alice", "any", true);
                let ok = quota.record(amount).is_ok();
                ok == (record[2] == "ok") && quota.throttle_ms() == number(&record[3])
            };
            if agrees { equal += 1 } else { wrong.push(format!("{record} of {rate}, {sampling:?}")) }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), equal + wrong.len(), wrong.join("\n"));
    assert!(equal > 500, "{equal}");
}
