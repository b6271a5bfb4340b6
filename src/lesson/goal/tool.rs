//! Whether a tool was run in the terminal as the goal asks.

use super::Ran;
use super::watch::Verdict;
use super::words::list;
use crate::kafka::event::Event;
use crate::kafka::names::Name;

/// Waits for a tool to end.
#[derive(Clone, Debug)]
pub struct ToolWatch {
    ran: Ran,
    /// What was missing when it was run last.
    near: Option<String>,
}

impl ToolWatch {
    pub fn new(ran: Ran) -> ToolWatch {
        ToolWatch { ran, near: None }
    }

    pub fn event(&mut self, event: &Event) -> Option<Verdict> {
        let Event::ToolEnded { tool, args, status, output, .. } = event else { return None };
        if plain(tool) != plain(&self.ran.tool) {
            return None;
        }
        match self.missing(args, *status, output) {
            None => Some(Verdict::Holds),
            Some(near) => {
                self.near = Some(near.clone());
                Some(Verdict::NotYet(near))
            }
        }
    }

    pub fn look(&self) -> Verdict {
        let tool = plain(&self.ran.tool);
        Verdict::NotYet(self.near.clone().unwrap_or_else(|| format!("{tool} has not been run yet")))
    }

    /// What this run lacks, if anything.
    fn missing(&self, args: &[Name], status: i32, output: &str) -> Option<String> {
        let tool = plain(&self.ran.tool);
        let left_out: Vec<&String> = self.ran.with.iter().filter(|word| !args.iter().any(|arg| **arg == ***word)).collect();
        if !left_out.is_empty() {
            return Some(format!("{tool} was run without {}", list(left_out)));
        }
        let topic = value_of(args, "--topic");
        if let Some(wanted) = &self.ran.topic
            && topic != Some(wanted)
        {
            let about = topic.map_or("no topic in particular".into(), |topic| format!("the topic {topic}"));
            return Some(format!("{tool} was asked about {about}, and {wanted} is meant"));
        }
        if status != self.ran.status {
            return Some(format!("{tool} ended with status {status}, and {} is meant: see what it printed", self.ran.status));
        }
        match &self.ran.prints {
            Some(text) if !output.contains(text.as_str()) => Some(format!("{tool} did not print {text:?}")),
            _ => None,
        }
    }
}

/// The tool's name without `.sh`.
fn plain(tool: &str) -> &str {
    tool.strip_suffix(".sh").unwrap_or(tool)
}

/// What follows an option, or stands behind its `=`.
fn value_of<'a>(args: &'a [Name], option: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg.split('=').next() == Some(option))?;
    match args[at].split_once('=') {
        Some((_, value)) => Some(value),
        None => args.get(at + 1).map(|value| &**value),
    }
}
