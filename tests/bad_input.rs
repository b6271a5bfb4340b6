//! What comes of bytes that are no request. The expectations were printed by a broker of Apache Kafka 4.3.1 to which the same bytes were sent.

use bytes::{BufMut, Bytes, BytesMut};
use ottla::kafka::protocol::api_versions::Listens;
use ottla::kafka::protocol::receive::{Received, SOCKET_REQUEST_MAX_BYTES, check_size, receive};
use ottla::sim::chunk::ChunkId;

/// A request's header (of client `bad`, with correlation id 7) and what follows it.
fn request(key: i16, version: i16, rest: &[u8]) -> Bytes {
    let mut buf = BytesMut::new();
    buf.put_i16(key);
    buf.put_i16(version);
    buf.put_i32(7);
    buf.put_i16(3);
    buf.put_slice(b"bad");
    buf.put_slice(rest);
    buf.freeze()
}

fn at_broker(bytes: Bytes) -> Received {
    receive(bytes, Listens::Broker, &mut || ChunkId(1))
}

#[test]
fn sizes() {
    assert_eq!(check_size(SOCKET_REQUEST_MAX_BYTES, SOCKET_REQUEST_MAX_BYTES), Ok(()));
    assert_eq!(check_size(0, SOCKET_REQUEST_MAX_BYTES), Ok(()));
    let said = |size| check_size(size, SOCKET_REQUEST_MAX_BYTES).unwrap_err();
    assert_eq!(said(104_857_601), "Invalid receive (size = 104857601 larger than 104857600)");
    assert_eq!(said(-5), "Invalid receive (size = -5)");
    // "GET " as a length.
    assert_eq!(said(1_195_725_856), "Invalid receive (size = 1195725856 larger than 104857600)");
}

#[test]
fn what_closes_the_connection() {
    for (bytes, why) in [
        (Bytes::new(), "Error parsing request header. Our best guess of the apiKeyId is: -1"),
        (Bytes::from_static(&[0, 1]), "Error parsing request header. Our best guess of the apiKeyId is: 1"),
        (request(1234, 0, b""), "Error parsing request header. Our best guess of the apiKeyId is: 1234"),
        (request(-1, 0, b""), "Error parsing request header. Our best guess of the apiKeyId is: -1"),
        (request(4, 0, b""), "Unsupported api with key 4 (LeaderAndIsr) and version 0"),
        (request(62, 0, &[0; 40]), "Received request for disabled api with key 62 (BrokerRegistration) and version 0"),
        (request(3, 99, &[0]), "Received request for api with key 3 (Metadata) and unsupported version 99"),
        (request(0, 2, &[0; 20]), "Received request for api with key 0 (Produce) and unsupported version 2"),
        (request(1, 3, &[0; 20]), "Received request for api with key 1 (Fetch) and unsupported version 3"),
        (request(3, 4, &[0xff; 3]), "Error getting request for apiKey: METADATA, apiVersion: 4"),
    ] {
        match at_broker(bytes.clone()) {
            Received::Close(said) => assert!(said.starts_with(why), "{said}"),
            other => panic!("{bytes:?} gave {other:?}"),
        }
    }
}

#[test]
fn a_version_of_api_versions_that_is_not_known_is_answered_in_version_0() {
    let Received::Answer(answer) = at_broker(request(18, 99, b"\0\x02a\x02b\0")) else { panic!("no answer") };
    assert_eq!(answer[..], [0, 0, 0, 7, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]);
}

#[test]
fn what_is_a_request_goes_on() {
    // All topics; what stands behind the request is of no interest, as in Kafka.
    let bytes = request(3, 4, b"\xff\xff\xff\xff\0extra");
    assert!(matches!(at_broker(bytes), Received::Request(frame) if frame.version == 4 && frame.correlation_id == 7));
    // A controller takes what a broker does not.
    let bytes = request(62, 0, &[0; 40]);
    assert!(!matches!(receive(bytes, Listens::Controller, &mut || ChunkId(1)), Received::Close(why) if why.contains("disabled")));
}

/// A request that ends too early brings no server down.
#[test]
fn requests_that_end_too_early_are_survived() {
    let whole = request(3, 4, b"\0\0\0\x01\0\x06orders\0");
    for cut in 0..whole.len() {
        at_broker(whole.slice(..cut));
    }
    for key in -2..100 {
        for version in [-1, 0, 1, 4, 9, 17, i16::MAX] {
            at_broker(request(key, version, b""));
        }
    }
}

/// Nor does one whose lengths promise more than there is, wherever in it they stand: nobody makes room for thousands of millions of elements.
#[test]
fn lengths_that_promise_too_much_are_survived() {
    let lengths: [&[u8]; 4] = [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\x07", b"\xff\xff\xff\xff\x0f", b"\x01\0\0\0"];
    for key in 0..100 {
        for version in 0..20 {
            for length in lengths {
                for (before, filler) in (0..40).flat_map(|before| [(before, 0), (before, 1), (before, 2)]) {
                    let mut body = vec![filler; before];
                    body.extend(length);
                    body.extend([filler; 12]);
                    at_broker(request(key, version, &body));
                    receive(request(key, version, &body), Listens::Controller, &mut || ChunkId(1));
                }
            }
        }
    }
}
