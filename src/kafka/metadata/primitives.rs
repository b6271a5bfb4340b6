//! Kafka's flexible encoding: the primitives that metadata records are made of.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::record::RecordError;

pub fn put_uvarint(buf: &mut BytesMut, mut n: u32) {
    while n >= 0x80 {
        buf.put_u8(n as u8 | 0x80);
        n >>= 7;
    }
    buf.put_u8(n as u8);
}

pub fn put_string(buf: &mut BytesMut, text: &str) {
    put_uvarint(buf, text.len() as u32 + 1);
    buf.put_slice(text.as_bytes());
}

pub fn put_nullable(buf: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => put_string(buf, text),
        None => put_uvarint(buf, 0),
    }
}

pub fn put_ints(buf: &mut BytesMut, ints: &[i32]) {
    put_uvarint(buf, ints.len() as u32 + 1);
    ints.iter().for_each(|&n| buf.put_i32(n));
}

pub fn put_uuids(buf: &mut BytesMut, uuids: &[Uuid]) {
    put_uvarint(buf, uuids.len() as u32 + 1);
    uuids.iter().for_each(|id| buf.put_slice(id.as_bytes()));
}

/// Tagged fields, in the order of their tags.
#[derive(Default)]
pub struct Tags(Vec<(u32, BytesMut)>);

impl Tags {
    pub fn with(mut self, tag: u32, put: impl FnOnce(&mut BytesMut)) -> Tags {
        let mut field = BytesMut::new();
        put(&mut field);
        self.0.push((tag, field));
        self
    }

    /// The same, if there is a value.
    pub fn some<T>(self, tag: u32, value: Option<T>, put: impl FnOnce(&mut BytesMut, T)) -> Tags {
        match value {
            Some(value) => self.with(tag, |buf| put(buf, value)),
            None => self,
        }
    }

    pub fn put(mut self, buf: &mut BytesMut) {
        self.0.sort_by_key(|(tag, _)| *tag);
        put_uvarint(buf, self.0.len() as u32);
        for (tag, field) in self.0 {
            put_uvarint(buf, tag);
            put_uvarint(buf, field.len() as u32);
            buf.put_slice(&field);
        }
    }
}

/// A reader that never reads past the end.
pub struct Reader(pub Bytes);

impl Reader {
    pub fn uvarint(&mut self) -> Result<u32, RecordError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(RecordError::Malformed("a varint of more than five bytes"))
    }

    pub fn u8(&mut self) -> Result<u8, RecordError> {
        self.need(1)?;
        Ok(self.0.get_u8())
    }

    pub fn i16(&mut self) -> Result<i16, RecordError> {
        self.need(2)?;
        Ok(self.0.get_i16())
    }

    pub fn i32(&mut self) -> Result<i32, RecordError> {
        self.need(4)?;
        Ok(self.0.get_i32())
    }

    pub fn i64(&mut self) -> Result<i64, RecordError> {
        self.need(8)?;
        Ok(self.0.get_i64())
    }

    pub fn uuid(&mut self) -> Result<Uuid, RecordError> {
        self.need(16)?;
        Ok(Uuid::from_u128(self.0.get_u128()))
    }

    /// Bytes that are not null.
    pub fn bytes(&mut self) -> Result<Vec<u8>, RecordError> {
        let len = self.uvarint()?.checked_sub(1).ok_or(RecordError::Malformed("bytes that are null"))? as usize;
        self.need(len)?;
        Ok(self.0.split_to(len).to_vec())
    }

    pub fn nullable(&mut self) -> Result<Option<String>, RecordError> {
        let Some(len) = self.uvarint()?.checked_sub(1) else { return Ok(None) };
        self.need(len as usize)?;
        let text = self.0.split_to(len as usize);
        String::from_utf8(text.to_vec()).map(Some).map_err(|_| RecordError::Malformed("text that is not UTF-8"))
    }

    pub fn string(&mut self) -> Result<String, RecordError> {
        self.nullable()?.ok_or(RecordError::Malformed("null where a text is needed"))
    }

    /// An array; every element takes at least one byte, so a lying length is found out before anything is allocated.
    pub fn array<T>(&mut self, mut element: impl FnMut(&mut Reader) -> Result<T, RecordError>) -> Result<Vec<T>, RecordError> {
        let len = self.uvarint()?.saturating_sub(1);
        self.need(len as usize)?;
        (0..len).map(|_| element(self)).collect()
    }

    pub fn ints(&mut self) -> Result<Vec<i32>, RecordError> {
        self.array(Reader::i32)
    }

    pub fn uuids(&mut self) -> Result<Vec<Uuid>, RecordError> {
        self.array(Reader::uuid)
    }

    /// Calls `field` for each tagged field; what it does not read is skipped.
    pub fn tags(&mut self, mut field: impl FnMut(u32, &mut Reader) -> Result<(), RecordError>) -> Result<(), RecordError> {
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let len = self.uvarint()? as usize;
            self.need(len)?;
            field(tag, &mut Reader(self.0.split_to(len)))?;
        }
        Ok(())
    }

    fn need(&self, bytes: usize) -> Result<(), RecordError> {
        if self.0.len() < bytes { Err(RecordError::Malformed("the record ends too early")) } else { Ok(()) }
    }
}
