//! `DefaultRecord`: reading the records of a batch, one at a time, borrowing from its bytes.
//!
//! ```text
//! length varint | attributes 1 | timestampDelta varlong | offsetDelta varint | key | value | headerCount varint | (name value)*
//! ```
//! Nothing is allocated per record; a compressed batch is decompressed once, as a whole.

use std::borrow::Cow;

use bytes::Bytes;

use super::batch::{Batch, BatchInfo, TimestampType};
use super::compression::{CompressionType, decompress};
use super::error::RecordsError;
use super::java_utf8::java_utf8;
use super::varint::Reader;

/// One record, borrowed from its batch's (decompressed) bytes.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub offset: i64,
    /// In ms. The broker's time where the batch says LogAppendTime.
    pub timestamp: i64,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    pub headers: Headers<'a>,
    /// The whole record, its length included, as it stands uncompressed: in bytes.
    pub size_bytes: u32,
}

/// A record's headers: a list, not a map. Names may repeat and be empty, values may be null. Already checked for form.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// UTF-8 by agreement; nobody checks.
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// The records of a batch, decompressed if need be. Iterate with `for record in &batch.records()?`.
#[derive(Debug)]
pub struct Records<'a> {
    bytes: Cow<'a, [u8]>,
    scan: Scan,
}

/// The borrowing iterator of [`Records`]. Ends after the first error.
#[derive(Debug)]
pub struct RecordsIter<'a> {
    bytes: &'a [u8],
    scan: Scan,
}

/// Owns its bytes and can be put aside between records: what a consumer holds while `poll` hands out a fetch in portions.
#[derive(Clone, Debug)]
pub struct RecordCursor {
    bytes: Bytes,
    scan: Scan,
}

impl Batch {
    /// The records, lazily read. Does not check the checksum: see [`Batch::check_crc`].
    ///
    /// # Errors
    /// `InvalidRecordCount`, `UnknownCompression` or a decompression error; what is wrong with a single record comes from the iterator.
    pub fn records(&self) -> Result<Records<'_>, RecordsError> {
        let scan = Scan::new(self.base_offset, &self.info)?;
        let stored = self.stored_records();
        let bytes = match self.info.compression()? {
            CompressionType::None => Cow::Borrowed(stored),
            codec => Cow::Owned(decompress(codec, stored)?),
        };
        Ok(Records { bytes, scan })
    }

    /// As [`Batch::records`], to be read in portions. Without a codec it shares the batch's bytes.
    ///
    /// # Errors
    /// As [`Batch::records`].
    pub fn cursor(&self) -> Result<RecordCursor, RecordsError> {
        let scan = Scan::new(self.base_offset, &self.info)?;
        let bytes = match self.info.compression()? {
            CompressionType::None => self.body.bytes().slice(super::batch::BODY_OVERHEAD..),
            codec => decompress(codec, self.stored_records())?.into(),
        };
        Ok(RecordCursor { bytes, scan })
    }
}

impl Records<'_> {
    pub fn iter(&self) -> RecordsIter<'_> {
        RecordsIter { bytes: &self.bytes, scan: self.scan }
    }

    /// All records' bytes, decompressed.
    pub fn uncompressed_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> IntoIterator for &'a Records<'_> {
    type Item = Result<Record<'a>, RecordsError>;
    type IntoIter = RecordsIter<'a>;

    fn into_iter(self) -> RecordsIter<'a> {
        self.iter()
    }
}

impl<'a> Iterator for RecordsIter<'a> {
    type Item = Result<Record<'a>, RecordsError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.scan.next(self.bytes)
    }
}

impl RecordCursor {
    /// The next record; `None` at the end and after an error.
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, RecordsError>> {
        self.scan.next(&self.bytes)
    }

    /// How many records were promised and not yet read.
    pub fn remaining(&self) -> u32 {
        if self.scan.ended { 0 } else { self.scan.count - self.scan.read }
    }
}

/// The state of reading: plain numbers, apart from whoever owns the bytes.
#[derive(Clone, Copy, Debug)]
struct Scan {
    at: usize,
    read: u32,
    count: u32,
    ended: bool,
    base_offset: i64,
    base_timestamp: i64,
    log_append_time: Option<i64>,
}

impl Scan {
    fn new(base_offset: i64, info: &BatchInfo) -> Result<Scan, RecordsError> {
        let count = u32::try_from(info.record_count).map_err(|_| RecordsError::InvalidRecordCount(info.record_count))?;
        let log_append_time = (info.timestamp_type() == TimestampType::LogAppendTime).then_some(info.max_timestamp);
        Ok(Scan { at: 0, read: 0, count, ended: false, base_offset, base_timestamp: info.base_timestamp, log_append_time })
    }

    #[inline]
    fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<Result<Record<'a>, RecordsError>> {
        if self.ended {
            return None;
        }
        let rest = bytes.get(self.at..).unwrap_or_default();
        if self.read == self.count {
            self.ended = true;
            // Only where the count is 0: with records, the last one is not given out before this check (as in Kafka).
            return if rest.is_empty() { None } else { Some(Err(RecordsError::TrailingBytes)) };
        }
        let outcome = if rest.is_empty() {
            Err(RecordsError::RecordsMissing { read: self.read, declared: self.count })
        } else {
            self.read_record(rest)
        };
        match outcome {
            Ok(record) if self.read + 1 < self.count || record.size_bytes as usize == rest.len() => {
                self.at += record.size_bytes as usize;
                self.read += 1;
                Some(Ok(record))
            }
            Ok(_) => {
                self.ended = true;
                Some(Err(RecordsError::TrailingBytes))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }

    /// One record from the front of `rest` (`DefaultRecord.readFrom`).
    #[inline]
    fn read_record<'a>(&self, rest: &'a [u8]) -> Result<Record<'a>, RecordsError> {
        let mut reader = Reader::new(rest);
        let size = reader.varint().map_err(|error| match error {
            RecordsError::VarintTooLong => RecordsError::RecordSizeTooLong,
            _ => RecordsError::RecordsMissing { read: self.read, declared: self.count },
        })?;
        let available = reader.remaining() as u64;
        if size < 0 || size as u64 > available {
            return Err(RecordsError::RecordBeyondBatch { expected: size.into(), remaining: available });
        }
        let mut fields = Reader::new(reader.bytes(size as usize)?);
        let size_bytes = (rest.len() - reader.remaining()) as u32;
        let _attributes = fields.byte()?; // all bits unused so far
        let timestamp_delta = fields.varlong()?;
        let offset_delta = fields.varint()?;
        let key = fields.nullable_bytes()?;
        let value = fields.nullable_bytes()?;
        let headers = Headers::check(fields.varint()?, &mut fields)?;
        if fields.remaining() > 0 {
            let read = size as u64 - fields.remaining() as u64;
            return Err(RecordsError::RecordSize { expected: size.into(), read });
        }
        Ok(Record {
            offset: self.base_offset.wrapping_add(offset_delta.into()),
            timestamp: self.log_append_time.unwrap_or_else(|| self.base_timestamp.wrapping_add(timestamp_delta)),
            key,
            value,
            headers,
            size_bytes,
        })
    }
}

impl<'a> Headers<'a> {
    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers in their order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        // `check` read the same bytes before, so `read` does not fail here; if it did, the list would only end early.
        (0..self.count).map_while(move |_| Header::read(&mut reader).ok())
    }

    /// Walks over `count` headers so that later iteration cannot fail.
    #[inline]
    fn check(count: i32, fields: &mut Reader<'a>) -> Result<Headers<'a>, RecordsError> {
        let bytes = fields.rest();
        if count < 0 || count as usize > bytes.len() {
            return Err(RecordsError::HeaderCount(count));
        }
        for _ in 0..count {
            Header::read(fields)?;
        }
        Ok(Headers { bytes: &bytes[..bytes.len() - fields.remaining()], count: count as u32 })
    }
}

impl<'a> Header<'a> {
    pub fn new(key: &'a str, value: Option<&'a [u8]>) -> Header<'a> {
        Header { key: key.as_bytes(), value }
    }

    /// The name as text.
    pub fn name(&self) -> Cow<'a, str> {
        java_utf8(self.key)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Header<'a>, RecordsError> {
        let key_size = reader.varint()?;
        if key_size < 0 {
            return Err(RecordsError::HeaderKeySize(key_size));
        }
        let key = reader.bytes(key_size as usize)?;
        Ok(Header { key, value: reader.nullable_bytes()? })
    }
}
