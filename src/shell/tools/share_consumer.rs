//! kafka-console-share-consumer (`org.apache.kafka.tools.consumer.ConsoleShareConsumer`): joins a share group and prints what it gets.
//!
//! It finds the group's coordinator and sends its first heartbeat. No broker here serves share groups yet, and a share consumer says so in
//! Kafka's words; what comes after a heartbeat that is answered comes with share groups.

use kafka_protocol::messages::{GroupId, ShareGroupHeartbeatRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::hosts::Done;
use super::kafka::{checked, help_or_version, key_values, usage_and_exit};
use super::reassign::requests::unexpected;
use super::script::{AsConsumer, Plan, Script, ScriptTool, Stop, message_with_trace};
use super::topics::args::of;
use crate::kafka::client::admin::Target;
use crate::kafka::names::uuid_text;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, OptionError, Options, flag, with};
use crate::sim::time::Duration;

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: config file", "A file with properties for the consumer."),
    with("command-property", "String: consumer_prop", "A property of the consumer: key=value."),
    with("consumer-config", "String: config file", "(DEPRECATED) As --command-config."),
    with("consumer-property", "String: consumer_prop", "(DEPRECATED) As --command-property."),
    flag("enable-systest-events", "Accepted; nothing more is said."),
    with("formatter", "String: class", "The class that prints records."),
    with("formatter-config", "String: config file", "A file with properties for the formatter."),
    with("formatter-property", "String: prop", "How records are printed: print.key, print.offset, print.delivery and others."),
    with("group", "String: share group id", "The share group; default: console-share-consumer.").completed_by(Completes::Groups),
    with("key-deserializer", "String: deserializer for keys", "Accepted: keys are shown as text."),
    with("max-messages", "Integer: num_messages", "End after so many records."),
    with("property", "String: prop", "(DEPRECATED) As --formatter-property."),
    flag("reject", "Reject records as they come."),
    flag("reject-message-on-error", "Reject a record that cannot be printed, and go on."),
    flag("release", "Release records as they come, for others to get."),
    with("timeout-ms", "Integer: timeout_ms", "End if no record comes for so long."),
    with("topic", "String: topic", "REQUIRED: The topic to read.").completed_by(Completes::Topics),
    with("value-deserializer", "String: deserializer for values", "Accepted: values are shown as text."),
];

const BLURB: &str = "This tool helps to read data from Kafka topics using share groups and outputs it to standard output.";
const CLASS: &str = "org.apache.kafka.tools.consumer.ConsoleShareConsumer";
const ENDS_WITH: &str = "Processed a total of 0 messages";
const MEMBERSHIP: &str = "org.apache.kafka.clients.consumer.internals.ShareMembershipManager";
const HEARTBEATS: &str = "org.apache.kafka.clients.consumer.internals.ShareHeartbeatRequestManager";
const TIMEOUT_EXCEPTION: &str = "org.apache.kafka.common.errors.TimeoutException";
/// Options that are old, and what they are called now.
const REPLACED: [(&str, &str); 3] =
    [("consumer-property", "command-property"), ("consumer-config", "command-config"), ("property", "formatter-property")];
/// A consumer tries to join its group for ever.
const FOR_EVER: Duration = Duration::secs(86_400 * 365);

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
    let refuse = |sentence: &str| Err(usage_and_exit(TABLE, sentence));
    let options = Options::parse(TABLE, args).map_err(option)?;
    if let Some(done) = help_or_version(TABLE, args, &options, BLURB) {
        return Err(done);
    }
    if !options.has("topic") {
        return refuse("--topic is a required argument");
    }
    checked(TABLE, [options.require(&["bootstrap-server"])])?;
    if options.has("reject") && options.has("release") {
        return refuse("At most one of --reject and --release may be specified.");
    }
    for (old, new) in REPLACED {
        if options.has(old) && options.has(new) {
            return refuse(&format!("Options --{old} and --{new} cannot be specified together."));
        }
    }
    let path = ["command-config", "consumer-config"].into_iter().find_map(|name| options.all(name).last());
    let thrown = |error: Exception| usage_and_exit(TABLE, error.text());
    let mut config = Plan::properties(path, files).map_err(thrown)?;
    let mut groups: Vec<String> = options.all("group").chain(config.get("group.id").map(String::as_str)).map(str::to_owned).collect();
    let properties = key_values(options.all("command-property").chain(options.all("consumer-property")));
    groups.extend(properties.get("group.id").cloned());
    groups.sort();
    groups.dedup();
    if groups.len() > 1 {
        let all: Vec<String> = groups.iter().map(|group| format!("'{group}'")).collect();
        return refuse(&format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer-config') \
             do not match. Detected group ids: {}",
            all.join(", ")
        ));
    }
    config.extend(properties);
    config.insert("group.id".into(), groups.into_iter().next().unwrap_or_else(|| "console-share-consumer".into()));
    config.entry("client.id".into()).or_insert_with(|| "console-share-consumer".into());
    let context = format!("ShareConsumer clientId={}, groupId={}", config["client.id"], config["group.id"]);
    let plan = Plan::of_options(run, message_with_trace, options, config, files);
    let consumer = AsConsumer { context, class: CLASS, cannot: "Failed to construct Kafka share consumer", ends_with: ENDS_WITH };
    Ok(ScriptTool::new(Plan { consumer: Some(consumer), ..plan }, hosts))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options().clone();
    for (old, new) in REPLACED.iter().filter(|(old, _)| options.has(old)) {
        script.line(format!("Option --{old} is deprecated and will be removed in a future version. Use --{new} instead."));
    }
    // Numbers are read late, so that a wrong one ends the tool after its consumer is made.
    let timeout: i64 = options.number("timeout-ms").map_err(of)?.unwrap_or(-1);
    let group = script.config().get("group.id").cloned().unwrap_or_default();
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let (high, low) = (script.draw(u64::MAX), script.draw(u64::MAX));
    let member = uuid_text(uuid::Uuid::from_u64_pair(high, low));
    let context = script.consumer().map(|consumer| consumer.context.clone()).unwrap_or_default();
    let topic = TopicName(text(options.one("topic").map_err(of)?.unwrap_or_default()));
    let request = ShareGroupHeartbeatRequest::default()
        .with_group_id(GroupId(text(&group)))
        .with_member_id(text(&member))
        .with_subscribed_topic_names(Some(vec![topic]));
    let time = u64::try_from(timeout).map_or(FOR_EVER, Duration::ms);
    let outcome = script.outcome(&mut |client, now| {
        client.call_with_timeout(now, "shareGroupHeartbeat", Target::Coordinator(group.as_str().into()), request.clone(), time)
    })?;
    let error = match outcome {
        Ok(_) => return Err(unexpected()),
        Err(error) if error.class.ends_with(".UnsupportedVersionException") => {
            let message = format!("[{context}] ShareGroupHeartbeatRequest failed due to unsupported version: {}", error.text());
            script.log("ERROR", &message, HEARTBEATS);
            let why = "The cluster does not support the share group protocol using ShareGroupHeartbeat API version 1 or later. This version of \
                       the API was introduced in Apache Kafka v4.1.";
            Exception { message: Some(why.into()), ..error }
        }
        Err(error) if error.class == TIMEOUT_EXCEPTION => Exception { message: None, ..error },
        Err(error) => error,
    };
    script.log("ERROR", "Error processing message, terminating consumer process: ", CLASS);
    script.error(error.to_string());
    if error.class == TIMEOUT_EXCEPTION {
        let message = format!(
            "[{context}] Heartbeat to leave group cannot be sent (most probably due to coordinator not known/available). Member {member} \
             with epoch -1 will transition to UNSUBSCRIBED."
        );
        script.log("WARN", &message, MEMBERSHIP);
    }
    script.error(ENDS_WITH);
    Ok(0)
}
