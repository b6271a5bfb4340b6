//! Usage and help, as argparse4j lays them out.

use super::wrap::wrap;
use super::{Argument, Kind, Need, Scope, WIDTH};
use crate::shell::tools::hosts::Done;

impl Scope<'_> {
    /// `usage: prog [-h] --topic TOPIC ...`
    pub(super) fn usage(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if let Some(command) = self.command {
            let required = self.parser.arguments.iter().filter(|argument| argument.need == Need::Required);
            words.extend(required.map(|argument| argument.syntax()));
            words.extend(group_words(self.parser.arguments.iter(), Need::OneOf, "(", ")"));
            words.push(command.name.into());
        }
        let alone = self.arguments().filter(|argument| matches!(argument.need, Need::Optional | Need::Required));
        words.extend(alone.map(|argument| match argument.need {
            Need::Required => argument.syntax(),
            _ => format!("[{}]", argument.syntax()),
        }));
        words.extend(group_words(self.arguments(), Need::OneOf, "(", ")"));
        words.extend(group_words(self.arguments(), Need::AtMostOneOf, "[", "]"));
        if self.command.is_none() && !self.parser.commands.is_empty() {
            let names: Vec<&str> = self.parser.commands.iter().map(|command| command.name).collect();
            // Some tools name the place of the command instead of listing them.
            words.push(if self.parser.prog.ends_with(".sh") { "COMMAND".into() } else { format!("{{{}}}", names.join(",")) });
            words.push("...".into());
        }
        let head = format!("usage: {}", self.parser.prog);
        let (mut lines, indent) = if head.len() > 30 { (vec![head, " ".repeat(6)], 6) } else { (vec![head.clone()], head.len()) };
        let mut is_first = true;
        for word in words {
            let last = lines.len() - 1;
            if !is_first && lines[last].len() + 1 + word.len() > WIDTH {
                lines.push(format!("{} {word}", " ".repeat(indent)));
            } else {
                lines[last] += &format!(" {word}");
                is_first = false;
            }
        }
        lines
    }

    pub(super) fn help(&self) -> Done {
        let mut out = self.usage();
        out.push(String::new());
        out.extend(wrap(self.command.map_or(self.parser.blurb, |command| command.blurb), 0, ""));
        if self.command.is_none() && !self.parser.commands.is_empty() {
            out.extend([String::new(), "positional arguments:".into()]);
            self.parser.commands.iter().for_each(|command| entry(&mut out, command.name, command.blurb));
        }
        out.extend([String::new(), "optional arguments:".into()]);
        for argument in self.arguments() {
            let titles: Vec<String> = argument.flags.iter().map(|flag| argument.syntax_of(flag)).collect();
            entry(&mut out, &titles.join(", "), argument.help);
        }
        Done::said(out)
    }
}

impl Argument {
    fn syntax(&self) -> String {
        self.syntax_of(self.flags[0])
    }

    fn syntax_of(&self, flag: &str) -> String {
        match self.kind {
            Kind::Flag => flag.to_owned(),
            Kind::Many => format!("{flag} {0} [{0} ...]", self.metavar),
            Kind::Choice(words) if self.metavar.is_empty() => format!("{flag} {{{}}}", words.join(",")),
            _ => format!("{flag} {}", self.metavar),
        }
    }
}

/// The arguments of a group that exclude each other: `(--a A | --b B)`. One alone has no brackets if it is required.
pub(super) fn group_words<'a>(arguments: impl Iterator<Item = &'a Argument>, need: Need, open: &str, close: &str) -> Vec<String> {
    let group: Vec<&Argument> = arguments.filter(|argument| argument.need == need).collect();
    let last = group.len().saturating_sub(1);
    if last == 0 && need == Need::OneOf {
        return group.iter().map(|argument| argument.syntax()).collect();
    }
    let mut words = Vec::new();
    for (at, argument) in group.iter().enumerate() {
        let (before, after) = (if at == 0 { open } else { "" }, if at == last { close } else { "" });
        if at > 0 {
            words.push("|".to_owned());
        }
        words.push(format!("{before}{}{after}", argument.syntax()));
    }
    words
}

/// A line of a help table: the title, and its text from column 25 on.
pub(super) fn entry(out: &mut Vec<String>, title: &str, text: &str) {
    const COLUMN: usize = 25;
    let mut lines = wrap(text, COLUMN, &" ".repeat(COLUMN)).into_iter();
    if title.len() <= 21 {
        out.push(format!("  {title:<23}{}", lines.next().unwrap_or_default()).trim_end().to_owned());
    } else {
        out.push(format!("  {title}"));
        out.extend(lines.next().map(|line| format!("{}{line}", " ".repeat(COLUMN))));
    }
    out.extend(lines);
}
