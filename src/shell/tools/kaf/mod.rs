//! kaf (birdayz/kaf), as people use it in pipes: produces, consumes, lists and describes topics, groups and nodes.
//!
//! * [`commands`]: its commands and their flags; [`flags`]: how cobra reads them
//! * [`topics`], [`groups`]: what it asks the cluster, and prints in tables ([`table`])
//! * [`produce`], [`consume`]: what it sends and reads; [`format`](mod@format): how a message is printed
//! * [`sarama`]: the client library it is built on: how it connects, its words for errors
//!
//! Its words are those of its sources. kaf speaks to a cluster as Sarama does to Kafka 1.1, one reason why it behaves unlike Kafka's own tools:
//! a key that was not given is an empty key, so that all such records go to one partition; a group commits nothing unless `--commit` is given.

pub mod commands;
pub mod consume;
pub mod flags;
pub mod format;
pub mod groups;
pub mod produce;
pub mod sarama;
pub mod table;
pub mod topics;

use self::commands::Work;
use super::hosts::Done;
use super::program::Program;
use super::script::ScriptTool;
use super::{Context, Start};

/// The command that was asked for, or what kaf says instead.
pub fn start(start: &Start) -> Result<Box<dyn Program>, Done> {
    let Start { args, files, hosts, interactive, .. } = *start;
    let asked = match flags::parse(args) {
        Ok(asked) => asked,
        Err(said) => return Ok(Box::new(Said(said))),
    };
    let servers = sarama::addresses(&asked, hosts)?;
    Ok(match asked.command.work {
        Work::Produce => Box::new(produce::Produce::start(asked, servers, hosts)?),
        Work::Consume => Box::new(consume::Consume::start(asked, servers, hosts)?),
        Work::Admin(logic) => {
            let tool = ScriptTool::new(sarama::plan(logic, asked, servers, files), hosts);
            Box::new(if interactive { tool.with_console() } else { tool })
        }
        Work::Parent => Box::new(ScriptTool::new(sarama::plan(|_| Ok(0), asked, servers, files), hosts)),
    })
}

/// What is said instead of doing anything: cobra's part on standard error, and then kaf's own.
#[derive(Clone, Debug)]
struct Said(Done);

impl Program for Said {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        self.0.err.drain(..).for_each(|line| cx.print.error(line));
        self.0.out.drain(..).for_each(|line| cx.print.line(line));
        Some(self.0.status)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `errorExit`: a sentence and a line break on standard error, status 1. Most of its sentences end in a line break of their own.
pub fn error_exit(message: &str) -> Done {
    Done { err: message.split('\n').map(str::to_owned).collect(), status: 1, ..Done::default() }
}
