//! What a person sees while a build runs: our own lines, and the children's output as it comes.

use std::io::{IsTerminal, Read, Write};
use std::process::{Command, Stdio};

/// How much of a failed child's output is kept to find out why, bytes.
const TAIL_BYTES: usize = 64 * 1024;

/// A child that could not be started or did not succeed.
#[derive(Debug)]
pub struct Failure {
    /// The command line, shortened.
    pub command: String,
    /// The end of what it wrote to stderr.
    pub said: String,
    /// There is no such program.
    pub not_found: bool,
}

/// One line about what happens now.
pub fn say(line: &str) {
    eprintln!("ottla: {line}");
}

/// Runs a child to its end. Its output is shown as it comes; Cargo's progress bar is kept where we are on a terminal.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100").env("CARGO_TERM_COLOR", "always");
    }
    run_beside(command)
}

/// As [`run`], for a child that runs beside another: two progress bars would write over each other.
pub fn run_beside(command: &mut Command) -> Result<(), Failure> {
    let shown = shown(command);
    let failure = |said, not_found| Failure { command: shown.clone(), said, not_found };
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failure(error.to_string(), error.kind() == std::io::ErrorKind::NotFound))?;
    let said = child.stderr.take().map(tee).unwrap_or_default();
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(failure(said, false)),
        Err(error) => Err(failure(format!("{said}\n{error}"), false)),
    }
}

/// Copies to our stderr and returns the last [`TAIL_BYTES`].
fn tee(mut from: impl Read) -> String {
    let mut tail = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        // Nobody may be listening; the build goes on.
        let _ = std::io::stderr().write_all(&buffer[..count]);
        tail.extend_from_slice(&buffer[..count]);
        if tail.len() > 2 * TAIL_BYTES {
            tail.drain(..tail.len() - TAIL_BYTES);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// `cargo install trunk`, not the whole path and every option.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let words =
        command.get_args().take_while(|word| !word.to_string_lossy().starts_with('-')).map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}
