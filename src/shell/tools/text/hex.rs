//! `hexdump -C [-n BYTES] [-s SKIP] [FILE]`, `xxd [-l BYTES] [-s SKIP] [FILE]`: a file's bytes.

use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Hex {
    xxd: bool,
    skip: usize,
    most: usize,
    bytes: Vec<u8>,
}

/// At most so many bytes are shown.
const MOST_BYTES: usize = 1 << 18;

pub(super) fn hex(name: &str, args: &[String]) -> Made {
    let args = Args::parse(name, args, "Cvc", "nsl")?;
    if name == "hexdump" && !args.flag('C') {
        return Err(("hexdump: only -C is here".into(), 1));
    }
    let number = |letter: char| {
        args.value(letter).map(|text| text.parse::<usize>().map_err(|_| (format!("{name}: bad number: {text}"), 1))).transpose()
    };
    let skip = number('s')?.unwrap_or(0);
    let most = number('n')?.or(number('l')?).unwrap_or(MOST_BYTES).min(MOST_BYTES);
    made(Hex { xxd: name == "xxd", skip, most, bytes: Vec::new() }, args.operands)
}

impl Hex {
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.skip.saturating_add(self.most).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn row(&self, at: usize, row: &[u8]) -> String {
        let text: String = row.iter().map(|b| if (32..127).contains(b) { char::from(*b) } else { '.' }).collect();
        if self.xxd {
            let pairs: Vec<String> = row.chunks(2).map(|pair| pair.iter().map(|b| format!("{b:02x}")).collect()).collect();
            return format!("{at:08x}: {:<39}  {text}", pairs.join(" "));
        }
        let half = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x} ")).collect::<String>();
        let (first, second) = row.split_at(row.len().min(8));
        format!("{at:08x}  {:<24} {:<24} |{text}|", half(first), half(second))
    }
}

impl Filter for Hex {
    fn line(&mut self, line: String, ended: bool, _print: &mut Printer) -> Option<i32> {
        self.keep(line.as_bytes());
        if ended {
            self.keep(b"\n");
        }
        None
    }

    fn bytes(&mut self, bytes: &[u8]) -> bool {
        self.keep(bytes);
        true
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        let bytes = std::mem::take(&mut self.bytes);
        let bytes = &bytes[self.skip.min(bytes.len())..];
        let mut repeated = false;
        for (n, row) in bytes.chunks(16).enumerate() {
            let is_same = n > 0 && row.len() == 16 && bytes[(n - 1) * 16..n * 16] == *row && !self.xxd && (n + 1) * 16 < bytes.len();
            if is_same {
                if !repeated {
                    print.line("*");
                }
                repeated = true;
                continue;
            }
            repeated = false;
            print.line(self.row(self.skip + n * 16, row));
        }
        if !self.xxd && !bytes.is_empty() {
            print.line(format!("{:08x}", self.skip + bytes.len()));
        }
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
