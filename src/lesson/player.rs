//! Types a script into a terminal, as a patient person would: a line when the prompt is there, and nothing before its time.
//!
//! It has no clock and no world of its own: whoever drives it tells the virtual time and whether a program runs in the foreground, and does what
//! it says. So a test plays a lesson in a moment, and the page can play it for a learner to watch.

use super::script::{Act, Script};
use crate::playground::command::Command;

/// The terminal session that scripts are typed into.
pub const SESSION: u32 = 1;

/// From typing something until it is looked at again; and how often a busy terminal is looked at.
const GLANCE_US: u64 = 100_000;
/// A program that runs longer than this in the foreground, with more to type at the prompt behind it, is a mistake of the script.
const PATIENCE_US: u64 = 180_000_000;

/// A script that is being typed.
#[derive(Clone, Debug)]
pub struct Player {
    script: Script,
    /// The act that is next.
    at: usize,
    /// When the act before was done.
    since_us: u64,
    /// Since when the foreground has been busy, while that is in the way.
    busy_since_us: Option<u64>,
    /// A sleep that has begun ends then.
    wakes_us: Option<u64>,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Do this, then ask again (at the same virtual time).
    Do(Command),
    /// Let virtual time run to this instant, then ask again.
    Wait(u64),
    /// All was typed, and the last program has ended or was left running.
    Done,
    /// The program of this line never gave the prompt back.
    Stuck(String),
}

impl Player {
    pub fn new(script: Script, now_us: u64) -> Player {
        Player { script, at: 0, since_us: now_us, busy_since_us: None, wakes_us: None }
    }

    /// What to do at `now_us`; `is_busy`: a program runs in the terminal's foreground.
    pub fn next(&mut self, now_us: u64, is_busy: bool) -> Next {
        let looked_away_us = if self.at == 0 { self.since_us } else { self.since_us + GLANCE_US };
        if now_us < looked_away_us {
            return Next::Wait(looked_away_us);
        }
        let needs_prompt = matches!(self.script.0.get(self.at), Some(Act::Line(_) | Act::Sleep(_)) | None);
        if needs_prompt && is_busy && self.wakes_us.is_none() {
            return self.wait_for_prompt(now_us);
        }
        self.busy_since_us = None;
        match self.script.0.get(self.at).cloned() {
            None => Next::Done,
            Some(Act::Line(text)) => self.act(now_us, Command::Line { session: SESSION, text }),
            Some(Act::Input(text)) => self.act(now_us, Command::Line { session: SESSION, text }),
            Some(Act::Interrupt(after)) => self.later(now_us, after.micros(), Command::Interrupt { session: SESSION }),
            Some(Act::EndOfInput(after)) => self.later(now_us, after.micros(), Command::EndOfInput { session: SESSION }),
            Some(Act::Sleep(span)) => match *self.wakes_us.get_or_insert(now_us + span.micros()) {
                wakes_us if now_us < wakes_us => Next::Wait(wakes_us),
                _ => {
                    self.wakes_us = None;
                    self.at += 1;
                    self.next(now_us, is_busy)
                }
            },
        }
    }

    fn wait_for_prompt(&mut self, now_us: u64) -> Next {
        let since_us = *self.busy_since_us.get_or_insert(now_us);
        let typed = self.script.0[..self.at].iter().rev().find_map(|act| match act {
            Act::Line(line) => Some(line.clone()),
            _ => None,
        });
        match (now_us - since_us > PATIENCE_US, self.script.0.get(self.at)) {
            (false, _) => Next::Wait(now_us + GLANCE_US),
            (true, Some(_)) => Next::Stuck(typed.unwrap_or_default()),
            (true, None) => Next::Done,
        }
    }

    fn later(&mut self, now_us: u64, after_us: u64, command: Command) -> Next {
        match self.since_us + after_us {
            due_us if now_us < due_us => Next::Wait(due_us),
            _ => self.act(now_us, command),
        }
    }

    fn act(&mut self, now_us: u64, command: Command) -> Next {
        self.at += 1;
        self.since_us = now_us;
        Next::Do(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    /// Plays a script against a terminal whose lines run so many seconds; what was done, at which tenth of a second.
    fn play(script: &str, runs_for_s: u64) -> Vec<(u64, String)> {
        let mut player = Player::new(Script::parse(script).unwrap(), 0);
        let (mut now, mut busy_until, mut done) = (0, 0, Vec::new());
        for _ in 0..10_000 {
            match player.next(now, now < busy_until) {
                Next::Do(command) => {
                    match &command {
                        Command::Line { .. } if now >= busy_until => busy_until = now + runs_for_s * S,
                        Command::Interrupt { .. } | Command::EndOfInput { .. } => busy_until = now,
                        _ => {}
                    }
                    let Command::Line { text, .. } = command else {
                        done.push((now / 100_000, format!("{command:?}")));
                        continue;
                    };
                    done.push((now / 100_000, text));
                }
                Next::Wait(until) => {
                    assert!(until > now);
                    now = until;
                }
                Next::Done => return done,
                Next::Stuck(line) => {
                    done.push((now / 100_000, format!("stuck in {line}")));
                    return done;
                }
            }
        }
        panic!("it never ends: {done:?}");
    }

    #[test]
    fn waits_for_the_prompt_and_sleeps() {
        let done = play("a; sleep 30; b", 2);
        assert_eq!(done, [(0, "a".into()), (320, "b".into())]);
    }

    #[test]
    fn types_to_a_program_that_runs() {
        let done = play("produce\n> one\n> two\n^D after 2s\nconsume\n^C after 5s\nlist", 100);
        let end = |name: &str| format!("{name} {{ session: 1 }}");
        let expected = [
            (0, "produce".into()),
            (1, "one".into()),
            (2, "two".into()),
            (22, end("EndOfInput")),
            (23, "consume".into()),
            (73, end("Interrupt")),
            (74, "list".into()),
        ];
        assert_eq!(done, expected);
    }

    #[test]
    fn a_program_that_never_ends_is_named() {
        assert_eq!(play("consume; list", 1_000), [(0, "consume".into()), (1802, "stuck in consume".into())]);
        assert_eq!(play("consume", 1_000), [(0, "consume".into())]);
    }
}
