//! Streams: where a process reads from and writes to.

use std::sync::Arc;

use super::table::Table;
use super::{Env, Shown};
use crate::shell::pipe::{Pipe, Printed};
use crate::sim::disk::{Disk, Head};

/// A file written by a redirection holds at most this much.
pub const FILE_BYTES: u64 = 4 << 20;
/// A terminal's files together hold at most this much.
pub const DISK_BYTES: u64 = 64 << 20;
/// The output of `$(...)` holds at most this much.
pub const CAPTURE_BYTES: usize = 1 << 20;
/// A file in more pieces is put together again.
const FILE_PIECES: u64 = 1_024;

/// A process's three streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Streams {
    pub input: In,
    pub out: Out,
    pub err: Out,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum In {
    /// What is typed.
    Terminal,
    /// Nothing.
    Null,
    Pipe(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    Screen {
        error: bool,
    },
    Null,
    Pipe(u32),
    /// A file of the terminal's disk, by its path there.
    File(Arc<str>),
    /// Kept for `$(...)`.
    Capture(u32),
}

impl Streams {
    pub fn terminal() -> Streams {
        Streams { input: In::Terminal, out: Out::Screen { error: false }, err: Out::Screen { error: true } }
    }
}

/// A pipe between processes.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    pub pipe: Pipe,
    /// Nobody reads it any more.
    pub broken: bool,
}

/// What `$(...)` printed.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    pub text: String,
    /// There was more than is kept.
    pub is_cut: bool,
}

impl Table {
    /// A pipe of a text, or of a device, to which nobody writes.
    pub fn text_pipe(&mut self, pipe: Pipe) -> In {
        let id = self.new_pipe();
        if let Some(shared) = self.pipes.get_mut(&id) {
            shared.pipe = pipe;
        }
        In::Pipe(id)
    }

    pub fn new_pipe(&mut self) -> u32 {
        self.next_pipe += 1;
        self.pipes.insert(self.next_pipe, Shared::default());
        self.next_pipe
    }

    pub fn new_capture(&mut self) -> u32 {
        self.next_pipe += 1;
        self.captures.insert(self.next_pipe, Capture::default());
        self.next_pipe
    }

    /// How many lines whoever reads this stream has room for, and whether nobody does.
    pub fn room(&self, out: &Out) -> (usize, bool) {
        match out {
            Out::Pipe(id) => {
                self.pipes.get(id).map_or((0, true), |shared| (shared.pipe.room(), shared.broken || shared.pipe.cut().is_some()))
            }
            _ => (usize::MAX, false),
        }
    }

    /// Writes pieces to where they go, in order.
    pub fn deliver(&mut self, streams: &Streams, job: u32, pieces: Vec<Printed>, env: &mut Env) {
        // What goes to one file in a row is written in one piece.
        let mut held: Option<(Arc<str>, String)> = None;
        for piece in pieces {
            let out = if piece.error { &streams.err } else { &streams.out };
            if let Some((path, text)) = held.take_if(|(path, _)| !matches!(out, Out::File(other) if other == path)) {
                self.append(&path, text, streams, job, env);
            }
            match out {
                Out::Screen { error } => env.screen.push(Shown::Text { job, printed: Printed { error: *error, ..piece } }),
                Out::Null => {}
                Out::Pipe(id) => {
                    if let Some(shared) = self.pipes.get_mut(id).filter(|shared| !shared.broken) {
                        shared.pipe.write(&piece.text, piece.newline);
                    }
                }
                Out::Capture(id) => {
                    let Some(capture) = self.captures.get_mut(id) else { continue };
                    if capture.text.len() + piece.text.len() < CAPTURE_BYTES {
                        capture.text += &piece.text;
                        capture.text += if piece.newline { "\n" } else { "" };
                    } else {
                        capture.is_cut = true;
                    }
                }
                Out::File(path) => {
                    let (_, text) = held.get_or_insert_with(|| (path.clone(), String::new()));
                    *text += &piece.text;
                    *text += if piece.newline { "\n" } else { "" };
                }
            }
        }
        if let Some((path, text)) = held {
            self.append(&path, text, streams, job, env);
        }
    }

    fn append(&mut self, path: &str, text: String, streams: &Streams, job: u32, env: &mut Env) {
        if let Err(said) = append(env, path, text.into()) {
            let out = if matches!(streams.err, Out::File(_)) { Out::Screen { error: true } } else { streams.err.clone() };
            let streams = Streams { err: out, ..streams.clone() };
            let printed = Printed { error: true, text: format!("bash: {path}: write error: {said}"), newline: true };
            self.deliver(&streams, job, vec![printed], env);
        }
    }
}

/// Appends to a file of the terminal's disk.
///
/// # Errors
/// The system's words: a file or the disk is full.
pub fn append(env: &mut Env, path: &str, bytes: bytes::Bytes) -> Result<(), &'static str> {
    let now = env.now;
    let store = env.out.store();
    let (length, pieces) = store.disk.file(path).map_or((0, 0), |file| (file.len(), file.extent_count()));
    if length + bytes.len() as u64 > FILE_BYTES {
        return Err("File too large");
    }
    if !has_room(store.disk, bytes.len() as u64) {
        return Err("No space left on device");
    }
    if pieces < FILE_PIECES {
        let chunk = env.out.chunk(bytes);
        return env.out.disk().append(now, path, Head::EMPTY, chunk).map_err(|_| "No space left on device");
    }
    let mut whole = env.out.disk().file(path).map_or_else(Vec::new, |file| file.read().to_vec());
    whole.extend_from_slice(&bytes);
    write(env, path, whole.into())
}

/// Replaces a file of the terminal's disk.
///
/// # Errors
/// As [`append`].
pub fn write(env: &mut Env, path: &str, bytes: bytes::Bytes) -> Result<(), &'static str> {
    if bytes.len() as u64 > FILE_BYTES {
        return Err("File too large");
    }
    if !has_room(env.out.disk(), bytes.len() as u64) {
        return Err("No space left on device");
    }
    let now = env.now;
    let chunk = env.out.chunk(bytes);
    env.out.disk().replace(now, path, chunk).map_err(|_| "No space left on device")
}

fn has_room(disk: &Disk, more: u64) -> bool {
    disk.used_bytes() + more <= DISK_BYTES && disk.file_count() < MOST_FILES
}

/// At most this many files on a terminal's disk.
const MOST_FILES: usize = 4_096;
