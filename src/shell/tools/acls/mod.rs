//! kafka-acls (`org.apache.kafka.tools.AclCommand`).

pub mod args;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::{CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest};
use kafka_protocol::protocol::StrBytes;

use self::wanted::{Entry, Pattern, pattern_type, principals, resources, resources_and_entries, text_of};
use super::Start;
use super::hosts::Done;
use super::kafka::usage_and_exit;
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, execution};
use crate::kafka::client::admin::Target;
use crate::kafka::protocol::api::Response;
use crate::kafka::security::acl::{Operation, PatternType, Permission, ResourceType};
use crate::shell::java::exception::Exception;

/// Why the tool ends before it is done.
#[derive(Debug)]
enum Ended {
    Stopped(Stop),
    /// A sentence and the help table.
    Usage(String),
}

impl From<Stop> for Ended {
    fn from(stop: Stop) -> Ended {
        Ended::Stopped(stop)
    }
}

impl From<Exception> for Ended {
    fn from(exception: Exception) -> Ended {
        Ended::Stopped(exception.into())
    }
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(start: &Start) -> Result<ScriptTool, Done> {
    let Start { args, files, hosts, .. } = *start;
    let options = args::parse(args)?;
    let config = Plan::config(&options, files)?;
    let tool = ScriptTool::new(Plan::of_options(run, failure, options, config, files), hosts);
    Ok(if start.interactive { tool.with_console() } else { tool })
}

/// All goes to standard output, the trace too.
fn failure(thrown: &Thrown) -> Done {
    let mut out = vec![format!("Error while executing ACL command: {}", thrown.exception.text())];
    out.extend(thrown.trace());
    out.push(String::new());
    Done { out, status: 1, ..Done::default() }
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options();
    let done = if options.has("add") {
        add(script)
    } else if options.has("remove") {
        remove(script)
    } else {
        list(script).map_err(Ended::from)
    };
    match done {
        Ok(()) => Ok(0),
        Err(Ended::Stopped(stop)) => Err(stop),
        Err(Ended::Usage(sentence)) => {
            usage_and_exit(args::TABLE, &sentence).err.into_iter().for_each(|line| script.error(line));
            Ok(1)
        }
    }
}

fn add(script: &mut Script) -> Result<(), Ended> {
    let pattern = pattern_type(script.options())?;
    if !matches!(pattern, PatternType::Literal | PatternType::Prefixed) {
        return Err(Ended::Usage(format!("A '--resource-pattern-type' value of '{}' is not valid when adding acls.", pattern.name())));
    }
    let wanted = resources_and_entries(script.options())?;
    if wanted.values().any(BTreeSet::is_empty) {
        return Err(Ended::Usage("You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.".into()));
    }
    for (resource, entries) in wanted {
        let existing = described(script, Some(&resource))?.remove(&resource).unwrap_or_default();
        let (known, new): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| existing.contains(entry));
        for entry in known {
            script.line(format!("Acl (pattern={}, entry={entry}) already exists.", text_of(&resource)));
        }
        if new.is_empty() {
            continue;
        }
        script.line(format!("Adding ACLs for resource `{}`: \n {}\n", text_of(&resource), listed(new.iter().copied())));
        let creation = |entry: &&Entry| {
            AclCreation::default()
                .with_resource_type(resource.0.code())
                .with_resource_name(resource.1.clone().into())
                .with_resource_pattern_type(resource.2.code())
                .with_principal(entry.principal.clone().into())
                .with_host(entry.host.clone().into())
                .with_operation(entry.operation.code())
                .with_permission_type(entry.permission.code())
        };
        let request = CreateAclsRequest::default().with_creations(new.iter().map(creation).collect());
        let Response::CreateAcls(body) = script.get("createAcls", Target::Any, request)? else { continue };
        throw_first(body.results.iter().map(|result| (result.error_code, &result.error_message)))?;
    }
    Ok(())
}

fn remove(script: &mut Script) -> Result<(), Ended> {
    for (resource, entries) in resources_and_entries(script.options())? {
        let text = text_of(&resource);
        let question = match entries.is_empty() {
            true => format!("Are you sure you want to delete all ACLs for resource filter `{text}`? (y/n)"),
            false => {
                let listed = listed(entries.iter());
                format!("Are you sure you want to remove ACLs: \n {listed}\n from resource filter `{text}`? (y/n)")
            }
        };
        if !confirmed(script, question)? {
            continue;
        }
        let filter = DeleteAclsFilter::default()
            .with_resource_type_filter(resource.0.code())
            .with_resource_name_filter(Some(resource.1.clone().into()))
            .with_pattern_type_filter(resource.2.code())
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_operation(Operation::Any.code())
            .with_permission_type(Permission::Any.code());
        let of_entry = |entry: &Entry| {
            let filter = filter.clone().with_principal_filter(Some(entry.principal.clone().into()));
            let filter = filter.with_host_filter(Some(entry.host.clone().into())).with_operation(entry.operation.code());
            filter.with_permission_type(entry.permission.code())
        };
        let filters = if entries.is_empty() { vec![filter.clone()] } else { entries.iter().map(of_entry).collect() };
        let request = DeleteAclsRequest::default().with_filters(filters);
        let Response::DeleteAcls(body) = script.get("deleteAcls", Target::Any, request)? else { continue };
        throw_first(body.filter_results.iter().map(|result| (result.error_code, &result.error_message)))?;
    }
    Ok(())
}

fn list(script: &mut Script) -> Result<(), Stop> {
    let filters = resources(script.options())?;
    let principals = principals(script.options(), "principal")?;
    let mut found = BTreeMap::new();
    if filters.is_empty() {
        found = described(script, None)?;
    }
    for filter in &filters {
        for (resource, entries) in described(script, Some(filter))? {
            found.entry(resource).or_insert_with(BTreeSet::new).extend(entries);
        }
    }
    if principals.is_empty() {
        print(script, &found, |_| true);
    }
    for principal in principals {
        script.line(format!("ACLs for principal `{principal}`"));
        print(script, &found, |entry| entry.principal == principal);
    }
    Ok(())
}

fn print(script: &mut Script, found: &BTreeMap<Pattern, BTreeSet<Entry>>, shown: impl Fn(&Entry) -> bool) {
    for (resource, entries) in found {
        let entries: Vec<&Entry> = entries.iter().filter(|entry| shown(entry)).collect();
        if !entries.is_empty() {
            script.line(format!("Current ACLs for resource `{}`:\n{}\n", text_of(resource), listed(entries.into_iter())));
        }
    }
}

/// `confirmAction`: asks at the console, which is not standard input; without one Java falls over it.
fn confirmed(script: &mut Script, question: String) -> Result<bool, Stop> {
    if script.options().has("force") {
        return Ok(true);
    }
    script.line(question);
    match script.read_console()? {
        Some(line) => Ok(line.eq_ignore_ascii_case("y")),
        None => {
            let message = "Cannot invoke \"java.io.Console.readLine()\" because the return value of \"java.lang.System.console()\" is null";
            Err(Exception::new("java.lang.NullPointerException", message).into())
        }
    }
}

/// The ACLs that a filter means, or all.
fn described(script: &mut Script, filter: Option<&Pattern>) -> Result<BTreeMap<Pattern, BTreeSet<Entry>>, Stop> {
    let (resource, name, pattern) = match filter {
        Some((resource, name, pattern)) => (*resource, Some(StrBytes::from_string(name.clone())), *pattern),
        None => (ResourceType::Any, None, PatternType::Any),
    };
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(resource.code())
        .with_resource_name_filter(name)
        .with_pattern_type_filter(pattern.code())
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(Operation::Any.code())
        .with_permission_type(Permission::Any.code());
    let body = match script.get("describeAcls", Target::Any, request)? {
        Response::DescribeAcls(body) => body,
        other => return Err(Exception::kafka(format!("An unexpected {} response", other.api().name())).into()),
    };
    throw_first([(body.error_code, &body.error_message)].into_iter())?;
    let mut found: BTreeMap<Pattern, BTreeSet<Entry>> = BTreeMap::new();
    for described in body.resources {
        let resource = (
            ResourceType::of_code(described.resource_type),
            described.resource_name.to_string(),
            PatternType::of_code(described.pattern_type),
        );
        found.entry(resource).or_default().extend(described.acls.iter().map(|acl| Entry {
            principal: acl.principal.to_string(),
            host: acl.host.to_string(),
            operation: Operation::of_code(acl.operation),
            permission: Permission::of_code(acl.permission_type),
        }));
    }
    Ok(found)
}

/// What `all().get()` throws.
fn throw_first<'a>(mut results: impl Iterator<Item = (i16, &'a Option<StrBytes>)>) -> Result<(), Stop> {
    match results.find(|(code, _)| *code != 0) {
        Some((code, message)) => Err(execution(Exception::of(code, message.as_deref()))),
        None => Ok(()),
    }
}

fn listed<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    entries.map(|entry| format!("\t{entry}")).collect::<Vec<_>>().join("\n")
}
