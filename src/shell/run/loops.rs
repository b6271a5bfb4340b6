//! `if`, `while`, `until`, `for`: what comes after each of their parts; `break`, `continue`, `return`.

use super::frame::{Frame, LoopPhase};
use super::shell::{Cx, Next, Shell};
use crate::shell::syntax::Kind;

impl Shell {
    /// A part of the last frame's construct has ended.
    pub(super) fn advance(&mut self, cx: &mut Cx) -> Next {
        match self.frames.last_mut() {
            Some(Frame::If { command, at }) => {
                let Kind::If { branches, otherwise } = &command.kind else { return self.done(cx) };
                if *at == usize::MAX {
                    return self.done(cx);
                }
                let list = if self.state.status == 0 {
                    Some(branches[*at].1.clone())
                } else if *at + 1 < branches.len() {
                    *at += 1;
                    let condition = branches[*at].0.clone();
                    self.push(Frame::List { list: condition, at: 0 }, cx);
                    return Next::On;
                } else {
                    otherwise.clone()
                };
                *at = usize::MAX;
                match list {
                    Some(list) => self.push(Frame::List { list, at: 0 }, cx),
                    None => self.state.status = 0,
                }
                Next::On
            }
            Some(Frame::Loop { command, phase }) => {
                let Kind::Loop { until, condition, body, step } = &command.kind else { return self.done(cx) };
                let (next, list) = match *phase {
                    LoopPhase::Condition if (self.state.status == 0) == *until => {
                        self.state.status = 0;
                        return self.done(cx);
                    }
                    LoopPhase::Condition => (LoopPhase::Body, body),
                    LoopPhase::Body => match step {
                        Some(step) => (LoopPhase::Step, step),
                        None => (LoopPhase::Condition, condition),
                    },
                    LoopPhase::Step => (LoopPhase::Condition, condition),
                };
                *phase = next;
                let list = list.clone();
                self.push(Frame::List { list, at: 0 }, cx);
                Next::On
            }
            Some(Frame::For { command, values }) => {
                let Kind::For { name, body, .. } = &command.kind else { return self.done(cx) };
                let Some(value) = values.pop_front() else { return self.done(cx) };
                let (name, list) = (name.clone(), body.clone());
                if let Err(said) = self.state.set(&name, &value) {
                    cx.complain(format!("bash: {said}"));
                    self.leave(1, cx);
                    return Next::On;
                }
                self.push(Frame::List { list, at: 0 }, cx);
                Next::On
            }
            _ => Next::Blocked,
        }
    }

    /// `break n`, `continue n`; what is wrong is said.
    pub(super) fn leave_loops(&mut self, name: &str, args: &[String], cx: &mut Cx) {
        let count: usize = match args.first().map(|arg| arg.parse()) {
            None => 1,
            Some(Ok(count)) if count > 0 => count,
            Some(_) => {
                cx.complain(format!("bash: {name}: {}: loop count out of range", args[0]));
                return self.finish(1, cx);
            }
        };
        let inner = self.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. })).map_or(0, |at| at + 1);
        let is_loop = |frame: &Frame| matches!(frame, Frame::Loop { .. } | Frame::For { .. });
        let loops: Vec<usize> = (inner..self.frames.len()).filter(|at| is_loop(&self.frames[*at])).collect();
        let Some(target) = loops.len().checked_sub(count).or(loops.len().checked_sub(loops.len().max(1))).map(|n| loops[n]) else {
            cx.complain(format!("bash: {name}: only meaningful in a `for', `while', or `until' loop"));
            return self.finish(0, cx);
        };
        let keep = if name == "break" { target } else { target + 1 };
        while self.frames.len() > keep {
            self.pop(cx);
        }
        if let (true, Some(Frame::Loop { phase, .. })) = (name == "continue", self.frames.last_mut()) {
            *phase = LoopPhase::Body;
        }
        self.state.status = 0;
    }

    /// `return n`
    pub(super) fn return_from(&mut self, args: &[String], cx: &mut Cx) {
        let status = match args.first().map(|arg| arg.parse::<i32>()) {
            None => self.state.status,
            Some(Ok(status)) => status & 255,
            Some(Err(_)) => {
                cx.complain(format!("bash: return: {}: numeric argument required", args[0]));
                2
            }
        };
        let Some(call) = self.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. })) else {
            cx.complain("bash: return: can only `return' from a function or sourced script");
            return self.finish(1, cx);
        };
        while self.frames.len() > call {
            self.pop(cx);
        }
        self.finish(status, cx);
    }
}
