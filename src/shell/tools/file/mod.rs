//! Tools that look at the names of files and change them: `ls`, `rm`, `mv`, `cp`, `mkdir`, `rmdir`, `touch`, `tee`, `find`, `du`.
//!
//! A terminal's disk has files only; a folder is there as long as something stands below it, an empty one by a mark.

mod changing;
mod looking;

use super::Context;
use super::hosts::Done;
use super::program::Program;
use crate::shell::expand::state::{HOME, absolute};
use crate::shell::files::{Entry, Files};

/// The names of these tools.
pub const NAMES: &[&str] = &["cp", "du", "find", "ls", "mkdir", "mv", "rm", "rmdir", "tee", "touch"];

/// A file grows to at most this.
const MOST_BYTES: u64 = 4 << 20;

/// A tool that has looked around, and does its work when it is stepped.
#[derive(Clone, Debug)]
pub struct FileTool {
    name: String,
    letters: String,
    operands: Vec<String>,
    /// `-name`, `-type` of `find`.
    name_pattern: Option<String>,
    kind: Option<char>,
    files: Files,
    said: Vec<String>,
    wrong: Vec<String>,
    begun: bool,
}

/// Starts one of these tools.
///
/// # Errors
/// What it says about its arguments.
pub fn start(name: &str, args: &[String], files: &Files) -> Result<FileTool, Done> {
    let known = match name {
        "ls" => "1aAlhrtSRFd",
        "rm" => "rRfiv",
        "cp" => "rRapfv",
        "mv" => "fvi",
        "mkdir" => "pv",
        "tee" => "a",
        "du" => "shkbac",
        _ => "",
    };
    let (mut letters, mut operands, mut name_pattern, mut kind) = (String::new(), Vec::new(), None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-name" if name == "find" => name_pattern = args.next().cloned(),
            "-type" if name == "find" => kind = args.next().and_then(|kind| kind.chars().next()),
            "-print" if name == "find" => {}
            "--" => operands.extend(args.by_ref().cloned()),
            flags if flags.starts_with('-') && flags.len() > 1 => {
                if let Some(letter) = flags[1..].chars().find(|letter| !known.contains(*letter)) {
                    let status = if name == "ls" { 2 } else { 1 };
                    let said = match name {
                        "find" => format!("find: unknown predicate `{flags}'"),
                        name => format!("{name}: invalid option -- '{letter}'\nTry '{name} --help' for more information."),
                    };
                    return Err(Done::failed(said, status));
                }
                letters += &flags[1..];
            }
            operand => operands.push(operand.to_owned()),
        }
    }
    let least = match name {
        "cp" | "mv" => 2,
        "rm" if letters.contains('f') => 0,
        "rm" | "mkdir" | "rmdir" | "touch" => 1,
        _ => 0,
    };
    if operands.len() < least {
        let said = match (name, operands.first()) {
            ("cp" | "mv", Some(first)) => format!("{name}: missing destination file operand after '{first}'"),
            ("cp" | "mv" | "touch", None) => format!("{name}: missing file operand"),
            _ => format!("{name}: missing operand"),
        };
        return Err(Done::failed(format!("{said}\nTry '{name} --help' for more information."), 1));
    }
    let (said, wrong) = (Vec::new(), Vec::new());
    Ok(FileTool { name: name.to_owned(), letters, operands, name_pattern, kind, files: files.clone(), said, wrong, begun: false })
}

impl Program for FileTool {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.name == "tee" {
            return self.tee(cx);
        }
        if !std::mem::replace(&mut self.begun, true) {
            match self.name.as_str() {
                "ls" => self.ls(),
                "du" => self.du(),
                "find" => self.find(),
                _ if self.files.read_only => self.wrong.push(format!("{}: Read-only file system", self.name)),
                "rm" => self.rm(cx),
                "mv" | "cp" => self.mv_or_cp(cx),
                "mkdir" => self.mkdir(cx),
                "rmdir" => self.rmdir(cx),
                _ => self.touch(cx),
            }
            self.wrong.iter().for_each(|line| cx.print.error(line));
            self.said.reverse();
        }
        while cx.print.room > 0 {
            match self.said.pop() {
                Some(line) => cx.print.line(line),
                None => return Some(if self.wrong.is_empty() { 0 } else { i32::from(self.name == "ls") + 1 }),
            }
        }
        cx.print.broken.then_some(super::BROKEN_PIPE)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn reads_input(&self) -> bool {
        self.name == "tee"
    }
}

impl FileTool {
    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }

    fn absolute(&self, typed: &str) -> String {
        absolute(&self.files.folder, typed)
    }

    fn fail(&mut self, said: String) {
        self.wrong.push(format!("{}: {said}", self.name));
    }

    /// The files at or below a path.
    fn below(&self, path: &str) -> Vec<Entry> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.entries.iter().filter(|entry| entry.path == path || entry.path.starts_with(&folder)).cloned().collect()
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.is_folder(path) || path == &*self.files.folder || path == HOME
    }
}
