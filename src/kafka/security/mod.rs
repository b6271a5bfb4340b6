//! Who may do what.
//!
//! * [`acl`]: what an ACL says, and filters of ACLs
//! * [`authorizer`]: the rules by which ACLs decide (`StandardAuthorizer`)
//! * [`acl_requests`]: CreateAcls, DescribeAcls, DeleteAcls (`AclApis`, `AclControlManager`)

pub mod acl;
pub mod acl_requests;
pub mod authorizer;

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
