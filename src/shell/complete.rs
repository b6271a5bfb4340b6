//! What could stand at the cursor of a command line (Tab): tools, their options, topics, groups, hosts, and otherwise files.

use super::argparse::{Kind, Parser};
use super::files::FOLDER_MARK;
use super::options::{Arg, Completes, Opt};
use super::run::builtin;
use super::session::Session;
use super::syntax::is_name;
use super::tools::hosts::units;
use super::tools::kaf::commands as kaf;
use super::tools::{file, help, hosts, kafka_table, program, text, tool_name};
use crate::sim::disk::Disk;

/// What there is to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionContext {
    pub topics: Vec<String>,
    pub groups: Vec<String>,
    pub hosts: Vec<String>,
    /// Names of variables.
    pub variables: Vec<String>,
    /// Files, as seen from the working folder.
    pub files: Vec<String>,
}

impl CompletionContext {
    /// Adds what a terminal knows itself: its variables and files.
    #[must_use]
    pub fn with_terminal(mut self, session: &Session, disk: &Disk) -> CompletionContext {
        let Some(shell) = session.shell() else { return self };
        self.variables = shell.state.variables().map(|(name, _)| name.to_string()).collect();
        let folder = shell.state.path(".");
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let names = disk.list(&below).filter_map(|(path, _)| path.strip_prefix(&below)).take(MOST_FILES);
        self.files.extend(names.filter(|name| !name.ends_with(FOLDER_MARK) && !name.starts_with('/')).map(str::to_owned));
        self
    }
}

/// At most so many files are offered.
const MOST_FILES: usize = 1_000;

/// Words that could replace what stands from byte `from` to the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    pub from: usize,
    /// Sorted, none twice.
    pub candidates: Vec<String>,
}

/// Completes `line` at byte `cursor`.
pub fn complete(line: &str, cursor: usize, context: &CompletionContext) -> Completion {
    let cursor = (0..=cursor.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let words = words(&line[..cursor]);
    let Some(((from, current), before)) = words.split_last() else { return Completion::default() };
    let before: Vec<&str> = before.iter().map(|(_, word)| *word).collect();
    let (mut from, mut current) = (*from, *current);
    if let Some(dollar) = current.rfind('$').filter(|at| is_name(&current[at + 1..]) || current.len() == at + 1) {
        let mut candidates: Vec<String> = context.variables.clone();
        candidates.retain(|name| name.starts_with(&current[dollar + 1..]));
        return Completion { from: from + dollar + 1, candidates };
    }
    let candidates = match before.split_first() {
        None => commands(),
        Some((tool, args)) => match kafka_table(tool_name(tool)) {
            Some(table) => {
                let asked = argument(table, args, current);
                if let Some((opt, skip)) = asked {
                    from += skip;
                    current = &current[skip..];
                    values(opt, context)
                } else if current.starts_with('-') {
                    options(table)
                } else {
                    context.files.clone()
                }
            }
            None => match program::parser(tool_name(tool)) {
                Some(parser) => parsed(parser, args, current, context),
                None => others(tool, args, current, context),
            },
        },
    };
    let mut candidates: Vec<String> = candidates.into_iter().filter(|word| word.starts_with(current)).collect();
    candidates.sort();
    candidates.dedup();
    Completion { from, candidates }
}

/// The words of the last command on the line with where they begin; the last one is being typed and may be empty.
fn words(line: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut quote): (Vec<(usize, &str)>, Option<usize>, Option<char>) = (Vec::new(), None, None);
    for (at, c) in line.char_indices() {
        match quote {
            Some(open) => quote = (c != open).then_some(open),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                start = start.or(Some(at));
            }
            None if c.is_whitespace() => found.extend(start.take().map(|start| (start, &line[start..at]))),
            None if "|;&".contains(c) => {
                found.clear();
                start = None;
            }
            None => start = start.or(Some(at)),
        }
    }
    let start = start.unwrap_or(line.len());
    found.push((start, &line[start..]));
    found
}

/// The option whose argument is being typed, and how much of the word belongs to the option or to earlier items of a list.
fn argument(table: &'static [Opt], args: &[&str], current: &str) -> Option<(&'static Opt, usize)> {
    let find = |word: &str| table.iter().find(|opt| word.strip_prefix("--") == Some(opt.name) && opt.arg != Arg::None);
    let (opt, skip) = match current.split_once('=') {
        Some((name, _)) if current.starts_with("--") => (find(name)?, name.len() + 1),
        _ => (find(args.last()?)?, 0),
    };
    if matches!(opt.arg, Arg::Optional(_)) && current.starts_with('-') && skip == 0 {
        return None;
    }
    let listed = current[skip..].rfind(',').map_or(0, |at| at + 1);
    Some((opt, skip + listed))
}

fn values(opt: &Opt, context: &CompletionContext) -> Vec<String> {
    match opt.completes {
        Completes::Nothing => context.files.clone(),
        Completes::Servers => brokers(context).map(|host| format!("{host}:9092")).collect(),
        Completes::Topics => context.topics.clone(),
        Completes::Groups => context.groups.clone(),
        Completes::Words(words) => words.iter().map(|word| (*word).to_owned()).collect(),
    }
}

/// Hosts that clients can begin with: controllers apart have numbers from 100 on.
fn brokers(context: &CompletionContext) -> impl Iterator<Item = &String> {
    let is_broker = |host: &&String| host.strip_prefix("kafka-").and_then(|id| id.parse::<u32>().ok()).is_some_and(|id| id < 100);
    context.hosts.iter().filter(is_broker)
}

fn options(table: &[Opt]) -> Vec<String> {
    table.iter().map(|opt| format!("--{}", opt.name)).chain(["--help".to_owned(), "--version".to_owned()]).collect()
}

/// Options and commands of a tool that reads them as argparse4j does.
fn parsed(parser: &'static Parser, args: &[&str], current: &str, context: &CompletionContext) -> Vec<String> {
    let command = parser.commands.iter().find(|command| args.contains(&command.name));
    let arguments = command.map_or(parser.arguments, |command| command.arguments);
    if current.starts_with('-') {
        return arguments.iter().flat_map(|argument| argument.flags).copied().chain(["--help"]).map(str::to_owned).collect();
    }
    let asked = arguments.iter().chain(parser.arguments).find(|argument| args.last().is_some_and(|last| argument.flags.contains(last)));
    match asked.map(|argument| (argument.flags[0], argument.kind)) {
        Some((_, Kind::Choice(words))) => words.iter().map(|word| (*word).to_owned()).collect(),
        Some(("--bootstrap-server" | "--bootstrap-controller", _)) => brokers(context).map(|host| format!("{host}:9092")).collect(),
        Some(("--topic", _)) => context.topics.clone(),
        Some(("--group-id", _)) => context.groups.clone(),
        Some((_, kind)) if kind != Kind::Flag => context.files.clone(),
        _ if command.is_none() && !parser.commands.is_empty() => parser.commands.iter().map(|command| command.name.to_owned()).collect(),
        _ => Vec::new(),
    }
}

fn commands() -> Vec<String> {
    let kafka = help::KAFKA.iter().chain(super::tools::program::NAMES).map(|name| format!("{name}.sh"));
    let others = [text::NAMES, file::NAMES, hosts::NAMES, builtin::NAMES, &["kaf", "kcat", "sleep"]]
        .into_iter()
        .flatten()
        .map(|name| (*name).to_owned());
    kafka.chain(others).collect()
}

/// Arguments of the tools that have no table.
fn others(tool: &str, args: &[&str], current: &str, context: &CompletionContext) -> Vec<String> {
    match tool {
        "systemctl" if args.is_empty() => units::VERBS.split(", ").map(str::to_owned).collect(),
        "cut" | "heal" if current.starts_with('-') => vec!["--one-way".to_owned()],
        "iptables" if current.starts_with('-') => ["-A", "-D", "-F", "-L", "-S", "-d", "-j", "-s"].map(str::to_owned).to_vec(),
        "iptables" => match args.last() {
            Some(&("-A" | "-D" | "-I" | "-F" | "-L")) => ["INPUT", "OUTPUT"].map(str::to_owned).to_vec(),
            Some(&"-j") => vec!["DROP".to_owned()],
            _ => context.hosts.clone(),
        },
        "kill" if current.starts_with('-') => ["-9", "-CONT", "-KILL", "-STOP", "-TERM"].map(str::to_owned).to_vec(),
        "ssh" if args.is_empty() => context.hosts.clone(),
        "kaf" => kaf(args, current, context),
        "kcat" | "kafkacat" => match args.last() {
            Some(&"-b") => brokers(context).map(|host| format!("{host}:9092")).collect(),
            Some(&"-t") => context.topics.clone(),
            Some(&"-G") => context.groups.clone(),
            _ if current.starts_with('-') => Vec::new(),
            _ => context.files.clone(),
        },
        "disk" if args.is_empty() => hosts::disks::VERBS.iter().copied().map(str::to_owned).collect(),
        _ if hosts::NAMES.contains(&tool) => context.hosts.clone(),
        _ if current.starts_with('-') => Vec::new(),
        _ => context.files.clone(),
    }
}

/// kaf's commands, their flags, and what they are about.
fn kaf(args: &[&str], current: &str, context: &CompletionContext) -> Vec<String> {
    let mut words = args.iter().filter(|word| !word.starts_with('-') && !word.contains(':'));
    let (first, second) = (words.next().copied(), words.next().copied());
    if matches!(args.last(), Some(&"-b" | &"--brokers")) {
        return brokers(context).map(|host| format!("{host}:9092")).collect();
    }
    if current.starts_with('-') {
        let path = [first, second].into_iter().flatten().collect::<Vec<_>>().join(" ");
        return kaf::flags(&path).map(|name| format!("--{name}")).collect();
    }
    match (first, second) {
        (None, _) => kaf::words(None).map(str::to_owned).collect(),
        (Some("group"), Some(_)) => context.groups.clone(),
        (Some("produce" | "consume"), _) | (Some("topic"), Some(_)) => context.topics.clone(),
        (Some(parent), _) => kaf::words(Some(parent)).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` is the cursor.
    fn check(text: &str, expected: &str) {
        let names = |text: &str| text.split(' ').map(str::to_owned).collect();
        let context = CompletionContext {
            topics: names("orders order-lines payments"),
            groups: names("billing"),
            hosts: names("kafka-1 kafka-2 kafka-100"),
            variables: names("HOME HOST"),
            files: names("client.properties plan.json"),
        };
        let cursor = text.find('^').unwrap();
        let line = text.replace('^', "");
        let Completion { from, candidates } = complete(&line, cursor, &context);
        assert_eq!(format!("{}[{}]", &line[..from], candidates.join(" ")), expected);
    }

    #[test]
    fn what_could_stand_there() {
        check("kafka-to^", "[kafka-topics.sh]");
        check("echo a | gr^", "echo a | [grep]");
        check("kafka-topics.sh --desc^", "kafka-topics.sh [--describe]");
        check("kafka-topics --under^ x", "kafka-topics [--under-min-isr-partitions --under-replicated-partitions]");
        check("kafka-topics.sh --describe --topic ord^", "kafka-topics.sh --describe --topic [order-lines orders]");
        check("kafka-topics.sh --describe --topic orders,p^", "kafka-topics.sh --describe --topic orders,[payments]");
        check("kafka-topics.sh --topic=pay^", "kafka-topics.sh --topic=[payments]");
        check("kafka-topics.sh --bootstrap-server ^", "kafka-topics.sh --bootstrap-server [kafka-1:9092 kafka-2:9092]");
        check("kafka-consumer-groups.sh --group ^", "kafka-consumer-groups.sh --group [billing]");
        check("kafka-console-consumer.sh --topic orders --offset e^", "kafka-console-consumer.sh --topic orders --offset [earliest]");
        check("kafka-storage.sh fo^", "kafka-storage.sh [format]");
        check("kafka-storage.sh format --clus^", "kafka-storage.sh format [--cluster-id]");
        check("kafka-producer-perf-test.sh --topic pay^", "kafka-producer-perf-test.sh --topic [payments]");
        check("kafka-features.sh --bootstrap-server kafka-1^", "kafka-features.sh --bootstrap-server [kafka-1:9092]");
        check("kill -^", "kill [-9 -CONT -KILL -STOP -TERM]");
        check("kill -9 kafka-1^", "kill -9 [kafka-1 kafka-100]");
        check("systemctl st^", "systemctl [start status stop]");
        check("cut kafka-1 kafka-2 --^", "cut kafka-1 kafka-2 [--one-way]");
        check("iptables -A I^", "iptables -A [INPUT]");
        check("iptables -A INPUT -s kafka-1^", "iptables -A INPUT -s [kafka-1 kafka-100]");
        check("nc -z kafka-2^", "nc -z [kafka-2]");
        check("systemctl stop kafka-2^", "systemctl stop [kafka-2]");
        check("cat ^", "cat [client.properties plan.json]");
        check("kafka-topics.sh --command-config cl^", "kafka-topics.sh --command-config [client.properties]");
        check("kafka-topics.sh x^", "kafka-topics.sh []");
        check("cat p^", "cat [plan.json]");
        check("echo x$HO^", "echo x$[HOME HOST]");
        check("ssh kafka-2^", "ssh [kafka-2]");
        check("kaf -b kafka-1:9092 gro^", "kaf -b kafka-1:9092 [group groups]");
        check("kaf group de^", "kaf group [delete describe]");
        check("kaf consume --out^", "kaf consume [--output]");
        check("kaf topic describe pay^", "kaf topic describe [payments]");
        check("kcat -b ^", "kcat -b [kafka-1:9092 kafka-2:9092]");
    }
}
