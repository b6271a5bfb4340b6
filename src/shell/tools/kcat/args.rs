//! kcat's options (`argparse` in kcat.c).

use super::fatal;
use crate::kafka::actor::Config;
use crate::shell::tools::hosts::Done;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Produce,
    Consume,
    Group,
    List,
    Query,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    Beginning,
    End,
    At(i64),
    /// So many before the end.
    Tail(i64),
    /// The first message at this time or later.
    Time(i64),
    /// Where the group left off.
    Stored,
}

/// A run as it was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub mode: Mode,
    pub servers: String,
    /// `-t`; several only with `-Q`.
    pub topics: Vec<String>,
    pub group: String,
    pub partition: Option<i32>,
    pub key_delimiter: Option<String>,
    pub delimiter: String,
    pub key: Option<String>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// `-l`: files hold many messages each.
    pub lines: bool,
    pub begin: Option<Begin>,
    pub stop_at: Option<i64>,
    pub count: Option<u64>,
    pub exit_at_end: bool,
    pub format: Option<String>,
    pub json: bool,
    /// `-Z`: empty is null, and null is shown as NULL.
    pub nulls: bool,
    pub tee: bool,
    pub unbuffered: bool,
    pub quiet: bool,
    pub config: Config,
    /// Said on standard error before anything else.
    pub notes: Vec<String>,
    /// Files, or topics with `-G`.
    pub rest: Vec<String>,
}

/// Options that take an argument.
const WITH_ARGUMENT: &str = "btpgGKDkHzocfXFdmsrOMU";
const FLAGS: &str = "PCLQleqvuZTEJhV";

/// Reads the arguments. `typed`: its input is the terminal, so that without a mode it consumes.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String], typed: bool) -> Result<Asked, Done> {
    let mut asked = Asked::new();
    let mut mode = None;
    let mut set_mode = |new: Mode, letter: char| match mode.replace((new, letter)) {
        Some((_, before)) if before != letter => Err(fatal(format!("Do not mix modes: -{before} seen when -{letter} already set"))),
        _ => Ok(()),
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            asked.rest.push(arg.clone());
            continue;
        };
        if letters == "-" {
            asked.rest.extend(args.by_ref().cloned());
            break;
        }
        let chars = letters.char_indices();
        for (at, letter) in chars {
            if WITH_ARGUMENT.contains(letter) {
                let inline = &letters[at + letter.len_utf8()..];
                let value = if inline.is_empty() { args.next().cloned() } else { Some(inline.to_owned()) };
                let value = value.ok_or_else(|| usage(Some("unknown argument")))?;
                if letter == 'G' {
                    set_mode(Mode::Group, 'G')?;
                }
                asked.option(letter, value)?;
                break;
            }
            match letter {
                'P' => set_mode(Mode::Produce, letter)?,
                'C' => set_mode(Mode::Consume, letter)?,
                'L' => set_mode(Mode::List, letter)?,
                'Q' => set_mode(Mode::Query, letter)?,
                _ if FLAGS.contains(letter) => asked.flag(letter)?,
                _ => return Err(usage(Some("unknown argument"))),
            }
        }
    }
    asked.finish(mode.map(|(mode, _)| mode), typed)
}

impl Asked {
    fn new() -> Asked {
        Asked {
            mode: Mode::Consume,
            servers: String::new(),
            topics: Vec::new(),
            group: String::new(),
            partition: None,
            key_delimiter: None,
            delimiter: "\n".into(),
            key: None,
            headers: Vec::new(),
            lines: false,
            begin: None,
            stop_at: None,
            count: None,
            exit_at_end: false,
            format: None,
            json: false,
            nulls: false,
            tee: false,
            unbuffered: false,
            quiet: false,
            config: Config::new(),
            notes: Vec::new(),
            rest: Vec::new(),
        }
    }

    fn flag(&mut self, letter: char) -> Result<(), Done> {
        match letter {
            'l' => self.lines = true,
            'e' => self.exit_at_end = true,
            'q' => self.quiet = true,
            'u' => self.unbuffered = true,
            'Z' => self.nulls = true,
            'T' => self.tee = true,
            'J' => self.json = true,
            'h' | 'V' => return Err(usage(None)),
            _ => {}
        }
        Ok(())
    }

    fn option(&mut self, letter: char, value: String) -> Result<(), Done> {
        let number = |value: &str| value.parse::<i64>().unwrap_or(0);
        match letter {
            'b' => self.servers = value,
            't' => self.topics.push(value),
            'G' => self.group = value,
            'p' => self.partition = Some(i32::try_from(number(&value)).unwrap_or(-1)).filter(|partition| *partition >= 0),
            'K' => self.key_delimiter = Some(unescape(&value)),
            'D' => self.delimiter = unescape(&value),
            'k' => self.key = Some(value),
            'H' => {
                let (name, content) = value.split_once('=').map_or((value.as_str(), None), |(name, content)| (name, Some(content)));
                self.headers.push((name.to_owned(), content.map(|content| content.as_bytes().to_vec())));
            }
            'z' => self.property("compression.codec", &value),
            'o' => self.begin(&value)?,
            'c' => self.count = Some(number(&value).max(0).cast_unsigned()),
            'f' => self.format = Some(unescape(&value)),
            'X' => match value.split_once('=') {
                Some((name, value)) => self.property(name, value),
                None if value == "list" || value == "dump" => return Err(fatal(format!("-X {value} is not here"))),
                None => {
                    return Err(fatal(format!(
                        "Expected \"-X property=value\", not {value}, use \"-X list\" to display available properties"
                    )));
                }
            },
            // Serdes, schema registries, debug contexts and files of settings are not here; what they would change is not asked for.
            's' | 'r' => return Err(fatal(format!("-{letter} is not here: messages are shown as text"))),
            _ => {}
        }
        Ok(())
    }

    /// A property of librdkafka, by the name that Java's client has for it.
    fn property(&mut self, name: &str, value: &str) {
        let name = match name {
            "metadata.broker.list" | "bootstrap.servers" => {
                self.servers = value.to_owned();
                return;
            }
            "compression.codec" => "compression.type",
            "request.required.acks" => "acks",
            "queue.buffering.max.ms" => "linger.ms",
            "message.timeout.ms" => "delivery.timeout.ms",
            name => name.strip_prefix("topic.").unwrap_or(name),
        };
        let value = match (name, value) {
            ("auto.offset.reset", "smallest" | "beginning") => "earliest",
            ("auto.offset.reset", "largest" | "end") => "latest",
            _ => value,
        };
        self.config.insert(name.to_owned(), value.to_owned());
    }

    fn begin(&mut self, value: &str) -> Result<(), Done> {
        let number = |text: &str| text.parse::<i64>().map_err(|_| fatal(format!("Invalid offset: {value}")));
        self.begin = Some(match value {
            "beginning" => Begin::Beginning,
            "end" => Begin::End,
            "stored" => Begin::Stored,
            _ => match (value.strip_prefix("s@"), value.strip_prefix("e@"), value.strip_prefix('-')) {
                (Some(time), ..) => Begin::Time(number(time)?),
                (_, Some(time), _) => {
                    self.stop_at = Some(number(time)?);
                    return Ok(());
                }
                (.., Some(tail)) => Begin::Tail(number(tail)?),
                _ => Begin::At(number(value)?),
            },
        });
        Ok(())
    }

    fn finish(mut self, mode: Option<Mode>, typed: bool) -> Result<Asked, Done> {
        if self.servers.is_empty() {
            return Err(usage(Some("-b <broker,..> missing")));
        }
        self.mode = mode.unwrap_or_else(|| {
            let (mode, name) = if typed { (Mode::Consume, "Consumer") } else { (Mode::Produce, "Producer") };
            if !self.quiet {
                self.notes.push(format!("% Auto-selecting {name} mode (use -P or -C to override)"));
            }
            mode
        });
        match self.mode {
            Mode::Produce | Mode::Consume | Mode::Query if self.topics.is_empty() => return Err(usage(Some("-t <topic> missing"))),
            Mode::Group => {
                self.topics.append(&mut self.rest);
                if self.topics.is_empty() {
                    return Err(usage(Some("-G <group> needs at least one topic")));
                }
            }
            _ => {}
        }
        Ok(self)
    }
}

/// `\n`, `\t`, `\r`, `\0` and `\xNN`.
pub fn unescape(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('0') => plain.push('\0'),
            Some('x') => {
                let mut code = 0;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(16)).filter(|_| code < 16) {
                    code = code * 16 + digit;
                    chars.next();
                }
                plain.extend(char::from_u32(code));
            }
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    plain
}

/// The help, on standard error if something is wrong.
fn usage(reason: Option<&str>) -> Done {
    const LINES: &[&str] = &[
        "Usage: kcat <options> [file1 file2 .. | topic1 topic2 ..]]",
        "A client of Kafka for pipes, as kcat 1.7 behaves.",
        "",
        "Modes:",
        "  -P                 Produce: each line of the input is a message",
        "  -C                 Consume: print messages",
        "  -G <group> <topics> Consume in a group",
        "  -L                 List brokers, topics and partitions",
        "  -Q                 Query offsets: -t <topic>:<partition>:<time or -1 (end) or -2 (beginning)>",
        "",
        "  -b <broker,..>     Where to begin",
        "  -t <topic>         The topic",
        "  -p <partition>     The partition",
        "  -X <name=value>    A setting of the client",
        "  -q                 Say nothing but messages and errors",
        "Producing:",
        "  -K <delimiter>     Stands between key and value in a line",
        "  -k <key>           The key of all messages",
        "  -D <delimiter>     Stands between messages (a line break)",
        "  -H <name=value>    A header of all messages",
        "  -l                 Files hold a message a line, not one each",
        "  -T                 Copy the input to the output",
        "  -c <count>         So many messages",
        "  -Z                 What is empty is null",
        "  -z <codec>         Compress: gzip, snappy, lz4, zstd",
        "Consuming:",
        "  -o <offset>        beginning, end, stored, <number>, -<number> (before the end), s@<time>, e@<time>",
        "  -e                 End at the end of the last partition",
        "  -c <count>         End after so many messages",
        "  -f <format>        %s value  %S its length  %k key  %K its length  %t topic  %p partition  %o offset  %T time  %h headers",
        "  -J                 Print JSON",
        "  -K <delimiter>     Print keys too, with this behind them",
        "  -Z                 Print NULL for what is null",
    ];
    let lines: Vec<String> = LINES.iter().map(|line| (*line).to_owned()).collect();
    match reason {
        None => Done::said(lines),
        Some(reason) => {
            let mut err = vec![format!("Error: {reason}"), String::new()];
            err.extend(lines);
            Done { err, status: 1, ..Done::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Asked, String> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&args, false).map_err(|done| done.err.first().cloned().unwrap_or_default())
    }

    #[test]
    fn as_getopt_reads_them() {
        let asked = check("-b k:1 -C -t orders -o -2 -eq -c3 -K: -f %s\\n -X auto.offset.reset=smallest").unwrap();
        assert_eq!(
            (asked.mode, asked.begin, asked.exit_at_end, asked.quiet, asked.count),
            (Mode::Consume, Some(Begin::Tail(2)), true, true, Some(3))
        );
        assert_eq!((asked.key_delimiter.as_deref(), asked.format.as_deref()), (Some(":"), Some("%s\n")));
        assert_eq!(asked.config["auto.offset.reset"], "earliest");
        let group = check("-b k:1 -G billing orders payments").unwrap();
        assert_eq!((group.mode, group.group.as_str(), group.topics.len()), (Mode::Group, "billing", 2));
        assert_eq!(check("-b k:1 -t orders").unwrap().notes, ["% Auto-selecting Producer mode (use -P or -C to override)"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(check("-C -t orders").unwrap_err(), "Error: -b <broker,..> missing");
        assert_eq!(check("-b k:1 -C").unwrap_err(), "Error: -t <topic> missing");
        assert_eq!(check("-b k:1 -y").unwrap_err(), "Error: unknown argument");
        assert!(check("-b k:1 -C -P -t a").unwrap_err().starts_with("% ERROR: Do not mix modes"));
        assert_eq!(unescape("a\\tb\\x41\\n"), "a\tbA\n");
    }
}
