//! Options of those of Kafka's tools that read them with argparse4j, in its words and its layout.
//!
//! As in [`super::options`], a tool has one table, and the rest follows from it. Lines of help and of errors are justified, as that
//! library does it.

mod help;
mod like;
mod wrap;

use self::like::did_you_mean;
use self::wrap::wrap;
use super::tools::hosts::Done;

/// A tool's options. Those of a subcommand come after it.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    pub prog: &'static str,
    pub blurb: &'static str,
    pub arguments: &'static [Argument],
    pub commands: &'static [Command],
}

#[derive(Clone, Copy, Debug)]
pub struct Command {
    pub name: &'static str,
    pub blurb: &'static str,
    pub arguments: &'static [Argument],
}

#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// With their dashes; the first is how it is looked up and shown.
    pub flags: &'static [&'static str],
    pub metavar: &'static str,
    pub kind: Kind,
    pub need: Need,
    pub help: &'static str,
}

/// What an argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Flag,
    Text,
    Short,
    Integer,
    Long,
    Double,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One or more, each `PROP=VALUE` or the like.
    Many,
}

/// Whether it must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Optional,
    Required,
    /// Exactly one of the group.
    OneOf,
    /// One of the group at most.
    AtMostOneOf,
}

pub const fn argument(flags: &'static [&'static str], metavar: &'static str, kind: Kind, need: Need, help: &'static str) -> Argument {
    Argument { flags, metavar, kind, need, help }
}

const HELP: Argument = argument(&["-h", "--help"], "", Kind::Flag, Need::Optional, "show this help message and exit");
/// An argument that only says which version the tool is of (`PrintVersionAndExitAction`).
pub const VERSION: Argument = argument(&["-v", "--version"], "", Kind::Flag, Need::Optional, "Show the version, and end.");
const WIDTH: usize = 75;

/// What stood on a command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub command: Option<&'static str>,
    found: Vec<(&'static str, String)>,
}

impl Parsed {
    /// What a tool read that has a way of its own.
    pub fn of(command: &'static str, found: Vec<(&'static str, String)>) -> Parsed {
        Parsed { command: Some(command), found }
    }

    pub fn has(&self, flag: &str) -> bool {
        self.found.iter().any(|(found, _)| *found == flag)
    }

    /// All values of an argument, by its first flag.
    pub fn all<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(found, _)| *found == flag).map(|(_, value)| value.as_str())
    }

    /// The last value.
    pub fn get(&self, flag: &str) -> Option<&str> {
        self.found.iter().rev().find(|(found, _)| *found == flag).map(|(_, value)| value.as_str())
    }

    /// The last value as a number; parsing has checked that it is one.
    pub fn number<T: std::str::FromStr>(&self, flag: &str) -> Option<T> {
        self.get(flag)?.parse().ok()
    }
}

/// One parser at work: the tool's, or a subcommand's.
struct Scope<'a> {
    parser: &'a Parser,
    command: Option<&'a Command>,
}

impl Parser {
    /// Reads a tool's arguments.
    ///
    /// # Errors
    /// The help that was asked for, or what is wrong, with the usage above it.
    pub fn parse(&self, args: &[String]) -> Result<Parsed, Done> {
        let main = Scope { parser: self, command: None };
        let mut parsed = Parsed::default();
        let mut at = 0;
        let mut missing = main.parse(args, &mut at, &mut parsed)?;
        let mut scope = &main;
        let inner;
        if !self.commands.is_empty() {
            let Some(name) = args.get(at) else { return Err(main.error("too few arguments")) };
            let Some(command) = self.commands.iter().find(|command| command.name == name) else {
                return Err(main.unknown_command(name));
            };
            at += 1;
            parsed.command = Some(command.name);
            inner = Scope { parser: self, command: Some(command) };
            let missing_inside = inner.parse(args, &mut at, &mut parsed)?;
            if missing.is_none() {
                (missing, scope) = (missing_inside, &inner);
            }
        }
        match missing {
            Some(message) => Err(scope.error(&message)),
            None => Ok(parsed),
        }
    }

    /// An error that the tool finds itself after parsing.
    pub fn error(&self, message: &str) -> Done {
        Scope { parser: self, command: None }.error(message)
    }

    /// What a tool that was started without arguments prints.
    pub fn help(&self) -> Done {
        Scope { parser: self, command: None }.help()
    }
}

impl Scope<'_> {
    fn arguments(&self) -> impl Iterator<Item = &'static Argument> + Clone {
        let own: &'static [Argument] = self.command.map_or(self.parser.arguments, |command| command.arguments);
        std::iter::once(&HELP).chain(own)
    }

    /// Reads arguments up to a subcommand. Returns what is missing, which is only said if nothing worse comes.
    fn parse(&self, args: &[String], at: &mut usize, parsed: &mut Parsed) -> Result<Option<String>, Done> {
        let mut used: Vec<&Argument> = Vec::new();
        while let Some(term) = args.get(*at) {
            if !is_flag(term) {
                if self.command.is_none() && !self.parser.commands.is_empty() {
                    break;
                }
                return Err(self.error(&format!("unrecognized arguments: '{}'", args[*at..].join(" "))));
            }
            let (flag, embedded) = match term.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (term.as_str(), None),
            };
            let Some(argument) = self.find(flag)? else { return Err(self.unrecognized(term)) };
            *at += 1;
            if argument.flags == HELP.flags {
                return Err(self.help());
            }
            if argument.flags == VERSION.flags {
                return Err(Done::said(vec![format!("{} (Commit:{})", super::tools::kafka::VERSION, super::tools::kafka::COMMIT)]));
            }
            let in_group = |argument: &Argument| matches!(argument.need, Need::OneOf | Need::AtMostOneOf);
            if let Some(other) = used.iter().find(|other| in_group(other) && in_group(argument) && other.flags != argument.flags) {
                return Err(self.error_of(argument, &format!("not allowed with argument {}", other.flags.join("/"))));
            }
            used.push(argument);
            self.take(argument, embedded, args, at, parsed)?;
        }
        let given = |argument: &Argument| used.iter().any(|used| used.flags == argument.flags);
        // It looks at all of them, and keeps the last that is missing.
        let required = self.arguments().filter(|argument| argument.need == Need::Required && !given(argument)).last();
        if let Some(argument) = required {
            return Ok(Some(format!("argument {} is required", argument.flags.join("/"))));
        }
        let group: Vec<&Argument> = self.arguments().filter(|argument| argument.need == Need::OneOf).collect();
        if !group.is_empty() && !group.iter().any(|argument| given(argument)) {
            let names: Vec<String> = group.iter().map(|argument| argument.flags.join("/")).collect();
            return Ok(Some(format!("one of the arguments {} is required", names.join(" "))));
        }
        Ok(None)
    }

    /// The argument of this flag, or of the only one that begins so.
    fn find(&self, flag: &str) -> Result<Option<&'static Argument>, Done> {
        if let Some(argument) = self.arguments().find(|argument| argument.flags.contains(&flag)) {
            return Ok(Some(argument));
        }
        let begins = |argument: &&'static Argument| argument.flags.iter().any(|known| known.starts_with(flag));
        let mut candidates = self.arguments().filter(begins);
        match (candidates.next(), candidates.next()) {
            (Some(_), Some(_)) => {
                let mut flags: Vec<&str> =
                    self.arguments().flat_map(|argument| argument.flags).copied().filter(|known| known.starts_with(flag)).collect();
                flags.sort_unstable();
                Err(self.error(&format!("ambiguous option: {flag} could match {}", flags.join(", "))))
            }
            (candidate, _) => Ok(candidate),
        }
    }

    /// Takes an argument's values.
    fn take(
        &self,
        argument: &'static Argument,
        embedded: Option<&str>,
        args: &[String],
        at: &mut usize,
        parsed: &mut Parsed,
    ) -> Result<(), Done> {
        let name = argument.flags[0];
        if argument.kind == Kind::Flag {
            if let Some(value) = embedded {
                return Err(self.error_of(argument, &format!("ignore implicit argument '{value}'")));
            }
            parsed.found.push((name, "true".into()));
            return Ok(());
        }
        let mut values: Vec<String> = embedded.map(str::to_owned).into_iter().collect();
        let most = if argument.kind == Kind::Many { usize::MAX } else { 1 };
        while embedded.is_none() && values.len() < most && args.get(*at).is_some_and(|next| !is_flag(next)) {
            values.push(args[*at].clone());
            *at += 1;
        }
        if values.is_empty() {
            let message = if argument.kind == Kind::Many { "expected 1 argument(s)" } else { "expected one argument" };
            return Err(self.error_of(argument, message));
        }
        for value in values {
            if let Err(message) = convert(argument.kind, &value) {
                return Err(self.error_of(argument, &message));
            }
            parsed.found.push((name, value));
        }
        Ok(())
    }

    fn error_of(&self, argument: &Argument, message: &str) -> Done {
        self.error(&format!("argument {}: {message}", argument.flags.join("/")))
    }

    fn error(&self, message: &str) -> Done {
        let mut err = self.usage();
        // The line break at its end counts as a letter of the last word.
        let lines = wrap(&format!("{}: error: {message}\n", self.parser.prog), 0, "");
        err.extend(lines.iter().map(|line| line.trim_end_matches('\n').to_owned()));
        Done { err, status: 1, ..Done::default() }
    }

    fn unrecognized(&self, term: &str) -> Done {
        let mut done = self.error(&format!("unrecognized arguments: '{term}'"));
        let body = term.trim_start_matches('-');
        let flags = self.arguments().flat_map(|argument| argument.flags).copied().filter(|flag| flag.trim_start_matches('-').len() > 1);
        if body.len() >= 2 {
            done.err.extend(did_you_mean(body, flags.map(|flag| (flag.trim_start_matches('-'), flag))));
        }
        done
    }

    fn unknown_command(&self, name: &str) -> Done {
        let names: Vec<String> = self.parser.commands.iter().map(|command| format!("'{}'", command.name)).collect();
        let mut done = self.error(&format!("invalid choice: '{name}' (choose from {})", names.join(", ")));
        done.err.extend(did_you_mean(name, self.parser.commands.iter().map(|command| (command.name, command.name))));
        done
    }
}

/// A dash and something that is no number.
fn is_flag(term: &str) -> bool {
    term.strip_prefix('-').is_some_and(|rest| rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn convert(kind: Kind, value: &str) -> Result<(), String> {
    let no_number = |kind: &str| format!("could not convert '{value}' to {kind} (For input string: \"{value}\")");
    match kind {
        Kind::Short => value.parse::<i16>().map(drop).map_err(|_| no_number("Short")),
        Kind::Integer => value.parse::<i32>().map(drop).map_err(|_| no_number("Integer")),
        Kind::Long => value.parse::<i64>().map(drop).map_err(|_| no_number("Long")),
        Kind::Double => value.parse::<f64>().map(drop).map_err(|_| no_number("Double")),
        Kind::Choice(words) if !words.contains(&value) => Err(format!("invalid choice: '{value}' (choose from {{{}}})", words.join(","))),
        Kind::Flag | Kind::Text | Kind::Choice(_) | Kind::Many => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARSER: Parser = Parser {
        prog: "kafka-storage",
        blurb: "B.",
        arguments: &[],
        commands: &[
            Command { name: "info", blurb: "I.", arguments: &[argument(&["--config", "-c"], "CONFIG", Kind::Text, Need::Required, "C.")] },
            Command {
                name: "format",
                blurb: "F.",
                arguments: &[
                    argument(&["--num"], "N", Kind::Long, Need::Optional, "N."),
                    argument(&["--one"], "", Kind::Flag, Need::AtMostOneOf, "1."),
                    argument(&["--two"], "", Kind::Flag, Need::AtMostOneOf, "2."),
                    argument(&["--props"], "P=V", Kind::Many, Need::Optional, "P."),
                ],
            },
        ],
    };

    fn parse(line: &str) -> Result<Parsed, Vec<String>> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        PARSER.parse(&args).map_err(|done| if done.err.is_empty() { done.out } else { done.err })
    }

    #[test]
    fn reads_what_stands_there() {
        let parsed = parse("format --num=-1 --one --props a=1 b=2").unwrap();
        assert_eq!((parsed.command, parsed.number::<i64>("--num"), parsed.has("--one")), (Some("format"), Some(-1), true));
        assert_eq!(parsed.all("--props").collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(parse("info -c x").unwrap().get("--config"), Some("x"));
        assert_eq!(parse("info --conf x").unwrap().get("--config"), Some("x"));
    }

    /// As kafka-storage 4.3.1 says it.
    #[test]
    fn refuses_in_argparses_words() {
        let usage = "usage: kafka-storage format [-h] [--num N] [--props P=V [P=V ...]] [--one |";
        assert_eq!(parse("format --num x").unwrap_err()[..2], [usage, "                     --two]"]);
        let last = |line: &str| parse(line).unwrap_err().split_off(2).join("|");
        assert_eq!(
            last("format --num abcdefg"),
            "kafka-storage: error: argument --num: could  not  convert 'abcdefg' to Long|(For input string: \"abcdefg\")"
        );
        assert_eq!(last("format --one --two"), "kafka-storage: error: argument --two: not allowed with argument --one");
        assert_eq!(last("format --num"), "kafka-storage: error: argument --num: expected one argument");
        assert_eq!(parse("info").unwrap_err().last().unwrap(), "kafka-storage: error: argument --config/-c is required");
        assert_eq!(parse("").unwrap_err().last().unwrap(), "kafka-storage: error: too few arguments");
        assert_eq!(parse("foo").unwrap_err().split_off(2), ["", "Did you mean:", "\tformat", "\tinfo"]);
        assert_eq!(
            parse("info --confg x").unwrap_err().split_off(1),
            ["kafka-storage: error: unrecognized arguments: '--confg'", "", "Did you mean:", "\t--config"]
        );
    }

    #[test]
    fn lines_are_justified() {
        let text = "kafka-producer-perf-test: error: one of the arguments --record-size --payload-file --payload-monotonic is required";
        assert_eq!(
            wrap(text, 0, ""),
            ["kafka-producer-perf-test: error:  one  of  the  arguments  --record-size --", "payload-file --payload-monotonic is required"]
        );
        let text = "kafka-producer-perf-test: error: argument --num-records: could not convert 'abc' to Long";
        assert_eq!(wrap(text, 0, "")[0], "kafka-producer-perf-test: error: argument --num-records:  could not convert");
        let text = "kafka-storage: error: invalid choice: 'foo' (choose from 'info', 'format', 'version-mapping')";
        assert_eq!(wrap(text, 0, "")[0], "kafka-storage: error: invalid choice: 'foo'  (choose from 'info', 'format',");
    }
}
