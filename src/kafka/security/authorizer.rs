//! The rules by which ACLs decide (`StandardAuthorizerData`): a super user may; else any DENY that matches forbids; else any ALLOW that matches
//! permits; else, if the resource has no ACL at all, `allow.everyone.if.no.acl.found` decides; else no.

use std::collections::BTreeSet;

use super::Who;
use super::acl::{Acl, Acls, CLUSTER_NAME, EVERYBODY, Operation, PatternType, Permission, ResourceType, WILDCARD, supported_operations};
use crate::kafka::actor::Config;

const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// What server.properties says of the authorizer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorizer {
    super_users: BTreeSet<String>,
    allow_everyone: bool,
}

impl Authorizer {
    /// The authorizer of `authorizer.class.name`; none if nothing stands there. (Other classes than Kafka's own do not exist here.)
    pub fn configured(config: &Config) -> Option<Authorizer> {
        let class = config.get("authorizer.class.name").map(|class| class.trim());
        (class == Some(STANDARD_AUTHORIZER)).then(|| {
            let users = config.get("super.users").map_or("", String::as_str);
            let allow = config.get("allow.everyone.if.no.acl.found").map_or("", String::as_str);
            Authorizer::new(users, allow.trim().eq_ignore_ascii_case("true"))
        })
    }

    /// `super_users` as in `super.users`: `User:admin;User:kafka`.
    pub fn new(super_users: &str, allow_everyone: bool) -> Authorizer {
        let users = super_users.split(';').map(str::trim).filter(|user| !user.is_empty());
        Authorizer { super_users: users.map(str::to_owned).collect(), allow_everyone }
    }

    pub fn authorize(&self, acls: &Acls, who: Who, operation: Operation, resource: ResourceType, name: &str) -> bool {
        if self.super_users.contains(who.principal) {
            return true;
        }
        let (mut has_acls, mut allowed) = (false, false);
        for acl in acls.of_type(resource).filter(|acl| acl.covers(name)) {
            has_acls = true;
            match find_result(acl, who, operation) {
                Some(Permission::Deny) => return false,
                Some(_) => allowed = true,
                None => {}
            }
        }
        allowed || !has_acls && self.allow_everyone
    }

    /// Whether there is some resource of this type with which this may be done (`Authorizer.authorizeByResourceType`).
    pub fn authorize_by_resource_type(&self, acls: &Acls, who: Who, operation: Operation, resource: ResourceType) -> bool {
        if self.authorize(acls, who, operation, resource, "hardcode") {
            return true;
        }
        let of_who = |acl: &&Acl| {
            (acl.host == who.host || acl.host == WILDCARD)
                && (acl.principal == who.principal || acl.principal == EVERYBODY)
                && (acl.operation == operation || acl.operation == Operation::All)
        };
        let (denied, allowed): (Vec<&Acl>, Vec<&Acl>) =
            acls.of_type(resource).filter(of_who).partition(|acl| acl.permission == Permission::Deny);
        let is_wildcard = |acl: &&Acl| acl.pattern == PatternType::Literal && acl.name == WILDCARD;
        if denied.iter().any(is_wildcard) {
            return false;
        }
        let is_dominated = |acl: &&Acl| {
            denied.iter().any(|deny| match deny.pattern {
                PatternType::Prefixed => acl.name.starts_with(&deny.name),
                _ => acl.pattern == PatternType::Literal && acl.name == deny.name,
            })
        };
        allowed.iter().any(|acl| is_wildcard(acl) || !is_dominated(acl))
    }
}

/// What an ACL on the right resource says of an action; `None`: nothing. An ALLOW of READ, WRITE, DELETE or ALTER means DESCRIBE too, one of
/// ALTER_CONFIGS means DESCRIBE_CONFIGS.
fn find_result(acl: &Acl, who: Who, operation: Operation) -> Option<Permission> {
    let of_who = acl.principal == who.principal || acl.principal == EVERYBODY;
    let from_there = acl.host == WILDCARD || acl.host == who.host;
    let implied = acl.permission == Permission::Allow
        && match operation {
            Operation::Describe => matches!(acl.operation, Operation::Read | Operation::Write | Operation::Delete | Operation::Alter),
            Operation::DescribeConfigs => acl.operation == Operation::AlterConfigs,
            _ => false,
        };
    let of_operation = acl.operation == Operation::All || acl.operation == operation || implied;
    (of_who && from_there && of_operation).then_some(acl.permission)
}

/// What one request is checked against (`AuthHelper`). Without an authorizer everything is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    pub authorizer: Option<&'a Authorizer>,
    pub acls: &'a Acls,
    pub who: Who<'a>,
}

impl Guard<'_> {
    pub fn allows(&self, operation: Operation, resource: ResourceType, name: &str) -> bool {
        self.authorizer.is_none_or(|authorizer| authorizer.authorize(self.acls, self.who, operation, resource, name))
    }

    pub fn allows_cluster(&self, operation: Operation) -> bool {
        self.allows(operation, ResourceType::Cluster, CLUSTER_NAME)
    }

    pub fn allows_topic(&self, operation: Operation, topic: &str) -> bool {
        self.allows(operation, ResourceType::Topic, topic)
    }

    pub fn allows_group(&self, operation: Operation, group: &str) -> bool {
        self.allows(operation, ResourceType::Group, group)
    }

    pub fn allows_some(&self, operation: Operation, resource: ResourceType) -> bool {
        self.authorizer.is_none_or(|authorizer| authorizer.authorize_by_resource_type(self.acls, self.who, operation, resource))
    }

    /// The operations that are allowed, as bits (`AuthHelper.authorizedOperations`).
    pub fn operations(&self, resource: ResourceType, name: &str) -> i32 {
        let allowed = supported_operations(resource).iter().filter(|operation| self.allows(**operation, resource, name));
        allowed.fold(0, |bits, operation| bits | 1 << operation.code())
    }
}
