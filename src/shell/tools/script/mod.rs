//! Tools that are a few calls of an admin client one after the other, written as Kafka's are: from the top to the bottom.
//!
//! A tool's logic is a function. It cannot wait, so it is run again from its beginning whenever an answer has come: what was answered, drawn or
//! slept before is at hand then, in the order in which it was asked for, and what was printed before is not printed again ([`Script`]).
//! So such a function must depend on nothing but its options, its files and its answers.

mod doing;

use super::admin::{self, print_log, thrown};
use super::hosts::Done;
use super::kafka::{message_and_trace, properties};
use super::program::Program;
use super::{Context, INTERRUPTED};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, CallId, Outcome, Target};
use crate::kafka::protocol::api::Request;
use crate::shell::argparse::Parsed;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::Options;
use crate::shell::pipe::Printer;
use crate::sim::rng::Rng;
use crate::sim::time::Time;

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
    /// The older kind of admin client: it gives up when no server can be reached.
    pub is_legacy: bool,
    /// The client is none of Java's: what it logs is not printed, and it says why when no server can be reached.
    pub is_quiet: bool,
    /// It stands for a consumer.
    pub consumer: Option<AsConsumer>,
    pub config: Config,
    pub files: Files,
}

/// What there is to know of a tool whose client is a consumer.
#[derive(Clone, Debug)]
pub struct AsConsumer {
    /// What lines of the client's log begin with.
    pub context: String,
    /// The tool's class, which logs what it threw.
    pub class: &'static str,
    /// What is thrown if there can be no consumer.
    pub cannot: &'static str,
    /// Said when it is interrupted.
    pub ends_with: &'static str,
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

/// What Kafka's tools throw for a sentence without a trace.
pub const TERSE: &str = "org.apache.kafka.server.util.TerseException";

/// A sentence that ends a tool.
pub fn terse(message: impl Into<String>) -> Stop {
    Exception::new(TERSE, message).into()
}

/// What most tools print of what was thrown: its message, and unless that is all there is to say, itself.
pub fn message_with_trace(thrown: &Thrown) -> Done {
    let mut err = vec![thrown.exception.text().to_owned()];
    if thrown.exception.class != TERSE {
        err.extend(thrown.trace());
    }
    Done { err, status: 1, ..Done::default() }
}

impl Plan {
    /// A tool that reads its options with joptsimple, with the servers that they name.
    pub fn of_options(logic: Logic, failure: Failure, options: Options, config: Config, files: &Files) -> Plan {
        let from_controllers = options.has("bootstrap-controller") && !options.has("bootstrap-server");
        let given = if from_controllers { "bootstrap-controller" } else { "bootstrap-server" };
        let servers = options.all(given).collect::<Vec<_>>().join(",");
        let files = files.clone();
        let parsed = Parsed::default();
        let (client_id, is_legacy) = ("adminclient-1", false);
        Plan {
            logic,
            failure,
            options,
            parsed,
            servers,
            from_controllers,
            client_id,
            is_legacy,
            is_quiet: false,
            consumer: None,
            config,
            files,
        }
    }

    /// A tool that reads them with argparse4j.
    pub fn of_parsed(logic: Logic, failure: Failure, parsed: Parsed, config: Config, files: &Files) -> Plan {
        let from_controllers = parsed.has("--bootstrap-controller");
        let servers =
            parsed.get(if from_controllers { "--bootstrap-controller" } else { "--bootstrap-server" }).unwrap_or_default().to_owned();
        let plan = Plan::of_options(logic, failure, Options::default(), config, files);
        Plan { parsed, servers, from_controllers, ..plan }
    }

    /// The properties of a file that may be given.
    ///
    /// # Errors
    /// What is thrown of a file that is not there.
    pub fn properties(path: Option<&str>, files: &Files) -> Result<Config, Exception> {
        path.map_or_else(|| Ok(Config::new()), |path| properties(path, files))
    }

    /// The properties of `--command-config`, if it is given.
    ///
    /// # Errors
    /// What is said of a file that is not there.
    pub fn config(options: &Options, files: &Files) -> Result<Config, Done> {
        Plan::properties(options.all("command-config").last(), files).map_err(|error| message_and_trace(&error))
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
        if let Some(consumer) = &self.plan.consumer {
            cx.print.error(log::line(cx.now, "ERROR", "Unknown error when running consumer: ", consumer.class));
            thrown.trace().into_iter().for_each(|line| cx.print.error(line));
            return 1;
        }
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
                    if let Some(consumer) = &self.plan.consumer {
                        client.speaks_as(&consumer.context);
                    }
                    if self.plan.is_legacy {
                        client.speaks_as(&format!("LegacyAdminClient clientId={client_id}"));
                        client.gives_up(false);
                    }
                    if self.plan.is_quiet {
                        client.gives_up(true);
                    }
                    self.client = Some(client);
                }
                Err(error) => {
                    let cannot = self.plan.consumer.as_ref().map(|consumer| consumer.cannot.to_owned());
                    let error = Exception { message: cannot.or(error.message), ..error };
                    return Some(self.fail(&Thrown::caused(error, Vec::new()), cx));
                }
            }
        }
        loop {
            let client = self.client.as_mut()?;
            if self.waits.is_some() {
                client.poll(cx.now, cx.out);
                let log = client.log().take();
                if self.plan.is_quiet {
                    log.for_each(drop);
                } else {
                    print_log(log, cx.print);
                }
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

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        if let Some(consumer) = &self.plan.consumer {
            cx.print.error(consumer.ends_with);
        }
        self.kill(cx.out);
        Some(INTERRUPTED)
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
