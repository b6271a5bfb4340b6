//! Producers on the left, groups with their members and chips on the right; on a narrow stage above and below.

use std::collections::BTreeMap;

use super::build::Stage;
use super::item::Item;
use super::motion::{Place, places};
use super::plan::{Row, RowKind};
use super::shape::*;
use crate::kafka::event::GroupState;
use crate::playground::snapshot::{GroupView, MemberView, ProducerView};

/// Members of a group that get a card each; the others are counted.
const MOST_MEMBERS: usize = 8;
const CHIP_H: f64 = 20.0;

/// Where the processes outside the matrix stand, so that frames find them.
pub(super) type Homes = BTreeMap<u32, Rect>;

pub(super) fn draw(stage: &mut Stage) -> Homes {
    let mut homes = Homes::new();
    producers(stage, &mut homes);
    groups(stage, &mut homes);
    homes
}

fn producers(stage: &mut Stage, homes: &mut Homes) {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    let lane = plan.producers;
    let height = if plan.narrow { 44.0 } else { 62.0 };
    let first = plan.rows.iter().find(|r| !snapshot.topics[r.topic].internal);
    let mut y = if plan.narrow { lane.y } else { first.map_or(lane.y, |r| r.at.y) };
    let mut shown = 0;
    for producer in &snapshot.producers {
        if y + height > lane.bottom() + 1.0 {
            break;
        }
        let stuck = producer.stuck.is_some() && !plan.narrow;
        let at = Rect::new(lane.x, y, lane.w, height + if stuck { 16.0 } else { 0.0 });
        homes.insert(producer.process, at);
        self::producer(stage, producer, at);
        y += at.h + if plan.narrow { 6.0 } else { 12.0 };
        shown += 1;
    }
    let rest = snapshot.producers.len() - shown;
    if rest > 0 && !plan.narrow {
        let at = Rect::new(lane.x, (y - 8.0).min(lane.bottom() - 16.0), lane.w, 16.0);
        stage.text(&Item::Stage, Part::Detail, 0, Label::new(format!("and {rest} more"), at, 11.5, Ink::Muted));
    }
}

fn producer(stage: &mut Stage, producer: &ProducerView, at: Rect) {
    let item = Item::Producer(producer.process);
    let stroke = if producer.stuck.is_some() { Ink::Warn.stroke(1.5).dashed() } else { Ink::Line.stroke(1.0) };
    stage.put(&item, Part::Ground, 0, Form::Box { at, radius: 8.0, fill: Some(Ink::Card.full()), stroke: Some(stroke) });
    stage.target(&item, at);
    let inner = at.inset(10.0);
    let waiting = match producer.buffered_records {
        0 => format!("acks={}", acks(producer.acks)),
        n => format!("{} waiting", grouped(n as i64)),
    };
    let ink = if producer.stuck.is_some() { Ink::Warn } else { Ink::Muted };
    let rate = format!("{}/s", grouped(producer.acked_per_s as i64));
    if stage.plan.narrow {
        let half = inner.w * 0.4;
        let y = at.y + 13.0;
        stage.text(&item, Part::Name, 0, Label::new(&*producer.name, Rect::new(inner.x, y, half, 18.0), 13.0, Ink::Text).bold());
        let label = Label::new(rate, Rect::new(inner.x + half, y + 1.0, 70.0, 16.0), 12.0, Ink::Text).mono();
        stage.text(&item, Part::Number, 0, label);
        let rest = Rect::new(inner.x + half + 74.0, y + 1.0, inner.w - half - 74.0, 16.0);
        stage.text(&item, Part::Detail, 0, Label::new(waiting, rest, 11.5, ink).align(Align::Right));
        return;
    }
    stage.text(&item, Part::Name, 0, Label::new(&*producer.name, Rect::new(inner.x, at.y + 6.0, inner.w, 17.0), 13.0, Ink::Text).bold());
    stage.text(&item, Part::Number, 0, Label::new(rate, Rect::new(inner.x, at.y + 23.0, inner.w, 16.0), 12.5, Ink::Text).mono());
    stage.text(&item, Part::Detail, 0, Label::new(waiting, Rect::new(inner.x, at.y + 40.0, inner.w, 15.0), 11.5, ink));
    if let Some(why) = &producer.stuck {
        stage.text(&item, Part::Detail, 1, Label::new(&**why, Rect::new(inner.x, at.y + 56.0, inner.w, 15.0), 11.5, Ink::Warn));
    }
    let heads = stage.plan.heads;
    let rows = stage.plan.rows.iter().filter(|r| stage.snapshot.topics[r.topic].name == producer.topic);
    let (top, bottom) = rows.fold((f64::MAX, 0.0_f64), |(top, bottom), r| (top.min(r.strip_y), bottom.max(r.strip_y + r.strip_h)));
    if top < bottom {
        // A bracket before the topic's rows: that is where its records go.
        let x = heads.x - 10.0;
        let stroke = Ink::Line.stroke(1.5);
        stage.line(&item, Part::Lane, 0, Point::new(x, top), Point::new(x, bottom), stroke);
        let to = Point::new(x, at.middle().y.clamp(top, bottom));
        stage.put(&item, Part::Lane, 1, Form::Curve { from: Point::new(at.right(), at.middle().y), to, stroke });
    }
}

fn acks(acks: i16) -> String {
    if acks == -1 { "all".to_owned() } else { acks.to_string() }
}

fn groups(stage: &mut Stage, homes: &mut Homes) {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    let lane = plan.groups;
    let mut y = lane.y;
    for group in &snapshot.groups {
        let room = lane.bottom() - y;
        if room < 90.0 {
            break;
        }
        y += self::group(stage, group, Rect { y, h: room, ..lane }, homes) + 12.0;
    }
}

/// Draws a group at the top of `room`; returns its height.
fn group(stage: &mut Stage, group: &GroupView, room: Rect, homes: &mut Homes) -> f64 {
    let item = Item::Group(group.name.as_str().into());
    let narrow = stage.plan.narrow;
    let tray: Vec<(&str, i32)> = places(group).into_iter().filter(|(_, place)| *place == Place::Tray).map(|(tp, _)| tp).collect();
    let head = if narrow { 40.0 } else { 60.0 };
    let tray_h = if tray.is_empty() || group.members.is_empty() { 0.0 } else { CHIP_H + 26.0 };
    let card_h = 54.0;
    let fits = ((room.h - head - tray_h - 28.0) / (card_h + 8.0)).max(0.0) as usize;
    let shown = group.members.len().min(MOST_MEMBERS).min(fits.max(1));
    let rest = group.members.len() - shown;
    let more = if rest > 0 { 20.0 } else { 0.0 };
    let at = Rect { h: head + shown as f64 * (card_h + 8.0) + more + tray_h + 4.0, ..room };
    let stroke = if group.state == GroupState::Stable { Ink::Line.stroke(1.0) } else { Ink::Warn.stroke(1.25).dashed() };
    let stroke = if group.members.is_empty() { Ink::Line.stroke(1.0) } else { stroke };
    stage.put(&item, Part::Ground, 0, Form::Box { at, radius: 10.0, fill: Some(Ink::Card.full()), stroke: Some(stroke) });
    group_head(stage, &item, group, at);
    stage.target(&item, Rect { h: head, ..at });
    let mut slots: Vec<(Place, Rect)> = Vec::new();
    for (i, member) in group.members.iter().take(shown).enumerate() {
        let card = Rect::new(at.x + 10.0, at.y + head + i as f64 * (card_h + 8.0), at.w - 20.0, card_h);
        homes.insert(member.process, card);
        slots.push((Place::Member(member.process), card));
        self::member(stage, member, card);
    }
    if rest > 0 {
        let label = Rect::new(at.x + 12.0, at.y + head + shown as f64 * (card_h + 8.0), at.w - 24.0, 16.0);
        stage.text(&item, Part::Detail, 3, Label::new(format!("and {rest} more"), label, 11.5, Ink::Muted));
    }
    let tray_at = Rect::new(at.x + 10.0, at.bottom() - tray_h, at.w - 20.0, tray_h);
    slots.push((Place::Tray, tray_at));
    if tray_h > 0.0 {
        let label = Rect::new(tray_at.x + 2.0, tray_at.y, tray_at.w, 15.0);
        stage.text(&item, Part::Detail, 2, Label::new("nobody reads", label, 11.0, Ink::Warn));
    }
    chips(stage, group, &slots, &tray);
    at.h
}

fn group_head(stage: &mut Stage, item: &Item, group: &GroupView, at: Rect) {
    let narrow = stage.plan.narrow;
    let inner = Rect::new(at.x + 12.0, at.y + 10.0, at.w - 24.0, 17.0);
    let state = match group.state {
        GroupState::Stable if !narrow => format!("Stable · gen {}", group.generation),
        GroupState::PreparingRebalance | GroupState::CompletingRebalance | GroupState::Assigning | GroupState::Reconciling => {
            format!("rebalance: {}", state_word(group))
        }
        _ => state_word(group).to_owned(),
    };
    let name_w = bold_width(&group.name, 13.5);
    let fits = text_width(&state, 11.5, false) + name_w + 10.0 <= inner.w;
    let state = if fits { state } else { state_word(group).to_owned() };
    let ink = match group.state {
        GroupState::Stable => Ink::Good,
        GroupState::Empty | GroupState::Dead => Ink::Muted,
        _ => Ink::Warn,
    };
    let state_w = text_width(&state, 11.5, false) + 4.0;
    stage.text(item, Part::Name, 0, Label::new(&*group.name, Rect { w: inner.w - state_w - 6.0, ..inner }, 13.5, Ink::Text).bold());
    let right = Rect::new(inner.right() - state_w, inner.y + 1.0, state_w, 15.0);
    stage.text(item, Part::Badge, 0, Label::new(state, right, 11.5, ink).align(Align::Right));
    if narrow {
        return;
    }
    let lag: i64 = group.offsets.iter().map(|o| (o.log_end - o.committed.unwrap_or(0)).max(0)).sum();
    let y = inner.y + 20.0;
    let rate = format!("{}/s", grouped(group.consumed_per_s as i64));
    let half = inner.w / 2.0 - 4.0;
    stage.text(item, Part::Number, 0, Label::new(rate, Rect::new(inner.x, y, half, 15.0), 12.0, Ink::Text).mono());
    let label = Label::new(format!("lag {}", grouped(lag)), Rect::new(inner.right() - half, y, half, 15.0), 12.0, Ink::Muted);
    stage.text(item, Part::Number, 1, label.mono().align(Align::Right));
}

/// What a group is doing, short enough for its head.
pub(super) fn state_word(group: &GroupView) -> &'static str {
    match group.state {
        GroupState::PreparingRebalance => "joining",
        GroupState::CompletingRebalance => "syncing",
        GroupState::Empty if !group.members.is_empty() => "joining",
        state => state.as_str(),
    }
}

fn member(stage: &mut Stage, member: &MemberView, at: Rect) {
    let item = Item::Member(member.process);
    let stroke = if member.stopped { Ink::Warn.stroke(1.25).dashed() } else { Ink::Line.stroke(1.0) };
    stage.put(&item, Part::Ground, 0, Form::Box { at, radius: 7.0, fill: Some(Ink::Strip.full()), stroke: Some(stroke) });
    stage.target(&item, at);
    lanes(stage, &item, member, at);
    let inner = Rect::new(at.x + 10.0, at.y + 7.0, at.w - 20.0, 16.0);
    let (note, ink) = match member {
        m if m.stopped => ("stopped".to_owned(), Ink::Warn),
        m if m.owned.is_empty() => ("idle".to_owned(), Ink::Muted),
        m => (format!("{}/s", grouped(m.consumed_per_s as i64)), Ink::Muted),
    };
    let note_w = text_width(&note, 11.5, true) + 2.0;
    let name = Rect { w: inner.w - note_w - 6.0, ..inner };
    stage.text(&item, Part::Name, 0, Label::new(&*member.client_id, name, 12.5, Ink::Text).bold());
    let right = Rect::new(inner.right() - note_w, inner.y, note_w, 15.0);
    stage.text(&item, Part::Number, 0, Label::new(note, right, 11.5, ink).mono().align(Align::Right));
}

/// Lines from the rows that a member owns to its card.
fn lanes(stage: &mut Stage, item: &Item, member: &MemberView, at: Rect) {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    if plan.narrow {
        return;
    }
    for (n, owned) in member.owned.iter().take(24).enumerate() {
        let is_it = |row: &&Row| match row.kind {
            RowKind::Partition { index, .. } => {
                let topic = &snapshot.topics[row.topic];
                topic.name == owned.topic && topic.partitions[index].partition == owned.partition
            }
            RowKind::Folded => false,
        };
        let Some(row) = plan.rows.iter().find(is_it) else { continue };
        let brokers = plan.columns.iter().filter(|c| snapshot.nodes[c.index].is_broker);
        let edge = brokers.map(|c| c.at.right()).fold(0.0, f64::max);
        let y = row.strip_y + row.strip_h / 2.0;
        let bend = Point::new(plan.groups.x - 30.0, y);
        let stroke = Ink::Line.stroke(1.5);
        stage.line(item, Part::Lane, n as i64 * 2, Point::new(edge + 4.0, y), bend, stroke);
        stage.put(item, Part::Lane, n as i64 * 2 + 1, Form::Curve { from: bend, to: Point::new(at.x, at.middle().y), stroke });
    }
}

/// The partitions of a group, each at its owner's, or on its way there.
fn chips(stage: &mut Stage, group: &GroupView, slots: &[(Place, Rect)], tray: &[(&str, i32)]) {
    let one_topic = group.offsets.iter().all(|o| o.topic == group.offsets[0].topic);
    for (n, (place, home)) in slots.iter().enumerate() {
        let owned: Vec<(&str, i32)> = match place {
            Place::Tray if home.h == 0.0 => continue,
            Place::Tray => tray.to_vec(),
            Place::Member(process) => {
                let member = group.members.iter().find(|m| m.process == *process);
                member.into_iter().flat_map(|m| &m.owned).map(|o| (o.topic.as_str(), o.partition)).collect()
            }
        };
        let chips_y = if *place == Place::Tray { home.y + 18.0 } else { home.y + 27.0 };
        let mut x = home.x + if *place == Place::Tray { 0.0 } else { 8.0 };
        let right = home.right() - 8.0;
        for (i, (topic, partition)) in owned.iter().enumerate() {
            let text = if one_topic && owned.len() > 2 { partition.to_string() } else { format!("{topic}-{partition}") };
            let width = text_width(&text, 11.0, true) + 12.0;
            let rest = owned.len() - i;
            let more_w = if rest > 1 { 34.0 } else { 0.0 };
            if x + width + more_w > right && !(rest == 1 && x + width <= right) {
                let label = Label::new(format!("+{rest}"), Rect::new(x, chips_y + 3.0, right - x, 14.0), 11.0, Ink::Muted).mono();
                stage.text(&Item::Group(group.name.as_str().into()), Part::Badge, n as i64 + 10, label);
                break;
            }
            let at = Rect::new(x, chips_y, width, CHIP_H);
            chip(stage, group, slots, (topic, *partition), *place, at, text);
            x += width + 6.0;
        }
    }
}

fn chip(stage: &mut Stage, group: &GroupView, slots: &[(Place, Rect)], what: (&str, i32), place: Place, at: Rect, text: String) {
    let item = Item::Partition(what.0.into(), what.1);
    let journey = stage.motion.chip(&group.name, what.0, what.1, stage.now_us).filter(|_| !stage.options.reduced_motion);
    let from = journey.and_then(|(from, part)| {
        let home = slots.iter().find(|slot| slot.0 == from).or(slots.last())?.1;
        Some((Rect::new(home.x + 8.0, home.y + 27.0, at.w, at.h), part))
    });
    let draw = |stage: &mut Stage, at: Rect| {
        let stroke = (place == Place::Tray).then_some(Ink::Warn.stroke(1.0).dashed());
        let ink = if place == Place::Tray { Ink::Warn } else { Ink::Accent };
        stage.put(&item, Part::Chip, what.1 as i64, Form::Box { at, radius: 5.0, fill: Some(ink.part(14)), stroke });
        let inner = Rect::new(at.x + 4.0, at.y + 3.0, at.w - 8.0, 14.0);
        stage.text(&item, Part::ChipText, what.1 as i64, Label::new(&*text, inner, 11.0, ink).mono().align(Align::Middle));
    };
    match from {
        Some((from, part)) => stage.in_motion(|stage| draw(stage, from.toward(at, part))),
        None => draw(stage, at),
    }
}
