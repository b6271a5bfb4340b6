//! A terminal session's text, in sealed chunks so that a long one is not compared at every line.

use super::hands::Shared;
use super::speech::Speech;
use crate::wire::{Prompt, Stream, TerminalOutput};

/// Lines of a chunk, and chunks that are kept; the oldest lines go first, and a note says so.
const CHUNK: usize = 64;
const MOST_CHUNKS: usize = 32;
/// Lines kept of what was entered, as bash's HISTSIZE.
const MOST_ENTERED: usize = 500;
/// Lines that a session keeps while nobody reads them.
const MOST_AHEAD: usize = 256;
/// Lines entered at once into a program that reads them.
const MOST_AT_ONCE: usize = 2_000;

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
    /// Lines have gone to keep to the bound.
    pub is_cut: bool,
    pub prompt: Prompt,
    /// Commands that were entered, oldest first.
    pub commands: Shared<Vec<String>>,
    /// Lines that were typed into programs, oldest first.
    pub typed: Shared<Vec<String>>,
    /// Sent, but not yet read by the session: it keeps them as a tty does, and shows each when it is read.
    pub ahead: Vec<String>,
    pub speech: Speech,
}

impl Terminal {
    pub fn is_blank(&self) -> bool {
        self.chunks.is_empty() && self.ahead.is_empty()
    }

    /// A command entered now would run at once.
    pub fn is_free(&self) -> bool {
        self.prompt == Prompt::Command && self.ahead.is_empty()
    }

    /// How many lines can be entered now.
    pub fn room(&self) -> usize {
        if self.prompt == Prompt::Input { MOST_AT_ONCE } else { MOST_AHEAD.saturating_sub(self.ahead.len()) }
    }

    /// What the arrows and Ctrl-R go through at this prompt.
    pub fn history(&self) -> &Shared<Vec<String>> {
        if self.prompt == Prompt::Input { &self.typed } else { &self.commands }
    }

    /// Lines were sent to the session.
    pub fn entered(&mut self, lines: Vec<String>) {
        let is_input = self.prompt == Prompt::Input;
        let history = if is_input { &mut self.typed } else { &mut self.commands }.make_mut();
        for line in &lines {
            if !line.trim().is_empty() && history.last() != Some(line) {
                history.push(line.clone());
            }
        }
        history.drain(..history.len().saturating_sub(MOST_ENTERED));
        self.ahead.extend(lines);
    }

    pub fn write(&mut self, output: Vec<TerminalOutput>) {
        for piece in output {
            match piece.stream {
                // An interrupt throws away what was typed ahead.
                Stream::Input if piece.text == "^C" => self.ahead.clear(),
                Stream::Input if !self.ahead.is_empty() => drop(self.ahead.remove(0)),
                _ => {}
            }
            let lines = self.last_chunk();
            if lines.last().is_none_or(|line| line.ended) {
                lines.push(Line::default());
            }
            let Some(line) = lines.last_mut() else { continue };
            line.pieces.push((piece.stream, piece.text));
            line.ended = piece.newline;
            if line.ended {
                let line = line.clone();
                self.speech.add(&line);
            }
        }
        if self.chunks.len() > MOST_CHUNKS {
            self.chunks.drain(..self.chunks.len() - MOST_CHUNKS);
            self.is_cut = true;
        }
    }

    /// Everything anew: another instant or branch of time, of which nothing is news to anybody, or the first that is heard of a terminal.
    pub fn reset(&mut self, output: Vec<TerminalOutput>, commands: Vec<String>) {
        let is_answer = self.chunks.is_empty() && !self.ahead.is_empty();
        self.chunks.clear();
        self.is_cut = false;
        if !is_answer {
            self.ahead.clear();
        }
        self.write(output);
        if !is_answer {
            self.speech.forget();
            self.commands = Shared::new(commands);
        }
    }

    /// What stands on the last line, if it goes on: a program's own prompt.
    pub fn open_line(&self) -> Option<String> {
        let last = self.chunks.last()?.1.last()?;
        (!last.ended).then(|| last.pieces.iter().map(|(_, text)| text.as_str()).collect())
    }

    /// Ctrl-L: the screen is empty; a program's own prompt stays.
    pub fn clear(&mut self) {
        let open = self.chunks.last().and_then(|(_, lines)| lines.last()).filter(|line| !line.ended).cloned();
        self.chunks.clear();
        self.is_cut = false;
        if let Some(open) = open {
            self.last_chunk().push(open);
        }
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
