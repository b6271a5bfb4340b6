//! What heartbeats of brokers say since KIP-1066 and our protocol crate does not know yet: the log directories that are to get no new replicas
//! (`CordonedLogDirs` of version 2, its tagged field 1). The crate keeps the bytes of tagged fields that it does not know.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::BrokerHeartbeatRequest;
use uuid::Uuid;

const TAG: i32 = 1;

/// Says so in a heartbeat. A broker has at most 126 directories.
pub fn say(request: &mut BrokerHeartbeatRequest, directories: &[Uuid]) {
    let directories = &directories[..directories.len().min(126)];
    let mut bytes = BytesMut::new();
    // A compact array: its length and one more, in one byte.
    bytes.put_u8(directories.len() as u8 + 1);
    directories.iter().for_each(|directory| bytes.put_slice(directory.as_bytes()));
    request.unknown_tagged_fields.insert(TAG, bytes.freeze());
}

/// What a heartbeat says; `None`: nothing, or what cannot be read.
pub fn said(request: &BrokerHeartbeatRequest) -> Option<Vec<Uuid>> {
    let mut bytes: Bytes = request.unknown_tagged_fields.get(&TAG)?.clone();
    let len = usize::from(bytes.try_get_u8().ok()?).checked_sub(1)?;
    if bytes.len() != len * 16 {
        return None;
    }
    bytes.chunks(16).map(|id| Uuid::from_slice(id).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        for directories in [vec![], vec![Uuid::from_u128(7)], vec![Uuid::from_u128(1), Uuid::from_u128(2)]] {
            let mut request = BrokerHeartbeatRequest::default();
            assert_eq!(said(&request), None);
            say(&mut request, &directories);
            assert_eq!(said(&request), Some(directories));
        }
        let mut request = BrokerHeartbeatRequest::default();
        for bytes in [&[][..], &[0], &[2, 1], &[200]] {
            request.unknown_tagged_fields.insert(TAG, Bytes::copy_from_slice(bytes));
            assert_eq!(said(&request), None, "{bytes:?}");
        }
    }
}
