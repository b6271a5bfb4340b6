//! Which ACLs the options of kafka-acls mean.

use std::collections::{BTreeMap, BTreeSet};

use super::Ended;
use crate::kafka::security::acl::{CLUSTER_NAME, Operation, PatternType, Permission, ResourceType, WILDCARD, supported_operations};
use crate::shell::java::exception::Exception;
use crate::shell::options::Options;

/// A resource, or a filter of resources: type, name, how the name is meant.
pub type Pattern = (ResourceType, String, PatternType);

/// `AccessControlEntry`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub principal: String,
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

impl std::fmt::Display for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Entry { principal, host, operation, permission } = self;
        write!(f, "(principal={principal}, host={host}, operation={}, permissionType={})", operation.name(), permission.name())
    }
}

/// `ResourcePattern.toString`
pub fn text_of((resource, name, pattern): &Pattern) -> String {
    format!("ResourcePattern(resourceType={}, name={name}, patternType={})", resource.name(), pattern.name())
}

/// `PatternTypeConverter`
pub fn pattern_type(options: &Options) -> Result<PatternType, Exception> {
    let text = options.one("resource-pattern-type").map_err(crate::shell::tools::topics::args::of)?.unwrap_or("literal");
    match PatternType::of_name(text) {
        PatternType::Unknown => {
            let message = format!("Cannot parse argument '{text}' of option resource-pattern-type");
            Err(Exception::new("joptsimple.OptionArgumentConversionException", message))
        }
        known => Ok(known),
    }
}

/// `getResourceFilterToAcls`
pub fn resources_and_entries(options: &Options) -> Result<BTreeMap<Pattern, BTreeSet<Entry>>, Ended> {
    let mut wanted = BTreeMap::new();
    if !options.has("producer") && !options.has("consumer") {
        // The entries come first: what is wrong with them is said first.
        let operations = options.all("operation").map(|name| operation(name.trim())).collect::<Vec<_>>();
        let entries = entries(options, if operations.is_empty() { &[Operation::All] } else { &operations })?;
        wanted.extend(some_resources(options)?.into_iter().map(|resource| (resource, entries.clone())));
    }
    let mut grant = |of_type: ResourceType, operations: &[Operation]| -> Result<(), Ended> {
        let entries = entries(options, operations)?;
        for resource in some_resources(options)?.into_iter().filter(|(resource, _, _)| *resource == of_type) {
            wanted.entry(resource).or_insert_with(BTreeSet::new).extend(entries.clone());
        }
        Ok(())
    };
    if options.has("producer") {
        grant(ResourceType::Topic, &[Operation::Write, Operation::Describe, Operation::Create])?;
        grant(ResourceType::TransactionalId, &[Operation::Write, Operation::Describe])?;
    }
    if options.has("consumer") {
        grant(ResourceType::Topic, &[Operation::Read, Operation::Describe])?;
        grant(ResourceType::Group, &[Operation::Read])?;
    }
    if options.has("idempotent") {
        wanted.insert(cluster(), entries(options, &[Operation::IdempotentWrite])?);
    }
    for ((resource, _, _), entries) in &wanted {
        let supported = supported_operations(*resource);
        let known = |entry: &Entry| entry.operation == Operation::All || supported.contains(&entry.operation);
        if !entries.iter().all(known) {
            let names: Vec<&str> = supported.iter().chain(&[Operation::All]).map(|operation| operation.name()).collect();
            return Err(Ended::Usage(format!("ResourceType {} only supports operations [{}]", resource.name(), names.join(", "))));
        }
    }
    Ok(wanted)
}

/// `getResourceFilter`
pub fn resources(options: &Options) -> Result<Vec<Pattern>, Exception> {
    let pattern = pattern_type(options)?;
    let mut found = Vec::new();
    for (option, resource) in [
        ("topic", ResourceType::Topic),
        ("group", ResourceType::Group),
        ("transactional-id", ResourceType::TransactionalId),
        ("delegation-token", ResourceType::DelegationToken),
        ("user-principal", ResourceType::User),
    ] {
        found.extend(options.all(option).map(|name| (resource, name.trim().to_owned(), pattern)));
    }
    if pattern == PatternType::Literal && (options.has("cluster") || options.has("idempotent")) {
        found.push(cluster());
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// `getPrincipals`
pub fn principals(options: &Options, option: &str) -> Result<BTreeSet<String>, Exception> {
    let parse = |text: &str| match text.trim().split_once(':') {
        Some(_) => Ok(text.trim().to_owned()),
        None => {
            let message = format!("expected a string in format principalType:principalName but got {}", text.trim());
            Err(Exception::illegal_argument(message))
        }
    };
    options.all(option).map(parse).collect()
}

fn some_resources(options: &Options) -> Result<Vec<Pattern>, Ended> {
    let found = resources(options)?;
    if found.is_empty() {
        let sentence = "You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token \
                        <Delegation Token ID>";
        return Err(Ended::Usage(sentence.into()));
    }
    Ok(found)
}

fn entries(options: &Options, operations: &[Operation]) -> Result<BTreeSet<Entry>, Exception> {
    let mut entries = BTreeSet::new();
    for (word, permission) in [("allow", Permission::Allow), ("deny", Permission::Deny)] {
        let principals = principals(options, &format!("{word}-principal"))?;
        let hosts: Vec<String> = options.all(&format!("{word}-host")).map(|host| host.trim().to_owned()).collect();
        let hosts = if hosts.is_empty() { vec![WILDCARD.to_owned()] } else { hosts };
        for principal in &principals {
            for host in &hosts {
                let entry =
                    |operation: &Operation| Entry { principal: principal.clone(), host: host.clone(), operation: *operation, permission };
                entries.extend(operations.iter().map(entry));
            }
        }
    }
    Ok(entries)
}

fn cluster() -> Pattern {
    (ResourceType::Cluster, CLUSTER_NAME.into(), PatternType::Literal)
}

/// `SecurityUtils.operation`: `DescribeConfigs`, in any case.
fn operation(name: &str) -> Operation {
    Operation::ALL.iter().copied().find(|known| operation_name(*known).eq_ignore_ascii_case(name)).unwrap_or(Operation::Unknown)
}

/// `SecurityUtils.operationName`: each word with a capital, none between.
fn operation_name(operation: Operation) -> String {
    let word = |word: &str| format!("{}{}", &word[..1], word[1..].to_ascii_lowercase());
    operation.name().split('_').map(word).collect()
}
