//! The bytes of a frame, read so that no array can be announced that has more elements than there are bytes left.
//!
//! The crate that decodes messages makes room for as many elements as an array announces before it looks for them: a frame of a few bytes could
//! ask for gigabytes. So a frame is read twice. The first time a number that could be such a length is taken for no more than one above the
//! bytes that are left: as every element takes a byte at least, an array that announces more than there can be fails there, with little room
//! made for it. What is read is thrown away, since a number that is no length may have been changed; where anything stands in a message depends
//! on lengths only. What passes is then read as it is.

use bytes::{Buf, Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

use super::codec::CodecError;

/// Bytes that are read for the first time, or as they are.
#[derive(Debug)]
pub struct Bounded {
    bytes: Bytes,
    /// The first time.
    probing: bool,
    /// Of a varint that goes on: how many bits were read, and their value.
    varint: (u32, u64),
}

/// A message from its bytes, of which it takes what belongs to it.
///
/// # Errors
/// If they are none of this version.
#[inline(never)]
pub fn decode<M: Decodable>(bytes: &mut Bytes, version: i16) -> Result<M, CodecError> {
    let mut probe = Bounded { bytes: bytes.clone(), probing: true, varint: (0, 0) };
    M::decode(&mut probe, version).map_err(CodecError::new)?;
    let mut buf = Bounded { bytes: std::mem::take(bytes), probing: false, varint: (0, 0) };
    let message = M::decode(&mut buf, version).map_err(CodecError::new)?;
    *bytes = buf.bytes;
    Ok(message)
}

impl Bounded {
    /// More than any length can be.
    fn too_many(&self) -> u64 {
        self.bytes.len() as u64 + 1
    }

    /// A byte that may be one of a varint, whose value is no more than it may be: it ends there then.
    fn bound_varint(&mut self, byte: u8) -> u8 {
        let (bits, value) = self.varint;
        let with = value | u64::from(byte & 0x7f) << bits;
        if bits > 0 && with > self.too_many() + 1 {
            self.varint = (0, 0);
            // One above what there is, as far as its bits reach: the array fails on its way.
            return ((self.too_many() >> bits) as u8 & 0x7f).max(1);
        }
        self.varint = if byte & 0x80 != 0 && bits < 28 { (bits + 7, with) } else { (0, 0) };
        byte
    }
}

impl Buf for Bounded {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        let byte = self.bytes.try_get_u8()?;
        Ok(if self.probing { self.bound_varint(byte) } else { byte })
    }

    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        self.varint = (0, 0);
        let number = self.bytes.try_get_i32()?;
        let bound = i32::try_from(self.too_many()).unwrap_or(i32::MAX);
        Ok(if self.probing { number.min(bound) } else { number })
    }
}

impl ByteBuf for Bounded {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.bytes.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.varint = (0, 0);
        self.bytes.split_to(size)
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest};

    use super::*;

    fn read<M: Decodable>(version: i16, bytes: &'static [u8]) -> Result<M, CodecError> {
        decode(&mut Bytes::from_static(bytes), version)
    }

    /// Two thousand million topics in a frame of some bytes: as an int32 and as a varint.
    #[test]
    fn an_array_cannot_announce_more_than_there_is() {
        read::<MetadataRequest>(4, b"\x7f\xff\xff\xff\0\x01a\x01").unwrap_err();
        read::<MetadataRequest>(12, b"\xff\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02a\0").unwrap_err();
        read::<DeleteTopicsRequest>(4, b"\xff\xff\xff\xff\x07\x02a").unwrap_err();
        read::<DeleteTopicsRequest>(4, b"\x80\x80\x80\x08\x02a").unwrap_err();
    }

    /// Numbers that are no lengths are read as they are, however large.
    #[test]
    fn other_numbers_are_what_they_are() {
        let request = read::<CreateTopicsRequest>(4, b"\0\0\0\x01\0\x01a\0\0\x10\0\0\x03\0\0\0\0\0\0\0\0\x7f\xff\xff\xff\0").unwrap();
        assert_eq!((request.timeout_ms, request.topics[0].num_partitions), (i32::MAX, 4_096));
        let request = read::<DeleteTopicsRequest>(5, b"\x02\x02a\x7f\xff\xff\xff\0").unwrap();
        assert_eq!((request.timeout_ms, request.topic_names.len()), (i32::MAX, 1));
    }
}
