//! All that text and controls show, and the one reducer that changes it.

use std::collections::BTreeMap;
use std::rc::Rc;

use yew::prelude::*;

use super::format::real_ms;
use super::hands::Shared;
use super::term::Terminal;
use crate::playground::snapshot::Snapshot;
use crate::scene::item::Item;
use crate::wire::*;

/// Terminals that the world has room for.
pub const MOST_SESSIONS: u32 = 16;
/// Lines of the event list that the page keeps.
const MOST_EVENTS: usize = 500;

/// How the run stands, as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    #[default]
    Starting,
    /// A stored run cannot simply be opened.
    Choosing {
        message: String,
        options: Vec<StoredChoice>,
    },
    Running(Restored),
    Failed(String),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    #[default]
    Terminal,
    Metrics,
    Events,
    Inspector,
}

/// What lies over the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    #[default]
    Nothing,
    Help,
    Lessons,
}

/// Candidates for the word before the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Completions {
    pub session: u32,
    pub line: String,
    pub from: u32,
    pub candidates: Vec<String>,
}

/// What the inspector shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Inspected {
    #[default]
    Nothing,
    Item(Item),
    Why {
        event: u64,
        chain: Vec<EventLine>,
    },
    File {
        name: String,
        text: String,
    },
}

#[derive(Clone, Default, PartialEq)]
pub struct Model {
    pub phase: Phase,
    pub clock: Clock,
    pub ready_us: u64,
    /// The cluster as it was seen at the last beat.
    pub seen: Shared<Rc<Snapshot>>,
    pub timeline: Shared<Timeline>,
    pub terminals: Shared<BTreeMap<u32, Shared<Terminal>>>,
    pub session: u32,
    pub completions: Shared<Option<Completions>>,
    /// What a button of the lesson asked for, and the terminal that was free for it; the dock sends it.
    pub to_run: Option<Shared<(u32, String)>>,
    pub goals: Shared<Vec<GoalView>>,
    pub folder: Shared<Vec<FolderFile>>,
    pub events: Shared<Vec<EventLine>>,
    pub inspected: Shared<Inspected>,
    /// Choices made, by the question's id.
    pub predicted: Shared<BTreeMap<String, u32>>,
    pub storage: Option<Storage>,
    pub notice: Option<AttrValue>,
    /// The engine should speak and does not.
    pub silent: bool,
    pub tab: Tab,
    pub over: Over,
    pub alert: Option<u32>,
    /// On a phone the terminal comes on demand.
    pub dock_open: bool,
    /// The list of the terminals' files is shown.
    pub files_open: bool,
    pub lesson_folded: bool,
}

pub enum Action {
    Heard {
        heard: Vec<FromWorker>,
        seen: Option<Rc<Snapshot>>,
    },
    Tab(Tab),
    Over(Over),
    Session(u32),
    /// The terminal after the one that is shown; `true`: one that is not open yet.
    NextSession(bool),
    SessionBefore,
    Inspect(Inspected),
    Predict(String, u32),
    Alert(Option<u32>),
    /// Lines were sent to a session.
    Entered(u32, Vec<String>),
    /// A command of the lesson, in the session at hand if it is free, or else in another.
    Run(String),
    ClearTerminal(u32),
    ForgetCompletions,
    Dock(bool),
    Files(bool),
    FoldLesson,
    Notice(String),
    Silent,
    DropNotice,
}

impl Reducible for Model {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut model = (*self).clone();
        match action {
            Action::Heard { heard, seen } => {
                model.silent = false;
                heard.into_iter().for_each(|message| model.hear(message));
                model.speak();
                if let Some(seen) = seen {
                    model.seen = Shared::new(seen);
                }
            }
            Action::Tab(tab) => (model.tab, model.dock_open) = (tab, true),
            Action::Over(over) => model.over = if model.over == over { Over::Nothing } else { over },
            Action::Session(session) => model.show(session),
            Action::NextSession(anew) => {
                let last = model.terminals.keys().next_back().copied().unwrap_or(model.session).max(model.session);
                let next = model.terminals.range(model.session + 1..).next().map_or(1, |(session, _)| *session);
                model.show(if anew { (last + 1).min(MOST_SESSIONS) } else { next });
            }
            Action::SessionBefore => {
                let before = model.terminals.range(..model.session).next_back().or_else(|| model.terminals.iter().next_back());
                let before = before.map_or(model.session, |(session, _)| *session);
                model.show(before);
            }
            Action::Inspect(what) => {
                model.inspected = Shared::new(what);
                model.tab = Tab::Inspector;
            }
            Action::Predict(id, choice) => {
                model.predicted.make_mut().insert(id, choice);
            }
            Action::Alert(below) => model.alert = below,
            Action::Entered(session, lines) => model.entered(session, lines),
            Action::Run(line) => {
                let free = |session: &u32| model.terminals.get(session).is_none_or(|t| t.is_free());
                let session = Some(model.session).filter(free).or_else(|| (1..).find(free)).unwrap_or_default();
                model.show(session);
                model.to_run = Some(Shared::new((session, line)));
            }
            Action::ClearTerminal(session) => model.terminal(session).clear(),
            Action::ForgetCompletions => model.completions = Shared::default(),
            Action::Dock(open) => model.dock_open = open,
            Action::Files(open) => model.files_open = open,
            Action::FoldLesson => model.lesson_folded = !model.lesson_folded,
            Action::Silent => model.silent = true,
            Action::Notice(text) => model.notice = Some(text.into()),
            Action::DropNotice => model.notice = None,
        }
        Rc::new(model)
    }
}

impl Model {
    fn terminal(&mut self, session: u32) -> &mut Terminal {
        self.terminals.make_mut().entry(session).or_default().make_mut()
    }

    fn show(&mut self, session: u32) {
        self.session = session;
        self.terminals.make_mut().entry(session).or_default();
        (self.tab, self.dock_open) = (Tab::Terminal, true);
        self.completions = Shared::default();
    }

    fn entered(&mut self, session: u32, lines: Vec<String>) {
        self.terminal(session).entered(lines);
        self.completions = Shared::default();
    }

    /// Tells what terminals have printed, where it is time.
    fn speak(&mut self) {
        let now_ms = real_ms();
        let due = |terminal: &Terminal| terminal.speech.is_due(terminal.prompt, now_ms);
        let sessions: Vec<u32> = self.terminals.iter().filter(|(_, terminal)| due(terminal)).map(|(session, _)| *session).collect();
        for session in sessions {
            self.terminal(session).speech.speak(now_ms);
        }
    }

    fn hear(&mut self, message: FromWorker) {
        match message {
            FromWorker::Ready { ready_us, restored } => {
                self.ready_us = ready_us;
                self.phase = Phase::Running(restored);
            }
            FromWorker::Clock(clock) => self.clock = clock,
            FromWorker::Timeline(timeline) => self.timeline = Shared::new(timeline),
            FromWorker::Terminal { session, output, prompt } => {
                let terminal = self.terminal(session);
                terminal.write(output);
                terminal.prompt = prompt;
            }
            FromWorker::TerminalReset { session, output, prompt, commands } => {
                let terminal = self.terminal(session);
                terminal.reset(output, commands);
                terminal.prompt = prompt;
            }
            FromWorker::Completions { session, line, from, candidates } => {
                self.completions = Shared::new(Some(Completions { session, line, from, candidates }));
            }
            FromWorker::Folder(files) => self.folder = Shared::new(files),
            FromWorker::Goals(goals) => self.goals = Shared::new(goals),
            FromWorker::Events(lines) => self.add_events(lines),
            FromWorker::EventsCut { from } => self.events.make_mut().retain(|line| line.id < from),
            FromWorker::Why { event, chain } => {
                self.inspected = Shared::new(Inspected::Why { event, chain });
                self.tab = Tab::Inspector;
            }
            FromWorker::FileReport { name, text } | FromWorker::FrameReport { title: name, text } => {
                self.inspected = Shared::new(Inspected::File { name, text });
                self.tab = Tab::Inspector;
            }
            FromWorker::Storage(storage) => self.storage = Some(storage),
            FromWorker::Choice { message, options } => self.phase = Phase::Choosing { message, options },
            FromWorker::Refused(why) => self.notice = Some(why.into()),
            FromWorker::Panicked { message } => self.phase = Phase::Failed(message),
            // Choices tell by themselves whether they are right; views and samples do not come this way; downloads are the bridge's.
            FromWorker::Predicted { .. }
            | FromWorker::View(_)
            | FromWorker::Benched(_)
            | FromWorker::Metrics { .. }
            | FromWorker::Exported { .. } => {}
        }
    }

    /// Newest first; a search's answer holds what is known already, so ids are kept unique.
    fn add_events(&mut self, lines: Vec<EventLine>) {
        let events = self.events.make_mut();
        for line in lines {
            match events.binary_search_by(|known| line.id.cmp(&known.id)) {
                Ok(at) => events[at] = line,
                Err(at) => events.insert(at, line),
            }
        }
        events.truncate(MOST_EVENTS);
    }
}
