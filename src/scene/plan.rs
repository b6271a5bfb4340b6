//! Where columns, rows and lanes stand: one viewport, one cluster, no colours.

use std::collections::BTreeSet;

use super::shape::{Rect, text_width};
use crate::playground::snapshot::{NodeView, Snapshot, TopicView};

/// Below this width producers and groups stand above and below the matrix, not beside it.
const NARROW: f64 = 640.0;
/// Past so many rows a strip is a thin bar without blocks.
pub const MOST_STRIPS: usize = 30;
/// Height of a line that stands for a folded topic.
const FOLDED: f64 = 26.0;
/// Above the rows: where frames travel that are for a broker and not for a partition.
const TRAFFIC: f64 = 22.0;
const GAP: f64 = 16.0;
/// What the stage keeps free at its edges.
const MARGIN: f64 = 16.0;

/// The space there is, in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Viewport {
    pub width: f64,
    pub height: f64,
}

/// A broker's column, or the narrow one of a controller apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub node: i32,
    /// Its place in the snapshot's nodes.
    pub index: usize,
    pub at: Rect,
    pub header: Rect,
}

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// Strips with blocks, or thin bars.
    Partition {
        index: usize,
        thin: bool,
    },
    Folded,
}

/// One partition across all columns, or a folded topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its topic's place in the snapshot.
    pub topic: usize,
    pub kind: RowKind,
    /// The first of its topic, which carries the name.
    pub first: bool,
    /// How many rows its topic has.
    pub of: usize,
    /// The whole row, from its heading to the last column.
    pub at: Rect,
    /// The strips' top and height; below them runs the gutter for frames.
    pub strip_y: f64,
    pub strip_h: f64,
    /// Only in a narrow plan: where the topic's name stands, above its first row.
    pub title: Option<Rect>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub narrow: bool,
    pub width: f64,
    pub height: f64,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// The lanes at the sides (narrow: above and below); empty boxes if nobody is there.
    pub producers: Rect,
    pub groups: Rect,
    /// Topics' names and partitions' numbers.
    pub heads: Rect,
    /// Where frames to brokers travel.
    pub traffic_y: f64,
}

impl Row {
    /// The middle of the gutter below the strips.
    pub fn lane_y(&self) -> f64 {
        (self.strip_y + self.strip_h + self.at.bottom()) / 2.0
    }
}

/// Lays out a snapshot. `opened`: internal topics that are shown in full.
pub fn plan(snapshot: &Snapshot, viewport: Viewport, opened: &BTreeSet<String>) -> Plan {
    let narrow = viewport.width < NARROW;
    let mut plan = Plan { narrow, ..Plan::default() };
    across(&mut plan, snapshot, viewport);
    down(&mut plan, snapshot, viewport, opened);
    plan
}

/// Everything that has a left and a right.
fn across(plan: &mut Plan, snapshot: &Snapshot, viewport: Viewport) {
    let narrow = plan.narrow;
    let margin = if narrow { 8.0 } else { MARGIN };
    let gap = if narrow { 6.0 } else { GAP };
    let roomy = viewport.width - 2.0 * margin;
    let producers = if narrow || snapshot.producers.is_empty() { 0.0 } else { 116.0 };
    let groups = if narrow || snapshot.groups.is_empty() { 0.0 } else { (viewport.width * 0.19).clamp(172.0, 256.0) };
    let heads = if narrow { 20.0 } else { heads_width(snapshot) };
    let (brokers, apart) = columns(snapshot);
    let apart = if narrow { Vec::new() } else { apart };
    let lanes = lane(producers) + lane(groups);
    let aparts = apart.len() as f64 * (112.0 + gap);
    let n = brokers.len().max(1) as f64;
    let least = if narrow { 104.0 } else { 120.0 };
    let broker = ((roomy - lanes - heads - aparts - gap * (n - 1.0)) / n).clamp(least, 400.0);
    let matrix = heads + n * broker + gap * (n - 1.0) + aparts;
    let total = lanes + matrix;
    plan.width = viewport.width.max(total + 2.0 * margin);
    let left = ((plan.width - total) / 2.0).max(margin);
    plan.producers = Rect::new(left, 0.0, producers, 0.0);
    let mut x = left + lane(producers);
    plan.heads = Rect::new(x, 0.0, heads, 0.0);
    x += heads;
    for (width, index) in brokers.iter().map(|i| (broker, *i)).chain(apart.iter().map(|i| (112.0, *i))) {
        let at = Rect::new(x, 0.0, width, 0.0);
        plan.columns.push(Column { node: snapshot.nodes[index].id, index, at, header: at });
        x += width + gap;
    }
    plan.groups = Rect::new(plan.width - left - groups, 0.0, groups, 0.0);
    if narrow {
        plan.producers = Rect::new(margin, 0.0, viewport.width - 2.0 * margin, 0.0);
        plan.groups = plan.producers;
    }
}

/// A lane with the room that curves need beside it.
fn lane(width: f64) -> f64 {
    if width > 0.0 { width + 36.0 } else { 0.0 }
}

/// As wide as the longest topic's name needs, within reason.
fn heads_width(snapshot: &Snapshot) -> f64 {
    let longest = snapshot.topics.iter().map(|t| {
        let below = if t.internal { 0.0 } else { 30.0 };
        text_width(&t.name, 12.5, false) + below
    });
    longest.fold(0.0, f64::max).clamp(120.0, 168.0) + 12.0
}

/// Brokers by id, then controllers apart.
fn columns(snapshot: &Snapshot) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..snapshot.nodes.len()).collect();
    order.sort_by_key(|i| snapshot.nodes[*i].id);
    order.into_iter().partition(|i| snapshot.nodes[*i].is_broker)
}

/// Everything that has a top and a bottom.
fn down(plan: &mut Plan, snapshot: &Snapshot, viewport: Viewport, opened: &BTreeSet<String>) {
    let narrow = plan.narrow;
    let mut y = if narrow { 8.0 } else { MARGIN };
    if narrow && !snapshot.producers.is_empty() {
        let lines = snapshot.producers.len().min(3) as f64;
        plan.producers.y = y;
        plan.producers.h = lines * 44.0 + (lines - 1.0) * 6.0;
        y += plan.producers.h + 10.0;
    }
    let top = y;
    let header = if narrow { 62.0 } else { 58.0 };
    y += header;
    plan.traffic_y = y + TRAFFIC / 2.0;
    y += TRAFFIC;
    let below = if narrow { group_height(snapshot) } else { 0.0 };
    let room = viewport.height - y - below - if narrow { 8.0 } else { MARGIN };
    let bottom = rows(plan, snapshot, opened, y, room);
    for column in &mut plan.columns {
        let apart = !snapshot.nodes[column.index].is_broker;
        column.header = Rect::new(column.at.x, top, column.at.w, header);
        column.at.y = top;
        column.at.h = if apart { apart_height(&plan.rows, snapshot, &snapshot.nodes[column.index], top, header) } else { bottom - top };
    }
    plan.heads.y = top + header;
    plan.heads.h = bottom - plan.heads.y;
    if narrow {
        plan.groups.y = bottom + 12.0;
        plan.groups.h = below - 12.0;
        plan.height = (bottom + below + 8.0).max(viewport.height);
    } else {
        plan.height = (bottom + MARGIN).max(viewport.height);
        let lane_top = top;
        plan.producers.y = lane_top;
        plan.producers.h = plan.height - MARGIN - lane_top;
        plan.groups.y = lane_top;
        plan.groups.h = plan.height - MARGIN - lane_top;
    }
}

/// A controller apart has the metadata log only: its card ends below that row.
fn apart_height(rows: &[Row], snapshot: &Snapshot, node: &NodeView, top: f64, header: f64) -> f64 {
    let last = rows.iter().filter(|row| hosts(&snapshot.topics[row.topic], node.id)).map(|row| row.at.bottom());
    last.fold(top + header, f64::max) - top
}

fn hosts(topic: &TopicView, node: i32) -> bool {
    topic.partitions.iter().any(|p| p.replicas.contains(&node) || p.logs.iter().any(|log| log.broker == node))
}

/// What the groups need below a narrow matrix.
fn group_height(snapshot: &Snapshot) -> f64 {
    let one = |members: usize| 12.0 + 40.0 + members.min(6) as f64 * 54.0;
    snapshot.groups.iter().take(3).map(|group| one(group.members.len()) + 8.0).sum()
}

/// Places the rows from `y` on; returns where they end.
fn rows(plan: &mut Plan, snapshot: &Snapshot, opened: &BTreeSet<String>, mut y: f64, room: f64) -> f64 {
    let order = topic_order(snapshot);
    let folded = |t: &TopicView| t.internal && !opened.contains(&t.name) && (t.partitions.len() > 1 || plan.narrow);
    let strips: usize = order.iter().map(|i| &snapshot.topics[*i]).filter(|t| !folded(t)).map(|t| t.partitions.len()).sum();
    let folds = order.iter().filter(|i| folded(&snapshot.topics[**i])).count();
    let title = if plan.narrow { 26.0 } else { 0.0 };
    let spacing = order.len() as f64 * (12.0 + title) + folds as f64 * (FOLDED - title) + 4.0;
    let thin = strips > MOST_STRIPS;
    let (least, most) = if thin { (10.0, 26.0) } else { (30.0, 72.0) };
    let height = ((room - spacing) / strips.max(1) as f64).clamp(least, most);
    let left = plan.heads.x;
    let width = plan.columns.last().map_or(0.0, |c| c.at.right()) - left;
    for topic in order {
        let view = &snapshot.topics[topic];
        if folded(view) {
            let at = Rect::new(left, y, width, FOLDED);
            let row = Row { topic, kind: RowKind::Folded, first: true, of: 1, at, strip_y: y + 5.0, strip_h: FOLDED - 10.0, title: None };
            plan.rows.push(row);
            y += FOLDED + 12.0;
            continue;
        }
        for index in 0..view.partitions.len() {
            let title = (plan.narrow && index == 0).then(|| Rect::new(left, y, width, title));
            y += title.map_or(0.0, |t| t.h);
            let gutter = if thin { 2.0 } else { (height * 0.26).clamp(8.0, 18.0) };
            plan.rows.push(Row {
                topic,
                kind: RowKind::Partition { index, thin },
                first: index == 0,
                of: view.partitions.len(),
                at: Rect::new(left, y, width, height),
                strip_y: y,
                strip_h: height - gutter,
                title,
            });
            y += height;
        }
        y += 12.0;
    }
    y
}

/// The metadata log first, then the learner's topics, other internal ones last.
fn topic_order(snapshot: &Snapshot) -> Vec<usize> {
    let rank = |t: &TopicView| match t.internal {
        true if t.name == crate::kafka::names::METADATA_TOPIC => 0,
        false => 1,
        true => 2,
    };
    let mut order: Vec<usize> = (0..snapshot.topics.len()).collect();
    order.sort_by_key(|i| (rank(&snapshot.topics[*i]), *i));
    order
}
