//! Frames on their way.

use super::hues::HueCache;
use crate::kafka::metadata::image::Image;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::{Body, Frame};
use crate::playground::snapshot::{FrameView, Hue, MAX_FRAMES};
use crate::playground::world::World;
use crate::sim::net::{Conn, Packet};

/// The frames on all connections, and how many more there are.
pub fn frames(world: &World, image: Option<&Image>, hues: &mut HueCache) -> (Vec<FrameView>, u32) {
    let mut views = Vec::new();
    let mut more = 0;
    for conn in world.sim().conns() {
        let Some(acceptor) = &conn.acceptor else { continue };
        let (opener, acceptor) = (conn.opener.process.0, acceptor.process.0);
        for to_opener in [false, true] {
            let lane = if to_opener { &conn.to_opener } else { &conn.to_acceptor };
            let (from, to) = if to_opener { (acceptor, opener) } else { (opener, acceptor) };
            for flying in &lane.in_flight {
                let Packet::Frame(frame) = &flying.what else { continue };
                if views.len() >= MAX_FRAMES {
                    more += 1;
                    continue;
                }
                let first = frame.batches.iter().flatten().next();
                views.push(FrameView {
                    key: key(conn, to_opener, flying.n),
                    from,
                    to,
                    kind: frame.kind(),
                    sent_us: flying.sent.0,
                    due_us: flying.due.0,
                    waits: lane.stalled,
                    retry: frame.retry,
                    records: frame.record_count().min(u64::from(u32::MAX)) as u32,
                    about: about(frame, image),
                    hue: first.map_or(Hue::Gap, |batch| hues.of(batch).first),
                });
            }
        }
    }
    (views, more)
}

/// Who opened the connection (20 bits), as the how-manieth (20), which way (1), and the how-manieth frame there (23).
pub(super) fn key(conn: &Conn<Frame>, to_opener: bool, n: u64) -> u64 {
    let opener = u64::from(conn.id.opener.0) & 0xf_ffff;
    opener << 44 | (u64::from(conn.id.n) & 0xf_ffff) << 24 | u64::from(to_opener) << 23 | n & 0x7f_ffff
}

/// The first partition that carries records, or else the first that is named.
fn about(frame: &Frame, image: Option<&Image>) -> Option<(String, i32)> {
    let full = frame.batches.iter().position(|batches| !batches.is_empty()).unwrap_or(0);
    let (id, partition) = match &frame.body {
        Body::Request { request: Request::Produce(body), .. } => {
            let all = body.topic_data.iter().flat_map(|topic| topic.partition_data.iter().map(|p| (topic.topic_id, p.index)));
            all.clone().nth(full).or_else(|| all.clone().next())
        }
        Body::Request { request: Request::Fetch(body), .. } => {
            body.topics.iter().flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id, p.partition))).next()
        }
        Body::Request { request: Request::AlterPartition(body), .. } => {
            body.topics.iter().flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id, p.partition_index))).next()
        }
        Body::Response(Response::Fetch(body)) => {
            let all = body.responses.iter().flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic_id, p.partition_index)));
            all.clone().nth(full).or_else(|| all.clone().next())
        }
        Body::Response(Response::Produce(body)) => {
            body.responses.iter().flat_map(|topic| topic.partition_responses.iter().map(|p| (topic.topic_id, p.index))).next()
        }
        _ => None,
    }?;
    Some((image?.topic_by_id(id)?.name.to_string(), partition))
}
