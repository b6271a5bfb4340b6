//! What flows between tools: lines of text through bounded pipes.

use std::collections::VecDeque;

use super::device::Device;

/// A pipe holds at most this many lines before those who stream into it must wait. (What a tool prints as one answer goes in whole.)
/// A long line takes the room of several: see [`room_of`].
pub const PIPE_LINES: usize = 1_024;
/// Of a line that does not end, so much waits for its end; who writes more into it is ended by SIGPIPE.
pub const LINE_BYTES: usize = 4 << 20;

/// What is printed without line breaks takes room as in a pipe of 64 KiB.
const LOOSE_BYTES: usize = (64 << 10) / PIPE_LINES;

/// The room that a text takes: as many lines as it has KiB, and one.
pub fn room_of(text: &str) -> usize {
    1 + text.len() / 1_024
}

/// So much of a line that has not ended is given to who reads bytes.
const PARTIAL_BYTES: usize = 4 << 10;

/// A tool's standard input.
#[derive(Clone, Debug, Default)]
pub struct Pipe {
    lines: VecDeque<String>,
    /// The room that they take.
    used: usize,
    /// The beginning of a line that is not ended yet.
    partial: String,
    closed: bool,
    /// The last line has no line break.
    is_unended: bool,
    taken: u64,
    /// What fills it whenever it is empty.
    device: Option<Box<Device>>,
    /// A device, or a line, of which no more is read.
    cut: Option<&'static str>,
}

impl Pipe {
    /// The input of a tool that nobody writes to.
    pub fn closed() -> Pipe {
        Pipe { closed: true, ..Pipe::default() }
    }

    /// A closed pipe with this text in it.
    pub fn of(text: &str) -> Pipe {
        let mut pipe = Pipe::default();
        pipe.write(text, false);
        pipe.close();
        pipe
    }

    /// A device that is read.
    pub fn of_device(device: Device) -> Pipe {
        Pipe { device: Some(Box::new(device)), ..Pipe::default() }
    }

    /// The device, or the line, of which more was wanted than is read here.
    pub fn cut(&self) -> Option<&'static str> {
        self.cut
    }

    /// Lines and their beginnings; `newline`: a line break follows.
    pub fn write(&mut self, text: &str, newline: bool) {
        if self.cut.is_some() {
            return;
        }
        for (n, piece) in text.split('\n').enumerate() {
            if n > 0 {
                self.end_line();
            }
            self.partial.push_str(piece);
        }
        if newline {
            self.end_line();
        }
        if self.partial.len() > LINE_BYTES {
            self.partial.clear();
            self.cut = Some("a line");
            self.close();
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        self.used += room_of(&line);
        self.lines.push_back(line);
    }

    /// Nothing more will be written. A last line without its line break counts as a line.
    pub fn close(&mut self) {
        if !self.partial.is_empty() {
            self.end_line();
            self.is_unended = true;
        }
        self.closed = true;
    }

    pub fn take(&mut self) -> Option<String> {
        while self.lines.is_empty()
            && let Some(device) = &mut self.device
        {
            match device.read() {
                Some(text) => self.write(&text, false),
                None => {
                    self.cut = self.device.take().map(|device| device.path);
                    self.close();
                }
            }
        }
        let line = self.lines.pop_front();
        self.used -= line.as_deref().map_or(0, room_of);
        self.taken += u64::from(line.is_some());
        line
    }

    /// A line, and whether a line break stands behind it.
    pub fn take_piece(&mut self) -> Option<(String, bool)> {
        let line = self.take()?;
        Some((line, !(self.is_unended && self.lines.is_empty())))
    }

    /// The beginning of a long line that has not ended, for readers to whom lines mean nothing.
    pub fn take_partial(&mut self) -> Option<(String, bool)> {
        let is_long = self.lines.is_empty() && self.partial.len() >= PARTIAL_BYTES;
        is_long.then(|| (std::mem::take(&mut self.partial), false))
    }

    /// Whether all was read and nothing more comes.
    pub fn at_end(&self) -> bool {
        self.closed && self.lines.is_empty()
    }

    /// Whether nothing more comes than what is there.
    pub fn is_closed(&self) -> bool {
        self.closed || self.device.is_some()
    }

    /// How many lines there is room for.
    pub fn room(&self) -> usize {
        PIPE_LINES.saturating_sub(self.used)
    }

    /// About how many bytes wait in it.
    pub fn bytes(&self) -> usize {
        self.used * 1_024 + self.partial.len()
    }

    /// How many lines were ever taken: whether a reader got on.
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

/// What a tool prints, in order, on both of its streams.
#[derive(Clone, Debug, Default)]
pub struct Printer {
    pub pieces: Vec<Printed>,
    /// Bytes without a line break for which no room was taken yet.
    loose: usize,
    /// How many lines whoever reads standard output has room for; tools that stream wait when it is 0.
    pub room: usize,
    /// Nobody reads standard output any more.
    pub broken: bool,
}

/// A piece of what a tool printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    pub error: bool,
    pub text: String,
    pub newline: bool,
}

impl Printer {
    pub fn new(room: usize, broken: bool) -> Printer {
        Printer { room, broken, ..Printer::default() }
    }

    /// A line on standard output.
    pub fn line(&mut self, text: impl Into<String>) {
        self.push(false, text.into(), true);
    }

    /// Text on standard output without a line break.
    pub fn text(&mut self, text: impl Into<String>) {
        self.push(false, text.into(), false);
    }

    /// A piece of a line, for which there must be room as for a whole one.
    pub fn push_text(&mut self, text: impl Into<String>) {
        self.room = self.room.saturating_sub(1);
        self.text(text);
    }

    /// A line on standard error.
    pub fn error(&mut self, text: impl Into<String>) {
        self.push(true, text.into(), true);
    }

    fn push(&mut self, error: bool, text: String, newline: bool) {
        if !error {
            self.loose += if newline { 0 } else { text.len() };
            let taken = if newline { room_of(&text) } else { self.loose / LOOSE_BYTES };
            self.loose %= LOOSE_BYTES;
            self.room = self.room.saturating_sub(taken);
        }
        self.pieces.push(Printed { error, text, newline });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_takes_the_room_of_several() {
        let mut pipe = Pipe::default();
        (0..10).for_each(|_| pipe.write(&"x".repeat(100 << 10), true));
        assert_eq!(pipe.room(), PIPE_LINES - 10 * 101);
        pipe.write(&"x".repeat(100 << 10), true);
        assert_eq!(pipe.room(), 0);
        while pipe.take().is_some() {}
        assert_eq!((pipe.room(), pipe.bytes()), (PIPE_LINES, 0));
        let mut print = Printer::new(200, false);
        print.line("x".repeat(100 << 10));
        (0..64).for_each(|_| print.text("x"));
        assert_eq!(print.room, 200 - 101 - 1);
        print.text("x".repeat(64 << 10));
        assert_eq!(print.room, 0);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut pipe = Pipe::default();
        (0..2 * LINE_BYTES / 1_000).for_each(|_| pipe.write(&"x".repeat(1_000), false));
        assert_eq!((pipe.bytes(), pipe.cut(), pipe.at_end()), (0, Some("a line"), true));
    }

    #[test]
    fn pieces_become_lines() {
        let mut pipe = Pipe::default();
        pipe.write("a / ", false);
        pipe.write("b", true);
        pipe.write("c\nd", false);
        assert_eq!(pipe.take().as_deref(), Some("a / b"));
        assert_eq!(pipe.take().as_deref(), Some("c"));
        assert_eq!(pipe.take(), None);
        pipe.close();
        assert!(!pipe.at_end());
        assert_eq!(pipe.take().as_deref(), Some("d"));
        assert!(pipe.at_end());
        assert_eq!(pipe.taken(), 3);
        let mut pipe = Pipe::of("a\nb");
        assert_eq!((pipe.take_piece(), pipe.take_piece()), (Some(("a".into(), true)), Some(("b".into(), false))));
    }

    #[test]
    fn an_empty_line_is_a_line() {
        let mut pipe = Pipe::of("\nx\n");
        assert_eq!((pipe.take().as_deref(), pipe.take().as_deref(), pipe.take()), (Some(""), Some("x"), None));
    }
}
