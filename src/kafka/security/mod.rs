//! Who may do what.
//!
//! * [`acl`]: what an ACL says, and filters of ACLs
//! * [`authorizer`]: the rules by which ACLs decide (`StandardAuthorizer`)
//! * [`checks`] (with [`group_checks`], [`cluster_checks`]): which operation on which resource a request needs; [`merge`]: answers in part
//! * [`scram`]: credentials that the cluster keeps, and [`sha2`] of which they are made
//! * [`sasl`]: users, passwords, listeners
//! * [`acl_requests`]: CreateAcls, DescribeAcls, DeleteAcls (`AclApis`, `AclControlManager`)

pub mod acl;
pub mod acl_requests;
pub mod authorizer;
pub mod checks;
mod cluster_checks;
mod group_checks;
pub mod merge;
pub mod sasl;
pub mod scram;
pub mod scram_exchange;
pub mod sha2;

/// Who does something, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who<'a> {
    /// `User:alice`
    pub principal: &'a str,
    /// The address of its host: `10.77.0.100`.
    pub host: &'a str,
}

/// Whoever did not say who it is (`KafkaPrincipal.ANONYMOUS`).
pub const ANONYMOUS: &str = "User:ANONYMOUS";

/// The address of a host: node n has 10.77.0.n, the terminal's 10.77.0.100.
pub fn address_of(host: &str) -> String {
    super::names::node_on(host).map_or_else(|| "10.77.0.100".to_owned(), |node| format!("10.77.0.{node}"))
}
