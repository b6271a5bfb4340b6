//! What travels between processes: typed requests and responses of the `kafka-protocol` crate, with api key and version.
//!
//! * [`api`]: the closed set of requests and responses in use
//! * [`api_versions`]: which versions of which API brokers and controllers offer
//! * [`frame`]: one of them on a connection, with the batches it carries
//! * [`codec`]: the bytes it would be on a real connection
//! * [`bounded`]: no array can announce more than there are bytes
//! * [`receive`]: what becomes of bytes that come on a real connection
//! * [`throttle`]: the throttle time of a response
//! * [`errors`]: error codes with their names, exceptions and texts
//! * [`topic_name`]: which names a topic may have

pub mod api;
pub mod api_versions;
pub mod bounded;
pub mod codec;
pub mod cordoned;
pub mod errors;
pub mod frame;
pub mod receive;
pub mod throttle;
pub mod topic_name;
