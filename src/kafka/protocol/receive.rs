//! What a server makes of bytes that come on a real connection (`NetworkReceive`, `SocketServer.Processor.processCompletedReceives`,
//! `RequestContext.parseRequest`): a request, an answer at once, or the end of the connection. Nothing of what cannot be read goes further.

use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::Encodable;

use super::api::Api;
use super::api_versions::{API_KEYS, ApiKey, Listens};
use super::codec::decode_request;
use super::frame::Frame;
use crate::sim::chunk::ChunkId;

/// `socket.request.max.bytes`
pub const SOCKET_REQUEST_MAX_BYTES: i32 = 104_857_600;

/// What is to be done about the bytes of a request.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Received {
    Request(Frame),
    /// An answer that no handler has a part in, without its length.
    Answer(Bytes),
    /// The connection is closed; why, in the words of Kafka's log.
    Close(String),
}

/// Looks at the four bytes before a request.
///
/// # Errors
/// Why the connection is closed before anything else of the request is read.
pub fn check_size(size: i32, max: i32) -> Result<(), String> {
    match size {
        ..0 => Err(format!("Invalid receive (size = {size})")),
        _ if size > max => Err(format!("Invalid receive (size = {size} larger than {max})")),
        _ => Ok(()),
    }
}

/// Reads a request that came at a broker's listener or a controller's. `chunk` gives the ids of the chunks that its batches become.
pub fn receive(bytes: Bytes, at: Listens, chunk: &mut dyn FnMut() -> ChunkId) -> Received {
    let no_header = |guess: i16| Received::Close(format!("Error parsing request header. Our best guess of the apiKeyId is: {guess}"));
    let number = |from: usize| Some(i16::from_be_bytes([*bytes.get(from)?, *bytes.get(from + 1)?]));
    let Some(key) = number(0) else { return no_header(-1) };
    let (Some(version), Some(known)) = (number(2), API_KEYS.iter().find(|api| api.key == key)) else { return no_header(key) };
    let ApiKey { name, oldest, latest, listens, .. } = *known;
    if listens == Listens::Nobody {
        return Received::Close(format!("Unsupported api with key {key} ({name}) and version {version}"));
    }
    if listens != Listens::Both && listens != at {
        return Received::Close(format!("Received request for disabled api with key {key} ({name}) and version {version}"));
    }
    if !(oldest..=latest).contains(&version) {
        return match number(4).zip(number(6)).filter(|_| key == Api::ApiVersions.key()) {
            Some((high, low)) => Received::Answer(versions_of_api_versions(i32::from(high) << 16 | i32::from(low.cast_unsigned()))),
            None => Received::Close(format!("Received request for api with key {key} ({name}) and unsupported version {version}")),
        };
    }
    match decode_request(bytes.clone(), chunk) {
        Ok(frame) => Received::Request(frame),
        Err(error) => Received::Close(format!("Error getting request for apiKey: {}, apiVersion: {version}: {error}", shouted(name))),
    }
}

/// A client that asks for versions in a version that is not known here is told which it may ask in (KIP-511); in version 0, which all know.
fn versions_of_api_versions(correlation_id: i32) -> Bytes {
    let mut buf = BytesMut::new();
    let known = API_KEYS.iter().filter(|api| api.key == Api::ApiVersions.key());
    let version = |api: &ApiKey| ApiVersion::default().with_api_key(api.key).with_min_version(api.oldest).with_max_version(api.latest);
    let body = ApiVersionsResponse::default()
        .with_error_code(ResponseError::UnsupportedVersion.code())
        .with_api_keys(known.map(version).collect());
    // Both can be written: they hold nothing that version 0 has not.
    let _ = ResponseHeader::default().with_correlation_id(correlation_id).encode(&mut buf, 0);
    let _ = body.encode(&mut buf, 0);
    buf.freeze()
}

/// `DescribeAcls` as `ApiKeys` spells it: `DESCRIBE_ACLS`.
fn shouted(name: &str) -> String {
    let mut shouted = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !shouted.is_empty() {
            shouted.push('_');
        }
        shouted.push(letter.to_ascii_uppercase());
    }
    shouted
}
