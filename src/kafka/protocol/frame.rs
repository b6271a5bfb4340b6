//! A request or response on a connection, with the batches it carries beside it, so that their bytes are shared and not copied.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::api::{Api, Request, Response};
use crate::kafka::names::Name;
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;

/// The batches of one partition in a Produce request or a Fetch response.
pub type Batches = Vec<Batch>;

/// What travels: header, body, and the batches of its partitions in the order in which the body names them
/// (where the body's own `records` fields stay `None`; `codec` fills them in on the way to bytes).
#[derive(Clone, Debug)]
pub struct Frame {
    pub correlation_id: i32,
    pub version: i16,
    pub body: Body,
    pub batches: Vec<Batches>,
    /// The same request was sent before and not answered.
    pub retry: bool,
    /// Of a request that a broker passes on: whose it is.
    pub envelope: Option<Arc<Envelope>>,
    /// Of a Produce request from bytes: some of them are no batches.
    pub corrupt: Option<Arc<Corrupt>>,
    bytes: u64,
}

/// Why batches of a Produce request are not taken (`CorruptRecordException`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrupt {
    /// The first of a partition: all of the request is refused, which Kafka meets when it asks whether any is transactional. In its words, where
    /// it answers with any.
    Request(Option<String>),
    /// Later ones, of the partitions whose first batches these are: they are refused, and no others (`ProduceRequest.validateRecords`).
    Partitions(Vec<ChunkId>),
}

/// What Kafka's Envelope request says beside the request in it (KIP-590). It is no request of its own here, so that what is passed on can be
/// seen for what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// `User:alice`
    pub principal: Name,
    pub client_id: Name,
    /// The address that the request came from.
    pub address: Name,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Body {
    Request { client_id: String, request: Request },
    Response(Response),
}

/// What a frame is to the eye: its shape on the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    Produce,
    ProduceAck,
    Fetch,
    FetchData,
    Heartbeat,
    Group,
    Commit,
    Metadata,
    Controller,
    Admin,
    Other,
}

impl Frame {
    /// A request of the version that this crate's processes speak.
    pub fn request(correlation_id: i32, client_id: &str, request: impl Into<Request>) -> Frame {
        Frame::with_batches(correlation_id, client_id, request, Vec::new())
    }

    /// A request that carries batches (Produce).
    pub fn with_batches(correlation_id: i32, client_id: &str, request: impl Into<Request>, batches: Vec<Batches>) -> Frame {
        let request = request.into();
        let version = request.api().version();
        let bytes = 4 + 10 + client_id.len() + request.size(version);
        Frame {
            correlation_id,
            version,
            body: Body::Request { client_id: client_id.to_owned(), request },
            retry: false,
            envelope: None,
            corrupt: None,
            bytes: bytes as u64 + size(&batches),
            batches,
        }
    }

    /// The answer to a request of this version and correlation id.
    pub fn response(correlation_id: i32, version: i16, response: impl Into<Response>, batches: Vec<Batches>) -> Frame {
        let response = response.into();
        let bytes = 4 + 5 + response.size(version);
        Frame {
            correlation_id,
            version,
            body: Body::Response(response),
            retry: false,
            envelope: None,
            corrupt: None,
            bytes: bytes as u64 + size(&batches),
            batches,
        }
    }

    pub fn api(&self) -> Api {
        match &self.body {
            Body::Request { request, .. } => request.api(),
            Body::Response(response) => response.api(),
        }
    }

    /// Records that the frame carries.
    pub fn record_count(&self) -> u64 {
        self.batches.iter().flatten().map(|batch| batch.info.record_count.max(0) as u64).sum()
    }

    pub fn kind(&self) -> Kind {
        let request = matches!(self.body, Body::Request { .. });
        match self.api() {
            Api::Produce if request => Kind::Produce,
            Api::Produce => Kind::ProduceAck,
            Api::Fetch if !request && self.record_count() > 0 => Kind::FetchData,
            Api::Fetch => Kind::Fetch,
            Api::Heartbeat | Api::BrokerHeartbeat => Kind::Heartbeat,
            Api::JoinGroup | Api::SyncGroup | Api::LeaveGroup | Api::FindCoordinator | Api::OffsetFetch => Kind::Group,
            Api::OffsetCommit => Kind::Commit,
            Api::Metadata | Api::ApiVersions | Api::DescribeCluster | Api::ListOffsets | Api::OffsetForLeaderEpoch => Kind::Metadata,
            Api::AlterPartition
            | Api::BrokerRegistration
            | Api::AllocateProducerIds
            | Api::Vote
            | Api::BeginQuorumEpoch
            | Api::EndQuorumEpoch
            | Api::FetchSnapshot
            | Api::ControllerRegistration => Kind::Controller,
            Api::InitProducerId => Kind::Other,
            _ => Kind::Admin,
        }
    }
}

impl crate::sim::process::Frame for Frame {
    fn size_bytes(&self) -> u64 {
        self.bytes
    }
}

fn size(batches: &[Batches]) -> u64 {
    batches.iter().flatten().map(|batch| batch.size_bytes() as u64).sum()
}
