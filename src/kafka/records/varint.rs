//! Zigzag varints, as in `org.apache.kafka.common.utils.ByteUtils`.
//!
//! Reading follows Kafka where it is lax: padded forms are fine, surplus high bits of the last byte are ignored; only a sixth (eleventh)
//! byte is an error.

use super::error::RecordsError;

/// A cursor over borrowed bytes. All reads are checked; it never allocates.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub fn byte(&mut self) -> Result<u8, RecordsError> {
        let (&first, rest) = self.rest.split_first().ok_or(RecordsError::FieldBeyondRecord)?;
        self.rest = rest;
        Ok(first)
    }

    /// The next `len` bytes; a length that leads beyond the end is an error, before anything is allocated for it.
    #[inline]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], RecordsError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(RecordsError::FieldBeyondRecord)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32, RecordsError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u32::from(first));
        }
        let mut value = u32::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordsError::VarintTooLong)
    }

    #[inline]
    pub fn unsigned_varlong(&mut self) -> Result<u64, RecordsError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        for shift in [7, 14, 21, 28, 35, 42, 49, 56, 63] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(RecordsError::VarintTooLong)
    }

    #[inline]
    pub fn varint(&mut self) -> Result<i32, RecordsError> {
        self.unsigned_varint().map(unzigzag32)
    }

    #[inline]
    pub fn varlong(&mut self) -> Result<i64, RecordsError> {
        self.unsigned_varlong().map(unzigzag64)
    }

    /// A length and that many bytes; a negative length is null (`DefaultRecord.readFrom`).
    #[inline]
    pub fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, RecordsError> {
        match self.varint()? {
            len if len < 0 => Ok(None),
            len => self.bytes(len as usize).map(Some),
        }
    }
}

#[inline]
pub fn write_unsigned_varint(out: &mut Vec<u8>, value: u32) {
    write_unsigned_varlong(out, value.into());
}

#[inline]
pub fn write_unsigned_varlong(out: &mut Vec<u8>, mut value: u64) {
    // Most values fit one byte or two: lengths and deltas. One write each is faster than pushing byte by byte.
    if value < 0x80 {
        out.push(value as u8);
    } else if value < 0x4000 {
        out.extend_from_slice(&[value as u8 | 0x80, (value >> 7) as u8]);
    } else {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
}

#[inline]
pub fn write_varint(out: &mut Vec<u8>, value: i32) {
    write_unsigned_varint(out, zigzag32(value));
}

#[inline]
pub fn write_varlong(out: &mut Vec<u8>, value: i64) {
    write_unsigned_varlong(out, zigzag64(value));
}

/// Bytes that the value takes: 1 to 5.
#[inline]
pub fn size_of_unsigned_varint(value: u32) -> u32 {
    size_of_bits(u64::from(value))
}

/// Bytes that the value takes: 1 to 10.
#[inline]
pub fn size_of_unsigned_varlong(value: u64) -> u32 {
    size_of_bits(value)
}

#[inline]
pub fn size_of_varint(value: i32) -> u32 {
    size_of_unsigned_varint(zigzag32(value))
}

#[inline]
pub fn size_of_varlong(value: i64) -> u32 {
    size_of_unsigned_varlong(zigzag64(value))
}

/// Seven bits a byte, rounded up, zero taking one.
#[inline]
fn size_of_bits(value: u64) -> u32 {
    (64 - (value | 1).leading_zeros()).div_ceil(7)
}

#[inline]
fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

#[inline]
fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
fn unzigzag32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[inline]
fn unzigzag64(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
