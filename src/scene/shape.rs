//! Shapes: what a painter is told to draw. Inks are roles; a theme gives them colours.

use super::item::Item;

/// A place on the stage, in CSS pixels from its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// An upright box.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// What a colour is for. The painter looks its value up in the theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The stage behind everything, and cards upon it.
    Ground,
    Card,
    /// A strip's ground, and that of a leader's strip.
    Strip,
    Lead,
    Line,
    Text,
    Muted,
    Accent,
    Good,
    Warn,
    Bad,
    /// A record without a key.
    Plain,
    /// A record whose key falls on this of twelve hues.
    Key(u8),
    /// The tone of a leader epoch; neighbours differ.
    Epoch(u8),
}

/// An ink and how much of it, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    pub ink: Ink,
    pub percent: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    pub paint: Paint,
    pub width: f64,
    pub dashed: bool,
}

/// Small signs. Each kind has a shape of its own, so that colour never stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Disc,
    Ring,
    Square,
    Diamond,
    Triangle,
    /// Pointing down.
    Wedge,
    Cross,
    Plus,
    /// Two bars: it stands still.
    Pause,
    Bar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
    Middle,
}

/// A line of text in a box of its own: the painter shortens what does not fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub text: String,
    pub at: Rect,
    pub size: f64,
    pub bold: bool,
    /// Numbers and code.
    pub mono: bool,
    pub align: Align,
    pub paint: Paint,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    Box {
        at: Rect,
        radius: f64,
        fill: Option<Paint>,
        stroke: Option<Stroke>,
    },
    Line {
        from: Point,
        to: Point,
        stroke: Stroke,
    },
    /// Leaves and arrives level.
    Curve {
        from: Point,
        to: Point,
        stroke: Stroke,
    },
    Path {
        points: Vec<Point>,
        stroke: Stroke,
    },
    Glyph {
        at: Point,
        size: f64,
        glyph: Glyph,
        paint: Paint,
    },
    Text(Label),
}

/// The part of an item that a shape draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Ground,
    Edge,
    Block,
    Outline,
    Watermark,
    Epoch,
    Start,
    Name,
    Detail,
    Number,
    Sign,
    Badge,
    Lane,
    Chip,
    ChipText,
    Committed,
    Position,
    Mark,
    Flow,
}

/// The same thing has the same key from one scene to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub item: Item,
    pub part: Part,
    /// Which of several: an offset, a chip's place.
    pub n: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub key: Key,
    pub form: Form,
}

/// All that is drawn of one snapshot at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    pub width: f64,
    /// May be more than the viewport's: then the stage scrolls.
    pub height: f64,
    /// Changes only with the snapshot.
    pub still: Vec<Shape>,
    /// Changes with virtual time too.
    pub moving: Vec<Shape>,
    /// What can be pointed at, and where; later ones lie above earlier ones.
    pub targets: Vec<(Item, Rect)>,
}

impl Point {
    pub const fn new(x: f64, y: f64) -> Point {
        Point { x, y }
    }

    /// The place at `part` (0 to 1) of the way to `other`.
    pub fn toward(self, other: Point, part: f64) -> Point {
        Point::new(self.x + (other.x - self.x) * part, self.y + (other.y - self.y) * part)
    }
}

impl Rect {
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Rect {
        Rect { x, y, w, h }
    }

    pub fn right(self) -> f64 {
        self.x + self.w
    }

    pub fn bottom(self) -> f64 {
        self.y + self.h
    }

    pub fn middle(self) -> Point {
        Point::new(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Smaller by `by` on each side.
    pub fn inset(self, by: f64) -> Rect {
        Rect::new(self.x + by, self.y + by, (self.w - 2.0 * by).max(0.0), (self.h - 2.0 * by).max(0.0))
    }

    /// Whether the two have an area in common.
    pub fn meets(self, other: Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether `other` lies inside, with half a pixel's grace.
    pub fn holds(self, other: Rect) -> bool {
        let grace = 0.5;
        other.x >= self.x - grace
            && other.y >= self.y - grace
            && other.right() <= self.right() + grace
            && other.bottom() <= self.bottom() + grace
    }

    pub fn toward(self, other: Rect, part: f64) -> Rect {
        let mix = |a: f64, b: f64| a + (b - a) * part;
        Rect::new(mix(self.x, other.x), mix(self.y, other.y), mix(self.w, other.w), mix(self.h, other.h))
    }
}

impl Ink {
    pub const fn full(self) -> Paint {
        Paint { ink: self, percent: 100 }
    }

    pub const fn part(self, percent: u8) -> Paint {
        Paint { ink: self, percent }
    }

    pub const fn stroke(self, width: f64) -> Stroke {
        Stroke { paint: self.full(), width, dashed: false }
    }
}

impl Glyph {
    pub fn form(self, at: Point, size: f64, paint: Paint) -> Form {
        Form::Glyph { at, size, glyph: self, paint }
    }
}

impl Paint {
    /// As much of it, as a ghost shows.
    pub fn ghosted(self) -> Paint {
        Paint { percent: (self.percent as u32 * 35 / 100) as u8, ..self }
    }
}

impl Stroke {
    pub const fn dashed(self) -> Stroke {
        Stroke { dashed: true, ..self }
    }
}

impl Label {
    /// Ordinary text that stands on the left of its box.
    pub fn new(text: impl Into<String>, at: Rect, size: f64, ink: Ink) -> Label {
        Label { text: text.into(), at, size, bold: false, mono: false, align: Align::Left, paint: ink.full() }
    }

    pub fn bold(self) -> Label {
        Label { bold: true, ..self }
    }

    pub fn mono(self) -> Label {
        Label { mono: true, ..self }
    }

    pub fn align(self, align: Align) -> Label {
        Label { align, ..self }
    }

    pub fn paint(self, paint: Paint) -> Label {
        Label { paint, ..self }
    }
}

/// About how wide a text is: layout may not ask a browser. On the wide side, so that what is planned for fits.
pub fn text_width(text: &str, size: f64, mono: bool) -> f64 {
    let per_char = if mono { 0.61 } else { 0.57 };
    text.chars().count() as f64 * size * per_char
}

/// The same for bold text.
pub fn bold_width(text: &str, size: f64) -> f64 {
    text_width(text, size, false) * 1.14
}

/// `12,345`
pub fn grouped(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `14.2 MB`: bytes in Kafka's tools are plain, on the stage they are short.
pub fn bytes(n: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", n / unit, n % unit * 10 / unit);
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{} kB", tenths(1_000)),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_grouped() {
        let shown: Vec<String> = [0, 999, 1_000, 1_234_567, -1_204].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "−1,204"]);
        let sizes: Vec<String> = [0, 999, 1_500, 14_250_000, 3_000_000_000].into_iter().map(bytes).collect();
        assert_eq!(sizes, ["0 B", "999 B", "1.5 kB", "14.2 MB", "3.0 GB"]);
    }

    #[test]
    fn boxes_that_only_touch_do_not_meet() {
        let a = Rect::new(0.0, 0.0, 10.0, 10.0);
        assert!(!a.meets(Rect::new(10.0, 0.0, 5.0, 5.0)) && a.meets(Rect::new(9.0, 9.0, 5.0, 5.0)));
        assert!(a.holds(a.inset(1.0)) && !a.inset(1.0).holds(a));
    }
}
