//! A partition across the brokers: its heading, its strips, the leader's edge, what groups have committed and read.

use super::build::Stage;
use super::item::Item;
use super::plan::{Column, Row, RowKind};
use super::shape::*;
use super::strip::{self, Scale, Standing};
use crate::playground::snapshot::{NodeView, PartitionView, ReplicaView, TAIL, TopicView};

/// Between a column's edge and its strips.
const SIDE: f64 = 6.0;

pub(super) fn draw(stage: &mut Stage) {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    for row in &plan.rows {
        let topic = &snapshot.topics[row.topic];
        if row.first && !(plan.narrow && row.kind == RowKind::Folded) {
            topic_head(stage, row, topic);
        }
        match row.kind {
            RowKind::Folded => folded(stage, row, topic),
            RowKind::Partition { index, thin } => {
                let Some(partition) = topic.partitions.get(index) else { continue };
                stage.target(&Item::Partition(topic.name.as_str().into(), partition.partition), Rect { h: row.strip_h, ..row.at });
                number(stage, row, topic, partition);
                if thin { bars(stage, row, topic, partition) } else { strips(stage, row, topic, partition) }
            }
        }
    }
}

/// The strip of a row in a column.
pub(super) fn cell(row: &Row, column: &Column) -> Rect {
    Rect::new(column.at.x + SIDE, row.strip_y, column.at.w - 2.0 * SIDE, row.strip_h)
}

/// The offset scale of a row.
pub(super) fn scale(stage: &Stage, row: &Row, partition: &PartitionView) -> Scale {
    let hosts = stage.plan.columns.iter().filter(|c| partition.logs.iter().any(|log| log.broker == c.node));
    let width = hosts.map(|c| c.at.w - 2.0 * SIDE).fold(f64::INFINITY, f64::min);
    let end = partition.logs.iter().map(|log| log.log_end).max().unwrap_or(0);
    let _ = row;
    Scale::new(if width.is_finite() { width } else { 100.0 }, end, TAIL)
}

/// Whether the host of a replica is there.
fn is_up(stage: &Stage, broker: i32) -> bool {
    stage.snapshot.nodes.iter().find(|n: &&NodeView| n.id == broker).is_some_and(|n| n.state.is_up())
}

fn topic_head(stage: &mut Stage, row: &Row, topic: &TopicView) {
    let item = Item::Topic(topic.name.as_str().into());
    let facts = match topic.internal {
        true if topic.partitions.len() == 1 => String::new(),
        true => format!("{} partitions", topic.partitions.len()),
        false => format!("RF {} · min ISR {}", topic.replication_factor, topic.min_isr),
    };
    if let Some(title) = row.title {
        band(stage, &item, title);
        let width = bold_width(&topic.name, 13.0).min(title.w * 0.6);
        stage.text(&item, Part::Name, 0, Label::new(&*topic.name, Rect::new(title.x, title.y + 4.0, width, 17.0), 13.0, Ink::Text).bold());
        let rest = Rect::new(title.x + width + 10.0, title.y + 5.0, title.w - width - 10.0, 15.0);
        stage.text(&item, Part::Detail, 0, Label::new(facts, rest, 11.5, Ink::Muted));
        return;
    }
    let heads = stage.plan.heads;
    let line_y = row.at.y - 6.0;
    if row.at.y > heads.y + 30.0 {
        stage.line(&item, Part::Ground, -1, Point::new(heads.x, line_y), Point::new(heads.right() - 8.0, line_y), Ink::Line.stroke(1.0));
    }
    let number_w = if topic.partitions.len() > 1 && row.kind != RowKind::Folded { 30.0 } else { 12.0 };
    let width = heads.w - number_w;
    let two_lines = !facts.is_empty() && (row.of > 1 || row.strip_h >= 32.0) && row.kind != RowKind::Folded && row.at.h >= 16.0;
    let block = if two_lines { 32.0 } else { 17.0 };
    // Centred on the strip where the strip is taller than the words.
    let top = row.strip_y + ((row.strip_h - block) / 2.0).max(0.0);
    let at = Rect::new(heads.x, top, width, 17.0);
    let label = match topic.internal {
        true => Label::new(&*topic.name, at, 11.5, Ink::Muted),
        false => Label::new(&*topic.name, at, 13.5, Ink::Text).bold(),
    };
    stage.text(&item, Part::Name, 0, label);
    if two_lines {
        let facts = if text_width(&facts, 11.0, false) <= width { facts } else { format!("RF {}", topic.replication_factor) };
        stage.text(&item, Part::Detail, 0, Label::new(facts, Rect::new(heads.x, top + 18.0, width, 14.0), 11.0, Ink::Muted));
    }
}

/// On a narrow stage a topic's line goes over all columns, and breaks their cards.
fn band(stage: &mut Stage, item: &Item, at: Rect) {
    stage.fill(item, Part::Ground, -2, Rect::new(0.0, at.y, stage.plan.width, at.h), 0.0, Ink::Ground.full());
}

fn number(stage: &mut Stage, row: &Row, topic: &TopicView, partition: &PartitionView) {
    let item = Item::Partition(topic.name.as_str().into(), partition.partition);
    let heads = stage.plan.heads;
    let lost = partition.leader.is_none();
    if (row.of == 1 && !stage.plan.narrow && !lost) || row.at.h < 14.0 {
        return;
    }
    let right = heads.right() - if stage.plan.narrow { 4.0 } else { 8.0 };
    let middle = row.strip_y + row.strip_h / 2.0;
    let h = row.at.h.min(16.0);
    let at = Rect::new(right - 22.0, middle - h / 2.0, 22.0, h);
    let at = if stage.plan.narrow { Rect::new(heads.x, at.y, heads.w - 4.0, h) } else { at };
    if lost {
        // Where there is no number the name takes its place.
        let at = if row.of == 1 && !stage.plan.narrow { Point::new(heads.right() - 6.0, middle) } else { at.middle() };
        stage.put(&item, Part::Sign, 0, Glyph::Cross.form(at, 9.0, Ink::Bad.full()));
        return;
    }
    let under = partition.isr.len() < partition.replicas.len();
    let ink = if under { Ink::Warn } else { Ink::Muted };
    stage.text(&item, Part::Name, 0, Label::new(partition.partition.to_string(), at, 12.5, ink).mono().align(Align::Right));
}

fn standing(stage: &Stage, partition: &PartitionView, log: &ReplicaView) -> Standing {
    match () {
        _ if !is_up(stage, log.broker) => Standing::Ghost,
        _ if partition.leader == Some(log.broker) => Standing::Leader,
        _ if partition.isr.contains(&log.broker) => Standing::InSync,
        // Observers (brokers that copy the metadata log) are no replicas.
        _ if !partition.replicas.contains(&log.broker) => Standing::InSync,
        _ => Standing::Behind,
    }
}

fn strips(stage: &mut Stage, row: &Row, topic: &TopicView, partition: &PartitionView) {
    let scale = scale(stage, row, partition);
    let plan = stage.plan;
    for column in &plan.columns {
        let Some(log) = partition.logs.iter().find(|log| log.broker == column.node) else { continue };
        let item = Item::Replica(topic.name.as_str().into(), partition.partition, column.node);
        let at = cell(row, column);
        let standing = standing(stage, partition, log);
        strip::draw(stage, &item, at, scale, log, standing);
        stage.target(&item, at);
        if standing == Standing::Leader {
            carets(stage, topic, partition, at, scale);
        } else if log.leads && standing != Standing::Ghost {
            // It has not heard that another leads now.
            stage.outline(&item, Part::Edge, 1, Rect::new(at.x, at.y, 4.0, at.h), 2.0, Ink::Warn.stroke(1.0));
        }
    }
    edge(stage, row, topic, partition);
}

/// The leader's solid edge, on its way from the one before if that was just now.
fn edge(stage: &mut Stage, row: &Row, topic: &TopicView, partition: &PartitionView) {
    let plan = stage.plan;
    let find = |node: i32| plan.columns.iter().find(|c| c.node == node).map(|c| cell(row, c));
    let Some((leader, at)) = partition.leader.and_then(|id| Some((id, find(id)?))) else { return };
    let item = Item::Replica(topic.name.as_str().into(), partition.partition, leader);
    let now_us = stage.now_us;
    let journey = stage.motion.leader(&topic.name, partition.partition, now_us).filter(|_| !stage.options.reduced_motion);
    match journey.and_then(|(from, part)| Some((find(from)?, part))) {
        Some((from, part)) => stage.in_motion(|stage| {
            let here = from.toward(at, part);
            stage.fill(&item, Part::Edge, 2, Rect { w: 26.0, ..here }, 4.0, Ink::Accent.part(22));
            strip::edge(stage, &item, here);
        }),
        None if is_up(stage, leader) => strip::edge(stage, &item, at),
        // The controller has not noticed yet: it is still written down as the leader.
        None => stage.outline(&item, Part::Edge, 0, Rect::new(at.x, at.y, 4.0, at.h), 2.0, Ink::Bad.stroke(1.25)),
    }
}

/// What groups have committed (from below) and read (from above) of a partition, on its leader's strip.
fn carets(stage: &mut Stage, topic: &TopicView, partition: &PartitionView, at: Rect, scale: Scale) {
    let snapshot = stage.snapshot;
    for group in snapshot.groups.iter().take(4) {
        let item = Item::Group(group.name.as_str().into());
        let n = partition.partition as i64;
        let is_here = |t: &str, p: i32| t == topic.name && p == partition.partition;
        let committed = group.offsets.iter().find(|o| is_here(&o.topic, o.partition)).and_then(|o| o.committed);
        if let Some(offset) = committed {
            // Further left than the strip shows, it waits at the edge.
            let paint = Ink::Text.part(if offset < scale.origin { 45 } else { 100 });
            let x = scale.x(at.x, offset);
            stage.put(&item, Part::Committed, n, Glyph::Triangle.form(Point::new(x, at.bottom() + 2.5), 7.0, paint));
        }
        let position = group.members.iter().flat_map(|m| &m.owned).find(|o| is_here(&o.topic, o.partition)).map(|o| o.position);
        if let Some(offset) = position.filter(|o| *o >= scale.origin) {
            let x = scale.x(at.x, offset);
            stage.put(&item, Part::Position, n, Glyph::Wedge.form(Point::new(x, at.y + 1.0), 7.0, Ink::Accent.full()));
        }
    }
}

/// A line for a topic that is folded: how much of it each broker leads.
fn folded(stage: &mut Stage, row: &Row, topic: &TopicView) {
    let plan = stage.plan;
    let item = Item::Topic(topic.name.as_str().into());
    stage.target(&item, row.at);
    if plan.narrow {
        let text = format!("{} · {} partitions", topic.name, topic.partitions.len());
        let at = Rect::new(row.at.x, row.at.y + 4.0, row.at.w, 17.0);
        stage.text(&item, Part::Name, 0, Label::new(text, at, 12.0, Ink::Muted));
        return;
    }
    for (n, column) in plan.columns.iter().enumerate() {
        let has = topic.partitions.iter().filter(|p| p.replicas.contains(&column.node)).count();
        if has == 0 {
            continue;
        }
        let leads = topic.partitions.iter().filter(|p| p.leader == Some(column.node)).count();
        let at = cell(row, column);
        let up = is_up(stage, column.node);
        let stroke = if up { None } else { Some(Ink::Line.stroke(1.25).dashed()) };
        let fill = up.then_some(Ink::Strip.full());
        stage.put(&item, Part::Ground, n as i64, Form::Box { at, radius: 4.0, fill, stroke });
        let all = topic.partitions.len().max(1) as f64;
        if leads > 0 && up {
            stage.fill(&item, Part::Edge, n as i64, Rect { w: (at.w * leads as f64 / all).max(3.0), ..at }, 4.0, Ink::Lead.full());
        }
        let text = format!("leads {leads} of {has}");
        let inner = Rect::new(at.x + 8.0, at.y + at.h / 2.0 - 7.0, at.w - 16.0, 14.0);
        stage.text(&item, Part::Number, n as i64, Label::new(text, inner, 11.0, Ink::Muted));
    }
}

/// Many rows: a bar as long as the log, in the colour of how it stands.
fn bars(stage: &mut Stage, row: &Row, topic: &TopicView, partition: &PartitionView) {
    let plan = stage.plan;
    let longest = partition.logs.iter().map(|log| log.log_end).max().unwrap_or(0).max(1) as f64;
    for column in &plan.columns {
        let Some(log) = partition.logs.iter().find(|log| log.broker == column.node) else { continue };
        let item = Item::Replica(topic.name.as_str().into(), partition.partition, column.node);
        let at = cell(row, column).inset(0.5);
        let standing = standing(stage, partition, log);
        let (paint, dashed) = match standing {
            Standing::Leader => (Ink::Accent.full(), false),
            Standing::InSync => (Ink::Plain.full(), false),
            Standing::Behind => (Ink::Warn.full(), true),
            Standing::Ghost => (Ink::Muted.part(40), true),
        };
        let bar = Rect { w: (at.w * log.log_end as f64 / longest).max(3.0), ..at };
        if dashed {
            stage.outline(&item, Part::Block, 0, bar, 2.0, Stroke { paint, width: 1.25, dashed });
        } else {
            stage.fill(&item, Part::Block, 0, bar, 2.0, paint);
        }
    }
}
