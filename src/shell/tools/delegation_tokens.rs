//! kafka-delegation-tokens (`org.apache.kafka.tools.DelegationTokenCommand`). Brokers refuse tokens on plaintext connections, as all here
//! are; so what the tool prints of tokens is never needed.

use kafka_protocol::messages::create_delegation_token_request::CreatableRenewers;
use kafka_protocol::messages::describe_delegation_token_request::DescribeDelegationTokenOwner;
use kafka_protocol::messages::{CreateDelegationTokenRequest, DescribeDelegationTokenRequest};

use super::hosts::Done;
use super::kafka::{message_and_trace, option_error, parse, usage_and_exit};
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, execution};
use crate::kafka::client::admin::Target;
use crate::kafka::protocol::api::Response;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, Options, UsageError, flag, may, with};

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String", "REQUIRED: Where to begin: HOST:PORT, or several with commas.").completed_by(Completes::Servers),
    with("command-config", "String", "REQUIRED: A file with properties for the admin client: how it says who it is."),
    flag("create", "Make a token."),
    flag("describe", "Describe tokens."),
    may("max-life-time-period", "Long", "With --create: how long it may live, in ms; -1: as long as the brokers allow."),
    may("owner-principal", "String", "Whose token: User:alice."),
    may("renewer-principal", "String", "With --create: who may renew it: User:bob."),
];

const BLURB: &str = "This tool helps to create, renew, expire, or describe delegation tokens.";

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let options = parse(TABLE, args, BLURB)?;
    if options.has("create") == options.has("describe") {
        let sentence = "Command must include exactly one action: --create, --renew, --expire or --describe";
        return Err(usage_and_exit(TABLE, sentence));
    }
    let usage = |UsageError(sentence)| usage_and_exit(TABLE, &sentence);
    options.require(&["bootstrap-server", "command-config"]).map_err(usage)?;
    if options.has("create") {
        options.require(&["max-life-time-period"]).map_err(usage)?;
        options.number::<i64>("max-life-time-period").map_err(|error| option_error(&error))?;
    }
    principals(&options, "owner-principal")
        .and_then(|_| principals(&options, "renewer-principal"))
        .map_err(|error| message_and_trace(&error))?;
    let config = Plan::config(&options, files)?;
    Ok(ScriptTool::new(Plan::of_options(run, failure, options, config, files), hosts))
}

fn failure(thrown: &Thrown) -> Done {
    let message = thrown.causes.first().map_or_else(|| thrown.exception.text().to_owned(), Exception::to_string);
    let mut err = vec![message];
    err.extend(thrown.trace());
    Done { err, status: 1, ..Done::default() }
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let owners = principals(script.options(), "owner-principal")?;
    let code = if script.options().has("create") {
        let renewers = principals(script.options(), "renewer-principal")?;
        let period: i64 = script.options().number("max-life-time-period").ok().flatten().unwrap_or(-1);
        script.line(format!("Calling create token operation with renewers :{} , max-life-time-period :{period}", listed(&renewers)));
        let renewer = |(kind, name): &Principal| {
            CreatableRenewers::default().with_principal_type(kind.clone().into()).with_principal_name(name.clone().into())
        };
        let owner = owners.first().cloned();
        let request = CreateDelegationTokenRequest::default()
            .with_owner_principal_type(owner.clone().map(|(kind, _)| kind.into()))
            .with_owner_principal_name(owner.map(|(_, name)| name.into()))
            .with_renewers(renewers.iter().map(renewer).collect())
            .with_max_lifetime_ms(period);
        match script.get("createDelegationToken", Target::Any, request)? {
            Response::CreateDelegationToken(body) => body.error_code,
            other => return Err(unexpected(&other)),
        }
    } else {
        script.line(match owners.is_empty() {
            true => "Calling describe token operation for current user.".to_owned(),
            false => format!("Calling describe token operation for owners: {}", listed(&owners)),
        });
        let owner = |(kind, name): &Principal| {
            DescribeDelegationTokenOwner::default().with_principal_type(kind.clone().into()).with_principal_name(name.clone().into())
        };
        let wanted = (!owners.is_empty()).then(|| owners.iter().map(owner).collect());
        match script.get("describeDelegationToken", Target::Any, DescribeDelegationTokenRequest::default().with_owners(wanted))? {
            Response::DescribeDelegationToken(body) => body.error_code,
            other => return Err(unexpected(&other)),
        }
    };
    match code {
        0 => Err(Exception::kafka("A token of a plaintext connection").into()),
        code => Err(execution(Exception::of(code, None))),
    }
}

fn unexpected(response: &Response) -> Stop {
    Exception::kafka(format!("An unexpected {} response", response.api().name())).into()
}

/// A principal's type and name.
type Principal = (String, String);

fn principals(options: &Options, name: &str) -> Result<Vec<Principal>, Exception> {
    let parse = |text: &str| {
        let (kind, name) = text.trim().split_once(':').ok_or_else(|| {
            Exception::illegal_argument(format!("expected a string in format principalType:principalName but got {}", text.trim()))
        })?;
        Ok((kind.to_owned(), name.to_owned()))
    };
    options.all(name).map(parse).collect()
}

fn listed(principals: &[Principal]) -> String {
    format!("[{}]", principals.iter().map(|(kind, name)| format!("{kind}:{name}")).collect::<Vec<_>>().join(", "))
}
