//! A terminal session's text, in sealed chunks so that a long one is not compared at every line.

use super::hands::Shared;
use crate::wire::{Prompt, Stream, TerminalOutput};

/// Lines of a chunk, and chunks that are kept; the oldest lines go first.
const CHUNK: usize = 64;
const MOST_CHUNKS: usize = 32;

/// Pieces of one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub pieces: Vec<(Stream, String)>,
    pub ended: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Terminal {
    /// Numbered, so that they stay keyed when old ones go.
    pub chunks: Vec<(u32, Shared<Vec<Line>>)>,
    next: u32,
    pub prompt: Prompt,
    /// What the person has entered, oldest first.
    pub history: Vec<String>,
    /// Entered, but the session is not ready for it.
    pub queue: Vec<String>,
    /// A line was sent and not answered.
    pub awaits: bool,
}

impl Terminal {
    pub fn is_blank(&self) -> bool {
        self.chunks.is_empty()
    }

    /// A command entered now would run at once.
    pub fn is_free(&self) -> bool {
        matches!(self.prompt, Prompt::Command | Prompt::Continuation) && self.queue.is_empty() && !self.awaits
    }

    pub fn write(&mut self, output: Vec<TerminalOutput>) {
        for piece in output {
            let lines = self.last_chunk();
            if lines.last().is_none_or(|line| line.ended) {
                lines.push(Line::default());
            }
            if let Some(line) = lines.last_mut() {
                line.pieces.push((piece.stream, piece.text));
                line.ended = piece.newline;
            }
        }
        if self.chunks.len() > MOST_CHUNKS {
            self.chunks.drain(..self.chunks.len() - MOST_CHUNKS);
        }
    }

    /// What stands on the last line, if it goes on: a program's own prompt.
    pub fn open_line(&self) -> Option<String> {
        let last = self.chunks.last()?.1.last()?;
        (!last.ended).then(|| last.pieces.iter().map(|(_, text)| text.as_str()).collect())
    }

    pub fn clear(&mut self) {
        self.chunks.clear();
    }

    fn last_chunk(&mut self) -> &mut Vec<Line> {
        let full = |lines: &Vec<Line>| lines.len() >= CHUNK && lines.last().is_none_or(|line| line.ended);
        if self.chunks.last().is_none_or(|(_, lines)| full(lines)) {
            self.chunks.push((self.next, Shared::new(Vec::new())));
            self.next += 1;
        }
        self.chunks.last_mut().expect("one was just made sure of").1.make_mut()
    }
}
