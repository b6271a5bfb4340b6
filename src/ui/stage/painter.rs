//! Draws shapes on a 2D canvas.

use std::f64::consts::{PI, TAU};

use js_sys::Array;
use web_sys::CanvasRenderingContext2d as Context;

use super::palette::Palette;
use crate::scene::shape::*;

/// Draws all shapes in their order.
pub fn paint(context: &Context, palette: &Palette, shapes: &[Shape]) {
    let mut painter = Painter { context, palette, fill: None, dashed: false, font: (0.0, false, false) };
    for shape in shapes {
        painter.form(&shape.form);
    }
    // The context keeps it for the next picture, whose first lines would be dashed, too.
    if painter.dashed {
        context.set_line_dash(&Array::new()).ok();
    }
    context.set_global_alpha(1.0);
}

/// Remembers what the context is set to: setting a colour costs more than drawing a block.
struct Painter<'a> {
    context: &'a Context,
    palette: &'a Palette,
    fill: Option<Paint>,
    dashed: bool,
    font: (f64, bool, bool),
}

impl Painter<'_> {
    fn form(&mut self, form: &Form) {
        let context = self.context;
        match form {
            Form::Box { at, radius, fill, stroke } => {
                if let Some(paint) = fill {
                    self.fill(*paint);
                    if *radius <= 1.5 {
                        context.fill_rect(at.x, at.y, at.w, at.h);
                    } else {
                        rounded(context, *at, *radius);
                        context.fill();
                    }
                }
                if let Some(stroke) = stroke {
                    self.stroke(*stroke);
                    // On the pixel grid: a line one pixel wide is one pixel wide.
                    let at = if stroke.width <= 1.0 { at.inset(0.5) } else { *at };
                    rounded(context, at, *radius);
                    context.stroke();
                }
            }
            Form::Line { from, to, stroke } => {
                self.stroke(*stroke);
                context.begin_path();
                context.move_to(from.x, from.y);
                context.line_to(to.x, to.y);
                context.stroke();
            }
            Form::Curve { from, to, stroke } => {
                self.stroke(*stroke);
                let middle = (from.x + to.x) / 2.0;
                context.begin_path();
                context.move_to(from.x, from.y);
                context.bezier_curve_to(middle, from.y, middle, to.y, to.x, to.y);
                context.stroke();
            }
            Form::Path { points, stroke } => {
                self.stroke(*stroke);
                context.begin_path();
                points.iter().for_each(|p| context.line_to(p.x, p.y));
                context.stroke();
            }
            Form::Glyph { at, size, glyph, paint } => self.glyph(*at, *size / 2.0, *glyph, *paint),
            Form::Text(label) => self.text(label),
        }
    }

    fn fill(&mut self, paint: Paint) {
        if self.fill == Some(paint) {
            return;
        }
        self.fill = Some(paint);
        self.context.set_global_alpha(paint.percent as f64 / 100.0);
        self.context.set_fill_style_str(self.palette.colour(paint.ink));
    }

    fn stroke(&mut self, stroke: Stroke) {
        let context = self.context;
        context.set_global_alpha(stroke.paint.percent as f64 / 100.0);
        context.set_stroke_style_str(self.palette.colour(stroke.paint.ink));
        context.set_line_width(stroke.width);
        if self.dashed != stroke.dashed {
            let pattern = if stroke.dashed { Array::of2(&4.0.into(), &3.0.into()) } else { Array::new() };
            context.set_line_dash(&pattern).ok();
            self.dashed = stroke.dashed;
        }
        self.fill = None;
    }

    fn glyph(&mut self, at: Point, r: f64, glyph: Glyph, paint: Paint) {
        let context = self.context;
        let (x, y) = (at.x, at.y);
        let path = |points: &[(f64, f64)]| {
            context.begin_path();
            points.iter().for_each(|(dx, dy)| context.line_to(x + dx * r, y + dy * r));
            context.close_path();
        };
        match glyph {
            Glyph::Ring | Glyph::Cross | Glyph::Plus => self.stroke(Stroke { paint, width: (r * 0.45).max(1.5), dashed: false }),
            _ => self.fill(paint),
        }
        match glyph {
            Glyph::Disc | Glyph::Ring => {
                context.begin_path();
                let r = if glyph == Glyph::Ring { r - 0.75 } else { r };
                context.arc(x, y, r.max(0.5), 0.0, TAU).ok();
            }
            Glyph::Square => path(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Glyph::Diamond => path(&[(0.0, -1.15), (1.0, 0.0), (0.0, 1.15), (-1.0, 0.0)]),
            Glyph::Triangle => path(&[(0.0, -1.0), (1.0, 0.9), (-1.0, 0.9)]),
            Glyph::Wedge => path(&[(0.0, 1.0), (1.0, -0.9), (-1.0, -0.9)]),
            Glyph::Bar => path(&[(-1.0, -0.4), (1.0, -0.4), (1.0, 0.4), (-1.0, 0.4)]),
            Glyph::Pause => {
                context.fill_rect(x - r, y - r, r * 0.7, r * 2.0);
                context.fill_rect(x + r * 0.3, y - r, r * 0.7, r * 2.0);
            }
            Glyph::Cross | Glyph::Plus => {
                let (a, b) = if glyph == Glyph::Cross { (0.8, 0.8) } else { (1.0, 0.0) };
                context.begin_path();
                context.move_to(x - a * r, y - b * r);
                context.line_to(x + a * r, y + b * r);
                context.move_to(x + b * r, y - a * r);
                context.line_to(x - b * r, y + a * r);
            }
        }
        match glyph {
            Glyph::Ring | Glyph::Cross | Glyph::Plus => context.stroke(),
            Glyph::Pause => {}
            _ => context.fill(),
        }
    }

    fn text(&mut self, label: &Label) {
        let context = self.context;
        let font = (label.size, label.bold, label.mono);
        if self.font != font {
            self.font = font;
            let family = if label.mono { &self.palette.mono } else { &self.palette.sans };
            let weight = if label.bold { 600 } else { 400 };
            context.set_font(&format!("{weight} {}px {family}", label.size));
            context.set_text_baseline("alphabetic");
        }
        self.fill(label.paint);
        // The baseline stands where it would in a line of the box's height.
        let y = label.at.y + label.at.h / 2.0 + label.size * 0.36;
        let width = |text: &str| context.measure_text(text).map_or(0.0, |m| m.width());
        let mut full = width(&label.text);
        let mut shown = std::borrow::Cow::Borrowed(label.text.as_str());
        if full > label.at.w + 0.5 {
            let mut text = label.text.clone();
            while full > label.at.w && text.pop().is_some() {
                full = width(&format!("{text}…"));
            }
            text.push('…');
            shown = text.into();
        }
        let x = match label.align {
            Align::Left => label.at.x,
            Align::Right => label.at.right() - full,
            Align::Middle => label.at.x + (label.at.w - full) / 2.0,
        };
        context.fill_text(&shown, x, y).ok();
    }
}

fn rounded(context: &Context, at: Rect, radius: f64) {
    let r = radius.min(at.w / 2.0).min(at.h / 2.0).max(0.0);
    let (left, top, right, bottom) = (at.x + r, at.y + r, at.right() - r, at.bottom() - r);
    context.begin_path();
    context.arc(right, top, r, -PI / 2.0, 0.0).ok();
    context.arc(right, bottom, r, 0.0, PI / 2.0).ok();
    context.arc(left, bottom, r, PI / 2.0, PI).ok();
    context.arc(left, top, r, PI, PI * 1.5).ok();
    context.close_path();
}
