//! A frame in full: what it says field by field, the batches it carries, and its bytes.

use super::frames::key;
use crate::kafka::protocol::codec::encode;
use crate::kafka::protocol::frame::{Body, Frame};
use crate::kafka::records::batch::Batch;
use crate::playground::world::World;
use crate::sim::net::Packet;

/// Lines of fields, batches, and bytes of the hexadecimal part that are shown; more is counted.
const MOST_LINES: usize = 2_000;
const MOST_BATCHES: usize = 100;
const MOST_BYTES: usize = 1_024;
const BYTES_A_LINE: usize = 16;

/// A frame, told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameReport {
    /// `Produce request v11, producer-1 → kafka-2`
    pub title: String,
    pub text: String,
}

/// The frame under way with this key (as in a snapshot), if it still is.
pub fn frame_report(world: &World, wanted: u64) -> Option<FrameReport> {
    for conn in world.sim().conns() {
        let Some(acceptor) = &conn.acceptor else { continue };
        for to_opener in [false, true] {
            let lane = if to_opener { &conn.to_opener } else { &conn.to_acceptor };
            let Some(flying) = lane.in_flight.iter().find(|flying| key(conn, to_opener, flying.n) == wanted) else { continue };
            let Packet::Frame(frame) = &flying.what else { continue };
            let ends = [conn.opener.host, acceptor.host].map(|host| world.sim().host_name(host));
            let [from, to] = if to_opener { [ends[1], ends[0]] } else { ends };
            let ready_us = world.ready_at().0;
            let mut text = format!("sent     {}\n", seconds(flying.sent.0, ready_us));
            text += &match lane.stalled {
                true => "waits    the link is cut: it goes with its connection, or when the link is mended\n".to_owned(),
                false => format!("arrives  {}\n", seconds(flying.due.0, ready_us)),
            };
            text += &told(frame);
            return Some(FrameReport { title: format!("{} {from} → {to}", name(frame)), text });
        }
    }
    None
}

fn name(frame: &Frame) -> String {
    let way = if matches!(frame.body, Body::Request { .. }) { "request" } else { "response" };
    format!("{} {way} v{},", frame.api().name(), frame.version)
}

fn told(frame: &Frame) -> String {
    let mut text = format!("api key  {}, version {}\ncorrelation id  {}\n", frame.api().key(), frame.version, frame.correlation_id);
    let fields = match &frame.body {
        Body::Request { client_id, request } => {
            text += &format!("client id  {client_id}\n");
            format!("{request:#?}")
        }
        Body::Response(response) => format!("{response:#?}"),
    };
    if frame.retry {
        text += "sent again: the same request was not answered before\n";
    }
    text += "\n";
    text += &tree(&fields);
    text += &batches(frame.batches.iter().flatten());
    if let Ok(bytes) = encode(frame) {
        text += &format!("\n{} bytes\n{}", bytes.len(), hex(&bytes));
    }
    text
}

/// The debug form of a message without its punctuation, and without what is empty by nature.
fn tree(fields: &str) -> String {
    let mut text = String::new();
    // The names of the message stand in the title already.
    let lines = fields.lines().skip(2).filter_map(|line| {
        let line = line.strip_prefix("        ").unwrap_or(line).trim_end_matches([',', '{', '[', '(', ' ']);
        let word = line.trim_start();
        let is_noise =
            word.trim_matches([']', '}', ')']).is_empty() || word.starts_with("unknown_tagged_fields") || word == "records: None";
        (!is_noise).then_some(line)
    });
    for (n, line) in lines.enumerate() {
        if n == MOST_LINES {
            text += "… more is left out\n";
            break;
        }
        text += line;
        text += "\n";
    }
    text
}

fn batches<'a>(batches: impl Iterator<Item = &'a Batch>) -> String {
    let mut text = String::new();
    for (n, batch) in batches.enumerate() {
        if n == MOST_BATCHES {
            text += "… more batches are left out\n";
            break;
        }
        let (info, first) = (&batch.info, batch.base_offset);
        let codec = info.compression().map_or("?", |codec| codec.name());
        text += &format!(
            "\nbatch  offsets {first} to {}, {} records, {} bytes, {codec}",
            batch.last_offset(),
            info.record_count,
            batch.size_bytes()
        );
        text += &format!(", leader epoch {}, crc {:08x}\n", batch.leader_epoch, info.crc);
        if info.has_producer_id() {
            let (id, epoch) = (info.producer_id, info.producer_epoch);
            text += &format!("       producer id {id}, epoch {epoch}, sequence {} to {}\n", info.base_sequence, info.last_sequence());
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(MOST_BYTES)];
    let mut text = String::new();
    for (n, line) in shown.chunks(BYTES_A_LINE).enumerate() {
        let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let plain: String = line.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
        text += &format!("{:04x}  {:<47}  {plain}\n", n * BYTES_A_LINE, digits.join(" "));
    }
    if bytes.len() > shown.len() {
        text += &format!("… and {} more bytes\n", bytes.len() - shown.len());
    }
    text
}

fn seconds(at_us: u64, ready_us: u64) -> String {
    let us = at_us.saturating_sub(ready_us);
    format!("{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::load::lesson_cluster;
    use crate::playground::metrics::Metrics;
    use crate::playground::timeline::Replayable;
    use crate::playground::view::{Detail, Viewer};
    use crate::sim::time::Duration;

    #[test]
    fn every_frame_that_is_seen_can_be_told() {
        let mut world = World::build(&lesson_cluster(), 3).unwrap();
        let mut told = 0;
        for _ in 0..200 {
            world.wait(world.now() + Duration::us(777));
            let snapshot = Viewer::default().snapshot(&world, &Metrics::default(), Detail::Stage);
            for frame in &snapshot.frames {
                let report = frame_report(&world, frame.key).expect("it is under way");
                assert!(report.title.contains(" → ") && report.text.contains("correlation id"), "{report:?}");
                let carries = report.text.lines().filter(|line| line.starts_with("batch  ")).count();
                assert_eq!(carries > 0, frame.records > 0, "{report:?}");
                assert!(!report.text.contains("unknown_tagged_fields") && report.text.contains("\n0000  "), "{report:?}");
                told += 1;
            }
        }
        assert!(told > 50, "{told}");
        assert_eq!(frame_report(&world, u64::MAX), None);
    }
}
