//! Tools that are a few calls of an admin client one after the other, written as Kafka's are: from the top to the bottom.
//!
//! A tool's logic is a function. It cannot wait, so it is run again from its beginning whenever an answer has come: what was answered, drawn or
//! slept before is at hand then, in the order in which it was asked for, and what was printed before is not printed again ([`Script`]).
//! So such a function must depend on nothing but its options, its files and its answers.

use super::Context;
use super::admin::{self, print_log, thrown};
use super::hosts::Done;
use super::kafka::{message_and_trace, properties};
use super::program::Program;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, CallId, Outcome, Target};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::argparse::Parsed;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::Options;
use crate::shell::pipe::Printer;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// What a tool's logic comes to: its exit status, unless it has to stop before.
pub type Logic = fn(&mut Script) -> Result<i32, Stop>;
/// What is printed of what was thrown, and the exit status.
pub type Failure = fn(&Thrown) -> Done;

/// Why a tool's logic goes no further.
#[derive(Clone, Debug)]
pub enum Stop {
    /// An answer is not there yet.
    Waits,
    Threw(Thrown),
}

/// An exception with those that caused it, and those that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thrown {
    pub exception: Exception,
    pub causes: Vec<Exception>,
    pub suppressed: Vec<Exception>,
}

/// What a tool is: its logic, and what it is started with.
#[derive(Clone, Debug)]
pub struct Plan {
    pub logic: Logic,
    pub failure: Failure,
    /// Of a tool that reads them with joptsimple, and of one that reads them with argparse4j.
    pub options: Options,
    pub parsed: Parsed,
    pub servers: String,
    /// The servers are controllers.
    pub from_controllers: bool,
    /// The client's id where its configuration sets none.
    pub client_id: &'static str,
    pub config: Config,
    pub files: Files,
}

/// A tool of this kind at work.
#[derive(Clone, Debug)]
pub struct ScriptTool {
    plan: Plan,
    hosts: Vec<String>,
    client: Option<AdminClient>,
    answers: Vec<Answer>,
    waits: Option<Wait>,
    /// How many pieces were printed so far.
    printed: usize,
    /// It has a console to ask at.
    console: bool,
}

#[derive(Clone, Debug)]
enum Answer {
    Calls(Vec<Result<Outcome, Exception>>),
    Drawn(u64),
    Slept,
    Typed(Option<String>),
}

#[derive(Clone, Debug)]
enum Wait {
    Calls(Vec<(CallId, Option<Result<Outcome, Exception>>)>),
    Sleep(Time),
    /// A line is typed.
    Console,
}

/// A call to be made: its name as Java has it, its node, its request.
pub type Asked = (&'static str, Target, Request);

/// One run of a tool's logic.
pub struct Script<'s> {
    plan: &'s Plan,
    answers: &'s mut Vec<Answer>,
    client: &'s mut AdminClient,
    waits: &'s mut Option<Wait>,
    printed: &'s mut usize,
    console: bool,
    now: Time,
    print: &'s mut Printer,
    rng: &'s mut Rng,
    answered: usize,
    said: usize,
}

impl From<Exception> for Stop {
    fn from(exception: Exception) -> Stop {
        Stop::Threw(Thrown::caused(exception, Vec::new()))
    }
}

impl Thrown {
    pub fn caused(exception: Exception, causes: Vec<Exception>) -> Thrown {
        Thrown { exception, causes, suppressed: Vec::new() }
    }

    /// As `Utils.stackTrace` prints it, without frames.
    pub fn trace(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.exception.to_string().lines().map(str::to_owned).collect();
        lines.extend(self.suppressed.iter().map(|suppressed| format!("\tSuppressed: {suppressed}")));
        for cause in &self.causes {
            lines.extend(format!("Caused by: {cause}").lines().map(str::to_owned));
        }
        lines
    }
}

/// What `Future.get` throws.
pub fn execution(cause: Exception) -> Stop {
    Stop::Threw(Thrown::caused(cause.in_execution(), vec![cause]))
}

impl Plan {
    /// The properties of `--command-config`, if it is given.
    ///
    /// # Errors
    /// What is said of a file that is not there.
    pub fn config(options: &Options, files: &Files) -> Result<Config, Done> {
        match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| message_and_trace(&error)),
            None => Ok(Config::new()),
        }
    }
}

impl ScriptTool {
    pub fn new(plan: Plan, hosts: &[String]) -> ScriptTool {
        ScriptTool { plan, hosts: hosts.to_vec(), client: None, answers: Vec::new(), waits: None, printed: 0, console: false }
    }

    /// It is used by a person, who can be asked.
    pub fn with_console(self) -> ScriptTool {
        ScriptTool { console: true, ..self }
    }

    fn fail(&self, thrown: &Thrown, cx: &mut Context) -> i32 {
        let Done { out, err, status, .. } = (self.plan.failure)(thrown);
        out.into_iter().for_each(|line| cx.print.line(line));
        err.into_iter().for_each(|line| cx.print.error(line));
        status
    }
}

impl Program for ScriptTool {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.client.is_none() {
            let Plan { servers, client_id, config, from_controllers, .. } = &self.plan;
            match admin::client(cx.now, servers, client_id, config, &self.hosts, cx.print) {
                Ok(mut client) => {
                    client.set_from_controllers(*from_controllers);
                    self.client = Some(client);
                }
                Err(error) => return Some(self.fail(&Thrown::caused(error, Vec::new()), cx)),
            }
        }
        loop {
            let client = self.client.as_mut()?;
            if self.waits.is_some() {
                client.poll(cx.now, cx.out);
                print_log(client.log().take(), cx.print);
                self.answers.push(over(&mut self.waits, client, cx)?);
                self.waits = None;
            }
            let mut script = Script {
                plan: &self.plan,
                answers: &mut self.answers,
                client,
                waits: &mut self.waits,
                printed: &mut self.printed,
                console: self.console,
                now: cx.now,
                print: cx.print,
                rng: cx.out.rng(),
                answered: 0,
                said: 0,
            };
            let status = match (self.plan.logic)(&mut script) {
                Err(Stop::Waits) => continue,
                Err(Stop::Threw(thrown)) => self.fail(&thrown, cx),
                Ok(status) => status,
            };
            self.kill(cx.out);
            return Some(status);
        }
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(client) = &mut self.client {
            client.handle(cx.now, input, cx.out);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.client.as_ref().is_some_and(|client| client.owns(input))
    }

    fn next_wake(&self) -> Option<Time> {
        let sleep = if let Some(Wait::Sleep(until)) = self.waits { Some(until) } else { None };
        self.client.as_ref().and_then(AdminClient::next_wake).into_iter().chain(sleep).min()
    }

    fn reads_input(&self) -> bool {
        self.console
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(client) = &mut self.client {
            client.close(out);
        }
    }
}

/// The answer, if what is waited for is over.
fn over(waits: &mut Option<Wait>, client: &mut AdminClient, cx: &mut Context) -> Option<Answer> {
    match waits.as_mut()? {
        Wait::Sleep(until) => (*until <= cx.now).then_some(Answer::Slept),
        Wait::Console => match cx.stdin.take() {
            None if !cx.stdin.at_end() => None,
            line => Some(Answer::Typed(line)),
        },
        Wait::Calls(calls) => {
            for (id, result) in client.take_results() {
                if let Some((_, slot)) = calls.iter_mut().find(|(call, _)| *call == id) {
                    *slot = Some(result.map_err(|error| thrown(&error)));
                }
            }
            let done = calls.iter().all(|(_, result)| result.is_some());
            done.then(|| Answer::Calls(calls.drain(..).filter_map(|(_, result)| result).collect()))
        }
    }
}

impl Script<'_> {
    pub fn options(&self) -> &Options {
        &self.plan.options
    }

    pub fn parsed(&self) -> &Parsed {
        &self.plan.parsed
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
        let (now, client) = (self.now, &mut *self.client);
        let begin = || {
            let calls = asked.into_iter().map(|(name, target, request)| (client.call(now, name, target, request), None));
            Wait::Calls(calls.collect())
        };
        match next(self.answers, &mut self.answered, self.waits, begin)? {
            Answer::Calls(answers) => Ok(answers.iter().map(|answer| answer.clone().and_then(admin::response)).collect()),
            Answer::Drawn(_) | Answer::Slept | Answer::Typed(_) => Err(Stop::Waits),
        }
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
