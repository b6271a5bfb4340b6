//! A snapshot on a plan becomes a scene.

use super::item::Item;
use super::motion::Motion;
use super::plan::Plan;
use super::shape::{Form, Key, Label, Paint, Part, Point, Rect, Scene, Shape, Stroke};
use super::{client, column, frame, row, wall};
use crate::kafka::protocol::frame::Kind;
use crate::playground::snapshot::Snapshot;

/// Kinds of frames that are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden(u16);

/// How a scene is to be drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub hidden: Hidden,
    /// States change, nothing flies.
    pub reduced_motion: bool,
    /// Virtual time from one picture of the screen to the next. What is under way for less than a few of these could not be seen to move,
    /// so it is shown where it was at the snapshot's instant, with its way. Zero while time stands still.
    pub picture_us: u64,
}

/// What every part of the scene reads.
pub(super) struct Stage<'a> {
    pub snapshot: &'a Snapshot,
    pub plan: &'a Plan,
    pub motion: &'a Motion,
    pub options: Options,
    pub now_us: u64,
    pub scene: Scene,
    /// Where a part of the scene draws to: things that follow virtual time go to `moving`.
    pub still: bool,
}

/// All that is seen at `now_us`, which may be a little later than the snapshot.
pub fn scene(snapshot: &Snapshot, plan: &Plan, motion: &Motion, options: Options, now_us: u64) -> Scene {
    let mut stage = Stage::new(snapshot, plan, motion, options, now_us);
    column::draw(&mut stage);
    row::draw(&mut stage);
    let homes = client::draw(&mut stage);
    wall::draw(&mut stage, &homes);
    frame::draw(&mut stage, &homes);
    stage.scene
}

/// Only what follows virtual time: for the frames between two snapshots.
pub fn moving(snapshot: &Snapshot, plan: &Plan, motion: &Motion, options: Options, now_us: u64) -> Vec<Shape> {
    scene(snapshot, plan, motion, options, now_us).moving
}

impl Hidden {
    pub fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u16 != 0
    }

    pub fn toggle(self, kind: Kind) -> Hidden {
        Hidden(self.0 ^ 1 << kind as u16)
    }
}

impl<'a> Stage<'a> {
    fn new(snapshot: &'a Snapshot, plan: &'a Plan, motion: &'a Motion, options: Options, now_us: u64) -> Stage<'a> {
        let scene = Scene { width: plan.width, height: plan.height, ..Scene::default() };
        Stage { snapshot, plan, motion, options, now_us, scene, still: true }
    }

    /// Draws with what follows virtual time.
    pub fn in_motion(&mut self, draw: impl FnOnce(&mut Self)) {
        self.still = false;
        draw(self);
        self.still = true;
    }

    pub fn put(&mut self, item: &Item, part: Part, n: i64, form: Form) {
        let shape = Shape { key: Key { item: item.clone(), part, n }, form };
        if self.still { self.scene.still.push(shape) } else { self.scene.moving.push(shape) }
    }

    pub fn fill(&mut self, item: &Item, part: Part, n: i64, at: Rect, radius: f64, paint: Paint) {
        self.put(item, part, n, Form::Box { at, radius, fill: Some(paint), stroke: None });
    }

    pub fn outline(&mut self, item: &Item, part: Part, n: i64, at: Rect, radius: f64, stroke: Stroke) {
        self.put(item, part, n, Form::Box { at, radius, fill: None, stroke: Some(stroke) });
    }

    pub fn line(&mut self, item: &Item, part: Part, n: i64, from: Point, to: Point, stroke: Stroke) {
        self.put(item, part, n, Form::Line { from, to, stroke });
    }

    pub fn text(&mut self, item: &Item, part: Part, n: i64, label: Label) {
        self.put(item, part, n, Form::Text(label));
    }

    pub fn target(&mut self, item: &Item, at: Rect) {
        self.scene.targets.push((item.clone(), at));
    }
}
