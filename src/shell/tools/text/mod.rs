//! The text tools of a pipeline: what a workshop pipes Kafka's tools into.
//!
//! Each is a [`Filter`] over lines: [`Text::step`] gives it what its inputs have and prints what it makes of it.

mod args;
mod awk;
mod cat;
mod columns;
mod cut;
mod date;
mod echo;
mod grep;
mod head;
mod hex;
mod jq;
mod paste;
mod printf;
mod regex;
mod sed;
mod seq;
mod sort;
mod tr;
mod uniq;
mod wc;

use std::collections::VecDeque;
use std::fmt::Debug;

use super::BROKEN_PIPE;
use crate::shell::device::Device;
use crate::shell::files::Files;
use crate::shell::pipe::{Pipe, Printer};

/// A text tool at work.
#[derive(Clone, Debug)]
pub struct Text {
    filter: Box<dyn Filter>,
    /// What it reads, in order.
    inputs: VecDeque<Input>,
    /// The input at hand was announced.
    announced: bool,
    /// Not 0 once a file was missing.
    status: i32,
    /// What it is then.
    missing_status: i32,
    /// The name of a tool that keeps all that it reads, and how many bytes that is.
    keeper: Option<&'static str>,
    kept: usize,
    /// How many bytes it has gone through.
    read: usize,
}

/// What a tool reads.
#[derive(Clone, Debug)]
enum Input {
    Standard,
    File {
        name: String,
        pipe: Pipe,
    },
    /// What is said of it: it is not there.
    Missing(String),
}

/// What a tool does with lines.
pub(super) trait Filter: Debug {
    /// One line, with a line break behind it unless `ended` is false; a status ends the tool.
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32>;

    /// The next input begins; `name` is empty for standard input.
    fn input(&mut self, _name: &str, _print: &mut Printer) {}

    /// The end of all input, and the status.
    fn end(&mut self, _print: &mut Printer) -> i32 {
        0
    }

    /// Lines mean nothing to it: it takes a long one in pieces.
    fn takes_pieces(&self) -> bool {
        false
    }

    /// Whether it needs no input, or no more.
    fn is_done(&self) -> bool {
        false
    }

    /// Gets on without input, as far as there is room; its status when it is done.
    fn produce(&mut self, _print: &mut Printer) -> Option<i32> {
        None
    }

    /// How many bytes it keeps, unless it keeps all that it reads.
    fn kept_bytes(&self) -> usize {
        0
    }

    /// Raw bytes instead of lines, for files that are no text.
    fn bytes(&mut self, _bytes: &[u8]) -> bool {
        false
    }

    fn boxed(&self) -> Box<dyn Filter>;
}

impl Clone for Box<dyn Filter> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

/// Tools that keep their input keep at most this many lines of it; a longer input is an error.
pub const KEPT_LINES: usize = 200_000;
/// And at most this many bytes.
pub const KEPT_BYTES: usize = 16 << 20;
/// The tools that keep all that they read. (`tail`, `sed` and `awk` keep some of it.)
const KEEPERS: [&str; 5] = ["base64", "column", "paste", "sort", "tac"];
/// The names of the text tools.
pub const NAMES: &[&str] = &[
    "awk", "base64", "basename", "cat", "column", "cut", "date", "dirname", "echo", "false", "grep", "head", "hexdump", "hostname", "jq",
    "nl", "paste", "printf", "rev", "sed", "seq", "sort", "tac", "tail", "tr", "true", "uniq", "wc", "whoami", "xxd",
];

/// What a tool's arguments make of it and the files that it reads, or what it says about them and the status with which it ends.
type Made = Result<(Box<dyn Filter>, Vec<String>), (String, i32)>;

fn made(filter: impl Filter + 'static, operands: Vec<String>) -> Made {
    Ok((Box::new(filter), operands))
}

/// What the text tools need to know of where they run.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Milliseconds of the Unix epoch.
    pub wall_ms: i64,
    pub host: &'a str,
}

/// An instant as `ls -l` shows it.
pub fn date_of(wall_ms: i64) -> String {
    date::strftime("%b %e %H:%M", wall_ms)
}

/// What `printf` with these arguments prints, what it says about those that do not fit, and its status.
pub fn print_formatted(args: &[String]) -> (String, Option<String>, i32) {
    printf::print_formatted(args)
}

/// An instant as `systemctl` shows it.
pub fn instant_of(wall_ms: i64) -> String {
    date::strftime("%a %Y-%m-%d %H:%M:%S UTC", wall_ms)
}

fn make(name: &str, args: &[String], place: Place) -> Option<Made> {
    Some(match name {
        "echo" => echo::echo(args),
        "printf" => printf::printf(args),
        "true" => made(echo::Says::status(0), Vec::new()),
        "false" => made(echo::Says::status(1), Vec::new()),
        "date" => date::date(args, place.wall_ms),
        "hostname" => made(echo::Says::text(format!("{}\n", place.host)), Vec::new()),
        "whoami" => made(echo::Says::text("kafka\n".into()), Vec::new()),
        "basename" | "dirname" => echo::path(name, args),
        "seq" => seq::seq(args),
        "cat" | "nl" | "rev" | "tac" | "base64" => cat::cat(name, args),
        "head" | "tail" => head::head_or_tail(name, args),
        "wc" => wc::wc(args),
        "grep" | "egrep" | "fgrep" => grep::grep(name, args),
        "sort" => sort::sort(args),
        "uniq" => uniq::uniq(args),
        "cut" => cut::cut(args),
        "tr" => tr::tr(args),
        "awk" | "gawk" | "mawk" => awk::awk(args),
        "sed" => sed::sed(args),
        "jq" => jq::jq(args, place),
        "column" => columns::column(args),
        "paste" => paste::paste(args),
        "hexdump" | "xxd" => hex::hex(name, args),
        _ => return None,
    })
}

impl Text {
    /// The tool of this name, if there is one.
    pub fn start(name: &str, args: &[String], files: &Files, place: Place) -> Option<Text> {
        let (filter, operands) =
            make(name, args, place)?.unwrap_or_else(|(said, status)| (Box::new(echo::Says::failed(said, status)), Vec::new()));
        let mut inputs = VecDeque::new();
        let mut filter = filter;
        for path in &operands {
            inputs.push_back(match (path.as_str(), files.bytes(path)) {
                ("-" | "/dev/stdin" | "/dev/fd/0", None) => Input::Standard,
                (path, _) if let Some(device) = Device::of(path, files.seed) => {
                    Input::File { name: path.to_owned(), pipe: Pipe::of_device(device) }
                }
                (_, Some(bytes)) if filter.bytes(bytes) => continue,
                (_, Some(_)) => Input::File { name: path.clone(), pipe: Pipe::of(files.get(path).unwrap_or_default()) },
                (_, None) => Input::Missing(missing(name, path)),
            });
        }
        if operands.is_empty() && !filter.is_done() {
            inputs.push_back(Input::Standard);
        }
        let missing_status = if matches!(name, "grep" | "sort" | "awk" | "sed" | "jq") { 2 } else { 1 };
        let keeper = KEEPERS.into_iter().find(|keeper| *keeper == name);
        Some(Text { filter, inputs, announced: false, status: 0, missing_status, keeper, kept: 0, read: 0 })
    }

    /// The files that its operands name.
    pub fn reads(name: &str, args: &[String]) -> Vec<String> {
        // What is wrong with the arguments is said when the tool starts.
        let made = make(name, args, Place { wall_ms: 0, host: "" }).and_then(Result::ok);
        made.map(|(_, operands)| operands.into_iter().filter(|path| path != "-").collect()).unwrap_or_default()
    }

    pub fn read_bytes(&self) -> usize {
        self.read
    }

    /// How many bytes of its input it keeps.
    pub fn kept_bytes(&self) -> usize {
        self.kept + self.filter.kept_bytes()
    }

    /// Whether it reads its standard input.
    pub fn reads_input(&self) -> bool {
        !self.filter.is_done() && matches!(self.inputs.front(), Some(Input::Standard))
    }

    /// Takes lines while there are some and room for what becomes of them; its exit status when it is done.
    pub fn step(&mut self, stdin: &mut Pipe, print: &mut Printer) -> Option<i32> {
        if let Some(status) = self.filter.produce(print) {
            return Some(status);
        }
        while print.room > 0 && !self.filter.is_done() {
            if print.broken && print.pieces.iter().any(|piece| !piece.error) {
                return Some(BROKEN_PIPE);
            }
            let pipe = match self.inputs.front_mut() {
                None => break,
                Some(Input::Standard) => &mut *stdin,
                Some(Input::File { pipe, .. }) => pipe,
                Some(Input::Missing(said)) => {
                    print.error(std::mem::take(said));
                    self.status = self.missing_status;
                    self.inputs.pop_front();
                    continue;
                }
            };
            if !self.announced {
                self.announced = true;
                let name = if let Some(Input::File { name, .. }) = self.inputs.front() { name.clone() } else { String::new() };
                self.filter.input(&name, print);
                continue;
            }
            let piece = match pipe.take_piece() {
                None if self.filter.takes_pieces() => pipe.take_partial(),
                piece => piece,
            };
            match piece {
                Some((line, ended)) => {
                    self.read += line.len() + 1;
                    self.kept += if self.keeper.is_some() { size_of::<String>() + line.len() } else { 0 };
                    if let Some(name) = self.keeper.filter(|_| self.kept > KEPT_BYTES) {
                        print.error(format!("{name}: memory exhausted"));
                        return Some(self.missing_status);
                    }
                    if let Some(status) = self.filter.line(line, ended, print) {
                        return Some(status);
                    }
                }
                None if pipe.at_end() => {
                    if let Some(path) = pipe.cut() {
                        print.error(format!("{path}: no more than 4 MiB of it are read in this terminal"));
                        self.status = 1;
                    }
                    self.inputs.pop_front();
                    self.announced = false;
                }
                None => return None,
            }
        }
        if print.room == 0 && !self.filter.is_done() {
            return None;
        }
        let status = self.filter.end(print);
        Some(if self.status != 0 { self.status } else { status })
    }
}

fn missing(name: &str, path: &str) -> String {
    match name {
        "sed" => format!("sed: can't read {path}: No such file or directory"),
        "head" | "tail" => format!("{name}: cannot open '{path}' for reading: No such file or directory"),
        "sort" => format!("sort: cannot read: {path}: No such file or directory"),
        "jq" => format!("jq: error: Could not open {path}: No such file or directory"),
        "awk" => format!("awk: cannot open \"{path}\" (No such file or directory)"),
        name => format!("{name}: {path}: No such file or directory"),
    }
}

#[cfg(test)]
mod tests;
