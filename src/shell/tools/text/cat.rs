//! `cat`, `nl`, `rev`, `tac`, `base64`: lines as they are, or nearly so.

use super::args::Args;
use super::{Filter, KEPT_LINES, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Cat {
    how: How,
    lines: u64,
    kept: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Plain,
    /// `cat -n`; `blank`: empty lines count too.
    Numbered {
        blank: bool,
    },
    Reversed,
    FromBack,
    Encoded,
    Decoded,
}

pub(super) fn cat(name: &str, args: &[String]) -> Made {
    let args = match name {
        "cat" => Args::parse(name, args, "nbuvetsAE", "")?,
        "nl" => Args::parse(name, args, "", "bwsn")?,
        "base64" => Args::parse(name, args, "di", "w")?,
        _ => Args::parse(name, args, "", "")?,
    };
    let how = match name {
        "cat" if args.flag('n') => How::Numbered { blank: true },
        "cat" if args.flag('b') => How::Numbered { blank: false },
        "nl" => How::Numbered { blank: args.value('b') == Some("a") },
        "rev" => How::Reversed,
        "tac" => How::FromBack,
        "base64" if args.flag('d') => How::Decoded,
        "base64" => How::Encoded,
        _ => How::Plain,
    };
    made(Cat { how, lines: 0, kept: Vec::new() }, args.operands)
}

impl Filter for Cat {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        match self.how {
            How::Plain if ended => print.line(line),
            How::Plain => print.text(line),
            How::Numbered { blank } if line.is_empty() && !blank => print.line(if line.is_empty() { String::new() } else { line }),
            How::Numbered { .. } => {
                self.lines += 1;
                print.line(format!("{:>6}\t{line}", self.lines));
            }
            How::Reversed => print.line(line.chars().rev().collect::<String>()),
            How::FromBack | How::Encoded | How::Decoded => {
                if self.kept.len() == KEPT_LINES {
                    print.error(format!("more than {KEPT_LINES} lines are not kept here"));
                    return Some(1);
                }
                self.kept.push(if ended && self.how == How::Encoded { line + "\n" } else { line });
            }
        }
        None
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        match self.how {
            How::FromBack => self.kept.drain(..).rev().for_each(|line| print.line(line)),
            How::Encoded => {
                let text = encode(self.kept.concat().as_bytes());
                let chars: Vec<char> = text.chars().collect();
                chars.chunks(76).for_each(|line| print.line(line.iter().collect::<String>()));
            }
            How::Decoded => match decode(&self.kept.concat()) {
                Some(bytes) => print.text(String::from_utf8_lossy(&bytes).into_owned()),
                None => {
                    print.error("base64: invalid input");
                    return 1;
                }
            },
            _ => {}
        }
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base 64, as RFC 4648 has it.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            text.push(if n <= chunk.len() { char::from(LETTERS[(word >> (18 - 6 * n) & 63) as usize]) } else { '=' });
        }
    }
    text
}

pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for c in text.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'=') {
        let value = LETTERS.iter().position(|letter| *letter == c)? as u32;
        word = word << 6 | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits & 255) as u8);
        }
    }
    Some(bytes)
}
