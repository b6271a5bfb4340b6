//! The two canvases of the stage and their frame loop.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::render::{AnimationFrame, request_animation_frame};
use gloo::utils::window;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d as Context, HtmlCanvasElement};

use super::painter::paint;
use super::palette::Palette;
use super::store::Store;
use crate::scene::item::Item;
use crate::scene::shape::{Rect, Shape};

/// Things that can be pointed at, where they are, and how large the whole is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets {
    pub width: f64,
    pub height: f64,
    pub things: Vec<(Item, Rect)>,
}

/// Draws when there is something new to see, at most once a frame of the screen.
pub struct Loop {
    store: Store,
    still: HtmlCanvasElement,
    moving: HtmlCanvasElement,
    palette: RefCell<Option<Palette>>,
    drawn: RefCell<Vec<Shape>>,
    anything_moved: Cell<bool>,
    targets: RefCell<Targets>,
    on_targets: Box<dyn Fn(Targets)>,
    next: RefCell<Option<AnimationFrame>>,
}

impl Loop {
    pub fn start(store: Store, still: HtmlCanvasElement, moving: HtmlCanvasElement, on_targets: impl Fn(Targets) + 'static) -> Rc<Loop> {
        let this = Rc::new(Loop {
            store: store.clone(),
            still,
            moving,
            palette: RefCell::default(),
            drawn: RefCell::default(),
            anything_moved: Cell::default(),
            targets: RefCell::default(),
            on_targets: Box::new(on_targets),
            next: RefCell::default(),
        });
        let weak = Rc::downgrade(&this);
        store.on_wake(Some(Rc::new(move || {
            if let Some(this) = weak.upgrade() {
                this.schedule();
            }
        })));
        this
    }

    /// Another theme: colours are read again.
    pub fn recolour(&self) {
        self.palette.take();
        self.drawn.borrow_mut().clear();
        self.store.refresh();
    }

    fn schedule(self: &Rc<Self>) {
        let mut next = self.next.borrow_mut();
        if next.is_none() {
            let this = self.clone();
            *next = Some(request_animation_frame(move |_| this.frame()));
        }
    }

    fn frame(self: &Rc<Self>) {
        self.next.take();
        self.draw();
        if self.store.is_moving() {
            self.schedule();
        }
    }

    fn draw(&self) {
        let mut palette = self.palette.borrow_mut();
        if palette.is_none() {
            *palette = Palette::read();
        }
        let Some(palette) = palette.as_ref() else { return };
        let scene = self.store.scene();
        let ratio = window().device_pixel_ratio();
        let resized = fit(&self.still, scene.width, scene.height, ratio) | fit(&self.moving, scene.width, scene.height, ratio);
        let mut drawn = self.drawn.borrow_mut();
        if resized || *drawn != scene.still {
            if let Some(context) = clear(&self.still, ratio) {
                paint(&context, palette, &scene.still);
            }
            *drawn = scene.still;
        }
        drop(drawn);
        let moves = !scene.moving.is_empty();
        if (moves || self.anything_moved.replace(moves) || resized)
            && let Some(context) = clear(&self.moving, ratio)
        {
            paint(&context, palette, &scene.moving);
        }
        // Frames that move are found when they are pointed at: nothing is laid over them sixty times a second.
        let stands = self.store.is_running() == Some(false);
        let things = scene.targets.into_iter().filter(|(item, _)| stands || !matches!(item, Item::Frame(_))).collect();
        let targets = Targets { width: scene.width, height: scene.height, things };
        if *self.targets.borrow() != targets {
            self.targets.replace(targets.clone());
            (self.on_targets)(targets);
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.store.on_wake(None);
    }
}

/// Gives a canvas as many pixels as the screen has for it; whether that changed it.
fn fit(canvas: &HtmlCanvasElement, width: f64, height: f64, ratio: f64) -> bool {
    let (w, h) = ((width * ratio).round() as u32, (height * ratio).round() as u32);
    if canvas.width() == w && canvas.height() == h {
        return false;
    }
    canvas.set_width(w);
    canvas.set_height(h);
    canvas.style().set_property("width", &format!("{width}px")).ok();
    canvas.style().set_property("height", &format!("{height}px")).ok();
    true
}

fn clear(canvas: &HtmlCanvasElement, ratio: f64) -> Option<Context> {
    let context: Context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0).ok()?;
    context.clear_rect(0.0, 0.0, canvas.width().into(), canvas.height().into());
    context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).ok()?;
    Some(context)
}
