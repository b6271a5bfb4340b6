//! `StandardAuthorizer` against Apache Kafka 4.3.1's answers (golden/vectors/authorizer.json).

use std::sync::Arc;

use ottla::kafka::security::Who;
use ottla::kafka::security::acl::{Acl, Acls, Operation, PatternType, Permission, ResourceType};
use ottla::kafka::security::authorizer::Authorizer;
use serde_json::Value;
use uuid::Uuid;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn acl(value: &Value) -> Acl {
    Acl {
        resource: ResourceType::of_name(text(&value["resourceType"])),
        name: text(&value["resourceName"]).into(),
        pattern: PatternType::of_name(text(&value["patternType"])),
        principal: text(&value["principal"]).into(),
        host: text(&value["host"]).into(),
        operation: Operation::of_name(text(&value["operation"])),
        permission: Permission::of_name(text(&value["permission"])),
    }
}

#[test]
fn decides_as_kafka_does() {
    let file = std::fs::read_to_string("tests/golden/vectors/authorizer.json").unwrap();
    let vectors: Value = serde_json::from_str(&file).unwrap();
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in vectors["cases"].as_array().unwrap() {
        let authorizer = Authorizer::new(text(&case["superUsers"]), case["allowEveryoneIfNoAclFound"].as_bool().unwrap());
        let mut acls = Acls::default();
        for (value, id) in case["acls"].as_array().unwrap().iter().zip(1..) {
            acls.insert(Uuid::from_u128(id), Arc::new(acl(value)));
        }
        let asked = [("requests", 5), ("authorizeByResourceType", 4)];
        for (request, last) in asked.iter().flat_map(|(key, last)| case[key].as_array().unwrap().iter().map(move |r| (r, *last))) {
            let who = Who { principal: text(&request[0]), host: text(&request[1]) };
            let (operation, resource) = (Operation::of_name(text(&request[2])), ResourceType::of_name(text(&request[3])));
            let allowed = match last {
                5 => authorizer.authorize(&acls, who, operation, resource, text(&request[4])),
                _ => authorizer.authorize_by_resource_type(&acls, who, operation, resource),
            };
            if allowed == (request[last] == "ALLOWED") { equal += 1 } else { wrong.push(format!("{request} of {}", case["acls"])) }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), equal + wrong.len(), wrong.join("\n"));
    assert!(equal >= 1_200, "{equal}");
}
