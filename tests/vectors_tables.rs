//! Do our tables say what Apache Kafka's own classes say? Every line of api-versions.json and errors.json, and of the topics' and brokers'
//! parts of defaults.json, in `tests/golden/vectors`.

use std::collections::BTreeSet;

use ottla::kafka::config::Importance;
use ottla::kafka::config::broker::{self, BROKER_CONFIGS, BrokerConfigDef, Mode, Type};
use ottla::kafka::config::topic::{self, Kind, TOPIC_CONFIGS, TopicConfigDef};
use ottla::kafka::protocol::api::Api;
use ottla::kafka::protocol::api_versions::{API_KEYS, ApiKey, Listens};
use ottla::kafka::protocol::errors;
use serde_json::{Value, json};

fn vectors(file: &str) -> Value {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

#[test]
fn errors_names_exceptions_and_texts() {
    let vectors = vectors("errors");
    let cases = rows(&vectors["cases"]);
    assert_eq!(cases.len(), 135);
    for case in cases {
        let ours = errors::info(case["code"].as_i64().unwrap() as i16);
        let text = |name: &str| case[name].as_str().unwrap_or("");
        assert_eq!((i64::from(ours.code), ours.name), (case["code"].as_i64().unwrap(), text("name")));
        assert_eq!((ours.exception, ours.message), (text("exception"), text("message")), "{case}");
        assert_eq!(ours.is_retriable(), case["retriable"].as_bool().unwrap(), "{case}");
        assert_eq!(ours.refreshes_metadata(), case["invalidatesMetadata"].as_bool().unwrap(), "{case}");
    }
    // Past the last one.
    assert_eq!(errors::info(134).name, "UNKNOWN_SERVER_ERROR");
}

#[test]
fn apis_versions_headers_and_listeners() {
    let vectors = vectors("api-versions");
    let cases = rows(&vectors["cases"]);
    assert_eq!((cases.len(), API_KEYS.len()), (93, 93));
    for (case, ours) in cases.iter().zip(API_KEYS) {
        assert_eq!(
            json!([ours.key, ours.name, ours.oldest, ours.latest, listeners(ours), ours.is_cluster_action, ours.is_forwardable]),
            json!([
                case["key"],
                case["name"],
                case["oldestVersion"],
                case["latestStableVersion"],
                case["listeners"],
                case["clusterAction"],
                case["forwardable"]
            ])
        );
        for version in ours.oldest..=case["latestVersion"].as_i64().unwrap() as i16 {
            let place = usize::try_from(version - ours.oldest).unwrap();
            let theirs = [&case["requestHeaderVersions"][place], &case["responseHeaderVersions"][place]];
            let headers = [ours.request_header_version(version), ours.response_header_version(version)];
            assert_eq!(json!(headers), json!(theirs), "{} {version}", ours.name);
        }
        // What is in use here is under the same number and name.
        if let Some(api) = Api::from_key(ours.key) {
            assert_eq!((ApiKey::of(api), api.name()), (Some(ours), ours.name));
        }
    }
}

fn listeners(api: &ApiKey) -> Vec<&'static str> {
    match api.listens {
        Listens::Broker => vec!["BROKER"],
        Listens::Controller => vec!["CONTROLLER"],
        Listens::Both => vec!["BROKER", "CONTROLLER"],
        Listens::Nobody => Vec::new(),
    }
}

/// name, type, default, importance, valid values, internal, the broker's name for it
#[test]
fn topic_configurations() {
    let vectors = vectors("defaults");
    let theirs = rows(&vectors["topic"]);
    assert_eq!((theirs.len(), TOPIC_CONFIGS.len()), (34, 34));
    for (theirs, ours) in theirs.iter().zip(TOPIC_CONFIGS) {
        let default = Some(ours.default).filter(|_| theirs[2] != Value::Null);
        assert_eq!(
            json!([ours.name, type_of_topic(ours), default, importance(topic::IMPORTANCE), valid_of_topic(ours)]),
            json!([theirs[0], theirs[1], text_of(&theirs[2]), theirs[3], theirs[4]])
        );
        let inherits = Some(ours.broker_name).filter(|name| !name.is_empty());
        assert_eq!(json!(inherits), theirs[6], "{}", ours.name);
        if let Some(default) = default {
            assert_eq!(topic::validate(ours, default), Ok(()), "{}", ours.name);
        }
    }
}

fn importance(of: Importance) -> &'static str {
    match of {
        Importance::High => "HIGH",
        Importance::Medium => "MEDIUM",
        Importance::Low => "LOW",
    }
}

fn type_of_topic(def: &TopicConfigDef) -> &'static str {
    match def.kind {
        Kind::Boolean => "BOOLEAN",
        Kind::Int(_) | Kind::Between(..) | Kind::BetweenOr(..) => "INT",
        Kind::Long(_) => "LONG",
        Kind::Ratio => "DOUBLE",
        Kind::OneOf(_) => "STRING",
        Kind::List(_) | Kind::Replicas => "LIST",
    }
}

/// `Validator.toString`
fn valid_of_topic(def: &TopicConfigDef) -> Option<String> {
    match def.kind {
        Kind::Boolean | Kind::Int(i64::MIN) | Kind::Long(i64::MIN) => None,
        Kind::Int(low) | Kind::Long(low) => Some(format!("[{low},...]")),
        Kind::Between(low, high) => Some(format!("[{low},...,{high}]")),
        Kind::BetweenOr(low, high, other) => Some(format!("[{low},...,{high}] or {other}")),
        Kind::Ratio => Some("[0,...,1]".into()),
        Kind::OneOf(words) | Kind::List(words) => Some(format!("[{}]", words.join(", "))),
        Kind::Replicas => Some("[partitionId]:[brokerId],[partitionId]:[brokerId],...".into()),
    }
}

#[test]
fn broker_configurations() {
    let vectors = vectors("defaults");
    let theirs = rows(&vectors["broker"]);
    assert_eq!((theirs.len(), BROKER_CONFIGS.len()), (360, 360));
    for (theirs, ours) in theirs.iter().zip(BROKER_CONFIGS) {
        // What must be given has no default; where none is given, it is null.
        let default = Some(&theirs[2]).filter(|default| **default != "(required)").map_or(Value::Null, text_of);
        assert_eq!(
            json!([
                ours.name,
                type_of_broker(ours),
                ours.default,
                importance(ours.importance),
                valid_of_broker(ours),
                ours.mode == Mode::Internal
            ]),
            json!([theirs[0], theirs[1], default, theirs[3], theirs[4], theirs[5]])
        );
    }
    // A topic's default is its broker's.
    let names: BTreeSet<&str> = BROKER_CONFIGS.iter().map(|def| def.name).collect();
    for def in TOPIC_CONFIGS.iter().filter(|def| !def.broker_name.is_empty()) {
        assert!(names.contains(def.broker_name), "{}", def.name);
    }
}

fn type_of_broker(def: &BrokerConfigDef) -> &'static str {
    match def.kind {
        Type::Boolean => "BOOLEAN",
        Type::Text => "STRING",
        Type::Int => "INT",
        Type::Short => "SHORT",
        Type::Long => "LONG",
        Type::Double => "DOUBLE",
        Type::List => "LIST",
        Type::Class => "CLASS",
        Type::Password => "PASSWORD",
    }
}

fn valid_of_broker(def: &BrokerConfigDef) -> Option<String> {
    match def.valid {
        // Lists have a validator that says nothing of itself.
        broker::Valid::Any => (def.kind == Type::List).then(String::new),
        broker::Valid::AtLeast(low) => Some(format!("[{low},...]")),
        broker::Valid::Between(low, high) => Some(format!("[{low},...,{high}]")),
        broker::Valid::BetweenOr(low, high, other) => Some(format!("[{low},...,{high}] or {other}")),
        broker::Valid::OneOf(words) => Some(format!("[{}]", words.join(", "))),
        broker::Valid::Said(words) => Some(words.into()),
    }
}

/// A default as it stands in a file: numbers and words as they print, lists with commas.
fn text_of(default: &Value) -> Value {
    match default {
        Value::Null => Value::Null,
        Value::String(text) => json!(text),
        Value::Array(words) => json!(words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(",")),
        Value::Number(number) if number.as_f64() == Some(f64::MAX) => json!("1.7976931348623157E308"),
        other => json!(other.to_string()),
    }
}
