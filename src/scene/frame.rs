//! Frames on their way, and where there are too many of a kind: flows with a number.

use std::collections::BTreeMap;

use super::build::Stage;
use super::client::Homes;
use super::item::Item;
use super::route::route;
use super::shape::*;
use crate::kafka::protocol::frame::Kind;
use crate::playground::snapshot::{FrameView, Hue};

/// At most so many marks of a kind; more of it is drawn as flows.
pub const MOST_MARKS: usize = 40;

/// A frame is pointed at from so far away.
const REACH: f64 = 8.0;
/// A frame is seen to move if it is under way for so many pictures of the screen.
const PICTURES: u64 = 3;

/// The kinds in the order of the legend, with a word each.
pub const KINDS: [(Kind, &str); 11] = [
    (Kind::Produce, "produce"),
    (Kind::ProduceAck, "acknowledgement"),
    (Kind::Fetch, "fetch"),
    (Kind::FetchData, "fetched records"),
    (Kind::Heartbeat, "heartbeat"),
    (Kind::Group, "join, sync"),
    (Kind::Commit, "offset commit"),
    (Kind::Metadata, "metadata"),
    (Kind::Controller, "controller"),
    (Kind::Admin, "admin"),
    (Kind::Other, "other"),
];

/// A kind's sign: shape and ink.
pub fn sign(kind: Kind) -> (Glyph, Ink) {
    match kind {
        Kind::Produce => (Glyph::Disc, Ink::Plain),
        Kind::ProduceAck => (Glyph::Ring, Ink::Good),
        Kind::Fetch => (Glyph::Ring, Ink::Muted),
        Kind::FetchData => (Glyph::Square, Ink::Plain),
        Kind::Heartbeat => (Glyph::Plus, Ink::Muted),
        Kind::Group => (Glyph::Triangle, Ink::Warn),
        Kind::Commit => (Glyph::Wedge, Ink::Text),
        Kind::Metadata => (Glyph::Diamond, Ink::Muted),
        Kind::Controller => (Glyph::Diamond, Ink::Accent),
        Kind::Admin => (Glyph::Triangle, Ink::Accent),
        Kind::Other => (Glyph::Bar, Ink::Muted),
    }
}

pub(super) fn draw(stage: &mut Stage, homes: &Homes) {
    let snapshot = stage.snapshot;
    if stage.options.reduced_motion {
        return;
    }
    let mut count: BTreeMap<Kind, usize> = BTreeMap::new();
    for frame in &snapshot.frames {
        *count.entry(frame.kind).or_default() += 1;
    }
    let many = |kind: Kind| count.get(&kind).is_some_and(|n| *n > MOST_MARKS);
    let mut flows: BTreeMap<(Kind, u32, u32), Vec<&FrameView>> = BTreeMap::new();
    stage.in_motion(|stage| {
        let hidden = stage.options.hidden;
        for frame in snapshot.frames.iter().filter(|f| !hidden.has(f.kind)) {
            if many(frame.kind) && !frame.waits {
                flows.entry((frame.kind, frame.from, frame.to)).or_default().push(frame);
            } else {
                mark(stage, homes, frame);
            }
        }
        for ((kind, from, to), frames) in &flows {
            flow(stage, homes, *kind, *from, *to, frames);
        }
    });
}

/// How far a frame has got at an instant, 0 to 1.
pub fn progress(now_us: u64, sent_us: u64, due_us: u64) -> f64 {
    if due_us <= sent_us {
        return 1.0;
    }
    (now_us.saturating_sub(sent_us) as f64 / (due_us - sent_us) as f64).min(1.0)
}

fn is_answer(kind: Kind) -> bool {
    matches!(kind, Kind::ProduceAck | Kind::FetchData)
}

fn mark(stage: &mut Stage, homes: &Homes, frame: &FrameView) {
    let is_brief = frame.due_us.saturating_sub(frame.sent_us) < PICTURES * stage.options.picture_us;
    let now_us = if is_brief { stage.snapshot.now_us } else { stage.now_us };
    let part = progress(now_us, frame.sent_us, frame.due_us);
    if part >= 1.0 && !frame.waits {
        return;
    }
    let Some(route) = route(stage, homes, frame.from, frame.to, frame.about.as_ref(), is_answer(frame.kind)) else { return };
    let item = Item::Frame(frame.key);
    // What waits at a cut stands before the wall, which is half way.
    let at = route.at(if frame.waits { part.min(0.46) } else { part });
    let (glyph, ink) = sign(frame.kind);
    if is_brief {
        let stroke = Stroke { paint: ink.part(30), width: 1.5, dashed: false };
        stage.put(&item, Part::Lane, 0, Form::Path { points: route.points, stroke });
    }
    let ink = match frame.hue {
        Hue::Key(n) => Ink::Key(n),
        _ => ink,
    };
    let size = if frame.records > 0 { 9.0 } else { 7.0 };
    stage.put(&item, Part::Mark, 0, glyph.form(at, size, ink.full()));
    // What stands still can be pointed at; what moves is found where it is at that moment.
    stage.target(&item, Rect::new(at.x - REACH, at.y - REACH, 2.0 * REACH, 2.0 * REACH));
    if frame.retry {
        stage.put(&item, Part::Mark, 1, Glyph::Ring.form(at, size + 6.0, Ink::Warn.full()));
    }
    if frame.waits {
        stage.put(&item, Part::Mark, 2, Glyph::Pause.form(Point::new(at.x, at.y - 9.0), 7.0, Ink::Bad.full()));
    }
}

/// Many frames of a kind between two processes: a line as wide as there are many, with their number.
fn flow(stage: &mut Stage, homes: &Homes, kind: Kind, from: u32, to: u32, frames: &[&FrameView]) {
    let about = frames.iter().find_map(|f| f.about.as_ref());
    let Some(route) = route(stage, homes, from, to, about, is_answer(kind)) else { return };
    let item = Item::Frame((from as u64) << 32 | to as u64);
    let (_, ink) = sign(kind);
    let width = (frames.len() as f64).sqrt().clamp(1.5, 8.0);
    let label_at = route.at(0.5);
    let stroke = Stroke { paint: ink.part(40), width, dashed: false };
    stage.put(&item, Part::Flow, kind as i64, Form::Path { points: route.points, stroke });
    if frames.len() < 2 {
        return;
    }
    let text = frames.len().to_string();
    let pill_w = text_width(&text, 10.5, true) + 8.0;
    let (right, bottom) = (stage.scene.width - pill_w, stage.scene.height - 14.0);
    let pill = Rect::new((label_at.x - pill_w / 2.0).clamp(0.0, right), (label_at.y - 7.0).clamp(0.0, bottom), pill_w, 14.0);
    stage.fill(&item, Part::Badge, kind as i64, pill, 7.0, Ink::Ground.full());
    let label = Label::new(text, Rect::new(pill.x + 3.0, pill.y, pill_w - 6.0, 14.0), 10.5, ink).mono().align(Align::Middle);
    stage.text(&item, Part::Number, kind as i64, label);
}
