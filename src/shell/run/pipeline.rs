//! Several processes at once: the stages of a pipeline, a job in the background.

use std::sync::Arc;

use super::Shown;
use super::frame::Frame;
use super::shell::{Cx, Job, Next, Shell, start};
use super::streams::{In, Out, Streams};
use super::table::{MAIN, Work};
use crate::shell::session::BACKGROUND_JOBS;
use crate::shell::syntax::{Chain, Pipeline};
use crate::sim::time::Duration;

impl Shell {
    pub(super) fn start_pipeline(&mut self, pipeline: &Arc<Pipeline>, cx: &mut Cx) -> Next {
        if pipeline.negated || pipeline.timed {
            self.push(Frame::Pipeline { pipeline: pipeline.clone(), started: cx.env.now }, cx);
        }
        if let [only] = &pipeline.stages[..] {
            self.push(start(only.clone()), cx);
            return Next::On;
        }
        let mut input = cx.streams.input.clone();
        let mut pids = Vec::new();
        for (n, stage) in pipeline.stages.iter().enumerate() {
            if !cx.can_fork() {
                self.state.status = 254;
                break;
            }
            let is_last = n + 1 == pipeline.stages.len();
            let next = (!is_last).then(|| cx.table.new_pipe());
            let out = next.map_or_else(|| cx.streams.out.clone(), Out::Pipe);
            let streams = Streams { input, out, err: cx.streams.err.clone() };
            let mut child = self.fork(start(stage.clone()));
            child.replaced = true;
            pids.push(self.spawn(cx.job, streams, Work::Shell(Box::new(child)), cx));
            input = next.map_or(In::Null, In::Pipe);
        }
        cx.table.is_dirty = true;
        self.push(Frame::Children { pids, until: None }, cx);
        Next::On
    }

    pub(super) fn start_background(&mut self, chain: &Arc<Chain>, cx: &mut Cx) -> Next {
        if !cx.can_fork() {
            self.state.status = 254;
            return Next::On;
        }
        let single = chain.rest.is_empty() && chain.first.stages.len() == 1 && !chain.first.negated && !chain.first.timed;
        let mut child =
            if single { self.fork(start(chain.first.stages[0].clone())) } else { self.fork(Frame::Chain { chain: chain.clone(), at: 0 }) };
        child.replaced = single;
        if cx.pid == MAIN && self.jobs.len() >= BACKGROUND_JOBS {
            cx.complain(format!("bash: fork: at most {BACKGROUND_JOBS} jobs run in the background here"));
            self.state.status = 254;
            return Next::On;
        }
        let job = if cx.pid == MAIN { cx.table.new_job() } else { cx.job };
        let streams = Streams { input: In::Null, ..cx.streams.clone() };
        let pid = self.spawn(job, streams, Work::Shell(Box::new(child)), cx);
        self.state.last_background = Some(pid);
        self.state.status = 0;
        if cx.pid == MAIN {
            let number = self.jobs.last().map_or(1, |last| last.number + 1);
            self.jobs.push(Job { number, id: job, pid, text: chain.text.clone() });
            cx.env.screen.push(Shown::Note { job, text: format!("[{number}] {pid}") });
        }
        Next::On
    }
}

/// What `time` prints: virtual time, as nothing here takes a processor's.
pub(super) fn times(real: Duration) -> String {
    let ms = real.as_ms();
    format!("\nreal\t{}m{}.{:03}s\nuser\t0m0.000s\nsys\t0m0.000s", ms / 60_000, ms / 1_000 % 60, ms % 1_000)
}
