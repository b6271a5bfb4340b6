//! What an ACL says (`StandardAcl`, `AclBinding`), and which ACLs a filter means.

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use uuid::Uuid;

/// An enum that Kafka has by number and by name; 0 is what is not known.
macro_rules! coded {
    ($(#[$doc:meta])* $type:ident { $($variant:ident $code:literal $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $($variant = $code,)* }

        impl $type {
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            pub fn of_code(code: i8) -> $type {
                match code { $($code => $type::$variant,)* _ => $type::Unknown }
            }

            /// In Kafka's spelling, of any case.
            pub fn of_name(name: &str) -> $type {
                $type::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(name)).unwrap_or($type::Unknown)
            }

            pub fn code(self) -> i8 {
                self as i8
            }

            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name,)* }
            }
        }
    };
}

coded! {
    /// `org.apache.kafka.common.resource.ResourceType`
    ResourceType {
        Unknown 0 "UNKNOWN",
        Any 1 "ANY",
        Topic 2 "TOPIC",
        Group 3 "GROUP",
        Cluster 4 "CLUSTER",
        TransactionalId 5 "TRANSACTIONAL_ID",
        DelegationToken 6 "DELEGATION_TOKEN",
        User 7 "USER",
    }
}

coded! {
    /// `org.apache.kafka.common.resource.PatternType`
    PatternType {
        Unknown 0 "UNKNOWN",
        Any 1 "ANY",
        Match 2 "MATCH",
        Literal 3 "LITERAL",
        Prefixed 4 "PREFIXED",
    }
}

coded! {
    /// `org.apache.kafka.common.acl.AclOperation`
    Operation {
        Unknown 0 "UNKNOWN",
        Any 1 "ANY",
        All 2 "ALL",
        Read 3 "READ",
        Write 4 "WRITE",
        Create 5 "CREATE",
        Delete 6 "DELETE",
        Alter 7 "ALTER",
        Describe 8 "DESCRIBE",
        ClusterAction 9 "CLUSTER_ACTION",
        DescribeConfigs 10 "DESCRIBE_CONFIGS",
        AlterConfigs 11 "ALTER_CONFIGS",
        IdempotentWrite 12 "IDEMPOTENT_WRITE",
        CreateTokens 13 "CREATE_TOKENS",
        DescribeTokens 14 "DESCRIBE_TOKENS",
        TwoPhaseCommit 15 "TWO_PHASE_COMMIT",
    }
}

coded! {
    /// `org.apache.kafka.common.acl.AclPermissionType`
    Permission {
        Unknown 0 "UNKNOWN",
        Any 1 "ANY",
        Deny 2 "DENY",
        Allow 3 "ALLOW",
    }
}

/// The one resource of type CLUSTER.
pub const CLUSTER_NAME: &str = "kafka-cluster";
/// Every name, principal or host, where an ACL stands for all.
pub const WILDCARD: &str = "*";
pub const EVERYBODY: &str = "User:*";

/// The operations that a resource knows (`AclEntry.supportedOperations`).
pub fn supported_operations(resource: ResourceType) -> &'static [Operation] {
    use Operation::*;
    match resource {
        ResourceType::Topic => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
        ResourceType::Group => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
        ResourceType::Cluster => &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe],
        ResourceType::TransactionalId => &[Describe, Write, TwoPhaseCommit],
        ResourceType::DelegationToken => &[Describe],
        ResourceType::User => &[CreateTokens, DescribeTokens],
        ResourceType::Unknown | ResourceType::Any => &[],
    }
}

/// One rule: on resources of this name (or that begin so) this principal from this host may, or may not, do this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    pub resource: ResourceType,
    pub name: String,
    pub pattern: PatternType,
    pub principal: String,
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

impl Acl {
    /// Whether its pattern means a resource of this name.
    pub fn covers(&self, name: &str) -> bool {
        match self.pattern {
            PatternType::Literal => self.name == name || self.name == WILDCARD,
            PatternType::Prefixed => name.starts_with(&self.name),
            _ => false,
        }
    }
}

/// `AclBindingFilter`: `None` and `Any` mean all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclFilter {
    pub resource: ResourceType,
    pub name: Option<String>,
    pub pattern: PatternType,
    pub principal: Option<String>,
    pub host: Option<String>,
    pub operation: Operation,
    pub permission: Permission,
}

impl AclFilter {
    pub fn matches(&self, acl: &Acl) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        (self.resource == ResourceType::Any || self.resource == acl.resource)
            && self.matches_pattern(acl)
            && is(&self.principal, &acl.principal)
            && is(&self.host, &acl.host)
            && (self.operation == Operation::Any || self.operation == acl.operation)
            && (self.permission == Permission::Any || self.permission == acl.permission)
    }

    /// `ResourcePatternFilter.matches`
    fn matches_pattern(&self, acl: &Acl) -> bool {
        if !matches!(self.pattern, PatternType::Any | PatternType::Match) && self.pattern != acl.pattern {
            return false;
        }
        match (&self.name, self.pattern) {
            (None, _) => true,
            (Some(name), PatternType::Match) => acl.covers(name),
            (Some(name), _) => *name == acl.name,
        }
    }
}

/// The ACLs of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Acls {
    by_id: OrdMap<Uuid, Arc<Acl>>,
    sorted: OrdSet<Arc<Acl>>,
}

impl Acls {
    pub fn insert(&mut self, id: Uuid, acl: Arc<Acl>) {
        self.sorted.insert(acl.clone());
        self.by_id.insert(id, acl);
    }

    pub fn remove(&mut self, id: Uuid) {
        if let Some(acl) = self.by_id.remove(&id) {
            self.sorted.remove(&acl);
        }
    }

    pub fn contains(&self, acl: &Acl) -> bool {
        self.sorted.contains(acl)
    }

    pub fn by_id(&self) -> impl Iterator<Item = (Uuid, &Arc<Acl>)> {
        self.by_id.iter().map(|(id, acl)| (*id, acl))
    }

    /// All, sorted by resource.
    pub fn iter(&self) -> impl Iterator<Item = &Acl> {
        self.sorted.iter().map(|acl| &**acl)
    }

    /// Those of resources of this type.
    pub fn of_type(&self, resource: ResourceType) -> impl Iterator<Item = &Acl> {
        let first = Arc::new(Acl {
            resource,
            name: String::new(),
            pattern: PatternType::Unknown,
            principal: String::new(),
            host: String::new(),
            operation: Operation::Unknown,
            permission: Permission::Unknown,
        });
        self.sorted.range(first..).map(|acl| &**acl).take_while(move |acl| acl.resource == resource)
    }
}
