//! What a tool's logic can do: print, ask and wait for answers, draw, sleep. What it had before is at hand at once.

use super::{Answer, AsConsumer, Asked, Script, Stop, Wait, execution};
use crate::kafka::actor::Config;
use crate::kafka::client::admin::{AdminClient, CallId, Outcome, Target};
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::argparse::Parsed;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::Options;
use crate::shell::tools::admin;
use crate::sim::time::{Duration, Time};

impl Script<'_> {
    pub fn options(&self) -> &Options {
        &self.plan.options
    }

    /// The consumer that it stands for.
    pub fn consumer(&self) -> Option<&'_ AsConsumer> {
        self.plan.consumer.as_ref()
    }

    pub fn parsed(&self) -> &Parsed {
        &self.plan.parsed
    }

    /// Where it began.
    pub fn servers(&self) -> &'_ str {
        &self.plan.servers
    }

    /// Whether what it asks are controllers.
    pub fn from_controllers(&self) -> bool {
        self.plan.from_controllers
    }

    /// The properties of its client.
    pub fn config(&self) -> &Config {
        &self.plan.config
    }

    /// The wall clock.
    pub fn now_ms(&self) -> i64 {
        self.now.wall_ms()
    }

    pub fn files(&self) -> &Files {
        &self.plan.files
    }

    /// `request.timeout.ms`, for requests that carry it.
    pub fn timeout_ms(&self) -> i32 {
        i32::try_from(self.client.config().network.request_timeout.as_ms()).unwrap_or(i32::MAX)
    }

    /// A line on standard output.
    pub fn line(&mut self, text: impl Into<String>) {
        if self.is_new() {
            self.print.line(text);
        }
    }

    /// Text on standard output without a line break.
    pub fn text(&mut self, text: impl Into<String>) {
        if self.is_new() {
            self.print.text(text);
        }
    }

    /// A line on standard error.
    pub fn error(&mut self, text: impl Into<String>) {
        if self.is_new() {
            self.print.error(text);
        }
    }

    /// A line of the tool's log.
    pub fn log(&mut self, level: &str, message: &str, class: &str) {
        let line = log::line(self.now, level, message, class);
        self.error(line);
    }

    /// A call; its answer, or what it threw.
    ///
    /// # Errors
    /// The answer is not there yet.
    pub fn ask(&mut self, name: &'static str, target: Target, request: impl Into<Request>) -> Result<Result<Response, Exception>, Stop> {
        let answers = self.ask_all(vec![(name, target, request.into())])?;
        answers.into_iter().next().ok_or(Stop::Waits)
    }

    /// As [`Script::ask`]; what it threw ends the tool, as `Future.get` would.
    ///
    /// # Errors
    /// The answer is not there yet, or is an exception.
    pub fn get(&mut self, name: &'static str, target: Target, request: impl Into<Request>) -> Result<Response, Stop> {
        self.ask(name, target, request)?.map_err(execution)
    }

    /// Calls at the same time; their answers in the same order.
    ///
    /// # Errors
    /// An answer is not there yet.
    pub fn ask_all(&mut self, asked: Vec<Asked>) -> Result<Vec<Result<Response, Exception>>, Stop> {
        let outcomes = self.outcomes(&mut |client, now| {
            let call = |(name, target, request): &Asked| client.call(now, name, target.clone(), request.clone());
            asked.iter().map(call).collect()
        })?;
        Ok(outcomes.into_iter().map(|outcome| outcome.and_then(admin::response)).collect())
    }

    /// A call that only the client knows how to divide, or one with a time of its own.
    ///
    /// # Errors
    /// The answer is not there yet.
    pub fn outcome(&mut self, begin: &mut dyn FnMut(&mut AdminClient, Time) -> CallId) -> Result<Result<Outcome, Exception>, Stop> {
        let outcomes = self.outcomes(&mut |client, now| vec![begin(client, now)])?;
        outcomes.into_iter().next().ok_or(Stop::Waits)
    }

    fn outcomes(&mut self, begin: &mut dyn FnMut(&mut AdminClient, Time) -> Vec<CallId>) -> Result<Vec<Result<Outcome, Exception>>, Stop> {
        let (now, client) = (self.now, &mut *self.client);
        let begin = || Wait::Calls(begin(client, now).into_iter().map(|id| (id, None)).collect());
        match next(self.answers, &mut self.answered, self.waits, begin)? {
            Answer::Calls(answers) => Ok(answers.clone()),
            Answer::Drawn(_) | Answer::Slept | Answer::Typed(_) => Err(Stop::Waits),
        }
    }

    /// Who a coordinator is, as its client found out with the call before.
    pub fn coordinator(&self, target: &Target) -> Option<BrokerId> {
        self.client.known_coordinator(target)
    }

    /// A number below `n`.
    pub fn draw(&mut self, n: u64) -> u64 {
        if self.answers.len() == self.answered {
            self.answers.push(Answer::Drawn(self.rng.below(n.max(1))));
        }
        self.answered += 1;
        match self.answers.get(self.answered - 1) {
            Some(Answer::Drawn(number)) => *number,
            _ => 0,
        }
    }

    /// A line typed at the console (`System.console().readLine`); none if it has no console.
    ///
    /// # Errors
    /// It is not typed yet.
    pub fn read_console(&mut self) -> Result<Option<String>, Stop> {
        if !self.console {
            return Ok(None);
        }
        match next(self.answers, &mut self.answered, self.waits, || Wait::Console)? {
            Answer::Typed(line) => Ok(Some(line.clone().unwrap_or_default())),
            _ => Err(Stop::Waits),
        }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// It has not passed yet.
    pub fn sleep(&mut self, time: Duration) -> Result<(), Stop> {
        let until = self.now + time;
        next(self.answers, &mut self.answered, self.waits, || Wait::Sleep(until)).map(|_| ())
    }

    /// Whether what is printed now was not printed in an earlier run.
    fn is_new(&mut self) -> bool {
        self.said += 1;
        let new = self.said > *self.printed;
        *self.printed = self.said.max(*self.printed);
        new
    }
}

/// The next answer; what it takes to have it is begun if it is not there.
fn next<'s>(
    answers: &'s [Answer],
    answered: &mut usize,
    waits: &mut Option<Wait>,
    begin: impl FnOnce() -> Wait,
) -> Result<&'s Answer, Stop> {
    let Some(answer) = answers.get(*answered) else {
        if waits.is_none() {
            *waits = Some(begin());
        }
        return Err(Stop::Waits);
    };
    *answered += 1;
    Ok(answer)
}
