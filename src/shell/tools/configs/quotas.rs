//! Quotas of clients, users and addresses: `--describe` and `--alter`.

use kafka_protocol::messages::alter_client_quotas_request::{EntityData as AlterEntity, EntryData as AlterEntry, OpData};
use kafka_protocol::messages::alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion};
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::EntryData;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, DescribeClientQuotasRequest, DescribeUserScramCredentialsRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::{Changes, completed, get, unexpected};
use crate::kafka::client::admin::Target;
use crate::kafka::protocol::api::Response;
use crate::kafka::records::murmur2::java_string_hash;
use crate::kafka::security::scram::Mechanism;
use crate::shell::java::exception::Exception;
use crate::shell::java::{double, hash};
use crate::shell::tools::script::{Script, Stop, execution};

const QUOTAS: &[&str] = &["producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate"];
const IP_QUOTAS: &[&str] = &["connection_creation_rate"];
const SCRAM_MECHANISMS: &[&str] = &["SCRAM-SHA-256", "SCRAM-SHA-512"];
const INVALID_CONFIGURATION: &str = "org.apache.kafka.common.errors.InvalidConfigurationException";

/// `ClientQuotaFilterComponent`
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

pub fn describe(script: &mut Script, types: &[String], names: &[String]) -> Result<(), Stop> {
    for entry in quotas(script, types, names)? {
        let part = |kind: &str, word: &str| {
            let found = entry.entity.iter().find(|entity| entity.entity_type.as_str() == kind)?;
            Some(match &found.entity_name {
                Some(name) => format!("{word} '{}'", name.as_str()),
                None => format!("the default {word}"),
            })
        };
        let entity = [part("user", "user-principal"), part("client-id", "client-id"), part("ip", "ip")];
        let mut values: Vec<String> =
            entry.values.iter().map(|value| format!("{}={}", value.key.as_str(), double::text(value.value))).collect();
        values.sort();
        script.line(format!("Quota configs for {} are {}", entity.into_iter().flatten().collect::<Vec<_>>().join(", "), values.join(", ")));
    }
    let of_users = types.iter().any(|kind| kind == "users") && !types.iter().any(|kind| kind == "clients");
    if of_users && !names.iter().any(String::is_empty) {
        describe_credentials(script, names)?;
    }
    Ok(())
}

pub fn alter(script: &mut Script, types: &[String], names: &[String]) -> Result<(), Stop> {
    let changes = Changes::read(script)?;
    let kind = types.first().map_or("", String::as_str);
    match kind {
        "ips" => check_ip_quotas(&changes)?,
        _ => check_quotas(&changes, kind, types, names)?,
    }
    let added = changes.add.iter().map(|(name, _)| name).chain(&changes.delete);
    if kind != "ips" && !added.clone().any(|name| QUOTAS.contains(&name.as_str())) {
        return alter_credentials(script, &changes, names.first().map_or("", String::as_str));
    }
    let current = quotas(script, types, names)?.into_iter().next();
    let current = |name: &str| current.as_ref().is_some_and(|entry| entry.values.iter().any(|value| value.key.as_str() == name));
    let unset: Vec<&str> = changes.delete.iter().map(String::as_str).filter(|name| !current(name)).collect();
    if !unset.is_empty() {
        return Err(Exception::new(INVALID_CONFIGURATION, format!("Invalid config(s): {}", unset.join(","))).into());
    }
    let mut ops = Vec::new();
    for (name, value) in &changes.add {
        let number = value
            .trim()
            .parse::<f64>()
            .map_err(|_| Exception::illegal_argument(format!("Cannot parse quota configuration value for {name}: {value}")))?;
        ops.push(OpData::default().with_key(text(name)).with_value(number));
    }
    ops.extend(changes.delete.iter().map(|name| OpData::default().with_key(text(name)).with_remove(true)));
    let entity = types.iter().zip(names).map(|(kind, name)| {
        AlterEntity::default().with_entity_type(text(entity_type(kind))).with_entity_name((!name.is_empty()).then(|| text(name)))
    });
    let entry = AlterEntry::default().with_entity(entity.collect()).with_ops(ops);
    match get(script, "alterClientQuotas", Target::Any, AlterClientQuotasRequest::default().with_entries(vec![entry]))? {
        Response::AlterClientQuotas(body) => {
            if let Some(failed) = body.entries.iter().find(|entry| entry.error_code != 0) {
                return Err(execution(Exception::of(failed.error_code, failed.error_message.as_deref())));
            }
        }
        other => return Err(unexpected(&other)),
    }
    completed(script, kind, names.first().map_or("", String::as_str));
    Ok(())
}

fn check_ip_quotas(changes: &Changes) -> Result<(), Exception> {
    let names = changes.add.iter().map(|(name, _)| name).chain(&changes.delete).map(String::as_str);
    let unknown: Vec<&str> = names.filter(|name| !IP_QUOTAS.contains(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Only connection quota configs can be added for 'ips' using --bootstrap-server. Unexpected config names: {}",
        unknown.join(",")
    );
    Err(Exception::illegal_argument(message))
}

fn check_quotas(changes: &Changes, kind: &str, types: &[String], names: &[String]) -> Result<(), Exception> {
    let is_scram = |name: &&str| SCRAM_MECHANISMS.contains(name);
    let is_quota = |name: &&str| QUOTAS.contains(name);
    let add: Vec<&str> = changes.add.iter().map(|(name, _)| name.as_str()).collect();
    let delete: Vec<&str> = changes.delete.iter().map(String::as_str).collect();
    let of_clients = kind == "clients" || types.len() == 2;
    let unexpected = |names: &[&str]| -> Vec<String> {
        names.iter().filter(|name| !is_quota(name) && (of_clients || !is_scram(name))).map(|name| (*name).to_owned()).collect()
    };
    let (what, whom) = if of_clients { ("quota configs", "clients") } else { ("quota and SCRAM credential configs", "users") };
    for (list, word, collection) in [(&add, "added", "Set"), (&delete, "deleted", "ArrayBuffer")] {
        let unexpected = unexpected(list);
        if !unexpected.is_empty() {
            return Err(Exception::illegal_argument(format!(
                "Only {what} can be {word} for '{whom}' using --bootstrap-server. Unexpected config names: {collection}({})",
                unexpected.join(", ")
            )));
        }
    }
    if add.iter().chain(&delete).any(is_scram_of(SCRAM_MECHANISMS)) {
        if names.iter().any(String::is_empty) {
            let message =
                "The use of --entity-default or --user-defaults is not allowed with User SCRAM Credentials using --bootstrap-server.";
            return Err(Exception::illegal_argument(message));
        }
        if add.iter().chain(&delete).any(is_scram_of(QUOTAS)) {
            let message = "Cannot alter both quota and SCRAM credential configs simultaneously for 'users' using --bootstrap-server.";
            return Err(Exception::illegal_argument(message));
        }
    }
    Ok(())
}

/// Whether a name is one of these.
fn is_scram_of(known: &'static [&'static str]) -> impl Fn(&&str) -> bool {
    move |name| known.contains(name)
}

/// `SCRAM-SHA-256=[iterations=8192,password=secret]`: salted here, so that the password does not leave.
fn alter_credentials(script: &mut Script, changes: &Changes, user: &str) -> Result<(), Stop> {
    let mut request = AlterUserScramCredentialsRequest::default();
    for (name, value) in &changes.add {
        let Some(mechanism) = Mechanism::of_name(name) else { continue };
        let invalid = || Exception::illegal_argument(format!("Invalid credential property {}={value}", name.replace('-', "_")));
        let (iterations, password) = credential(value).ok_or_else(invalid)?;
        if iterations < Mechanism::MIN_ITERATIONS {
            let minimum = Mechanism::MIN_ITERATIONS;
            let message = format!("Iterations {iterations} is less than the minimum {minimum} required for {name}");
            return Err(Exception::illegal_argument(message).into());
        }
        let salt: Vec<u8> = (0..SALT_BYTES).map(|_| SALT_LETTERS[script.draw(36) as usize % 36]).collect();
        // What is too much for a broker is not computed here either: it will say so.
        let salted = mechanism.salted_password(password, &salt, iterations.min(Mechanism::MAX_ITERATIONS));
        let upsertion = ScramCredentialUpsertion::default().with_name(text(user)).with_mechanism(mechanism.code());
        request.upsertions.push(upsertion.with_iterations(iterations).with_salt(salt.into()).with_salted_password(salted.into()));
    }
    for mechanism in changes.delete.iter().filter_map(|name| Mechanism::of_name(name)) {
        request.deletions.push(ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(mechanism.code()));
    }
    match get(script, "alterUserScramCredentials", Target::Any, request)? {
        Response::AlterUserScramCredentials(body) => {
            if let Some(failed) = body.results.iter().find(|result| result.error_code != 0) {
                return Err(execution(Exception::of(failed.error_code, failed.error_message.as_deref())));
            }
        }
        other => return Err(unexpected(&other)),
    }
    completed(script, "users", user);
    Ok(())
}

/// As Kafka's: 130 bits in base 36.
const SALT_BYTES: usize = 26;
const SALT_LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// `(?:iterations=([0-9]*),)?password=(.*)`
fn credential(value: &str) -> Option<(i32, &str)> {
    match value.strip_prefix("iterations=") {
        Some(rest) => {
            let (iterations, rest) = rest.split_once(',')?;
            Some((iterations.parse().ok()?, rest.strip_prefix("password=")?))
        }
        None => Some((Mechanism::MIN_ITERATIONS, value.strip_prefix("password=")?)),
    }
}

/// What these entities have, in the order of Java's map (`containsOnly`).
fn quotas(script: &mut Script, types: &[String], names: &[String]) -> Result<Vec<EntryData>, Stop> {
    if names.len() > types.len() {
        return Err(Exception::illegal_argument("More entity names specified than entity types").into());
    }
    let components = types.iter().zip(0..).map(|(kind, at): (&String, usize)| {
        let (how, name) = match names.get(at).map(String::as_str) {
            Some("") => (DEFAULT, None),
            Some(name) => (EXACT, Some(text(name))),
            None => (ANY, None),
        };
        ComponentData::default().with_entity_type(text(entity_type(kind))).with_match_type(how).with_match(name)
    });
    let request = DescribeClientQuotasRequest::default().with_components(components.collect()).with_strict(true);
    let body = match get(script, "describeClientQuotas", Target::Any, request)? {
        Response::DescribeClientQuotas(body) => body,
        other => return Err(unexpected(&other)),
    };
    if body.error_code != 0 {
        return Err(execution(Exception::of(body.error_code, body.error_message.as_deref())));
    }
    let entries = body.entries.unwrap_or_default();
    let capacity = entries.len() as u32;
    Ok(hash::order(entries, capacity, entity_hash))
}

/// `ClientQuotaEntity.hashCode`
fn entity_hash(entry: &EntryData) -> i32 {
    let parts = entry.entity.iter().map(|entity| {
        let name = entity.entity_name.as_ref().map_or(0, |name| java_string_hash(name.as_str()));
        java_string_hash(entity.entity_type.as_str()) ^ name
    });
    parts.fold(31, i32::wrapping_add)
}

/// Users' credentials, of which only those that there are are shown.
fn describe_credentials(script: &mut Script, names: &[String]) -> Result<(), Stop> {
    let users = names.iter().map(|name| UserName::default().with_name(text(name))).collect::<Vec<_>>();
    let users = if users.is_empty() { None } else { Some(users) };
    let request = DescribeUserScramCredentialsRequest::default().with_users(users);
    let body = match get(script, "describeUserScramCredentials", Target::Any, request)? {
        Response::DescribeUserScramCredentials(body) => body,
        other => return Err(unexpected(&other)),
    };
    for result in body.results.iter().filter(|result| result.error_code == 0) {
        let infos = result.credential_infos.iter().map(|info| {
            let mechanism = SCRAM_MECHANISMS.get(info.mechanism.max(1) as usize - 1).copied().unwrap_or("UNKNOWN");
            format!("{mechanism}=iterations={}", info.iterations)
        });
        let infos = infos.collect::<Vec<_>>().join(", ");
        script.line(format!("SCRAM credential configs for user-principal '{}' are {infos}", result.user.as_str()));
    }
    Ok(())
}

fn entity_type(kind: &str) -> &'static str {
    match kind {
        "users" => "user",
        "clients" => "client-id",
        _ => "ip",
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
