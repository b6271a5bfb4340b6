//! How a command begins: its words are expanded, then the files that it needs are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::BYTES_PER_WORK;
use super::frame::{Frame, Reading};
use super::launch::{path_read_further, paths_read};
use super::shell::{Cx, Next, Shell};
use super::streams::{Out, Streams};
use super::table::Work;
use super::test;
use crate::shell::expand::state::{HOME, Remote, State};
use crate::shell::expand::{Expansion, Stop, glob, substituted_path};
use crate::shell::files::{self, Entry, Files};
use crate::shell::syntax::{Command, Kind, Part, Redirect, Target, Word};
use crate::shell::tools::hosts::disks;
use crate::shell::tools::hosts::machines::MACHINES;
use crate::sim::disk::Disk;

/// A command with all that its words became.
#[derive(Clone, Debug)]
pub struct Ready {
    /// `X=1` in front of the words, or alone.
    pub assigns: Vec<(String, String)>,
    pub subject: Subject,
    pub redirects: Vec<(u8, Opened)>,
    /// What commands printed for `<(...)`, as the files `/dev/fd/63`, `/dev/fd/62` and so on.
    pub substituted: Vec<String>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A simple command, or the words of a `for`.
    Words(Vec<String>),
    /// The arm of a `case` that fits.
    Arm(Option<Arc<crate::shell::syntax::List>>),
    /// What `[[ ]]` or `(( ))` came to.
    Status(i32),
    Nothing,
}

/// A redirection with its word expanded.
#[derive(Clone, Debug)]
pub enum Opened {
    Read(String),
    /// `< <(...)`
    Process(Arc<crate::shell::syntax::List>),
    Write {
        path: String,
        append: bool,
    },
    WriteBoth {
        path: String,
        append: bool,
    },
    Same(u8),
    Text(String),
    Nowhere,
}

impl Shell {
    /// Gets on with the `Start` frame on top.
    pub(super) fn start(&mut self, cx: &mut Cx) -> Next {
        let Some(Frame::Start { command, outputs, reading }) = self.frames.last_mut() else { return Next::Blocked };
        if let Some(read) = reading {
            if !read.waiting.is_empty() {
                return Next::Blocked;
            }
            if !std::mem::replace(&mut read.looked_further, true)
                && let Some(path) = path_read_further(&read.ready, &read.files, &self.state)
            {
                let id = self.ask(&path, cx);
                if let Some(Frame::Start { reading: Some(read), .. }) = self.frames.last_mut() {
                    read.waiting.insert(id, path);
                }
                return Next::Blocked;
            }
            let (command, had_output) = (command.clone(), !outputs.is_empty());
            let Some(Frame::Start { reading: Some(read), .. }) = self.frames.pop() else { return Next::Blocked };
            let Reading { ready, files, .. } = *read;
            return self.launch(&command, ready, files, had_output, cx);
        }
        let (command, outputs) = (command.clone(), std::mem::take(outputs));
        let prepared = self.prepare(&command, &outputs, cx);
        let Some(Frame::Start { outputs: kept, reading, .. }) = self.frames.last_mut() else { return Next::Blocked };
        *kept = outputs;
        match prepared {
            Ok((ready, state)) => {
                self.state = state;
                let paths = paths_read(&ready, &self.state);
                let read_only = self.state.remote.is_some();
                let mut files = Files::default();
                files.folder = self.state.folder.clone();
                files.read_only = read_only;
                for (n, text) in ready.substituted.iter().enumerate() {
                    files.insert(&substituted_path(n), text.clone());
                }
                if paths.draws {
                    files.seed = cx.table.random(cx.env.now);
                }
                if paths.look_around {
                    files.entries = entries(&self.state, cx.env.out.disk());
                }
                let waiting: BTreeMap<_, _> = paths.files.into_iter().map(|path| (self.ask(&path, cx), path)).collect();
                if let Some(Frame::Start { reading, .. }) = self.frames.last_mut() {
                    *reading = Some(Box::new(Reading { ready, waiting, files, looked_further: false }));
                }
                Next::On
            }
            Err(Stop::Run(list)) => {
                *reading = None;
                if !cx.can_fork() {
                    self.frames.pop();
                    self.finish(254, cx);
                    return Next::On;
                }
                let capture = cx.table.new_capture();
                let streams = Streams { out: Out::Capture(capture), ..cx.streams.clone() };
                let child = self.fork(Frame::List { list, at: 0 });
                let pid = self.spawn(cx.job, streams, Work::Shell(Box::new(child)), cx);
                self.push(Frame::Output { pid, capture }, cx);
                Next::On
            }
            Err(Stop::Error(said)) => {
                cx.complain(format!("bash: {said}"));
                self.frames.pop();
                // As in bash, what cannot be expanded ends the line.
                self.leave(1, cx);
                Next::On
            }
        }
    }

    fn ask(&self, path: &str, cx: &mut Cx) -> crate::sim::process::ReadId {
        if path == MACHINES {
            return cx.env.out.machines();
        }
        if let Some((host, folder)) = disks::asked_of(path) {
            return cx.env.out.disk_of(host, folder);
        }
        let on_disk = self.state.path(path);
        match &self.state.remote {
            Some(remote) => cx.env.out.read_of(&remote.host, &on_disk),
            None => files::ask(cx.env.out, &on_disk),
        }
    }

    /// Expands what a command says.
    fn prepare(&mut self, command: &Command, outputs: &[String], cx: &mut Cx) -> Result<(Ready, State), Stop> {
        let random = cx.table.random(cx.env.now);
        let disk = &*cx.env.out.disk();
        let files = || entries(&self.state, disk).iter().map(|entry| entry.path.clone()).collect();
        let mut expansion = Expansion::new(self.state.clone(), outputs, &files);
        expansion.seconds = cx.env.now.since(self.started).as_ms() / 1_000;
        expansion.random = random;
        let ready = self.expand(command, &mut expansion);
        let (cost, state) = (expansion.cost(), expansion.state);
        cx.env.work = cx.env.work.saturating_sub(cost / BYTES_PER_WORK);
        Ok((ready?, state))
    }

    fn expand(&self, command: &Command, expansion: &mut Expansion) -> Result<Ready, Stop> {
        let mut assigns = Vec::new();
        let subject = match &command.kind {
            Kind::Simple { assigns: given, words } => {
                let words = expansion.words(words)?;
                // Values count for those behind them, but not for the words.
                let before = expansion.state.clone();
                for assign in given {
                    let value = expansion.assign(assign)?;
                    assigns.extend(value.map(|value| (assign.name.clone(), value)));
                }
                if !words.is_empty() {
                    expansion.state = before;
                }
                Subject::Words(words)
            }
            Kind::For { words: Some(words), .. } => Subject::Words(expansion.words(words)?),
            Kind::For { words: None, .. } => Subject::Words(self.state.args.to_vec()),
            Kind::Case { word, arms } => {
                let text = expansion.text(word)?;
                let mut found = None;
                'arms: for (patterns, body) in arms {
                    for pattern in patterns {
                        if glob::matches(&bounded(expansion.pattern(pattern)?)?, &bounded(text.clone())?) {
                            found = Some(body.clone());
                            break 'arms;
                        }
                    }
                }
                Subject::Arm(found)
            }
            Kind::Test(condition) => {
                let holds = test::condition(condition, expansion)?;
                Subject::Status(i32::from(!holds))
            }
            Kind::Arithmetic(expression) => Subject::Status(i32::from(expansion.number(expression)? == 0)),
            _ => Subject::Nothing,
        };
        let redirects = command.redirects.iter().map(|redirect| Ok((redirect.stream, opened(redirect, expansion)?)));
        let redirects = redirects.collect::<Result<_, Stop>>()?;
        Ok(Ready { assigns, subject, redirects, substituted: std::mem::take(&mut expansion.substituted) })
    }
}

/// Patterns are compared with texts up to this length.
const MATCHED_BYTES: usize = 16 << 10;

fn bounded(text: String) -> Result<String, Stop> {
    if text.len() > MATCHED_BYTES {
        Err(Stop::Error("case: the word is too long to be compared with patterns here".into()))
    } else {
        Ok(text)
    }
}

fn opened(redirect: &Redirect, expansion: &mut Expansion) -> Result<Opened, Stop> {
    Ok(match &redirect.target {
        Target::Read(Word(parts)) if let [Part::Process(list)] = &parts[..] => Opened::Process(list.clone()),
        Target::Read(path) => Opened::Read(expansion.path(path)?),
        Target::Write { path, append } => Opened::Write { path: expansion.path(path)?, append: *append },
        Target::WriteBoth { path, append } => Opened::WriteBoth { path: expansion.path(path)?, append: *append },
        Target::Same(stream) => Opened::Same(*stream),
        Target::Text(word) => Opened::Text(expansion.text(word)?),
        Target::Nowhere => Opened::Nowhere,
    })
}

/// Every file that a shell sees.
pub(super) fn entries(state: &State, disk: &Disk) -> Arc<Vec<Entry>> {
    if let Some(Remote { files, .. }) = &state.remote {
        return files.clone();
    }
    let entry = |(path, file): (&Arc<str>, &Arc<crate::sim::disk::File>)| Entry {
        path: if path.starts_with('/') { path.to_string() } else { format!("{HOME}/{path}") },
        bytes: file.len(),
        written: file.extents().next_back().map(crate::sim::disk::Extent::written).unwrap_or_default(),
    };
    let mut entries: Vec<Entry> = disk.files().map(entry).collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Arc::new(entries)
}
