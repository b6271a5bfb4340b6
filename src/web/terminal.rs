//! What the page has seen of each terminal, and what is new.

use std::collections::BTreeMap;

use super::page::Page;
use crate::playground::world::World;
use crate::shell::screen::{self, Piece, SCROLL_BACK, Screen};
use crate::wire::{FromWorker, Prompt, Stream, TerminalOutput};

/// Pieces in one message; the rest comes with the next.
const AT_ONCE: usize = 2_000;

/// How far the page has read.
#[derive(Debug, Default)]
pub struct Terminals(BTreeMap<u32, Read>);

#[derive(Clone, Copy, Debug, Default)]
struct Read {
    /// The piece that comes next.
    next: u64,
    /// The oldest piece there was.
    first: u64,
    prompt: Option<Prompt>,
}

impl Terminals {
    /// Another instant, or another branch: the page must see every terminal anew.
    pub fn forget(&mut self, page: &Page, world: &World) {
        // A terminal that was not open yet at this instant stands empty.
        for (&session, _) in self.0.iter().filter(|(session, _)| world.session(**session).is_none()) {
            page.say(FromWorker::TerminalReset { session, output: Vec::new(), prompt: Prompt::Command, commands: Vec::new() });
        }
        self.0.clear();
    }

    /// Tells what is new; whether there is more than one message holds.
    pub fn tell(&mut self, page: &Page, world: &World) -> bool {
        let mut more = false;
        for session in world.sessions() {
            let Some(terminal) = world.session(session) else { continue };
            let (screen, prompt) = (terminal.screen(), prompt_of(terminal.prompt()));
            let known = self.0.get(&session).copied();
            let read = known.unwrap_or_default();
            let anew = known.is_none() || was_cleared(screen, read);
            let from = if anew { screen.first() } else { read.next };
            let output: Vec<TerminalOutput> = screen.since(from).take(AT_ONCE).map(output_of).collect();
            let next = from.max(screen.first()) + output.len() as u64;
            more |= next < screen.next();
            if anew {
                let commands = terminal.history().map(|line| line.to_string()).collect();
                page.say(FromWorker::TerminalReset { session, output, prompt, commands });
            } else if !output.is_empty() || read.prompt != Some(prompt) {
                page.say(FromWorker::Terminal { session, output: with_gap(screen, from, output), prompt });
            }
            self.0.insert(session, Read { next, first: screen.first(), prompt: Some(prompt) });
        }
        more
    }
}

/// Pieces went although there was room: `clear`.
fn was_cleared(screen: &Screen, read: Read) -> bool {
    screen.first() > read.first && screen.next() - screen.first() < SCROLL_BACK as u64
}

/// Pieces that went before they could be sent are not passed over in silence.
fn with_gap(screen: &Screen, from: u64, mut output: Vec<TerminalOutput>) -> Vec<TerminalOutput> {
    let gone = screen.first().saturating_sub(from);
    if gone > 0 {
        let text = format!("... {gone} lines came faster than they could be shown ...");
        output.insert(0, TerminalOutput { stream: Stream::Note, text, newline: true });
    }
    output
}

fn output_of(piece: &Piece) -> TerminalOutput {
    let stream = match piece.stream {
        screen::Stream::Input => Stream::Input,
        screen::Stream::Out => Stream::Out,
        screen::Stream::Err => Stream::Err,
        screen::Stream::Note => Stream::Note,
    };
    TerminalOutput { stream, text: piece.text.to_string(), newline: piece.newline }
}

fn prompt_of(prompt: screen::Prompt) -> Prompt {
    match prompt {
        screen::Prompt::Command => Prompt::Command,
        screen::Prompt::Busy => Prompt::Busy,
        screen::Prompt::Input => Prompt::Input,
        screen::Prompt::Continuation => Prompt::Continuation,
    }
}
