//! The ways that frames travel: out of a box, along a gutter, into another box.

use super::build::Stage;
use super::client::Homes;
use super::plan::{Column, Row, RowKind};
use super::row;
use super::shape::{Point, Rect};
use crate::playground::snapshot::PartitionView;

/// A way of a few straight pieces.
pub(super) struct Route {
    pub points: Vec<Point>,
}

impl Route {
    /// The place at `part` (0 to 1) of its length.
    pub fn at(&self, part: f64) -> Point {
        let length = |pair: &[Point]| (pair[1].x - pair[0].x).abs() + (pair[1].y - pair[0].y).abs();
        let mut left = self.points.windows(2).map(length).sum::<f64>() * part.clamp(0.0, 1.0);
        for pair in self.points.windows(2) {
            let piece = length(pair);
            if left <= piece && piece > 0.0 {
                return pair[0].toward(pair[1], left / piece);
            }
            left -= piece;
        }
        self.points.last().copied().unwrap_or_default()
    }
}

/// Where an end of a connection is.
enum End<'a> {
    Node(&'a Column),
    Home(Rect),
    /// A tool in the terminal, which is below the stage.
    Below,
}

/// From one process to another, about a partition or not. `answer`: it runs a little apart from what goes the other way.
pub(super) fn route(stage: &Stage, homes: &Homes, from: u32, to: u32, about: Option<&(String, i32)>, answer: bool) -> Option<Route> {
    let (from, to) = (end(stage, homes, from)?, end(stage, homes, to)?);
    let row = about.and_then(|(topic, partition)| find_row(stage, topic, *partition));
    let both_nodes = matches!((&from, &to), (End::Node(a), End::Node(b)) if a.node != b.node);
    if matches!((&from, &to), (End::Below, End::Below)) {
        return None;
    }
    let aside = if answer { 2.0 } else { -2.0 };
    // Clients and replicas that speak of a partition use its gutter, all others the lane below the headers.
    let row = row.filter(|_| both_nodes || matches!((&from, &to), (End::Home(_), _) | (_, End::Home(_))));
    let lane_y = row.map_or(stage.plan.traffic_y, |(row, _)| row.lane_y()) + aside;
    let mut points = leave(stage, &from, row, lane_y);
    let mut back = leave(stage, &to, row, lane_y);
    back.reverse();
    points.extend(back);
    Some(Route { points })
}

/// `None` for a node that has no column (a controller apart on a narrow stage).
fn end<'a>(stage: &Stage<'a>, homes: &Homes, process: u32) -> Option<End<'a>> {
    let plan = stage.plan;
    let column = plan.columns.iter().find(|c| stage.snapshot.nodes[c.index].process == process);
    match (column, homes.get(&process)) {
        (Some(column), _) => Some(End::Node(column)),
        (None, Some(home)) => Some(End::Home(*home)),
        (None, None) if stage.snapshot.nodes.iter().any(|n| n.process == process) => None,
        (None, None) => Some(End::Below),
    }
}

fn find_row<'a>(stage: &Stage<'a>, topic: &str, partition: i32) -> Option<(&'a Row, &'a PartitionView)> {
    stage.plan.rows.iter().find_map(|row| {
        let RowKind::Partition { index, .. } = row.kind else { return None };
        let view = &stage.snapshot.topics[row.topic];
        let found = view.partitions.get(index)?;
        (view.name == topic && found.partition == partition).then_some((row, found))
    })
}

/// The points from an end's box to the lane.
fn leave(stage: &Stage, end: &End, row: Option<(&Row, &PartitionView)>, lane_y: f64) -> Vec<Point> {
    let plan = stage.plan;
    match end {
        End::Node(column) => match row {
            Some((row, partition)) => {
                let cell = row::cell(row, column);
                let log = partition.logs.iter().find(|log| log.broker == column.node);
                let scale = row::scale(stage, row, partition);
                let x = log.map_or(cell.x + 8.0, |log| scale.x(cell.x, log.log_end));
                vec![Point::new(x, cell.bottom() - 2.0), Point::new(x, lane_y)]
            }
            None => {
                let x = column.header.middle().x;
                vec![Point::new(x, column.header.bottom() - 4.0), Point::new(x, lane_y)]
            }
        },
        End::Home(home) if plan.narrow => {
            let from = Point::new(home.middle().x, if home.y > lane_y { home.y } else { home.bottom() });
            vec![from, Point::new(from.x, lane_y)]
        }
        End::Home(home) => {
            let left = home.x < plan.heads.x;
            let from = Point::new(if left { home.right() } else { home.x }, home.middle().y);
            let x = if left { (home.right() + plan.heads.x) / 2.0 } else { home.x - 14.0 };
            vec![from, Point::new(x, from.y), Point::new(x, lane_y)]
        }
        End::Below => {
            let x = (plan.columns.first().map_or(0.0, |c| c.at.right()) + 4.0).min(plan.width - 8.0);
            vec![Point::new(x, plan.height - 5.0), Point::new(x, lane_y)]
        }
    }
}
