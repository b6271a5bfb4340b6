//! Options of Kafka's command-line tools, with the semantics and the words of joptsimple and `CommandLineUtils`.
//!
//! Each tool has one table ([`Opt`]); everything else follows from it: parsing, checks, the help table, completion.

/// One option of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Without the dashes.
    pub name: &'static str,
    pub arg: Arg,
    pub help: &'static str,
    /// What completes its argument.
    pub completes: Completes,
}

/// Whether an option takes an argument; the text names it in the help table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    None,
    Required(&'static str),
    Optional(&'static str),
}

/// From what the argument of an option can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    Nothing,
    Servers,
    Topics,
    Groups,
    Words(&'static [&'static str]),
}

/// An option without an argument.
pub const fn flag(name: &'static str, help: &'static str) -> Opt {
    Opt { name, arg: Arg::None, help, completes: Completes::Nothing }
}

/// An option that takes one.
pub const fn with(name: &'static str, arg: &'static str, help: &'static str) -> Opt {
    Opt { name, arg: Arg::Required(arg), help, completes: Completes::Nothing }
}

/// An option that may take one.
pub const fn may(name: &'static str, arg: &'static str, help: &'static str) -> Opt {
    Opt { name, arg: Arg::Optional(arg), help, completes: Completes::Nothing }
}

impl Opt {
    pub const fn completed_by(self, completes: Completes) -> Opt {
        Opt { completes, ..self }
    }
}

/// The options that stood on a command line (joptsimple's `OptionSet`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    found: Vec<(&'static str, Option<String>)>,
    /// Words that belong to no option.
    pub rest: Vec<String>,
    /// The arguments as they were typed, with spaces between.
    typed: String,
}

/// joptsimple's exceptions, in its words. Tools frame them each in its own way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    #[error("{0} is not a recognized option")]
    Unrecognized(String),
    #[error("Option {0} requires an argument")]
    MissingArgument(&'static str),
    #[error("Found multiple arguments for option {0}, but you asked for only one")]
    Multiple(&'static str),
    #[error("Cannot parse argument '{argument}' of option {option}")]
    Conversion { option: &'static str, argument: String },
}

impl OptionError {
    /// Its Java class.
    pub fn class(&self) -> &'static str {
        match self {
            OptionError::Unrecognized(_) => "joptsimple.UnrecognizedOptionException",
            OptionError::MissingArgument(_) => "joptsimple.OptionMissingRequiredArgumentException",
            OptionError::Multiple(_) => "joptsimple.MultipleArgumentsForOptionException",
            OptionError::Conversion { .. } => "joptsimple.OptionArgumentConversionException",
        }
    }
}

/// A sentence that is followed by the help table, on standard error, and status 1 (`CommandLineUtils.printUsageAndExit`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl Options {
    /// Reads a tool's arguments (`new OptionParser(false)`: no abbreviations; one dash does as well as two).
    ///
    /// # Errors
    /// An option that the table does not have, or one without its argument.
    pub fn parse(table: &'static [Opt], args: &[String]) -> Result<Options, OptionError> {
        let mut options = Options { typed: args.join(" "), ..Options::default() };
        let mut args = args.iter().peekable();
        while let Some(arg) = args.next() {
            if arg == "--" {
                options.rest.extend(args.by_ref().cloned());
                break;
            }
            if !looks_like_an_option(arg) {
                options.rest.push(arg.clone());
                continue;
            }
            let body = arg.strip_prefix("--").unwrap_or(&arg[1..]);
            let (name, inline) = match body.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (body, None),
            };
            let opt = find(table, name).ok_or_else(|| unrecognized(arg, name))?;
            let value = match (opt.arg, inline) {
                (Arg::None, _) => None,
                (_, Some(value)) => Some(value),
                (Arg::Required(_), None) => Some(args.next().cloned().ok_or(OptionError::MissingArgument(opt.name))?),
                // Where a number may stand, -1 is one.
                (Arg::Optional(text), None) => {
                    let is_number = |next: &str| text.starts_with("Long") && next.parse::<i64>().is_ok();
                    args.next_if(|next| !looks_like_an_option(next) || is_number(next)).cloned()
                }
            };
            options.found.push((opt.name, value));
        }
        Ok(options)
    }

    pub fn has(&self, name: &str) -> bool {
        self.found.iter().any(|(found, _)| *found == name)
    }

    /// The names of the options that were given, in their order (`OptionSet.specs`).
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().map(|(name, _)| *name)
    }

    /// The options as they stood, with their arguments.
    pub fn found(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        self.found.iter().map(|(name, value)| (*name, value.as_deref()))
    }

    /// The arguments as they were typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// Every argument given to this option.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.found.iter().filter(move |(found, _)| *found == name).filter_map(|(_, value)| value.as_deref())
    }

    /// The one argument of this option, if it was given (`OptionSet.valueOf`).
    ///
    /// # Errors
    /// If it was given several.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, OptionError> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(OptionError::Multiple(name)),
            (value, None) => Ok(value),
        }
    }

    /// As [`Options::one`], as a number.
    ///
    /// # Errors
    /// If it was given several, or is none.
    pub fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<Option<T>, OptionError> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let number = text.parse().map_err(|_| OptionError::Conversion { option: name, argument: text.to_owned() })?;
        Ok(Some(number))
    }

    /// `CommandLineUtils.checkRequiredArgs`.
    ///
    /// # Errors
    /// The first of `names` that is missing.
    pub fn require(&self, names: &[&str]) -> Result<(), UsageError> {
        match names.iter().find(|name| !self.has(name)) {
            Some(name) => Err(UsageError(format!("Missing required argument \"[{name}]\""))),
            None => Ok(()),
        }
    }

    /// `CommandLineUtils.checkInvalidArgs`: `used` does not go with any of `others`.
    ///
    /// # Errors
    /// The first of `others` that stands beside it.
    pub fn exclude(&self, used: &str, others: &[&str]) -> Result<(), UsageError> {
        match others.iter().find(|other| self.has(used) && self.has(other)) {
            Some(other) => Err(UsageError(format!("Option \"[{used}]\" can't be used with option \"[{other}]\""))),
            None => Ok(()),
        }
    }
}

/// The help table, as joptsimple lays it out: two columns, sorted by name.
pub fn usage(table: &[Opt]) -> String {
    const LEFT: usize = 40;
    const RIGHT: usize = 39;
    let mut rows: Vec<(String, &str)> = table.iter().map(|opt| (heading(opt), opt.help)).collect();
    rows.push(("--help".into(), "Print usage information."));
    rows.push(("--version".into(), "Display Kafka version."));
    rows.sort();
    let mut text = format!("{:LEFT$} {}\n{:LEFT$} {}\n", "Option", "Description", "------", "-----------");
    for (left, right) in rows {
        let (left, right) = (wrap(&left, LEFT), wrap(right, RIGHT));
        for line in 0..left.len().max(right.len()) {
            let cell = |lines: &[String]| lines.get(line).cloned().unwrap_or_default();
            let row = format!("{:LEFT$} {}", cell(&left), cell(&right));
            text += row.trim_end();
            text.push('\n');
        }
    }
    text
}

fn heading(opt: &Opt) -> String {
    match opt.arg {
        Arg::None => format!("--{}", opt.name),
        Arg::Required(arg) => format!("--{} <{arg}>", opt.name),
        Arg::Optional(arg) => format!("--{} [{arg}]", opt.name),
    }
}

/// Lines of at most `width` characters (longer words stand alone); all but the first are indented by two.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("  {word}"));
        }
    }
    lines
}

fn looks_like_an_option(arg: &str) -> bool {
    arg.starts_with('-') && arg != "-"
}

fn find(table: &'static [Opt], name: &str) -> Option<&'static Opt> {
    const HELP: Opt = flag("help", "Print usage information.");
    const VERSION: Opt = flag("version", "Display Kafka version.");
    match name {
        "help" => Some(&HELP),
        "version" => Some(&VERSION),
        _ => table.iter().find(|opt| opt.name == name),
    }
}

/// A cluster of short options is refused by its first letter.
fn unrecognized(arg: &str, name: &str) -> OptionError {
    let short = !arg.starts_with("--");
    OptionError::Unrecognized(if short { name.chars().take(1).collect() } else { name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Opt] = &[
        flag("create", "Make it."),
        with("topic", "String: topic", "Which."),
        with("partitions", "Integer: #", "How many."),
        may("state", "String", "S."),
    ];

    fn parse(line: &str) -> Result<Options, OptionError> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(TABLE, &args)
    }

    #[test]
    fn arguments_as_joptsimple_takes_them() {
        let options = parse("--create --topic=a --partitions -1 left -topic b").unwrap();
        assert!(options.has("create"));
        assert_eq!(options.all("topic").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(options.number("partitions"), Ok(Some(-1)));
        assert_eq!(options.rest, ["left"]);
        assert_eq!(options.one("topic").unwrap_err().to_string(), "Found multiple arguments for option topic, but you asked for only one");
        assert_eq!(parse("--state --create").unwrap().one("state"), Ok(None));
        assert_eq!(parse("--state Empty").unwrap().one("state"), Ok(Some("Empty")));
    }

    #[test]
    fn what_is_wrong_is_said_in_its_words() {
        let said = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(said("--partitons 3"), "partitons is not a recognized option");
        assert_eq!(said("-x"), "x is not a recognized option");
        assert_eq!(said("--topic"), "Option topic requires an argument");
        let three = parse("--partitions three").unwrap();
        assert_eq!(three.number::<i32>("partitions").unwrap_err().to_string(), "Cannot parse argument 'three' of option partitions");
        assert_eq!(three.require(&["partitions", "topic"]).unwrap_err().0, "Missing required argument \"[topic]\"");
        let both = parse("--create --topic a").unwrap();
        assert_eq!(both.exclude("topic", &["state", "create"]).unwrap_err().0, "Option \"[topic]\" can't be used with option \"[create]\"");
    }

    #[test]
    fn the_help_table_has_every_option() {
        let text = usage(TABLE);
        assert!(text.starts_with("Option                                   Description\n------"), "{text}");
        for opt in TABLE {
            assert!(text.contains(&format!("\n--{}", opt.name)), "{text}");
        }
    }
}
