//! Cut links: a wall where everything between two neighbours' sides is cut, an arc with a cross for any other pair, and an arrow that runs
//! into the cross where only one way is cut.

use super::build::Stage;
use super::client::Homes;
use super::item::Item;
use super::shape::*;

pub(super) fn draw(stage: &mut Stage, homes: &Homes) {
    let snapshot = stage.snapshot;
    if snapshot.cuts.is_empty() && snapshot.one_way_cuts.is_empty() {
        return;
    }
    let walls = walls(stage);
    for (n, x) in walls.iter().enumerate() {
        let (top, bottom) = stage.plan.columns.first().map_or((0.0, 0.0), |c| (c.at.y, c.at.bottom()));
        let item = Item::Link("".into(), n.to_string().into());
        stage.line(&item, Part::Ground, 0, Point::new(*x, top), Point::new(*x, bottom), Ink::Bad.stroke(4.0).dashed());
        stage.put(&item, Part::Sign, 0, Glyph::Cross.form(Point::new(*x, top + 10.0), 10.0, Ink::Bad.full()));
    }
    let both_ways = snapshot.cuts.iter().map(|pair| (pair, false));
    let one_way = snapshot.one_way_cuts.iter().map(|pair| (pair, true));
    for (n, ((a, b), has_way)) in both_ways.chain(one_way).take(24).enumerate() {
        let (Some(from), Some(to)) = (door(stage, homes, a), door(stage, homes, b)) else { continue };
        if walls.iter().any(|x| (from.x - x) * (to.x - x) < 0.0) {
            continue;
        }
        let item = Item::Link(a.as_str().into(), b.as_str().into());
        let y = stage.plan.traffic_y + (n % 3) as f64 * 5.0 - 5.0;
        let stroke = Ink::Bad.stroke(1.5).dashed();
        let points = vec![from, Point::new(from.x, y), Point::new(to.x, y), to];
        stage.put(&item, Part::Edge, 0, Form::Path { points, stroke });
        let x = (from.x + to.x) / 2.0;
        stage.put(&item, Part::Sign, 0, Glyph::Cross.form(Point::new(x, y), 11.0, Ink::Bad.full()));
        if has_way {
            let ahead = (to.x - from.x).signum();
            let (tip, tail) = (x - 9.0 * ahead, x - 16.0 * ahead);
            let points = vec![Point::new(tail, y - 5.0), Point::new(tip, y), Point::new(tail, y + 5.0)];
            stage.put(&item, Part::Edge, 1, Form::Path { points, stroke: Ink::Bad.stroke(2.0) });
        }
    }
}

/// Gutters between columns across which every pair of brokers is cut.
fn walls(stage: &Stage) -> Vec<f64> {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    let host = |i: usize| snapshot.nodes[plan.columns[i].index].host.as_str();
    let is_cut = |a: &str, b: &str| snapshot.cuts.iter().any(|(x, y)| (x == a && y == b) || (x == b && y == a));
    let brokers = plan.columns.iter().filter(|c| snapshot.nodes[c.index].is_broker).count();
    let all_cut = |at: usize| (0..at).all(|left| (at..brokers).all(|right| is_cut(host(left), host(right))));
    (1..brokers).filter(|at| all_cut(*at)).map(|at| (plan.columns[at - 1].at.right() + plan.columns[at].at.x) / 2.0).collect()
}

/// Where a host's link begins.
fn door(stage: &Stage, homes: &Homes, host: &str) -> Option<Point> {
    let (plan, snapshot) = (stage.plan, stage.snapshot);
    if let Some(column) = plan.columns.iter().find(|c| snapshot.nodes[c.index].host == host) {
        return Some(Point::new(column.header.middle().x, column.header.bottom() - 2.0));
    }
    let producer = snapshot.producers.iter().find(|p| p.name == host).map(|p| p.process);
    let member = || snapshot.groups.iter().flat_map(|g| &g.members).find(|m| m.client_id == host).map(|m| m.process);
    let home = homes.get(&producer.or_else(member)?)?;
    let x = if home.x < plan.heads.x { home.right() + 6.0 } else { home.x - 6.0 };
    Some(Point::new(x, home.middle().y))
}
