//! How kaf reads its command line: as cobra and pflag do, in their words.

use super::commands::{COMMANDS, Command, Flag, Kind, MISSING, PERSISTENT, Takes, Work};
use crate::shell::argparse::Parsed;
use crate::shell::tools::hosts::Done;

/// A command with its flags and arguments.
#[derive(Clone, Debug)]
pub struct Asked {
    pub command: &'static Command,
    found: Vec<(&'static str, String)>,
    pub args: Vec<String>,
}

impl Asked {
    /// The last value of a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.found.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    /// All values of a flag, those with commas divided if it is of that kind.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// A number; parsing has checked that it is one.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// As a tool made of requests takes it: the argument is called `ARG`.
    pub fn parsed(self) -> Parsed {
        let mut found = self.found;
        found.extend(self.args.into_iter().map(|arg| ("ARG", arg)));
        Parsed::of(self.command.path, found)
    }

    /// The first argument.
    pub fn arg(&self) -> &str {
        self.args.first().map_or("", String::as_str)
    }
}

/// Finds the command and reads its flags.
///
/// # Errors
/// The help or the version that was asked for, or what is wrong: on standard error as cobra says it, and again on standard output by kaf itself.
pub fn parse(args: &[String]) -> Result<Asked, Done> {
    let Some((command, rest)) = find(args)? else { return root(args) };
    let mut asked = Asked { command, found: Vec::new(), args: Vec::new() };
    read(&mut asked, &rest).map_err(|error| usage_error(command, &error))?;
    if asked.is_set("help") {
        return Err(Done::said(help(Some(command))));
    }
    let path = command.path;
    let given = asked.args.len();
    let wrong = match command.takes {
        Takes::Exactly(count) if given != count => Some(format!("accepts {count} arg(s), received {given}")),
        Takes::AtMost(count) if given > count => Some(format!("accepts at most {count} arg(s), received {given}")),
        Takes::None if given > 0 => Some(format!("unknown command \"{}\" for \"kaf {path}\"", asked.arg())),
        _ => None,
    };
    if matches!(command.work, Work::Parent) {
        return Err(Done::said(help(Some(command))));
    }
    wrong.map_or(Ok(asked), |error| Err(usage_error(command, &error)))
}

/// Without a command: the help, the version, or what is wrong.
fn root(args: &[String]) -> Result<Asked, Done> {
    let shown = args.iter().find(|arg| matches!(arg.as_str(), "--version" | "--help" | "-h"));
    match shown.map(String::as_str) {
        Some("--version") => Err(Done::said(vec!["kaf version latest (HEAD)".into()])),
        _ => Err(Done::said(help(None))),
    }
}

/// The command, and what stands around it (`Command.Find`: flags may stand before it).
fn find(args: &[String]) -> Result<Option<(&'static Command, Vec<String>)>, Done> {
    let mut rest = args.to_vec();
    let Some(first) = word(&rest).map(|at| rest.remove(at)) else { return Ok(None) };
    if first == "help" {
        let path = rest.join(" ");
        return Err(Done::said(help(COMMANDS.iter().find(|command| command.path == path))));
    }
    let missing = |path: &str| MISSING.contains(&path).then(|| Done::failed(format!("kaf {path} is not in this terminal"), 1));
    missing(&first).map_or(Ok(()), Err)?;
    let Some(mut command) = COMMANDS.iter().find(|command| command.path == first) else {
        let error = format!("unknown command \"{first}\" for \"kaf\"");
        let err = vec![format!("Error: {error}"), "Run 'kaf --help' for usage.".into()];
        return Err(Done { out: vec![error], err, status: 1, ..Done::default() });
    };
    if matches!(command.work, Work::Parent)
        && let Some(at) = word(&rest)
    {
        let second = if rest[at] == "list" && first == "topic" { "ls" } else { rest[at].as_str() };
        let path = format!("{first} {second}");
        missing(&path).map_or(Ok(()), Err)?;
        if let Some(found) = COMMANDS.iter().find(|command| command.path == path) {
            command = found;
            rest.remove(at);
        }
    }
    Ok(Some((command, rest)))
}

/// The first word that is no flag and no flag's value.
fn word(args: &[String]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        let takes_value = |flag: Option<&Flag>| flag.is_none_or(|flag| flag.kind != Kind::Bool);
        if arg == "--" {
            return None;
        } else if let Some(name) = arg.strip_prefix("--") {
            let has_value = !name.contains('=') && takes_value(PERSISTENT.iter().find(|flag| flag.name == name)) && name != "version";
            at += usize::from(has_value);
        } else if let Some(letter) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            let mut letters = letter.chars();
            let flag = PERSISTENT.iter().find(|flag| flag.short == letters.next());
            at += usize::from(letter.chars().count() == 1 && takes_value(flag));
        } else {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Reads flags, which may stand between the arguments (`FlagSet.Parse`).
fn read(asked: &mut Asked, args: &[String]) -> Result<(), String> {
    let flags = || asked.command.flags.iter().chain(PERSISTENT);
    let (mut found, mut rest, mut args) = (Vec::new(), Vec::new(), args.iter());
    while let Some(arg) = args.next() {
        if arg == "--" {
            rest.extend(args.by_ref().cloned());
        } else if let Some(text) = arg.strip_prefix("--") {
            let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let flag = flags().find(|flag| flag.name == name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match value {
                Some(value) => value,
                None if flag.kind == Kind::Bool => "true",
                None => args.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            set(flag, value, &mut found)?;
        } else if let Some(text) = arg.strip_prefix('-').filter(|text| !text.is_empty()) {
            let mut letters = text;
            while let Some(letter) = letters.chars().next() {
                let behind = &letters[letter.len_utf8()..];
                let flag = flags()
                    .find(|flag| flag.short == Some(letter))
                    .ok_or_else(|| format!("unknown shorthand flag: '{letter}' in -{letters}"))?;
                let value = match (behind.strip_prefix('='), flag.kind) {
                    (Some(value), _) => value,
                    (None, Kind::Bool) => {
                        set(flag, "true", &mut found)?;
                        letters = behind;
                        continue;
                    }
                    (None, _) if !behind.is_empty() => behind,
                    (None, _) => args.next().ok_or_else(|| format!("flag needs an argument: '{letter}' in -{letters}"))?,
                };
                set(flag, value, &mut found)?;
                letters = "";
            }
        } else {
            rest.push(arg.clone());
        }
    }
    (asked.found, asked.args) = (found, rest);
    Ok(())
}

fn set(flag: &Flag, value: &str, found: &mut Vec<(&'static str, String)>) -> Result<(), String> {
    let named = flag.short.map_or_else(|| format!("--{}", flag.name), |short| format!("-{short}, --{}", flag.name));
    let invalid = |reason: String| format!("invalid argument {value:?} for {named:?} flag: {reason}");
    let number = |text: &str, bits: u32| {
        let (low, high) = (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits));
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        match text.parse::<i64>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            Err(_) if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(invalid(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))
            }
            _ => Err(invalid(format!("strconv.ParseInt: parsing {text:?}: value out of range"))),
        }
    };
    let mut push = |text: &str| found.push((name_of(flag), text.to_owned()));
    match flag.kind {
        Kind::Bool => match value {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => push("true"),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => push("false"),
            _ => return Err(invalid(format!("strconv.ParseBool: parsing {value:?}: invalid syntax"))),
        },
        Kind::Text | Kind::Array => push(value),
        Kind::Texts => value.split(',').for_each(push),
        Kind::Int(bits) => push(&number(value, bits)?.to_string()),
        Kind::Ints => {
            for part in value.split(',') {
                push(&number(part, 32)?.to_string());
            }
        }
        Kind::OneOf(words) if words.contains(&value) => push(value),
        Kind::OneOf(_) => {
            // kaf lists them in an order of its own.
            let words = if flag.name == "output" { "default, raw, hex, json, json-each-row" } else { "default, json-each-row, hex" };
            return Err(invalid(format!("must be one of: {words}")));
        }
    }
    Ok(())
}

fn name_of(flag: &Flag) -> &'static str {
    flag.name
}

/// cobra prints the error with the usage, kaf the error once more.
fn usage_error(command: &'static Command, error: &str) -> Done {
    let mut err = vec![format!("Error: {error}")];
    err.extend(usage(Some(command)));
    err.push(String::new());
    Done { out: vec![error.to_owned()], err, status: 1, ..Done::default() }
}

fn help(command: Option<&'static Command>) -> Vec<String> {
    let about = command.map_or("A tool for Kafka's topics, groups and records, as kaf behaves.", |command| command.about);
    let mut lines = vec![about.to_owned(), String::new()];
    lines.extend(usage(command));
    lines
}

fn usage(command: Option<&'static Command>) -> Vec<String> {
    let mut lines = vec!["Usage:".to_owned()];
    let (path, parent) = command.map_or(("", true), |command| (command.path, matches!(command.work, Work::Parent)));
    let operands = command.map_or("[command]", |command| command.operands);
    lines.push(
        ["  kaf", path, operands, if parent { "" } else { "[flags]" }]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
    );
    if parent {
        lines.extend([String::new(), "Available Commands:".into()]);
        for command in COMMANDS {
            let under =
                if path.is_empty() { Some(command.path).filter(|path| !path.contains(' ')) } else { command.path.strip_prefix(path) };
            let under = under.map(str::trim_start).filter(|word| !word.is_empty() && *word != "s");
            lines.extend(under.map(|word| format!("  {word:<10} {}", command.about)));
        }
    }
    lines.extend([String::new(), "Flags:".into()]);
    for flag in command.map_or(&[][..], |command| command.flags).iter().chain(PERSISTENT) {
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        lines.push(format!("  {short}--{:<20} {}", flag.name, flag.about));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Asked, String> {
        let args: Vec<String> = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        parse(&args).map_err(|done| if done.status == 0 { done.out[0].clone() } else { done.err[0].clone() })
    }

    #[test]
    fn flags_as_pflag_reads_them() {
        let asked = check("-b k:1,l:2 consume -fn5 orders --output=raw -p 0,2 -b m:3").unwrap();
        assert_eq!((asked.command.path, asked.arg()), ("consume", "orders"));
        assert_eq!((asked.is_set("follow"), asked.number("tail"), asked.get("output")), (true, Some(5), Some("raw")));
        assert_eq!(asked.all("partitions").collect::<Vec<_>>(), ["0", "2"]);
        assert_eq!(asked.all("brokers").collect::<Vec<_>>(), ["k:1", "l:2", "m:3"]);
        assert_eq!(check("topic list").unwrap().command.path, "topic ls");
        assert_eq!(check("--version").unwrap_err(), "kaf version latest (HEAD)");
        assert_eq!(check("topic").unwrap_err(), "Show and change topics");
    }

    #[test]
    fn what_is_wrong_is_said_in_cobras_words() {
        for (line, error) in [
            ("topcs", "Error: unknown command \"topcs\" for \"kaf\""),
            ("consume", "Error: accepts 1 arg(s), received 0"),
            ("consume a --from-beginning", "Error: unknown flag: --from-beginning"),
            ("consume a -xf", "Error: unknown shorthand flag: 'x' in -xf"),
            ("consume a --offset", "Error: flag needs an argument: --offset"),
            ("consume a -fn", "Error: flag needs an argument: 'n' in -n"),
            ("consume a -n x", "Error: invalid argument \"x\" for \"-n, --tail\" flag: strconv.ParseInt: parsing \"x\": invalid syntax"),
            (
                "topic create a -r 40000",
                "Error: invalid argument \"40000\" for \"-r, --replicas\" flag: strconv.ParseInt: parsing \"40000\": value out of range",
            ),
            (
                "consume a --output x",
                "Error: invalid argument \"x\" for \"--output\" flag: must be one of: default, raw, hex, json, json-each-row",
            ),
            ("group ls x", "Error: unknown command \"x\" for \"kaf group ls\""),
        ] {
            assert_eq!(check(line).unwrap_err(), error, "{line}");
        }
    }
}
