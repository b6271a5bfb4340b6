//! Frames to bytes and back, as on a real connection (without the length prefix).
//!
//! Processes pass frames typed; this is for outside clients, and for a test mode that sends every frame through here and
//! must change nothing.

use std::fmt::Display;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::api::{Api, Request, Response};
use super::frame::{Batches, Body, Corrupt, Frame};
use crate::kafka::records::batch::{Batch, HEAD_BYTES, MAGIC, next_batch_size};
use crate::sim::chunk::ChunkId;

/// Bytes that are no frame, or a frame that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    pub(super) fn new(reason: impl Display) -> CodecError {
        CodecError(reason.to_string())
    }
}

/// The bytes of a frame.
pub fn encode(frame: &Frame) -> Result<BytesMut, CodecError> {
    let mut buf = BytesMut::new();
    let version = frame.version;
    match &frame.body {
        Body::Request { client_id, request } => {
            let api = request.api();
            let header = RequestHeader::default()
                .with_request_api_key(api.key())
                .with_request_api_version(version)
                .with_correlation_id(frame.correlation_id)
                .with_client_id(Some(StrBytes::from_string(client_id.clone())));
            header.encode(&mut buf, api.request_header_version(version)).map_err(CodecError::new)?;
            with_records(request.clone(), &frame.batches).encode(&mut buf, version)?;
        }
        Body::Response(response) => {
            let header = ResponseHeader::default().with_correlation_id(frame.correlation_id);
            header.encode(&mut buf, response.api().response_header_version(version)).map_err(CodecError::new)?;
            with_data(response.clone(), &frame.batches).encode(&mut buf, version)?;
        }
    }
    Ok(buf)
}

/// A request from its bytes. `chunk` gives the ids of the chunks that its batches become.
pub fn decode_request(mut bytes: Bytes, chunk: &mut dyn FnMut() -> ChunkId) -> Result<Frame, CodecError> {
    if bytes.len() < 4 {
        return Err(CodecError::new("a request has at least an api key and a version"));
    }
    let (key, version) = (i16::from_be_bytes([bytes[0], bytes[1]]), i16::from_be_bytes([bytes[2], bytes[3]]));
    let api = Api::from_key(key).ok_or_else(|| CodecError::new(format_args!("unknown api key {key}")))?;
    let header = RequestHeader::decode(&mut bytes, api.request_header_version(version)).map_err(CodecError::new)?;
    let mut request = Request::decode(api, &mut bytes, version)?;
    let (mut batches, mut corrupt) = (Vec::new(), None);
    if let Request::Produce(body) = &mut request {
        for partition in body.topic_data.iter_mut().flat_map(|topic| &mut topic.partition_data) {
            let (taken, found) = take_batches(partition.records.take(), chunk);
            batches.push(taken);
            corrupt = both(corrupt, found);
        }
    }
    let client_id = header.client_id.map(|id| id.to_string()).unwrap_or_default();
    let mut frame = Frame::with_batches(header.correlation_id, &client_id, request, batches);
    frame.version = version;
    frame.corrupt = corrupt.map(Arc::new);
    Ok(frame)
}

/// A response to a request of this API and version from its bytes.
pub fn decode_response(api: Api, version: i16, mut bytes: Bytes, chunk: &mut dyn FnMut() -> ChunkId) -> Result<Frame, CodecError> {
    let header = ResponseHeader::decode(&mut bytes, api.response_header_version(version)).map_err(CodecError::new)?;
    let mut response = Response::decode(api, &mut bytes, version)?;
    let mut batches = Vec::new();
    if let Response::Fetch(body) = &mut response {
        for partition in body.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
            match take_batches(partition.records.take(), chunk) {
                (taken, None) => batches.push(taken),
                (_, Some(_)) => return Err(CodecError::new("the batches of a response cannot be read")),
            }
        }
    }
    Ok(Frame::response(header.correlation_id, version, response, batches))
}

/// Encodes and decodes a frame. The chunks keep their ids: same bytes, same identity.
///
/// # Panics
/// If the frame does not survive: it was built wrongly by this crate. For tests.
pub fn recode(frame: Frame) -> Frame {
    let bytes = encode(&frame).unwrap_or_else(|e| panic!("{:?} cannot be encoded: {e}", frame.api())).freeze();
    let ids: Vec<ChunkId> = frame.batches.iter().flatten().map(|batch| batch.body.id()).collect();
    let mut ids = ids.into_iter();
    let mut next = move || ids.next().unwrap_or_default();
    let decoded = match &frame.body {
        Body::Request { .. } => decode_request(bytes, &mut next),
        Body::Response(response) => decode_response(response.api(), frame.version, bytes, &mut next),
    };
    let mut decoded = decoded.unwrap_or_else(|e| panic!("{:?} cannot be decoded: {e}", frame.api()));
    decoded.retry = frame.retry;
    decoded.envelope = frame.envelope;
    decoded
}

fn with_records(mut request: Request, batches: &[Batches]) -> Request {
    if let Request::Produce(body) = &mut request {
        let partitions = body.topic_data.iter_mut().flat_map(|topic| &mut topic.partition_data);
        for (partition, batches) in partitions.zip(batches) {
            partition.records = Some(to_bytes(batches));
        }
    }
    request
}

fn with_data(mut response: Response, batches: &[Batches]) -> Response {
    if let Response::Fetch(body) = &mut response {
        let partitions = body.responses.iter_mut().flat_map(|topic| &mut topic.partitions);
        for (partition, batches) in partitions.zip(batches) {
            partition.records = Some(to_bytes(batches));
        }
    }
    response
}

fn to_bytes(batches: &Batches) -> Bytes {
    let mut buf = BytesMut::new();
    for batch in batches {
        batch.write_to(&mut buf);
    }
    buf.freeze()
}

/// The whole batches of one partition, and what is wrong with the bytes where they end (`RecordBatchIterator`). A batch of magic 0 or 1 counts
/// as none, and so do those around it: a partition of a request is one batch of magic 2 or it is refused (`ProduceRequest.validateRecords`).
fn take_batches(records: Option<Bytes>, chunk: &mut dyn FnMut() -> ChunkId) -> (Batches, Option<Corrupt>) {
    let mut rest = records.unwrap_or_default();
    let mut batches = Vec::new();
    loop {
        let size = match next_batch_size(&rest) {
            Ok(Some(size)) => size as usize,
            Ok(None) => return (batches, None),
            Err(error) => {
                let corrupt = corrupt_behind(&batches, Some(error.to_string()));
                return (batches, Some(corrupt));
            }
        };
        if rest[HEAD_BYTES as usize] as i8 != MAGIC {
            return (Vec::new(), None);
        }
        match Batch::parse(&rest, chunk()) {
            Ok(batch) => batches.push(batch),
            Err(_) => {
                let corrupt = corrupt_behind(&batches, None);
                return (batches, Some(corrupt));
            }
        }
        rest = rest.slice(size..);
    }
}

/// What follows from bytes that are no batch, behind those of their partition that are.
fn corrupt_behind(batches: &Batches, message: Option<String>) -> Corrupt {
    batches.first().map_or(Corrupt::Request(message), |first| Corrupt::Partitions(vec![first.body.id()]))
}

/// Of two partitions of a request.
fn both(before: Option<Corrupt>, found: Option<Corrupt>) -> Option<Corrupt> {
    match (before, found) {
        (Some(Corrupt::Partitions(mut all)), Some(Corrupt::Partitions(more))) => {
            all.extend(more);
            Some(Corrupt::Partitions(all))
        }
        (Some(Corrupt::Partitions(_)), Some(request)) => Some(request),
        (before, found) => before.or(found),
    }
}
