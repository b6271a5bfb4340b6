//! Where columns, rows and lanes stand: one viewport, one cluster, no colours.

use std::collections::BTreeSet;

use super::shape::{Rect, bold_width, text_width};
use crate::kafka::names::METADATA_TOPIC;
use crate::playground::snapshot::{NodeView, Snapshot, TopicView};

/// Below this width producers and groups always stand above and below the matrix, not beside it.
const NARROW: f64 = 640.0;
/// Past so many rows a strip is a thin bar without blocks.
pub const MOST_STRIPS: usize = 30;
/// Height of a line that stands for a folded topic.
const FOLDED: f64 = 26.0;
/// A row of the metadata log grows to this.
const MINOR: f64 = 44.0;
/// Above the rows: where frames travel that are for a broker and not for a partition.
const TRAFFIC: f64 = 22.0;
const GAP: f64 = 16.0;
/// How wide the column of a controller apart is, alone or in a quorum, and that of a broker at least.
const APART: f64 = 122.0;
const APART_IN_QUORUM: f64 = 106.0;
const LEAST_COLUMN: f64 = 100.0;
/// Between the columns of a quorum.
const QUORUM_GAP: f64 = 8.0;
/// A group's card at least.
const LEAST_GROUP: f64 = 168.0;
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
    // On a phone the page scrolls, and the stage is as high as it needs to be.
    let height = if viewport.width < NARROW { 0.0 } else { viewport.height };
    let viewport = Viewport { height, ..viewport };
    let mut plan = Plan::default();
    across(&mut plan, snapshot, viewport);
    if viewport.width < NARROW || plan.width > viewport.width {
        // Above and below they need less; with very many brokers the stage scrolls either way, and beside is better then.
        let mut stacked = Plan { narrow: true, ..Plan::default() };
        across_narrow(&mut stacked, snapshot, viewport);
        if viewport.width < NARROW || stacked.width <= viewport.width {
            plan = stacked;
        }
    }
    down(&mut plan, snapshot, viewport, opened);
    plan
}

/// Everything that has a left and a right: controllers apart and producers, headings, brokers, groups.
fn across(plan: &mut Plan, snapshot: &Snapshot, viewport: Viewport) {
    let (brokers, apart) = columns(snapshot);
    let (one, gap) = if apart.len() > 1 { (APART_IN_QUORUM, QUORUM_GAP) } else { (APART, GAP) };
    let controllers = (apart.len() as f64 * (one + gap) - gap).max(0.0);
    let left_lane = if snapshot.producers.is_empty() { controllers } else { controllers.max(APART) };
    let groups = match snapshot.groups.is_empty() {
        true => 0.0,
        false if apart.len() > 1 => LEAST_GROUP,
        false => (viewport.width * 0.175).clamp(LEAST_GROUP, 256.0),
    };
    let heads = heads_width(snapshot);
    let n = brokers.len().max(1) as f64;
    let fixed = 2.0 * MARGIN + lane(left_lane) + lane(groups) + heads + GAP * (n - 1.0);
    let broker = ((viewport.width - fixed) / n).clamp(LEAST_COLUMN, 400.0);
    let total = fixed + n * broker;
    plan.width = viewport.width.max(total);
    let left = (plan.width - total) / 2.0 + MARGIN;
    plan.producers = Rect::new(left, 0.0, if snapshot.producers.is_empty() { 0.0 } else { left_lane }, 0.0);
    plan.heads = Rect::new(left + lane(left_lane), 0.0, heads, 0.0);
    add_columns(plan, snapshot, &brokers, plan.heads.right(), broker, GAP);
    add_columns(plan, snapshot, &apart, left, one, gap);
    plan.groups = Rect::new(plan.width - left - groups, 0.0, groups, 0.0);
}

fn across_narrow(plan: &mut Plan, snapshot: &Snapshot, viewport: Viewport) {
    let (margin, gap, heads) = (8.0, 6.0, 20.0);
    let (brokers, _) = columns(snapshot);
    let n = brokers.len().max(1) as f64;
    let fixed = 2.0 * margin + heads + gap * (n - 1.0);
    let broker = ((viewport.width - fixed) / n).max(100.0);
    plan.width = viewport.width.max(fixed + n * broker);
    plan.heads = Rect::new(margin, 0.0, heads, 0.0);
    add_columns(plan, snapshot, &brokers, plan.heads.right(), broker, gap);
    plan.producers = Rect::new(margin, 0.0, viewport.width - 2.0 * margin, 0.0);
    plan.groups = plan.producers;
}

fn add_columns(plan: &mut Plan, snapshot: &Snapshot, nodes: &[usize], x: f64, width: f64, gap: f64) {
    for (n, index) in nodes.iter().enumerate() {
        let at = Rect::new(x + n as f64 * (width + gap), 0.0, width, 0.0);
        plan.columns.push(Column { node: snapshot.nodes[*index].id, index: *index, at, header: at });
    }
}

/// A lane with the room that curves need beside it.
fn lane(width: f64) -> f64 {
    if width > 0.0 { width + 30.0 } else { 0.0 }
}

/// As wide as the longest topic's name needs, within reason.
fn heads_width(snapshot: &Snapshot) -> f64 {
    let longest =
        snapshot.topics.iter().map(|t| if t.internal { text_width(&t.name, 11.5, false) } else { bold_width(&t.name, 13.5) + 30.0 });
    longest.fold(0.0, f64::max).clamp(112.0, 168.0) + 14.0
}

/// Brokers by id, and controllers apart.
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
    let header = if narrow { 54.0 } else { 58.0 };
    y += header;
    plan.traffic_y = y + TRAFFIC / 2.0;
    y += TRAFFIC;
    let below = if narrow { group_height(snapshot) } else { 0.0 };
    let room = viewport.height - y - below - if narrow { 8.0 } else { MARGIN };
    let bottom = rows(plan, snapshot, opened, y, room);
    let strips = plan.rows.iter().filter(|row| row.kind != RowKind::Folded).map(|row| row.at.bottom() + 6.0);
    // On a narrow stage folded topics are lines of text below the cards.
    let cards = if narrow { strips.fold(y, f64::max) } else { bottom };
    for column in &mut plan.columns {
        let apart = !snapshot.nodes[column.index].is_broker;
        column.header = Rect::new(column.at.x, top, column.at.w, header);
        column.at.y = top;
        column.at.h = if apart { apart_height(&plan.rows, snapshot, &snapshot.nodes[column.index], top, header) } else { cards - top };
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
    // With room for the tray of a rebalance, so that nothing jumps when there is one.
    let one = |members: usize| 40.0 + 28.0 + members.min(6) as f64 * 62.0 + 50.0;
    12.0 + snapshot.groups.iter().take(3).map(|group| one(group.members.len()) + 12.0).sum::<f64>()
}

/// Places the rows from `y` on; returns where they end.
fn rows(plan: &mut Plan, snapshot: &Snapshot, opened: &BTreeSet<String>, mut y: f64, room: f64) -> f64 {
    let mut order = topic_order(snapshot);
    if plan.narrow {
        // Its column is not there.
        order.retain(|i| snapshot.topics[*i].name != METADATA_TOPIC);
    }
    let folded = |t: &TopicView| t.internal && !opened.contains(&t.name) && t.partitions.len() > 1;
    let strips: usize = order.iter().map(|i| &snapshot.topics[*i]).filter(|t| !folded(t)).map(|t| t.partitions.len()).sum();
    let minor = |t: &TopicView| t.name == METADATA_TOPIC;
    let minors = order.iter().filter(|i| minor(&snapshot.topics[**i])).count();
    let folds = order.iter().filter(|i| folded(&snapshot.topics[**i])).count();
    let title = if plan.narrow { 26.0 } else { 0.0 };
    let spacing = order.len() as f64 * (12.0 + title) + folds as f64 * (FOLDED - title) + 4.0;
    let thin = strips > MOST_STRIPS;
    let (least, most) = match thin {
        true => (10.0, 26.0),
        false if plan.narrow => (38.0, 56.0),
        false => (30.0, 140.0),
    };
    let even = (room - spacing) / strips.max(1) as f64;
    // Where rows grow, the metadata log stays small and leaves its room to the others.
    let small = even.clamp(least, MINOR.max(least));
    let height = ((room - spacing - small * minors as f64) / strips.saturating_sub(minors).max(1) as f64).clamp(least, most);
    let left = plan.heads.x;
    let width = plan.columns.iter().map(|c| c.at.right()).fold(left, f64::max) - left;
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
            let height = if minor(view) { small } else { height };
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
        true if t.name == METADATA_TOPIC => 0,
        false => 1,
        true => 2,
    };
    let mut order: Vec<usize> = (0..snapshot.topics.len()).collect();
    order.sort_by_key(|i| (rank(&snapshot.topics[*i]), *i));
    order
}
