//! Lines that nobody would type, and some that many do: pieces of the language and of tools' options, put together at random.
//!
//! * [`grammar`]: the language; [`options`]: Kafka's tools; [`wild`]: what is neither
//!
//! Whatever is typed, the terminal must not panic, must come to an end or to an interrupt, and must keep within its bounds.

mod grammar;
mod options;
mod wild;

use super::alone::Terminal;
use super::complete::{CompletionContext, complete};
use crate::kafka::actor::Tell;
use crate::sim::time::Duration;

/// A small random generator of its own, so that a seed is a set of lines for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A line, or several.
pub fn line(dice: &mut Dice) -> String {
    match dice.below(1_000) {
        0 => wild::huge(dice),
        1..=20 => wild::deep(dice),
        21..=120 => wild::noise(dice),
        121..=300 => wild::mistyped(dice),
        301..=400 => options::line(dice),
        _ => grammar::line(dice),
    }
}

/// A terminal that is typed into.
#[derive(Clone, Debug)]
pub struct Fuzzed {
    terminal: Terminal,
    typed: usize,
    /// After so many lines, a fresh one.
    lines_each: usize,
    /// A trap may have been set: then an interrupt ends only what waits, and a loop goes on, as in bash.
    trapped: bool,
}

/// What came of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself.
    Ended,
    /// It ended when it was interrupted.
    Interrupted,
    /// It did not end: a bug.
    Stuck,
}

/// After so many lines, a fresh terminal: most begin with one that is as they expect it.
pub const LINES_EACH: usize = 50;

impl Default for Fuzzed {
    fn default() -> Fuzzed {
        Fuzzed::new(LINES_EACH)
    }
}

impl Fuzzed {
    /// One that is replaced by a fresh one after so many lines.
    pub fn new(lines_each: usize) -> Fuzzed {
        Fuzzed { terminal: Terminal::default(), typed: 0, lines_each, trapped: false }
    }

    /// Types a line and waits for its end; what does not end soon is interrupted.
    pub fn enter(&mut self, line: &str) -> Outcome {
        self.typed += 1;
        if self.typed > self.lines_each {
            *self = Fuzzed::new(self.lines_each);
        }
        for line in line.split('\n') {
            self.terminal.tell(Tell::Line(line.to_owned()));
        }
        self.terminal.tell(Tell::EndOfInput);
        self.wait(Duration::ms(20));
        self.trapped |= line.contains("trap");
        let mut outcome = if self.is_idle() { Outcome::Ended } else { self.interrupt() };
        if outcome == Outcome::Stuck && self.trapped {
            *self = Fuzzed::new(self.lines_each);
            outcome = Outcome::Interrupted;
        }
        outcome
    }

    /// Events go as they come: who keeps them bounds them.
    fn wait(&mut self, time: Duration) {
        let until = self.terminal.sim.now() + time;
        while self.terminal.sim.step(until) {
            self.terminal.sim.take_events();
        }
        let left = until.since(self.terminal.sim.now());
        self.terminal.wait(left);
    }

    fn interrupt(&mut self) -> Outcome {
        // Clients that cannot reach their broker take a while to close; what is trapped goes on for ever.
        let patience = if self.trapped { &[1, 100][..] } else { &[1, 100, 60_000] };
        for wait in patience {
            self.terminal.tell(Tell::Interrupt);
            self.wait(Duration::ms(*wait));
            if self.is_idle() {
                return Outcome::Interrupted;
            }
        }
        Outcome::Stuck
    }

    fn is_idle(&self) -> bool {
        self.terminal.session().is_none_or(super::session::Session::is_idle)
    }
}

/// Tries what a line means without a terminal: reading it, completing it, tools' options made of its words.
pub fn try_readers(line: &str, dice: &mut Dice) {
    // Whether it can be read makes no difference here.
    drop(super::syntax::parse(line));
    let cursor = dice.below(line.len() + 1);
    complete(line, cursor, &CompletionContext::default());
    options::try_tables(dice);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_by_the_thousand() {
        let (mut dice, mut terminal) = (Dice::new(7), Fuzzed::default());
        for _ in 0..1_000 {
            let text = line(&mut dice);
            assert_ne!(terminal.enter(&text), Outcome::Stuck, "{text}");
        }
    }

    #[test]
    fn options_by_the_thousand() {
        let mut dice = Dice::new(11);
        for _ in 0..3_000 {
            let text = line(&mut dice);
            try_readers(&text, &mut dice);
        }
    }
}
