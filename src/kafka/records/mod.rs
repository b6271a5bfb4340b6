//! Record batches (magic 2): our own codec, with everything that Apache Kafka writes.
//!
//! In reading order:
//! * [`varint`], [`crc`]: the two encodings everything stands on.
//! * [`batch`]: [`batch::Batch`], what travels and is stored: a head the leader may set, a shared immutable body.
//! * [`record`]: lazy reading of the records inside a body.
//! * [`builder`]: writing a batch, as a producer or a broker does.
//! * [`compression`] (with [`lz4`], [`snappy`]): the four codecs, with equal bytes on 32 and 64 bit.
//! * [`control`]: what the records of a control batch mean.
//! * [`java_utf8`]: bytes as text.
//! * [`murmur2`], [`partitioner`]: where a record goes.
//!
//! The `kafka-protocol` crate's codec is not used: it loses repeated header names and cannot write empty batches, LogAppendTime or a last
//! offset beyond the last record.

pub mod batch;
pub mod builder;
pub mod compression;
pub mod control;
pub mod crc;
pub mod error;
pub mod java_utf8;
pub mod lz4;
pub mod murmur2;
pub mod partitioner;
pub mod record;
pub mod snappy;
pub mod varint;
