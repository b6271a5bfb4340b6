//! A played sequence in the place of the engine: for whoever works on the page without one. Built with `--features demo` only.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::timers::callback::Interval;

use super::format::real_ms;
use crate::lesson::model::Lesson;
use crate::playground::command::Command;
use crate::scene::sample;
use crate::wire::*;

const READY_US: u64 = 2_000_000;
const FRAME_MS: u32 = 16;

type Heard = Rc<dyn Fn(FromWorker)>;

pub struct Demo {
    state: Rc<RefCell<State>>,
    heard: Heard,
    _ticking: Interval,
}

struct State {
    now_us: u64,
    end_us: u64,
    playing: bool,
    speed: f64,
    last_ms: f64,
    ticks: u64,
    sample: sample::Sample,
    unsaved: bool,
    cuts: Vec<(String, String)>,
}

impl Demo {
    pub fn start(heard: impl Fn(FromWorker) + 'static) -> Demo {
        let heard: Heard = Rc::new(heard);
        let search = gloo::utils::window().location().search().unwrap_or_default();
        let param = |name: &str| {
            let at = search.find(&format!("{name}="))? + name.len() + 1;
            search[at..].split('&').next()?.parse::<u64>().ok()
        };
        let now_us = param("at").map_or(8_000_000, |ms| ms * 1_000);
        let sample = sample::Sample {
            partitions: param("rows").unwrap_or(3) as i32,
            brokers: param("brokers").unwrap_or(3) as i32,
            members: param("members").unwrap_or(2) as u32,
            rate: param("rate").unwrap_or(1_000) as i64,
            keyed: search.contains("keyed"),
            kills: true,
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let cuts = match () {
            _ if search.contains("wall") => vec![pair("kafka-1", "kafka-2"), pair("kafka-1", "kafka-3")],
            _ if search.contains("cut") => vec![pair("kafka-1", "kafka-3"), pair("kafka-100", "kafka-2")],
            _ => Vec::new(),
        };
        let playing = !search.contains("paused");
        let state = State {
            now_us,
            end_us: now_us,
            playing,
            speed: param("slow").map_or(1.0, |n| 1.0 / n as f64),
            last_ms: real_ms(),
            ticks: 0,
            unsaved: search.contains("memory"),
            cuts,
            sample,
        };
        let state = Rc::new(RefCell::new(state));
        let ticking = {
            let (state, heard) = (state.clone(), heard.clone());
            Interval::new(FRAME_MS, move || state.borrow_mut().tick(&heard))
        };
        Demo { state, heard, _ticking: ticking }
    }

    pub fn hear(&self, message: ToWorker) {
        let heard = self.heard.clone();
        let mut state = self.state.borrow_mut();
        match message {
            ToWorker::Open(open) => {
                state.open(&heard, open.lesson);
                return;
            }
            ToWorker::Play => state.playing = true,
            ToWorker::Pause => state.playing = false,
            ToWorker::Speed(speed) => state.speed = speed,
            ToWorker::StepEvent => state.jump(100),
            ToWorker::StepBy(us) => state.jump(us as i64),
            ToWorker::Seek(to) => {
                let by = to as i64 - state.now_us as i64;
                state.jump(by);
            }
            ToWorker::Do(Command::Line { session, text }) => {
                state.line(&heard, session, text);
                return;
            }
            ToWorker::Complete { session, line, .. } => {
                let candidates = ["kafka-topics.sh", "kafka-console-producer.sh", "kafka-console-consumer.sh"].map(str::to_owned).to_vec();
                heard(FromWorker::Completions { session, line, from: 0, candidates });
                return;
            }
            ToWorker::Why { event } => {
                let mut chain = events();
                chain.retain(|line| line.id <= event);
                chain.sort_by_key(|line| std::cmp::Reverse(line.id));
                heard(FromWorker::Why { event, chain });
                return;
            }
            ToWorker::File { name, bytes } => {
                heard(FromWorker::FileReport { name, text: format!("{} bytes", bytes.len()) });
                return;
            }
            _ => return,
        }
        state.show(&heard);
    }
}

impl State {
    fn open(&mut self, heard: &Heard, lesson: Option<Box<Lesson>>) {
        heard(FromWorker::Ready { ready_us: READY_US, restored: Restored::Fresh });
        heard(FromWorker::Events(events()));
        heard(FromWorker::Storage(Storage::Saved { to_us: self.now_us }));
        let states = [GoalState::Done, GoalState::Holding, GoalState::Open, GoalState::Waiting, GoalState::Failed];
        let details = [
            "",
            "1,012/s now; held for 4 s of 10 s",
            "orders-1: ISR is 2, 3; kafka-1 is 1,204 records behind",
            "after the goal above",
            "too late",
        ];
        let goals = lesson.iter().flat_map(|l| l.goals()).enumerate().map(|(n, goal)| GoalView {
            id: goal.id.clone(),
            say: goal.say.clone(),
            state: states[n % 5],
            detail: details[n % 5].to_owned(),
        });
        heard(FromWorker::Goals(goals.collect()));
        let samples = (0..self.now_us / 200_000).map(|n| self.rate(n * 200_000)).collect();
        heard(FromWorker::Metrics { reset: true, samples });
        self.show(heard);
        let search = gloo::utils::window().location().search().unwrap_or_default();
        if search.contains("fail") {
            heard(FromWorker::Panicked { message: "panicked at src/kafka/log/mod.rs:120: the log end moved back".into() });
        }
        if search.contains("choose") {
            let options = vec![StoredChoice::KeepAndRunFromMemory, StoredChoice::Export, StoredChoice::DeleteAndBegin];
            heard(FromWorker::Choice {
                message: "It was written by a newer Ottla (schema 7), which this one cannot read.".into(),
                options,
            });
        }
        if search.contains("memory") {
            heard(FromWorker::Storage(Storage::MemoryOnly { because: "this browser refuses IndexedDB in a private window".into() }));
        }
    }

    fn tick(&mut self, heard: &Heard) {
        let now = real_ms();
        let passed = std::mem::replace(&mut self.last_ms, now);
        if !self.playing {
            return;
        }
        self.ticks += 1;
        self.now_us += ((now - passed) * 1_000.0 * self.speed) as u64;
        self.end_us = self.end_us.max(self.now_us);
        if self.ticks.is_multiple_of(12) {
            heard(FromWorker::Metrics { reset: false, samples: vec![self.rate(self.now_us)] });
            if !self.unsaved {
                heard(FromWorker::Storage(Storage::Saved { to_us: self.now_us.saturating_sub(200_000) }));
            }
        }
        self.show(heard);
    }

    fn jump(&mut self, by_us: i64) {
        self.playing = false;
        self.now_us = self.now_us.saturating_add_signed(by_us);
        self.end_us = self.end_us.max(self.now_us);
    }

    fn rate(&self, at_us: u64) -> Sample {
        let halted = (10_300_000..19_200_000).contains(&at_us);
        let wave = ((at_us / 50_000) % 7) as f32 * 6.0;
        let full = if (19_200_000..19_900_000).contains(&at_us) { 2_800.0 } else { 990.0 };
        let rate = if halted { 0.0 } else { full + wave };
        Sample { at_us, acked_per_s: rate, consumed_per_s: (rate - 20.0 + wave * 2.0).max(0.0) }
    }

    fn show(&self, heard: &Heard) {
        let (now_us, playing) = (self.now_us, self.playing);
        let mut view = self.sample.at(now_us);
        view.ready_us = READY_US;
        view.cuts = self.cuts.clone();
        heard(FromWorker::View(Box::new(view)));
        let reached = self.speed.min(20.0);
        heard(FromWorker::Clock(Clock { now_us, horizon_us: now_us + 30_000, playing, speed: self.speed, reached }));
        let mark = |at_us, kind, label: &str| Mark { at_us, kind, label: label.into() };
        let marks = [
            mark(3_000_000, MarkKind::Command, "create orders"),
            mark(5_000_000, MarkKind::Rebalance, "billing joins"),
            mark(10_000_000, MarkKind::Fault, "kill kafka-1"),
            mark(19_000_000, MarkKind::Election, "orders-0: leader 1 → 2"),
            mark(19_000_000, MarkKind::Alert, "below 800/s"),
            mark(22_000_000, MarkKind::Rebalance, "billing rebalances"),
            mark(32_000_000, MarkKind::Command, "start kafka-1"),
            mark(36_000_000, MarkKind::Goal, "in sync again"),
        ];
        let marks = marks.into_iter().filter(|m| m.at_us <= self.end_us).collect();
        let branches = if self.end_us > 24_000_000 {
            vec![Branch { id: 1, from_us: 12_000_000, to_us: 24_000_000, label: "before: acks=1".into() }]
        } else {
            Vec::new()
        };
        heard(FromWorker::Timeline(Timeline { from_us: 0, end_us: self.end_us, now_us, marks, branches }));
    }

    fn line(&mut self, heard: &Heard, session: u32, text: String) {
        let piece = |stream, text: &str| TerminalOutput { stream, text: text.into(), newline: true };
        let typed = TerminalOutput { stream: Stream::Input, text: text.clone(), newline: true };
        let mut output = vec![typed];
        let mut prompt = Prompt::Command;
        match text.split_whitespace().next() {
            Some("kafka-topics.sh") => {
                output.push(piece(Stream::Out, "Topic: orders\tTopicId: Y0amov5STG2yPZKk0vDDLw\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: min.insync.replicas=2"));
                for p in 0..3 {
                    let (a, b, c) = (p % 3 + 1, (p + 1) % 3 + 1, (p + 2) % 3 + 1);
                    let line = format!(
                        "\tTopic: orders\tPartition: {p}\tLeader: {a}\tReplicas: {a},{b},{c}\tIsr: {a},{b},{c}\tElr: \tLastKnownElr: "
                    );
                    output.push(piece(Stream::Out, &line));
                }
            }
            Some("kafka-console-producer.sh") => prompt = Prompt::Input,
            Some("kafka-console-consumer.sh") => prompt = Prompt::Busy,
            Some("kill" | "start" | "systemctl") | None => {}
            Some(other) => output.push(piece(Stream::Err, &format!("{other}: command not found"))),
        }
        heard(FromWorker::Terminal { session, output, prompt });
    }
}

fn events() -> Vec<EventLine> {
    let line = |id, at_us, text: &str, kind| EventLine { id, at_us, text: text.into(), kind };
    vec![
        line(4, 7_400_000, "orders-0: leader 1 → 2, epoch 1", MarkKind::Election),
        line(3, 7_400_000, "kafka-1 is fenced: its session ended, no heartbeat came for 9 s", MarkKind::Election),
        line(2, 5_000_000, "billing: billing-2 joins, generation 2", MarkKind::Rebalance),
        line(1, 3_000_000, "kill -9 kafka-1", MarkKind::Fault),
    ]
}
