//! What a screen reader is told of a terminal's output: each line once, and no more lines at a time than somebody wants to hear.

use super::term::Line;
use crate::wire::{Prompt, Stream};

/// Of more lines the first so many are said, and how many there are.
const MOST_LINES: usize = 8;
/// Of a longer line the beginning is said.
const MOST_CHARS: usize = 300;
/// A job that goes on printing is spoken of no more often than this, in real milliseconds.
const EVERY_MS: f64 = 2_000.0;

#[derive(Clone, Debug, Default)]
pub struct Speech {
    /// Printed since it was last spoken.
    lines: Vec<String>,
    more: usize,
    /// Changes with each announcement, so that the same words twice are news twice.
    pub number: u32,
    pub said: Vec<String>,
    last_ms: f64,
}

impl Speech {
    /// A whole line stands on the screen. What the person typed is no news to them.
    pub fn add(&mut self, line: &Line) {
        let is_output = !line.pieces.is_empty() && line.pieces.iter().all(|(stream, _)| *stream != Stream::Input);
        let text: String = line.pieces.iter().flat_map(|(_, text)| text.chars()).take(MOST_CHARS).collect();
        if !is_output || text.trim().is_empty() {
            return;
        }
        if self.lines.len() < MOST_LINES {
            self.lines.push(text);
        } else {
            self.more += 1;
        }
    }

    /// Whether there is something to say, and it is time: at once when the command has ended.
    pub fn is_due(&self, prompt: Prompt, now_ms: f64) -> bool {
        !self.lines.is_empty() && (prompt.is_shell() || now_ms - self.last_ms >= EVERY_MS)
    }

    pub fn speak(&mut self, now_ms: f64) {
        self.said = std::mem::take(&mut self.lines);
        match std::mem::take(&mut self.more) {
            0 => {}
            1 => self.said.push("and 1 more line".to_owned()),
            more => self.said.push(format!("and {more} more lines")),
        }
        self.number += 1;
        self.last_ms = now_ms;
    }

    pub fn forget(&mut self) {
        self.lines.clear();
        self.said.clear();
        self.more = 0;
    }
}
