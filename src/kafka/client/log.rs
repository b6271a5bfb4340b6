//! What a client would write to its log: the lines that Kafka's tools print on standard error.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sim::time::Time;

/// At most this many lines wait for a reader; the oldest go first.
pub const LINES_MAX: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Warn,
    Error,
}

/// A line, without its time and frame: `[time] LEVEL context message (logger)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub at: Time,
    pub level: Level,
    /// The message, its context in front: `[Producer clientId=console-producer] ...`.
    pub message: String,
    /// The class that logs.
    pub logger: &'static str,
    /// An exception that follows on a line of its own.
    pub thrown: Option<String>,
}

/// The log of one client. Kafka's tools show WARN and ERROR only, so nothing below is kept.
#[derive(Clone, Debug)]
pub struct Log {
    context: String,
    /// Shared by clones of the world.
    lines: Arc<VecDeque<Line>>,
}

impl Log {
    /// `context`: what Kafka's `LogContext` puts in front, `Producer clientId=console-producer`.
    pub fn new(context: &str) -> Log {
        Log { context: format!("[{context}] "), lines: Arc::default() }
    }

    pub fn warn(&mut self, at: Time, logger: &'static str, message: &str) {
        self.push(at, Level::Warn, logger, message, None);
    }

    /// A warning with an exception, `java.net.UnknownHostException: nowhere`.
    pub fn warn_with(&mut self, at: Time, logger: &'static str, message: &str, thrown: String) {
        self.push(at, Level::Warn, logger, message, Some(thrown));
    }

    pub fn error(&mut self, at: Time, logger: &'static str, message: &str) {
        self.push(at, Level::Error, logger, message, None);
    }

    /// Takes what was logged since the last call, oldest first.
    pub fn take(&mut self) -> impl Iterator<Item = Line> + use<> {
        Arc::unwrap_or_clone(std::mem::take(&mut self.lines)).into_iter()
    }

    /// The latest lines, oldest first: for whoever wants to know why a client is stuck.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    fn push(&mut self, at: Time, level: Level, logger: &'static str, message: &str, thrown: Option<String>) {
        let lines = Arc::make_mut(&mut self.lines);
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(Line { at, level, message: format!("{}{message}", self.context), logger, thrown });
    }
}
