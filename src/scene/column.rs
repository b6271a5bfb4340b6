//! A broker's column: its card and its header.

use super::build::Stage;
use super::item::Item;
use super::plan::Column;
use super::shape::*;
use crate::playground::snapshot::{NodeState, NodeView};

pub(super) fn draw(stage: &mut Stage) {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    for column in &plan.columns {
        let node = &snapshot.nodes[column.index];
        card(stage, column, node);
        header(stage, column, node);
    }
}

fn card(stage: &mut Stage, column: &Column, node: &NodeView) {
    let item = Item::Node(node.id);
    let up = node.state.is_up();
    let fill = up.then_some(Ink::Card.full());
    let stroke = if up { Ink::Line.stroke(1.0) } else { Ink::Line.stroke(1.25).dashed() };
    stage.put(&item, Part::Ground, 0, Form::Box { at: column.at, radius: 10.0, fill, stroke: Some(stroke) });
    stage.target(&item, column.header);
}

fn header(stage: &mut Stage, column: &Column, node: &NodeView) {
    let item = Item::Node(node.id);
    let at = column.header;
    let narrow = stage.plan.narrow;
    let tight = !narrow && at.w < TIGHT;
    let pad = match () {
        _ if narrow => 8.0,
        _ if tight => 6.0,
        _ => 12.0,
    };
    let (glyph, ink) = sign(node);
    stage.put(&item, Part::Sign, 0, glyph.form(Point::new(at.x + pad + 5.0, at.y + 20.0), 9.0, ink.full()));
    let left = at.x + pad + if tight { 14.0 } else { 17.0 };
    let mut right = at.right() - pad;
    let active = stage.snapshot.controller == Some(node.id);
    let badge = format!("controller · epoch {}", stage.snapshot.controller_epoch);
    let width = text_width(&badge, 11.0, false) + 14.0;
    if active && node.is_broker && right - width > left + 60.0 {
        right -= width + 8.0;
        self::badge(stage, &item, Rect::new(right + 8.0, at.y + 10.0, width, 20.0), &badge);
    }
    let ink = if node.state.is_up() { Ink::Text } else { Ink::Muted };
    stage.text(&item, Part::Name, 0, Label::new(&*node.host, Rect::new(left, at.y + 11.0, right - left, 18.0), 14.0, ink).bold());
    // Short of room, the second line begins below the sign.
    let indent = if at.w < 150.0 { at.x + pad } else { left };
    let below = Rect::new(indent, at.y + 32.0, at.right() - pad - indent + 4.0, 15.0);
    let dies = node.session_ends_us.filter(|_| !node.state.is_up() || node.state == NodeState::Paused);
    match dies {
        Some(ends_us) => stage.in_motion(|stage| {
            let left_us = ends_us.saturating_sub(stage.now_us);
            let words = format!("session ends in {}.{} s", left_us / 1_000_000, left_us / 100_000 % 10);
            // A broker whose session ends is fenced.
            let short = format!("fenced in {}.{} s", left_us / 1_000_000, left_us / 100_000 % 10);
            let text = format!("{} · {words}", state_word(node));
            let text = fitting([text, words, short], below.w);
            stage.text(&item, Part::Detail, 0, Label::new(text, below, 11.5, Ink::Bad));
        }),
        None => {
            let (text, ink) = detail(node, active, stage.snapshot.controller_epoch, below.w);
            stage.text(&item, Part::Detail, 0, Label::new(text, below, 11.5, ink));
        }
    }
}

fn badge(stage: &mut Stage, item: &Item, at: Rect, text: &str) {
    stage.fill(item, Part::Badge, 0, at, 10.0, Ink::Accent.part(16));
    let inner = Rect::new(at.x + 7.0, at.y + 3.0, at.w - 14.0, 14.0);
    stage.text(item, Part::Badge, 1, Label::new(text, inner, 11.0, Ink::Accent).bold().align(Align::Middle));
}

/// The sign before a host's name: its shape tells the state without its colour.
fn sign(node: &NodeView) -> (Glyph, Ink) {
    match node.state {
        NodeState::Running if node.fenced && node.is_broker => (Glyph::Ring, Ink::Warn),
        NodeState::Running => (Glyph::Disc, Ink::Good),
        NodeState::Starting | NodeState::Stopping => (Glyph::Ring, Ink::Warn),
        NodeState::Paused => (Glyph::Pause, Ink::Warn),
        NodeState::Killed | NodeState::PoweredOff => (Glyph::Cross, Ink::Bad),
        NodeState::Stopped => (Glyph::Square, Ink::Muted),
    }
}

/// A node's state in a word.
pub(super) fn state_word(node: &NodeView) -> &'static str {
    match node.state {
        NodeState::Running if node.fenced && node.is_broker => "fenced",
        NodeState::Running => "running",
        NodeState::Starting => "starting",
        NodeState::Stopping => "stopping",
        NodeState::Paused => "paused",
        NodeState::Killed => "killed",
        NodeState::PoweredOff => "power cut",
        NodeState::Stopped => "stopped",
    }
}

/// A column that is narrower has less margin, so that its host's name fits.
const TIGHT: f64 = 110.0;
/// Less than this is left for words in the column of a controller that has others beside it.
const IN_QUORUM: f64 = 96.0;

fn detail(node: &NodeView, active: bool, epoch: i32, width: f64) -> (String, Ink) {
    let state = state_word(node);
    match node.state {
        NodeState::Running if !node.is_broker && active => {
            // In a column of a quorum its colour alone tells that it is the active one.
            let least = if width < IN_QUORUM { "" } else { "active · " };
            let texts = ["active controller · ", "controller · ", least].map(|word| format!("{word}epoch {epoch}"));
            (fitting(texts, width), Ink::Accent)
        }
        NodeState::Running if !node.is_broker => ("standby".to_owned(), Ink::Muted),
        NodeState::Running if !node.fenced => {
            let disk = bytes(node.disk_bytes);
            let both = format!("leads {} of {} · {disk}", node.leaders, node.replicas);
            let short = format!("leads {} · {disk}", node.leaders);
            (fitting([both, short, disk], width), Ink::Muted)
        }
        NodeState::Running | NodeState::Starting | NodeState::Stopping | NodeState::Paused => (state.to_owned(), Ink::Warn),
        _ if node.fenced && node.is_broker => {
            (fitting([format!("{state} · fenced by the controller"), format!("{state} · fenced"), state.to_owned()], width), Ink::Bad)
        }
        _ => (state.to_owned(), Ink::Bad),
    }
}

/// The longest that fits; they come longest first.
pub(super) fn fitting<const N: usize>(texts: [String; N], width: f64) -> String {
    let mut last = String::new();
    for text in texts {
        last = text;
        if text_width(&last, 11.5, false) <= width {
            break;
        }
    }
    last
}
