//! One replica's log as a strip: blocks, high watermark, epoch band, offsets.

use super::build::Stage;
use super::item::Item;
use super::shape::*;
use crate::playground::snapshot::{Hue, ReplicaView};

/// Room left of the first block: the leader's edge stands there.
const LEFT: f64 = 8.0;

/// The offset scale that all strips of a row share, so that the eye reads across.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The offset at the left edge of the blocks.
    pub origin: i64,
    /// How many offsets there is room for.
    pub capacity: i64,
    /// From one block to the next, in pixels.
    pub pitch: f64,
    /// For the number after the last block.
    pub number_w: f64,
}

/// How a replica stands with its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Leader,
    InSync,
    /// Alive, but not in the ISR.
    Behind,
    /// On a broker that is down.
    Ghost,
}

impl Scale {
    /// For strips `width` wide over logs of which the longest ends at `end`.
    pub fn new(width: f64, end: i64, tail: usize) -> Scale {
        let number_w = text_width(&grouped(end.max(999)), 11.0, true) + 8.0;
        let room = (width - LEFT - number_w - 6.0).max(0.0);
        let pitch = (room / tail as f64).clamp(6.0, 12.0);
        let capacity = ((room / pitch) as i64).clamp(1, tail as i64);
        Scale { origin: (end - capacity).max(0), capacity, pitch, number_w }
    }

    /// Where an offset's block begins, in a strip that begins at `strip_x`; outside the scale it is at its end.
    pub fn x(&self, strip_x: f64, offset: i64) -> f64 {
        strip_x + LEFT + (offset - self.origin).clamp(0, self.capacity) as f64 * self.pitch
    }
}

/// Draws one strip.
pub(super) fn draw(stage: &mut Stage, item: &Item, at: Rect, scale: Scale, log: &ReplicaView, standing: Standing) {
    ground(stage, item, at, standing);
    blocks(stage, item, at, scale, log, standing);
    epochs(stage, item, at, scale, log, standing);
    let ghost = |paint: Paint| if standing == Standing::Ghost { paint.ghosted() } else { paint };
    let middle = at.y + (at.h - 4.0) / 2.0;
    if log.log_end < scale.origin {
        // Its end lies left of all that this row shows.
        let text = format!("{} behind", grouped(scale.origin + scale.capacity - log.log_end));
        let ink = if standing == Standing::Ghost { Ink::Muted } else { Ink::Warn };
        let box_ = Rect::new(at.x + LEFT + 4.0, middle - 7.0, at.w - LEFT - 10.0, 14.0);
        stage.text(item, Part::Number, 0, Label::new(text, box_, 11.0, ink).mono());
        return;
    }
    let end_x = scale.x(at.x, log.log_end);
    if (scale.origin..=log.log_end).contains(&log.high_watermark) && log.log_end > 0 {
        let x = scale.x(at.x, log.high_watermark);
        let line = Stroke { paint: ghost(Ink::Text.full()), width: 2.5, dashed: false };
        stage.line(item, Part::Watermark, 0, Point::new(x, at.y + 2.0), Point::new(x, at.bottom() - 2.0), line);
    }
    let number = Rect::new(end_x + 6.0, middle - 7.0, scale.number_w - 2.0, 14.0);
    let ink = if standing == Standing::Leader { Ink::Text } else { Ink::Muted };
    stage.text(item, Part::Number, 0, Label::new(grouped(log.log_end), number, 11.0, ink).mono());
}

fn ground(stage: &mut Stage, item: &Item, at: Rect, standing: Standing) {
    let (fill, stroke) = match standing {
        Standing::Leader => (Some(Ink::Lead.full()), None),
        Standing::InSync => (Some(Ink::Strip.full()), None),
        Standing::Behind => (Some(Ink::Strip.part(50)), Some(Ink::Warn.stroke(1.5).dashed())),
        Standing::Ghost => (None, Some(Ink::Line.stroke(1.25).dashed())),
    };
    stage.put(item, Part::Ground, 0, Form::Box { at, radius: 5.0, fill, stroke });
}

/// The leader's solid edge; drawn by the row, as it may be on its way.
pub(super) fn edge(stage: &mut Stage, item: &Item, at: Rect) {
    let edge = Rect::new(at.x, at.y, 4.0, at.h);
    stage.fill(item, Part::Edge, 0, edge, 2.0, Ink::Accent.full());
}

fn blocks(stage: &mut Stage, item: &Item, at: Rect, scale: Scale, log: &ReplicaView, standing: Standing) {
    let first = log.log_end - log.tail.len() as i64;
    let (top, height) = (at.y + 5.0, (at.h - 14.0).max(6.0));
    if log.log_start > scale.origin {
        let x = scale.x(at.x, log.log_start) - 1.5;
        let from = Point::new(x, at.y + 3.0);
        stage.line(item, Part::Start, 0, from, Point::new(x, at.bottom() - 3.0), Ink::Muted.stroke(1.0).dashed());
    }
    for (i, hue) in log.tail.iter().enumerate() {
        let offset = first + i as i64;
        if offset < scale.origin || offset < log.log_start || offset < 0 {
            continue;
        }
        let new_segment = log.segments.contains(&offset) && offset > log.log_start;
        let inset = if new_segment { 3.0 } else { 1.0 };
        let x = scale.x(at.x, offset) + inset;
        let block = Rect::new(x, top, scale.pitch - inset - 1.0, height);
        record(stage, item, offset, block, *hue, offset < log.high_watermark, standing);
    }
}

fn record(stage: &mut Stage, item: &Item, offset: i64, at: Rect, hue: Hue, committed: bool, standing: Standing) {
    let faint = |paint: Paint| if standing == Standing::Ghost { paint.ghosted() } else { paint };
    let ink = match hue {
        Hue::Gap => return,
        Hue::Plain => Ink::Plain,
        Hue::Key(n) => Ink::Key(n),
        Hue::Tombstone => {
            stage.put(item, Part::Block, offset, Glyph::Cross.form(at.middle(), at.w.min(at.h), faint(Ink::Muted.full())));
            return;
        }
        Hue::Control => {
            stage.put(item, Part::Block, offset, Glyph::Diamond.form(at.middle(), at.w.min(at.h) + 1.0, faint(Ink::Text.full())));
            return;
        }
    };
    if committed {
        stage.fill(item, Part::Block, offset, at, 1.5, faint(ink.full()));
    } else {
        let stroke = Stroke { paint: faint(ink.full()), width: 1.5, dashed: false };
        stage.outline(item, Part::Outline, offset, at.inset(0.75), 1.5, stroke);
    }
}

/// The band below the blocks: one tone for each leader epoch, broken at segments' borders.
fn epochs(stage: &mut Stage, item: &Item, at: Rect, scale: Scale, log: &ReplicaView, standing: Standing) {
    let y = at.bottom() - 6.0;
    for (i, (epoch, start)) in log.epochs.iter().enumerate() {
        let end = log.epochs.get(i + 1).map_or(log.log_end, |next| next.1).min(log.log_end);
        let start = (*start).max(scale.origin).max(log.log_start);
        if start >= end {
            continue;
        }
        let (from, to) = (scale.x(at.x, start) + 1.0, scale.x(at.x, end) - 1.0);
        let paint = Ink::Epoch((epoch % 4) as u8).full();
        let paint = if standing == Standing::Ghost { paint.ghosted() } else { paint };
        stage.fill(item, Part::Epoch, *epoch as i64, Rect::new(from, y, to - from, 3.0), 1.5, paint);
    }
}
