//! The options of kafka-acls, and the checks before a client is made (`AclCommandOptions`).

use super::super::hosts::Done;
use super::super::kafka::{checked, help_or_version, usage_and_exit};
use crate::shell::options::{Completes, Opt, Options, flag, with};

#[rustfmt::skip]
pub const TABLE: &[Opt] = &[
    flag("add", "Add ACLs."),
    with("allow-host", "String: allow-host", "Hosts from which --allow-principal may; * if not given."),
    with("allow-principal", "String: allow-principal", "Who may: User:alice; User:* is everybody."),
    with("bootstrap-controller", "String: controller to connect to", "Where to begin, instead of brokers: controllers."),
    with("bootstrap-server", "String: server to connect to", "Where to begin: HOST:PORT, or several with commas.").completed_by(Completes::Servers),
    flag("cluster", "ACLs of the cluster itself."),
    with("command-config", "String: command-config", "A file with properties for the admin client."),
    flag("consumer", "What a consumer needs: READ and DESCRIBE on the topics, READ on the groups."),
    with("delegation-token", "String: delegation-token", "ACLs of this token; * is every one."),
    with("deny-host", "String: deny-host", "Hosts from which --deny-principal may not; * if not given."),
    with("deny-principal", "String: deny-principal", "Who may not, whatever else is allowed."),
    flag("force", "Do not ask before removing."),
    with("group", "String: group", "ACLs of this group; * is every one.").completed_by(Completes::Groups),
    flag("idempotent", "With --producer: IDEMPOTENT_WRITE on the cluster too."),
    flag("list", "List ACLs."),
    with("operation", "String", "What is allowed or denied; All if not given.").completed_by(Completes::Words(&[
        "All", "Alter", "AlterConfigs", "ClusterAction", "Create", "CreateTokens", "Delete", "Describe", "DescribeConfigs", "DescribeTokens",
        "IdempotentWrite", "Read", "TwoPhaseCommit", "Write",
    ])),
    with("principal", "String: principal", "With --list: only the ACLs of this one."),
    flag("producer", "What a producer needs: WRITE, DESCRIBE and CREATE on the topics, WRITE and DESCRIBE on transactional ids."),
    flag("remove", "Remove ACLs."),
    with("resource-pattern-type", "ANY|MATCH|LITERAL|PREFIXED", "How names are meant; literal if not given. any and match are for --list and --remove.")
        .completed_by(Completes::Words(&["any", "literal", "match", "prefixed"])),
    with("topic", "String: topic", "ACLs of this topic; * is every one.").completed_by(Completes::Topics),
    with("transactional-id", "String: transactional-id", "ACLs of this transactional id; * is every one."),
    with("user-principal", "String: user-principal", "ACLs of tokens of this user."),
];

/// `checkArgs`
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Options, Done> {
    let refuse = |sentence: &str| Err(usage_and_exit(TABLE, sentence));
    let options = match Options::parse(TABLE, args) {
        Ok(options) => options,
        Err(error) => return refuse(&error.to_string()),
    };
    if let Some(done) = help_or_version(TABLE, args, &options, "This tool helps to manage acls on kafka.") {
        return Err(done);
    }
    let has = |name| options.has(name);
    match (has("bootstrap-server"), has("bootstrap-controller")) {
        (true, true) => return refuse("Only one of --bootstrap-server or --bootstrap-controller must be specified"),
        (false, false) => return refuse("One of --bootstrap-server or --bootstrap-controller must be specified"),
        _ => {}
    }
    if ["add", "remove", "list"].into_iter().filter(|name| has(name)).count() != 1 {
        return refuse("Command must include exactly one action: --list, --add, --remove. ");
    }
    let inferred = ["operation", "deny-principal", "deny-host"];
    let of_changes = ["producer", "consumer", "allow-host", "allow-principal", "deny-host", "deny-principal"];
    checked(TABLE, [options.exclude("list", &of_changes), options.exclude("producer", &inferred), options.exclude("consumer", &inferred)])?;
    if has("principal") && !has("list") {
        return refuse("The --principal option is only available if --list is set");
    }
    if has("producer") && !has("topic") {
        return refuse("With --producer you must specify a --topic");
    }
    if has("idempotent") && !has("producer") {
        return refuse("The --idempotent option is only available if --producer is set");
    }
    let others = !has("producer") && (has("cluster") || has("transactional-id"));
    if has("consumer") && (!has("topic") || !has("group") || others) {
        return refuse(
            "With --consumer you must specify a --topic and a --group and no --cluster or --transactional-id option should be specified.",
        );
    }
    Ok(options)
}
