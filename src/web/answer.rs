//! Questions of the page that have one answer.

use bytes::Bytes;
use serde::Serialize;

use super::bar;
use super::open::Plan;
use super::run::Run;
use super::store::Store;
use crate::kafka::log::dump::{DumpFiles, DumpOptions, DumpSink, dump};
use crate::playground::command::Command;
use crate::playground::journal::Journal;
use crate::playground::spec::ClusterSpec;
use crate::playground::view::{Detail, FrameReport, frame_report};
use crate::playground::why;
use crate::shell::complete::{CompletionContext, complete};
use crate::sim::process::EventId;
use crate::wire::{EventLine, FromWorker, MarkKind, Open};

/// Lines of the event list in one answer, at most.
const MOST_EVENTS: usize = 500;
/// What a run in a file calls itself.
const FORMAT: &str = "ottla-run-1";
/// Text of a dropped file that is shown.
const MOST_TEXT: usize = 512 << 10;

/// Events whose line contains `text`, newest first.
pub fn events(run: &Run, text: &str, limit: u32) -> FromWorker {
    let wanted = text.to_lowercase();
    let lines = run.timeline().chronicle().notable().rev().map(bar::line);
    let found = lines.filter(|line| wanted.is_empty() || line.text.to_lowercase().contains(&wanted));
    FromWorker::Events(found.take((limit as usize).min(MOST_EVENTS)).collect())
}

/// The chain of causes of an event.
pub fn why(run: &Run, event: u64) -> FromWorker {
    let chronicle = run.timeline().chronicle();
    let line = |link: why::Link| {
        let kind = chronicle.get(link.id).map_or(MarkKind::Command, |event| bar::line(event).kind);
        EventLine { id: link.id.0, at_us: link.at.0, text: link.text, kind }
    };
    FromWorker::Why { event, chain: why::why(chronicle, EventId(event)).into_iter().map(line).collect() }
}

/// What could stand at the cursor.
pub fn completions(run: &mut Run, session: u32, line: String, cursor: u32) -> FromWorker {
    let seen = run.snapshot(Detail::Goals);
    let context = CompletionContext {
        topics: seen.topics.into_iter().map(|topic| topic.name).collect(),
        groups: seen.groups.into_iter().map(|group| group.name).collect(),
        hosts: seen.nodes.into_iter().map(|node| node.host).collect(),
        files: run.timeline().world().folder().map(|(name, _)| name.to_owned()).collect(),
        ..CompletionContext::default()
    };
    let world = run.timeline().world();
    let terminal = world.session(session).and_then(|terminal| Some((terminal, world.sim().host(&terminal.spec().host)?)));
    let context = match terminal {
        Some((terminal, host)) => context.with_terminal(terminal, &host.disk),
        None => context,
    };
    let found = complete(&line, cursor as usize, &context);
    FromWorker::Completions { session, line, from: found.from as u32, candidates: found.candidates }
}

/// What a dropped file holds, as kafka-dump-log prints it.
pub fn file(name: String, bytes: Vec<u8>) -> FromWorker {
    let dropped = Dropped { name: name.clone(), bytes: bytes.into() };
    let mut text = Text::default();
    let options = DumpOptions { print_data_log: true, deep_iteration: true, ..DumpOptions::default() };
    dump([name.as_str()], &options, &dropped, &mut text);
    if text.left_out > 0 {
        text.text.push_str(&format!("... and {} more lines\n", text.left_out));
    }
    FromWorker::FileReport { name, text: text.text }
}

/// What a frame says.
pub fn frame(run: &Run, key: u64) -> FromWorker {
    match frame_report(run.timeline().world(), key) {
        Some(FrameReport { title, text }) => FromWorker::FrameReport { title, text },
        None => FromWorker::Refused("This frame is not under way at this instant".into()),
    }
}

/// A file of the terminals' folder, for the person to keep.
pub fn take_file(run: &Run, name: String) -> FromWorker {
    let found = run.timeline().world().folder().find(|(known, _)| *known == name).map(|(_, file)| file.read().to_vec());
    match found {
        Some(bytes) => FromWorker::Exported { name: name.rsplit('/').next().unwrap_or_default().to_owned(), bytes },
        None => FromWorker::Refused(format!("There is no file {name} at this instant")),
    }
}

/// The run as a file: with it, the same history can be played again anywhere.
pub fn export(run: &Run) -> FromWorker {
    let timeline = run.timeline();
    let world = timeline.world();
    let lesson = run.lesson().map(|lesson| lesson.slug.as_str());
    let exported = Exported {
        format: FORMAT,
        lesson,
        seed: world.seed(),
        cluster: world.spec(),
        end_us: timeline.end().at.0,
        journal: timeline.journal(),
    };
    file_of(exported)
}

/// The run that is stored for this, whatever became of the worker that stored it.
pub async fn stored(open: Open) -> FromWorker {
    let found = async {
        let plan = Plan::of(open);
        let store = Store::open(&plan.name()).await.map_err(|error| error.to_string())?;
        let stored = store.load().await.map_err(|error| error.to_string())?.ok_or("nothing is stored")?;
        let lesson = plan.lesson.as_ref().map(|lesson| lesson.slug.as_str());
        let (end_us, journal) = (stored.cut.at_us, stored.journal());
        Ok(file_of(Exported { format: FORMAT, lesson, seed: plan.seed, cluster: &plan.spec, end_us, journal: &journal }))
    };
    found.await.unwrap_or_else(|why: String| FromWorker::Refused(format!("The run cannot be saved as a file: {why}")))
}

fn file_of(exported: Exported) -> FromWorker {
    match serde_json::to_vec_pretty(&exported) {
        Ok(bytes) => {
            let name = exported.lesson.unwrap_or("cluster").replace('/', "-");
            FromWorker::Exported { name: format!("ottla-{name}.json"), bytes }
        }
        Err(error) => FromWorker::Refused(format!("The run cannot be written as a file: {error}")),
    }
}

/// A run as it stands in a file.
#[derive(Serialize)]
struct Exported<'a> {
    format: &'static str,
    lesson: Option<&'a str>,
    seed: u64,
    cluster: &'a ClusterSpec,
    end_us: u64,
    journal: &'a Journal<Command>,
}

struct Dropped {
    name: String,
    bytes: Bytes,
}

impl DumpFiles for Dropped {
    fn read(&self, path: &str) -> Option<Bytes> {
        (path == self.name).then(|| self.bytes.clone())
    }

    fn absolute_path(&self, path: &str) -> String {
        path.to_owned()
    }
}

#[derive(Default)]
struct Text {
    text: String,
    left_out: u64,
}

impl DumpSink for Text {
    fn out(&mut self, line: &str) {
        if self.text.len() + line.len() > MOST_TEXT {
            self.left_out += 1;
            return;
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn err(&mut self, line: &str) {
        self.out(line);
    }
}
