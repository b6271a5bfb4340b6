//! What the stage shows at this moment. Views come here straight from the worker; the frame loop draws from here.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::playground::snapshot::Snapshot;
use crate::scene::build::Options;
use crate::scene::item::Item;
use crate::scene::motion::Motion;
use crate::scene::plan::{Plan, Viewport, plan};
use crate::scene::shape::{Rect, Scene};
use crate::ui::chart::Samples;
use crate::ui::format::real_ms;
use crate::wire::Clock;

/// Real microseconds from one picture of the screen to the next.
const PICTURE_US: f64 = 16_700.0;

#[derive(Clone, Default)]
pub struct Store(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    snapshot: Rc<Snapshot>,
    motion: Motion,
    clock: Clock,
    /// Real time when the clock was heard.
    heard_ms: f64,
    viewport: Viewport,
    opened: BTreeSet<String>,
    options: Options,
    plan: Plan,
    stale_plan: bool,
    /// Something was heard since the last drawing.
    dirty: bool,
    wake: Option<Rc<dyn Fn()>>,
    chart: Rc<RefCell<Samples>>,
}

impl Store {
    pub fn view(&self, view: Snapshot) {
        let mut inner = self.0.borrow_mut();
        let speed = inner.clock.reached.max(0.001);
        let before = std::mem::replace(&mut inner.snapshot, Rc::new(view));
        let now = inner.snapshot.clone();
        inner.motion.observe(&before, &now, speed);
        inner.stale_plan = true;
        inner.dirty = true;
        drop(inner);
        self.wake();
    }

    pub fn clock(&self, clock: Clock) {
        let mut inner = self.0.borrow_mut();
        inner.clock = clock;
        inner.heard_ms = real_ms();
        inner.dirty = true;
        drop(inner);
        self.wake();
    }

    /// Whether virtual time runs; `None` before the engine's first word.
    pub fn is_running(&self) -> Option<bool> {
        let inner = self.0.borrow();
        (inner.heard_ms > 0.0).then_some(inner.clock.playing)
    }

    pub fn snapshot(&self) -> Rc<Snapshot> {
        self.0.borrow().snapshot.clone()
    }

    pub fn chart(&self) -> Rc<RefCell<Samples>> {
        self.0.borrow().chart.clone()
    }

    pub fn resize(&self, viewport: Viewport) {
        self.change(|inner| inner.viewport = viewport);
    }

    /// Opens or folds an internal topic.
    pub fn toggle(&self, topic: &str) {
        self.change(|inner| {
            if !inner.opened.remove(topic) {
                inner.opened.insert(topic.to_owned());
            }
        });
    }

    pub fn options(&self) -> Options {
        self.0.borrow().options
    }

    pub fn set_options(&self, options: Options) {
        self.change(|inner| inner.options = options);
    }

    /// Draws all anew: colours have changed.
    pub fn refresh(&self) {
        self.change(|_| {});
    }

    /// `wake` is called when there is something to draw.
    pub fn on_wake(&self, wake: Option<Rc<dyn Fn()>>) {
        self.0.borrow_mut().wake = wake;
        self.wake();
    }

    /// The scene at this instant.
    pub fn scene(&self) -> Scene {
        let mut inner = self.0.borrow_mut();
        if inner.stale_plan {
            inner.plan = plan(&inner.snapshot, inner.viewport, &inner.opened);
            inner.stale_plan = false;
        }
        inner.dirty = false;
        let picture_us = if inner.clock.playing { (inner.clock.reached * PICTURE_US) as u64 } else { 0 };
        let options = Options { picture_us, ..inner.options };
        crate::scene::build::scene(&inner.snapshot, &inner.plan, &inner.motion, options, inner.now_us())
    }

    /// The frame that is drawn there at this moment, and the instant of the view it is in.
    pub fn frame_at(&self, x: f64, y: f64) -> Option<(u64, u64)> {
        let scene = self.scene();
        // It was drawn by now; the loop draws again when there is something new.
        self.0.borrow_mut().dirty = true;
        let distance = |at: Rect| (at.x + at.w / 2.0 - x).hypot(at.y + at.h / 2.0 - y);
        let frames = scene.targets.iter().filter_map(|(item, at)| match item {
            Item::Frame(key) if distance(*at) <= at.w => Some((*key, distance(*at))),
            _ => None,
        });
        let (key, _) = frames.min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((key, self.snapshot().now_us))
    }

    /// Whether another drawing would look different from the last, without anything heard.
    pub fn is_moving(&self) -> bool {
        let inner = self.0.borrow();
        let now_us = inner.now_us();
        let known = !inner.clock.playing || now_us >= inner.clock.horizon_us;
        inner.dirty || !known && (!inner.snapshot.frames.is_empty() || inner.motion.is_moving(now_us))
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.0.borrow_mut();
        change(&mut inner);
        inner.stale_plan = true;
        inner.dirty = true;
        drop(inner);
        self.wake();
    }

    fn wake(&self) {
        let wake = self.0.borrow().wake.clone();
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl Inner {
    fn now_us(&self) -> u64 {
        let clock = &self.clock;
        if !clock.playing {
            return clock.now_us.max(self.snapshot.now_us.min(clock.horizon_us));
        }
        let passed_us = (real_ms() - self.heard_ms).max(0.0) * 1_000.0 * clock.reached;
        (clock.now_us + passed_us as u64).min(clock.horizon_us.max(clock.now_us))
    }
}
