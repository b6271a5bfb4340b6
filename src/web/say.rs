//! What the page is told, and how often: views at most once a frame, text at most ten times a second, and nothing twice.

use super::page::Page;
use super::run::Run;
use super::terminal::Terminals;
use super::{bar, goals, now_ms, pump::Wake};
use crate::playground::timeline::Replayable;
use crate::playground::view::Detail;
use crate::sim::process::EventId;
use crate::sim::time::Time;
use crate::wire::{Clock, EventLine, FolderFile, FromWorker, GoalView, Mark, Sample, Timeline};

/// A frame of a screen at 60 Hz, and a bit less, so as not to miss every other one.
const FRAME_MS: f64 = 15.0;
/// Between two changes of text and of the time bar.
const TEXT_MS: f64 = 100.0;
/// Between two makings of the marks on the time bar, which look at all that happened.
const MARKS_MS: f64 = 500.0;
/// While time runs, drawing may go on for so long from a view: what is on its way then arrives.
const AHEAD_MS: f64 = 40.0;
/// New events in one message; of more only the latest are worth a line.
const EVENTS_AT_ONCE: usize = 200;
/// Files of the folder that are listed.
const MOST_FILES: usize = 200;

/// What was said last.
#[derive(Debug, Default)]
pub struct Say {
    is_visible: bool,
    terminals: Terminals,
    /// There is something new for the frame, for the text.
    owes_frame: bool,
    owes_text: bool,
    frame_ms: f64,
    text_ms: f64,
    marks_ms: f64,
    /// How time ran, and the next event's number, when the last frame was shown.
    shown: Option<(Clock, EventId)>,
    goals: Vec<GoalView>,
    folder: Vec<FolderFile>,
    marks: Vec<Mark>,
    timeline: Timeline,
    /// Events before this one were told.
    events_to: u64,
    /// Samples up to here were told; `None`: the page must forget what it has.
    samples_to: Option<Time>,
}

impl Say {
    pub fn new() -> Say {
        Say { is_visible: true, owes_frame: true, owes_text: true, ..Say::default() }
    }

    pub fn set_visible(&mut self, is_visible: bool) {
        self.is_visible = is_visible;
        self.owe();
    }

    /// Something has changed.
    pub fn owe(&mut self) {
        (self.owes_frame, self.owes_text) = (true, true);
    }

    /// Another instant, or another branch of time: all must be said anew, and at once.
    pub fn anew(&mut self, page: &Page, run: &Run) {
        self.terminals.forget(page, run.timeline().world());
        (self.samples_to, self.shown) = (None, None);
        (self.frame_ms, self.text_ms, self.marks_ms) = (0.0, 0.0, 0.0);
        self.owe();
    }

    /// An old future was left: what was told of it will not be.
    pub fn forked(&mut self, page: &Page, run: &Run) {
        let from = run.timeline().world().next_event().0;
        page.say(FromWorker::EventsCut { from });
        self.events_to = self.events_to.min(from);
        self.anew(page, run);
    }

    /// Says what is due; when there will be more to say.
    pub fn say(&mut self, page: &Page, run: &mut Run) -> Wake {
        if run.is_hidden() {
            return Wake::Never;
        }
        let now_ms = now_ms();
        if self.owes_frame && now_ms - self.frame_ms >= FRAME_MS {
            self.frame_ms = now_ms;
            self.owes_frame = self.terminals.tell(page, run.timeline().world());
            self.frame(page, run);
        }
        if self.owes_text && now_ms - self.text_ms >= TEXT_MS {
            self.text_ms = now_ms;
            self.owes_text = false;
            self.text(page, run, now_ms);
        }
        match (self.owes_frame, self.owes_text) {
            (false, false) => Wake::Never,
            (true, _) => Wake::After(self.frame_ms + FRAME_MS - now_ms),
            (false, true) => Wake::After(self.text_ms + TEXT_MS - now_ms),
        }
    }

    fn frame(&mut self, page: &Page, run: &mut Run) {
        let clock = clock(run);
        let now = Some((clock, run.timeline().world().next_event()));
        if self.shown == now {
            return;
        }
        self.shown = now;
        page.say(FromWorker::Clock(clock));
        if self.is_visible {
            page.say(FromWorker::View(Box::new(run.snapshot(Detail::Stage))));
        }
    }

    fn text(&mut self, page: &Page, run: &mut Run, now_ms: f64) {
        run.earn();
        self.tell_goals(page, run);
        self.tell_folder(page, run);
        self.tell_events(page, run);
        self.tell_samples(page, run);
        if now_ms - self.marks_ms >= MARKS_MS {
            self.marks_ms = now_ms;
            self.marks = bar::marks(run);
        } else {
            self.owes_text |= !run.is_playing();
        }
        let timeline = bar::timeline(run, self.marks.clone());
        if timeline != self.timeline {
            self.timeline = timeline.clone();
            page.say(FromWorker::Timeline(timeline));
        }
    }

    fn tell_goals(&mut self, page: &Page, run: &Run) {
        let Some(board) = &run.timeline().watcher().goals else { return };
        let views: Vec<GoalView> = board.statuses().into_iter().map(|status| goals::view(status, run.earned())).collect();
        if views != self.goals {
            self.goals = views.clone();
            page.say(FromWorker::Goals(views));
        }
    }

    fn tell_folder(&mut self, page: &Page, run: &Run) {
        let folder = run.timeline().world().folder().take(MOST_FILES);
        let folder: Vec<FolderFile> = folder.map(|(name, file)| FolderFile { name: name.to_owned(), size_bytes: file.len() }).collect();
        if folder != self.folder {
            self.folder = folder.clone();
            page.say(FromWorker::Folder(folder));
        }
    }

    fn tell_events(&mut self, page: &Page, run: &Run) {
        let chronicle = run.timeline().chronicle();
        let mut lines: Vec<EventLine> =
            chronicle.notable().rev().take_while(|event| event.id >= EventId(self.events_to)).take(EVENTS_AT_ONCE).map(bar::line).collect();
        if let Some(newest) = lines.first() {
            self.events_to = newest.id + 1;
            lines.sort_by_key(|line| std::cmp::Reverse(line.id));
            page.say(FromWorker::Events(lines));
        }
    }

    fn tell_samples(&mut self, page: &Page, run: &Run) {
        let metrics = &run.timeline().watcher().metrics;
        let reset = self.samples_to.is_none();
        let samples: Vec<Sample> = metrics
            .samples_after(self.samples_to.unwrap_or(Time::ZERO))
            .map(|s| Sample { at_us: s.at.0, acked_per_s: s.acked_per_s as f32, consumed_per_s: s.consumed_per_s as f32 })
            .collect();
        if reset || !samples.is_empty() {
            self.samples_to = Some(samples.last().map_or(self.samples_to.unwrap_or(Time::ZERO), |last| Time(last.at_us)));
            page.say(FromWorker::Metrics { reset, samples });
        }
    }
}

/// How time runs at this moment.
pub fn clock(run: &Run) -> Clock {
    let (now_us, pace) = (run.timeline().now().0, run.pace());
    let playing = run.is_playing();
    let ahead_us = if playing { (AHEAD_MS * 1_000.0 * pace.reached()) as u64 } else { 0 };
    Clock { now_us, horizon_us: now_us + ahead_us, playing, speed: pace.speed(), reached: pace.reached() }
}
