//! The cluster's metadata: the records of `__cluster_metadata` and the image that they add up to.
//!
//! * [`record`]: the records, in Kafka's own encoding
//! * [`image`]: what they add up to; brokers and controller hold one each
//! * [`image_writer`]: an image as records, for snapshots
//! * [`features`]: which features there are, and their levels
//! * [`change`]: how one partition changes (`PartitionChangeBuilder`)
//! * [`reassignment`]: its replicas while they move

pub mod change;
pub mod features;
pub mod image;
pub mod image_writer;
pub mod primitives;
pub mod reassignment;
pub mod record;
