//! Plays a transcript of real terminals on a fresh simulated cluster, and puts what is printed beside what was recorded.

use std::collections::BTreeMap;

use super::build::Machine;
use super::command::Command;
use super::spec::{BrokerConfig, ClusterSpec, Config};
use super::timeline::Replayable;
use super::world::{CommandError, World};
use crate::kafka::event::Event;
use crate::kafka::log::properties_file;
use crate::shell::screen::Stream;
use crate::shell::syntax;
use crate::shell::transcript::normalise::Normaliser;
use crate::shell::transcript::read::{Act, Head, HostVerb, Step, Transcript};
use crate::sim::engine::{Sim, State};
use crate::sim::fault::Fault;
use crate::sim::time::{Duration, Time};

/// The seed with which transcripts are played.
pub const SEED: u64 = 1;
/// It is looked so often whether a command has ended.
const LOOK_EVERY: Duration = Duration::ms(10);
/// A broker that has not started after this time never will.
const START_PATIENCE: Duration = Duration::secs(60);
/// A broker that has not stopped after this time never will: without a controller's leave it takes five minutes.
const STOP_PATIENCE: Duration = Duration::secs(600);
/// So long a tool's Java machine takes to start (measured: 0.8 to 1.5 s on two cores). The recorded commands took it; here a tool runs at once.
const JAVA_START: Duration = Duration::ms(850);
/// The file from which a command reads its recorded input.
const STDIN: &str = ".stdin";

/// A command with what the real one printed and what ours did, both without what differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its line in the transcript.
    pub line: usize,
    pub command: String,
    pub expected: Vec<String>,
    pub printed: Vec<String>,
}

impl Compared {
    pub fn is_equal(&self) -> bool {
        self.expected == self.printed
    }
}

/// Why a transcript cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("the simulation has no {0} yet")]
    Unsupported(&'static str),
    #[error(transparent)]
    Build(#[from] super::build::BuildError),
    #[error("line {line}: {why}")]
    Refused { line: usize, why: CommandError },
    #[error("line {line}: {what}")]
    Step { line: usize, what: String },
}

/// What a step printed, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Its line in the transcript.
    pub line: usize,
    pub printed: Vec<String>,
}

/// A transcript that was played as far as it could be.
#[derive(Clone, Debug)]
pub struct Performance {
    /// The steps that print something, in order.
    pub played: Vec<Played>,
    /// As it is at the end, if it could be built.
    pub world: Option<World>,
    /// Why it ended before its last line, if it did.
    pub stopped: Option<ReplayError>,
}

/// Plays a transcript and compares what was printed, both sides without what differs from run to run. What could not be played differs.
pub fn play(transcript: &Transcript, seed: u64) -> Vec<Compared> {
    let Performance { played, stopped, .. } = perform(transcript, seed);
    let normaliser = Normaliser::default();
    let mut played: BTreeMap<usize, Vec<String>> = played.into_iter().map(|played| (played.line, played.printed)).collect();
    let prints = transcript.steps.iter().filter_map(|step| Some((step, step.act.command()?)));
    let compared = prints.map(|(step, command)| {
        let printed = match (played.remove(&step.line), &stopped) {
            (Some(printed), _) => normaliser.lines(&printed),
            (None, Some(why)) => vec![format!("(not played: {why})")],
            (None, None) => Vec::new(),
        };
        Compared { line: step.line, command, expected: normaliser.lines(&step.expected), printed }
    });
    compared.collect()
}

/// Plays a transcript from its first line to its last, or to what cannot be played.
pub fn perform(transcript: &Transcript, seed: u64) -> Performance {
    let mut played = Vec::new();
    match Player::new(&transcript.head, seed) {
        Ok(mut player) => {
            let stopped = player.steps(transcript, &mut played).err();
            Performance { played, stopped, world: Some(player.world) }
        }
        Err(why) => Performance { played, stopped: Some(why), world: None },
    }
}

struct Player {
    world: World,
    files: BTreeMap<String, String>,
    timeout: Duration,
    /// Sessions of commands in the background.
    background: BTreeMap<String, u32>,
    next_session: u32,
    next_chunk: u64,
    /// What brokers wrote into their logs.
    logs: BTreeMap<u32, Vec<String>>,
}

/// The session of the commands in the foreground.
const FOREGROUND: u32 = 0;

impl Player {
    fn new(head: &Head, seed: u64) -> Result<Player, ReplayError> {
        let features = head.features.iter().map(|feature| {
            let (name, level) = feature.split_once('=')?;
            Some((name.to_owned(), level.parse().ok()?))
        });
        let features = features.collect::<Option<_>>().ok_or(ReplayError::Unsupported("such a feature level"))?;
        let config = |text: &str| properties_file::parse(text.as_bytes()).into_iter().collect::<Config>();
        let broker = head.broker.iter().map(|(id, text)| (id.clone(), BrokerConfig(config(text)))).collect();
        // A recording without a cluster does not mind one.
        let brokers = head.brokers.unwrap_or(3).max(1);
        // Controllers are brokers: those that the recording names, or the first three.
        let combined = head.controllers.clone().unwrap_or_else(|| (1..=brokers.min(3)).collect());
        let config = config(&head.config);
        let spec = ClusterSpec { brokers, controllers: 0, combined, config, broker, features, ..ClusterSpec::default() };
        let timeout = Duration::secs(head.timeout.unwrap_or(90));
        let machine = Machine { down: head.down.clone(), ..Machine::default() };
        let world = World::build_on(&machine, &spec, seed)?;
        let mut player = Player {
            world,
            files: head.files.clone(),
            timeout,
            background: BTreeMap::new(),
            next_session: FOREGROUND + 1,
            next_chunk: 0,
            logs: BTreeMap::new(),
        };
        let refused = |why| ReplayError::Refused { line: 1, why };
        player.open(FOREGROUND).map_err(refused)?;
        Ok(player)
    }

    /// Does every step; what each printed goes to `played`.
    fn steps(&mut self, transcript: &Transcript, played: &mut Vec<Played>) -> Result<(), ReplayError> {
        for (at, step) in transcript.steps.iter().enumerate() {
            let refused = |why| ReplayError::Refused { line: step.line, why };
            let failed = |what: String| ReplayError::Step { line: step.line, what };
            let printed = match &step.act {
                Act::Run { command, stdin } => Some(self.run(command, stdin.as_deref()).map_err(refused)?),
                Act::Start { name, command, stdin } => {
                    // A name may be used again: what ends it first is about this one.
                    let ends = |step: &&Step| matches!(&step.act, Act::Await(of) | Act::Interrupt(of) | Act::Slay(of) if of == name);
                    let end = transcript.steps[at..].iter().find(ends);
                    let killed = end.is_some_and(|step| matches!(step.act, Act::Slay(_)));
                    let typed = |step: &Step| matches!(&step.act, Act::Type { name: to, .. } if to == name);
                    // The recorder types into a pipe: a producer shows no prompt.
                    let piped = !killed && syntax::is_one_command(command) && (stdin.is_some() || transcript.steps.iter().any(typed));
                    let command = if piped { &format!("cat | {command}") } else { command };
                    self.start(name, command, stdin.as_deref(), killed).map_err(refused)?;
                    None
                }
                Act::Type { name, text } => {
                    let session = self.background(name).map_err(failed)?;
                    self.apply(Command::Line { session, text: text.clone() }).map_err(refused)?;
                    None
                }
                Act::Await(name) | Act::Interrupt(name) | Act::Slay(name) => {
                    let session = self.background(name).map_err(failed)?;
                    let command = match &step.act {
                        Act::Await(_) => Command::EndOfInput { session },
                        Act::Interrupt(_) => Command::Interrupt { session },
                        _ => Command::Line { session, text: "kill -9 %1".into() },
                    };
                    self.apply(command).map_err(refused)?;
                    self.wait_for_prompt(session);
                    let mut printed = self.printed(session, 0);
                    if let Act::Slay(_) = &step.act {
                        printed.retain(|line| !line.starts_with("= "));
                        printed.push("= -9".into());
                    }
                    Some(printed)
                }
                Act::Host { verb, id } => {
                    self.host(*verb, *id).map_err(refused)?;
                    None
                }
                Act::Cut { a, b, one_way } => {
                    self.cut(a, b, *one_way).map_err(refused)?;
                    None
                }
                Act::Heal => {
                    self.apply(Command::Fault(Fault::HealAll)).map_err(refused)?;
                    None
                }
                Act::Sleep(time) => {
                    self.wait(*time);
                    None
                }
                Act::List { id, folder } => Some(self.list(*id, folder)),
                Act::Show { id, file } => Some(self.show(*id, file)),
                Act::Log { id, pattern } => Some(self.logged(*id, pattern)),
                Act::Note => None,
                Act::Other(_) => Some(vec!["(this is not played)".into()]),
            };
            if let Some(printed) = printed {
                played.push(Played { line: step.line, printed });
            }
        }
        Ok(())
    }

    /// Opens a terminal and puts its files in place.
    fn open(&mut self, session: u32) -> Result<(), CommandError> {
        self.apply(Command::Line { session, text: String::new() })?;
        self.wait_for_prompt(session);
        for (path, text) in self.files.clone() {
            self.write(session, &path, &text);
        }
        Ok(())
    }

    fn write(&mut self, session: u32, path: &str, text: &str) {
        let Some(host) = self.world.session(session).map(|session| session.spec().host.clone()) else { return };
        self.next_chunk += 1;
        let chunk = Sim::<super::model::Cluster>::outside_chunk(self.next_chunk, text.to_owned().into());
        let now = self.world.sim.now();
        if let Some(disk) = self.world.sim.disk_mut(&host) {
            // A disk of a fresh world is not full.
            let _ = disk.replace(now, path, chunk);
        }
    }

    /// Runs a command in the foreground until it ends; what it printed.
    fn run(&mut self, command: &str, stdin: Option<&str>) -> Result<Vec<String>, CommandError> {
        if is_java(command) {
            self.wait(JAVA_START);
        }
        let text = self.with_input(FOREGROUND, command, stdin);
        let from = self.world.session(FOREGROUND).map_or(0, |session| session.screen().next());
        self.apply(Command::Line { session: FOREGROUND, text })?;
        self.apply(Command::EndOfInput { session: FOREGROUND })?;
        self.wait_for_prompt(FOREGROUND);
        Ok(self.printed(FOREGROUND, from))
    }

    fn start(&mut self, name: &str, command: &str, stdin: Option<&str>, killed: bool) -> Result<(), CommandError> {
        let session = self.next_session;
        self.next_session += 1;
        self.open(session)?;
        let text = match killed {
            true => format!("{} &", self.with_input(session, command, stdin)),
            // What is typed meanwhile waits in the terminal.
            false if is_java(command) => format!("sleep {}; {command}", JAVA_START.as_ms() as f64 / 1_000.0),
            false => command.to_owned(),
        };
        self.apply(Command::Line { session, text })?;
        if !killed {
            for line in stdin.unwrap_or_default().lines() {
                self.apply(Command::Line { session, text: line.to_owned() })?;
            }
        }
        self.background.insert(name.to_owned(), session);
        Ok(())
    }

    /// The command with its input redirected: what is recorded below it, or nothing.
    fn with_input(&mut self, session: u32, command: &str, stdin: Option<&str>) -> String {
        if command.contains(" < ") || !syntax::is_one_command(command) {
            return command.to_owned();
        }
        match stdin {
            Some(text) => {
                self.write(session, STDIN, text);
                format!("{command} < {STDIN}")
            }
            None => format!("{command} < /dev/null"),
        }
    }

    fn background(&mut self, name: &str) -> Result<u32, String> {
        self.background.get(name).copied().ok_or_else(|| format!("nothing called {name} runs in the background"))
    }

    /// Waits for the prompt; a command that takes too long is interrupted.
    fn wait_for_prompt(&mut self, session: u32) {
        let idle = |player: &Player| player.world.session(session).is_some_and(super::super::shell::session::Session::is_idle);
        if !self.wait_until(self.timeout, idle) {
            // Its output shows that it was interrupted.
            let _ = self.apply(Command::Interrupt { session });
            self.wait_until(Duration::secs(30), idle);
        }
    }

    /// What a session printed since piece `from`, as a transcript shows it.
    fn printed(&self, session: u32, from: u64) -> Vec<String> {
        let Some(session) = self.world.session(session) else { return Vec::new() };
        let (mut out, mut err) = (String::new(), String::new());
        for piece in session.output_since(from) {
            let text = match piece.stream {
                Stream::Out => &mut out,
                Stream::Err => &mut err,
                Stream::Input | Stream::Note => continue,
            };
            text.push_str(&piece.text);
            text.push_str(if piece.newline { "\n" } else { "" });
        }
        let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines.extend(err.lines().map(|line| format!("! {line}")));
        lines.extend(Some(session.status()).filter(|status| *status != 0).map(|status| format!("= {status}")));
        lines
    }

    /// A folder of a broker's data folder, as the recorder lists it: files with their sizes, folders with a slash.
    fn list(&self, id: u32, folder: &str) -> Vec<String> {
        let Some(host) = self.world.sim.host(&format!("kafka-{id}")) else { return Vec::new() };
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entries = BTreeMap::new();
        for (path, file) in host.disk.list(&prefix) {
            match path[prefix.len()..].split_once('/') {
                Some((below, _)) => entries.insert(below.to_owned(), format!("{below}/")),
                None => entries.insert(path[prefix.len()..].to_owned(), format!("{} {}", &path[prefix.len()..], file.size())),
            };
        }
        entries.into_values().collect()
    }

    fn show(&self, id: u32, file: &str) -> Vec<String> {
        let host = self.world.sim.host(&format!("kafka-{id}"));
        let text = host.and_then(|host| host.disk.contents(file)).map(|file| file.read());
        let text =
            text.map_or_else(|| format!("cat: {file}: No such file or directory"), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.lines().map(str::to_owned).collect()
    }

    /// Lines of a broker's log that fit a pattern. A pattern that is none fits nothing.
    fn logged(&self, id: u32, pattern: &str) -> Vec<String> {
        let Ok(pattern) = regex_lite::Regex::new(pattern) else { return Vec::new() };
        self.logs.get(&id).into_iter().flatten().filter(|line| pattern.is_match(line)).cloned().collect()
    }

    fn host(&mut self, verb: HostVerb, id: u32) -> Result<(), CommandError> {
        let host = format!("kafka-{id}");
        let fault = match verb {
            HostVerb::Kill => Fault::Kill { host },
            HostVerb::Stop => Fault::Stop { host },
            HostVerb::Start => Fault::Start { host },
            HostVerb::Pause => Fault::Pause { host },
            HostVerb::Resume => Fault::Resume { host },
        };
        self.apply(Command::Fault(fault))?;
        let id = id as i32;
        match verb {
            HostVerb::Stop => self.wait_until(STOP_PATIENCE, |player| {
                player.world.brokers().any(|(broker, slot, _)| broker.0 == id && matches!(slot.state, State::Exited(_)))
            }),
            HostVerb::Start => self.wait_until(START_PATIENCE, |player| {
                player.world.controller().is_some_and(|controller| controller.controller.image().is_active(id))
            }),
            HostVerb::Kill | HostVerb::Pause | HostVerb::Resume => true,
        };
        Ok(())
    }

    fn cut(&mut self, a: &str, b: &str, one_way: bool) -> Result<(), CommandError> {
        let terminals: Vec<String> =
            self.world.sessions().filter_map(|session| Some(self.world.session(session)?.spec().host.clone())).collect();
        let hosts = |name: &str| if name == "client" { terminals.clone() } else { vec![format!("kafka-{name}")] };
        for a in hosts(a) {
            for b in hosts(b) {
                let fault = match one_way {
                    true => Fault::CutAtSender { from: a.clone(), to: b },
                    false => Fault::Cut { a: a.clone(), b },
                };
                self.apply(Command::Fault(fault))?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, command: Command) -> Result<(), CommandError> {
        self.world.apply(&command)
    }

    fn wait(&mut self, time: Duration) {
        let until = self.world.now() + time;
        self.run_until(until);
    }

    /// Whether it came to be within `patience`.
    fn wait_until(&mut self, patience: Duration, mut reached: impl FnMut(&Player) -> bool) -> bool {
        let end = self.world.now() + patience;
        loop {
            let next = self.world.now() + LOOK_EVERY;
            self.run_until(next);
            if reached(self) {
                return true;
            }
            if self.world.now() >= end {
                return false;
            }
        }
    }

    fn run_until(&mut self, until: Time) {
        self.world.wait(until);
        for recorded in self.world.take_events() {
            if let Event::ServerLog { broker, line } = recorded.event {
                self.logs.entry(broker.0 as u32).or_default().push(line.to_string());
            }
        }
    }
}

/// Whether a command runs one of Kafka's tools.
fn is_java(command: &str) -> bool {
    command.contains(".sh ")
}
