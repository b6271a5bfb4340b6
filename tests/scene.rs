//! Does the stage's geometry hold: nothing overlaps, nothing falls out, for clusters and viewports of many sizes?

use std::collections::BTreeSet;
use std::fmt::Write;

use ottla::playground::snapshot::{NodeView, Snapshot};
use ottla::scene::build::{Options, scene};
use ottla::scene::frame::progress;
use ottla::scene::item::Item;
use ottla::scene::motion::Motion;
use ottla::scene::plan::{Viewport, plan};
use ottla::scene::sample::Sample;
use ottla::scene::shape::{Form, Label, Part, Rect, Scene, Shape};
use proptest::prelude::*;

const DESKTOP: Viewport = Viewport { width: 1080.0, height: 480.0 };
const PHONE: Viewport = Viewport { width: 390.0, height: 520.0 };

fn draw(snapshot: &Snapshot, viewport: Viewport) -> Scene {
    let plan = plan(snapshot, viewport, &BTreeSet::new());
    scene(snapshot, &plan, &Motion::default(), Options::default(), snapshot.now_us)
}

/// Every shape that is no mark on its way, as a line.
fn check(name: &str, snapshot: &Snapshot, viewport: Viewport) {
    let scene = draw(snapshot, viewport);
    let mut lines = format!("{} x {}\n", scene.width, scene.height);
    let shapes = scene.still.iter().chain(&scene.moving).filter(|s| !matches!(s.key.item, Item::Frame(_)));
    for shape in shapes.filter(|s| !matches!(s.key.part, Part::Block | Part::Outline | Part::Epoch)) {
        writeln!(lines, "{:?} {:?} {} {}", shape.key.item, shape.key.part, shape.key.n, brief(&shape.form)).unwrap();
    }
    insta::assert_snapshot!(name, lines);
}

fn brief(form: &Form) -> String {
    let at = |r: &Rect| format!("[{:.0} {:.0} {:.0} {:.0}]", r.x, r.y, r.w, r.h);
    match form {
        Form::Box { at: r, fill, stroke, .. } => {
            let fill = fill.map_or(String::new(), |p| format!(" {:?} {}%", p.ink, p.percent));
            let stroke = stroke.map_or(String::new(), |s| format!(" edge {:?}{}", s.paint.ink, if s.dashed { " dashed" } else { "" }));
            format!("box {}{fill}{stroke}", at(r))
        }
        Form::Text(label) => format!("{:?} {} {:?}", label.text, at(&label.at), label.paint.ink),
        Form::Glyph { at, glyph, paint, .. } => format!("{glyph:?} [{:.0} {:.0}] {:?}", at.x, at.y, paint.ink),
        Form::Line { from, to, stroke } => format!("line [{:.0} {:.0} {:.0} {:.0}] {:?}", from.x, from.y, to.x, to.y, stroke.paint.ink),
        Form::Curve { from, to, .. } => format!("curve [{:.0} {:.0} {:.0} {:.0}]", from.x, from.y, to.x, to.y),
        Form::Path { points, .. } => format!("path of {}", points.len()),
    }
}

#[test]
fn three_brokers_and_all_is_well() {
    check("healthy", &Sample::default().at(8_000_000), DESKTOP);
}

#[test]
fn a_dead_broker_before_anybody_noticed() {
    check("killed", &Sample { kills: true, ..Sample::default() }.at(14_000_000), DESKTOP);
}

#[test]
fn a_dead_broker_after_the_election() {
    check("fenced", &Sample { kills: true, rate: 30, ..Sample::default() }.at(22_500_000), DESKTOP);
}

#[test]
fn one_partition_on_one_broker() {
    check("single", &Sample { brokers: 1, partitions: 1, members: 1, ..Sample::default() }.at(8_000_000), DESKTOP);
}

#[test]
fn twelve_rows() {
    check("twelve", &Sample { partitions: 12, members: 4, ..Sample::default() }.at(8_000_000), DESKTOP);
}

#[test]
fn a_quorum_apart_stands_beside_the_matrix() {
    let mut snapshot = Sample::default().at(8_000_000);
    let controller = snapshot.nodes.iter().find(|node| !node.is_broker).unwrap().clone();
    snapshot.nodes.extend([101, 102].map(|id| NodeView { id, host: format!("kafka-{id}"), process: id as u32, ..controller.clone() }));
    let plan = plan(&snapshot, DESKTOP, &BTreeSet::new());
    assert!(!plan.narrow && plan.columns.len() == 6, "{plan:?}");
    let mut columns: Vec<Rect> = plan.columns.iter().map(|column| column.at).collect();
    columns.sort_by(|a, b| a.x.total_cmp(&b.x));
    assert!(columns.windows(2).all(|pair| pair[0].right() < pair[1].x) && columns[5].right() <= plan.groups.x, "{columns:?}");
}

#[test]
fn a_link_cut_one_way_shows_which() {
    let arrows = |one_way: &[(&str, &str)]| {
        let mut snapshot = Sample::default().at(8_000_000);
        snapshot.one_way_cuts = one_way.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let scene = draw(&snapshot, DESKTOP);
        let heads = scene.still.iter().chain(&scene.moving).filter(|shape| matches!(shape.key.item, Item::Link(..)) && shape.key.n == 1);
        let point = |shape: &Shape| match &shape.form {
            Form::Path { points, .. } => points[1].x - points[0].x,
            other => panic!("{other:?}"),
        };
        heads.map(point).collect::<Vec<_>>()
    };
    assert!(arrows(&[]).is_empty());
    assert!(matches!(arrows(&[("kafka-1", "kafka-3")])[..], [ahead] if ahead > 0.0));
    assert!(matches!(arrows(&[("kafka-3", "kafka-1")])[..], [ahead] if ahead < 0.0));
}

#[test]
fn a_phone() {
    check("phone", &Sample { kills: true, ..Sample::default() }.at(14_000_000), PHONE);
}

/// What a label covers: its text where it stands in its box, as wide as layout believes.
fn inked(label: &Label) -> Rect {
    use ottla::scene::shape::{Align, text_width};
    let width = text_width(&label.text, label.size, label.mono).min(label.at.w);
    let x = match label.align {
        Align::Left => label.at.x,
        Align::Right => label.at.right() - width,
        Align::Middle => label.at.middle().x - width / 2.0,
    };
    Rect::new(x, label.at.y, width, label.at.h)
}

/// Labels that are neither empty nor a number on a mark in flight.
fn labels(scene: &Scene) -> Vec<(&Shape, Rect)> {
    let shapes = scene.still.iter().chain(&scene.moving).filter(|s| !matches!(s.key.item, Item::Frame(_)));
    let mut labels = Vec::new();
    for shape in shapes {
        if let Form::Text(label) = &shape.form
            && !label.text.is_empty()
        {
            labels.push((shape, inked(label)));
        }
    }
    labels
}

fn bounds(form: &Form) -> Option<Rect> {
    match form {
        Form::Box { at, .. } => Some(*at),
        Form::Text(label) => Some(inked(label)),
        Form::Glyph { at, size, .. } => Some(Rect::new(at.x - size / 2.0, at.y - size / 2.0, *size, *size)),
        _ => None,
    }
}

fn sample() -> impl Strategy<Value = Sample> {
    (1..7_i32, 1..60_i32, 0..12_u32, 1..2_000_i64, any::<bool>()).prop_map(|(brokers, partitions, members, rate, kills)| Sample {
        brokers,
        partitions,
        members,
        rate,
        keyed: true,
        kills,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_label_covers_another_and_nothing_falls_out(
        sample in sample(), now_us in 0..60_000_000_u64, width in 340.0..1800.0_f64, height in 240.0..1100.0_f64,
    ) {
        let scene = draw(&sample.at(now_us), Viewport { width, height });
        let stage = Rect::new(0.0, 0.0, scene.width, scene.height);
        for shape in scene.still.iter().chain(&scene.moving) {
            let inside = bounds(&shape.form).is_none_or(|at| stage.holds(at));
            prop_assert!(inside, "outside of {} x {}: {:?}", scene.width, scene.height, shape);
        }
        let labels = labels(&scene);
        for (n, (one, at)) in labels.iter().enumerate() {
            for (other, there) in &labels[n + 1..] {
                prop_assert!(!at.inset(0.5).meets(*there), "{one:?}\nlies over\n{other:?}");
            }
        }
    }

    #[test]
    fn keys_are_unique(sample in sample(), now_us in 0..60_000_000_u64) {
        let scene = draw(&sample.at(now_us), DESKTOP);
        let mut keys = BTreeSet::new();
        for shape in scene.still.iter().chain(&scene.moving) {
            prop_assert!(keys.insert(&shape.key), "twice: {:?}", shape.key);
        }
    }
}

#[test]
fn a_frame_is_where_the_clock_says() {
    let places: Vec<f64> = [0, 100, 150, 200, 900].into_iter().map(|now| progress(now, 100, 200)).collect();
    assert_eq!(places, [0.0, 0.0, 0.5, 1.0, 1.0]);
}

#[test]
fn what_is_too_brief_to_be_seen_moving_stands_where_it_was_seen() {
    let snapshot = Sample::default().at(8_000_000);
    let plan = plan(&snapshot, DESKTOP, &BTreeSet::new());
    let marks = |now_us: u64, picture_us: u64| {
        let options = Options { picture_us, ..Options::default() };
        let scene = scene(&snapshot, &plan, &Motion::default(), options, now_us);
        scene.moving.into_iter().filter(|s| s.key.part == Part::Mark).collect::<Vec<_>>()
    };
    let seen = marks(8_000_000, 0);
    assert!(!seen.is_empty());
    assert_eq!(marks(8_010_000, 0), vec![], "all have arrived");
    assert_eq!(marks(8_010_000, 16_700), seen);
    assert_ne!(marks(8_000_020, 1), seen, "slow enough to move");
}

#[test]
fn what_travels_stands_still_with_the_clock_and_arrives() {
    let sample = Sample { kills: true, ..Sample::default() };
    let (before, after) = (sample.at(18_990_000), sample.at(19_000_000));
    let mut motion = Motion::default();
    motion.observe(&before, &after, 1.0);
    let edge = |now_us| motion.leader("orders", 0, now_us).map(|(from, part)| (from, (part * 100.0).round()));
    assert_eq!(edge(19_000_000), Some((1, 0.0)));
    assert_eq!(edge(19_225_000), Some((1, 50.0)));
    assert_eq!(edge(19_225_000), edge(19_225_000));
    assert_eq!(edge(19_450_000), None);
    assert!(motion.is_moving(19_449_999) && !motion.is_moving(19_450_000));
    motion.observe(&after, &before, 1.0);
    assert!(!motion.is_moving(19_000_001), "time was set back");
}

#[test]
fn chips_lie_in_the_tray_while_a_group_rebalances() {
    let sample = Sample { kills: true, ..Sample::default() };
    let scene = draw(&sample.at(22_500_000), DESKTOP);
    let chips = |ink| {
        let is_it = |s: &&Shape| match &s.form {
            Form::Text(label) => s.key.part == Part::ChipText && label.paint.ink == ink,
            _ => false,
        };
        scene.still.iter().filter(is_it).count()
    };
    assert_eq!((chips(ottla::scene::shape::Ink::Warn), chips(ottla::scene::shape::Ink::Accent)), (3, 0));
}

#[test]
fn too_many_frames_become_flows_with_a_number() {
    let mut snapshot = Sample::default().at(8_000_000);
    let frame = snapshot.frames[0].clone();
    snapshot.frames = (0..50).map(|n| ottla::playground::snapshot::FrameView { key: n, ..frame.clone() }).collect();
    let scene = draw(&snapshot, DESKTOP);
    let marks = scene.moving.iter().filter(|s| s.key.part == Part::Mark).count();
    let number = |shape: &Shape| match &shape.form {
        Form::Text(label) if shape.key.part == Part::Number => Some(label.text.clone()),
        _ => None,
    };
    let numbers: Vec<String> = scene.moving.iter().filter_map(number).collect();
    assert_eq!((marks, numbers), (0, vec!["50".to_owned()]));
}
