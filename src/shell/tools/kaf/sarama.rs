//! Sarama, the client library under kaf: how it finds a cluster, and its words for what goes wrong.

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};

use super::error_exit;
use super::flags::Asked;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, CallId, Outcome, Target};
use crate::kafka::client::error::NETWORK_EXCEPTION;
use crate::kafka::names::node_on;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::errors;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::Options;
use crate::shell::tools::Context;
use crate::shell::tools::asking::Asking;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::bootstrap;
use crate::shell::tools::script::{Logic, Plan, Script, Stop, Thrown};
use crate::sim::time::{Duration, Time};

/// `Metadata.Retry.Max` and `.Backoff`.
const RETRIES: u32 = 3;
const BACKOFF: Duration = Duration::ms(250);

/// Where to begin, as given or `localhost:9092`. What cannot be looked up is left out.
///
/// # Errors
/// What kaf says if none is left: the error of the client that the command makes first.
pub fn addresses(asked: &Asked, hosts: &[String]) -> Result<String, Done> {
    let mut servers: Vec<&str> = asked.all("brokers").map(str::trim).collect();
    if servers.is_empty() {
        servers.push("localhost:9092");
    }
    let (found, lost): (Vec<&str>, Vec<&str>) = servers.iter().partition(|server| bootstrap(Time::ZERO, server, hosts).is_ok());
    if !found.is_empty() {
        return Ok(found.join(","));
    }
    let errors: Vec<String> = lost
        .iter()
        .map(|server| match server.rsplit_once(':') {
            Some((host, _)) => format!("dial tcp: lookup {host}: no such host"),
            None => format!("dial tcp: address {server}: missing port in address"),
        })
        .collect();
    Err(error_exit(&format!("{}: {}\n", cannot(asked.command.path), out_of_brokers(&errors))))
}

/// What kaf says of a client that it cannot make: each command makes one of another kind first.
pub fn cannot(command: &str) -> &'static str {
    match command {
        "produce" => "Unable to create new sync producer",
        "consume" | "group commit" => "Unable to get client",
        _ => "Unable to get cluster admin",
    }
}

/// `ErrOutOfBrokers` with what each of them said.
fn out_of_brokers(errors: &[String]) -> String {
    let head = "kafka: client has run out of available brokers to talk to";
    match errors {
        [] => head.to_owned(),
        [error] => format!("{head}: {error}"),
        errors => format!("{head}: {} errors occurred:\n\t* {}\n", errors.len(), errors.join("\n\t* ")),
    }
}

/// Of servers that cannot be reached, and why not.
pub fn unreachable(servers: &str, reason: &str) -> String {
    let errors: Vec<String> = servers
        .split(',')
        .map(|server| {
            let (host, port) = server.rsplit_once(':').unwrap_or((server, ""));
            let address = node_on(host).map_or_else(|| host.replace("localhost", "127.0.0.1"), |node| format!("10.77.0.{node}"));
            format!("dial tcp {address}:{port}: {reason}")
        })
        .collect();
    out_of_brokers(&errors)
}

/// The admin client that stands for Sarama's: its timeouts, and no log.
pub fn config() -> Config {
    let settings = [
        ("client.id", "sarama"),
        ("request.timeout.ms", "30000"),
        ("default.api.timeout.ms", "45000"),
        ("socket.connection.setup.timeout.ms", "30000"),
        ("socket.connection.setup.timeout.max.ms", "30000"),
        ("reconnect.backoff.ms", "200"),
        ("reconnect.backoff.max.ms", "200"),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A command that is a few requests in a row.
pub fn plan(logic: Logic, asked: Asked, servers: String, files: &Files) -> Plan {
    let plan = Plan::of_options(logic, failure, Options::default(), config(), files);
    Plan { servers, client_id: "sarama", is_quiet: true, parsed: asked.parsed(), ..plan }
}

fn failure(thrown: &Thrown) -> Done {
    error_exit(thrown.exception.text())
}

/// Ends the command with `errorExit`.
pub fn exit(message: impl Into<String>) -> Stop {
    Exception::new("kaf", message).into()
}

/// `NewClient`: asks for all topics, and tries again.
///
/// # Errors
/// It is not connected yet, or cannot be.
pub fn connect(script: &mut Script) -> Result<MetadataResponse, Stop> {
    let mut tries = 0;
    loop {
        match metadata(script, None) {
            Err(Stop::Threw(_)) if tries < RETRIES => {
                tries += 1;
                script.sleep(BACKOFF)?;
            }
            Err(Stop::Threw(thrown)) => {
                let error = unreachable(script.servers(), thrown.exception.text());
                return Err(exit(format!("{}: {error}\n", cannot(script.parsed().command.unwrap_or_default()))));
            }
            other => return other,
        }
    }
}

/// What the cluster says of topics, or of all.
///
/// # Errors
/// The answer is not there yet, or never will be.
pub fn metadata(script: &mut Script, topic: Option<&str>) -> Result<MetadataResponse, Stop> {
    match script.outcome(&mut |client, now| ask_metadata(client, now, topic, false))? {
        Ok(Outcome::Response(Response::Metadata(body))) => Ok(body),
        Ok(_) => Err(exit(error(-1))),
        Err(exception) => Err(exception.into()),
    }
}

fn ask_metadata(client: &mut AdminClient, now: Time, topic: Option<&str>, creates: bool) -> CallId {
    let one = |name: &str| vec![MetadataRequestTopic::default().with_name(Some(TopicName(name.to_owned().into())))];
    let request = MetadataRequest::default().with_topics(topic.map(one));
    client.call(now, "metadata", Target::Any, request.with_allow_auto_topic_creation(creates))
}

/// A client of its own, for the commands that do not end with a few requests: it is connected, and asked one thing after the other.
#[derive(Clone, Debug)]
pub struct Client {
    servers: String,
    asking: Asking,
    /// Of the topic that is asked for, or of the cluster at first.
    topic: Option<String>,
    tries: u32,
    retry_at: Option<Time>,
}

/// What a question came to: the answer, or the error's words.
pub type Answered = Result<Outcome, String>;

impl Client {
    /// # Errors
    /// None of the addresses can be looked up (which [`addresses`] has seen to).
    pub fn connect(servers: &str, hosts: &[String], cx: &mut Context) -> Result<Client, String> {
        let now = cx.now;
        let asking = Asking::begin(servers, "sarama", &config(), hosts, cx, |client| ask_metadata(client, now, None, false));
        let mut asking = asking.map_err(|error| error.text().to_owned())?;
        asking.gives_up();
        Ok(Client { servers: servers.to_owned(), asking, topic: None, tries: 0, retry_at: None })
    }

    /// Asks for a topic, which creates it if brokers do so on demand.
    pub fn ask_topic(&mut self, topic: &str, now: Time) {
        (self.topic, self.tries) = (Some(topic.to_owned()), 0);
        self.asking.ask(|client| ask_metadata(client, now, Some(topic), true));
    }

    pub fn ask(&mut self, ask: impl FnOnce(&mut AdminClient) -> CallId) {
        self.asking.ask(ask);
    }

    /// The answer, once it is there. What is about metadata is asked again a few times if it fails.
    pub fn poll(&mut self, cx: &mut Context) -> Option<Answered> {
        if let Some(at) = self.retry_at {
            if at > cx.now {
                // Its connections go on meanwhile.
                self.asking.poll(cx);
                return None;
            }
            self.retry_at = None;
            let (now, topic) = (cx.now, self.topic.clone());
            self.asking.ask(|client| ask_metadata(client, now, topic.as_deref(), topic.is_some()));
        }
        let failed = match self.asking.poll(cx)? {
            Ok(Outcome::Response(Response::Metadata(body))) => {
                let code = body.topics.first().filter(|_| self.topic.is_some()).map_or(0, |topic| topic.error_code);
                if !matches!(code, 3 | 5) {
                    return Some(if code == 0 { Ok(Outcome::Response(Response::Metadata(body))) } else { Err(error(code)) });
                }
                error(code)
            }
            Err(error) if error.code == NETWORK_EXCEPTION => unreachable(&self.servers, &error.message),
            Err(failed) => return Some(Err(error(failed.code))),
            Ok(outcome) => return Some(Ok(outcome)),
        };
        if self.tries >= RETRIES {
            return Some(Err(failed));
        }
        self.tries += 1;
        self.retry_at = Some(cx.now + BACKOFF);
        None
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        self.asking.input(input, cx);
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.asking.owns(input)
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.asking.next_wake().into_iter().chain(self.retry_at).min()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.asking.close(out);
    }
}

/// What an exception is in Sarama's words.
pub fn thrown(exception: &Exception) -> String {
    let class = exception.class.rsplit('.').next().unwrap_or_default();
    error(errors::of_exception(class).map_or(-1, |info| info.code))
}

/// `KError.Error`.
pub fn error(code: i16) -> String {
    let words = match code {
        -1 => "Unexpected (unknown?) server error",
        1 => "The requested offset is outside the range of offsets maintained by the server for the given topic/partition",
        2 => "Message contents does not match its CRC",
        3 => "Request was for a topic or partition that does not exist on this broker",
        5 => {
            "In the middle of a leadership election, there is currently no leader for this partition and hence it is unavailable for writes"
        }
        6 => "Tried to send a message to a replica that is not the leader for some partition. Your metadata is out of date",
        7 => "Request exceeded the user-specified time limit in the request",
        10 => "Message was too large, server rejected it to avoid allocation error",
        13 => "The server disconnected before a response was received",
        14 => "The coordinator is still loading offsets and cannot currently process requests",
        15 => "The coordinator is not available",
        16 => "Request was for a consumer group that is not coordinated by this broker",
        17 => "The request attempted to perform an operation on an invalid topic",
        19 => "Messages are rejected since there are fewer in-sync replicas than required",
        20 => "Messages are written to the log, but to fewer in-sync replicas than required",
        23 => "The provider group protocol type is incompatible with the other members",
        24 => "The provided group id was empty",
        29 => "The client is not authorized to access this topic",
        30 => "The client is not authorized to access this group",
        31 => "The client is not authorized to send this request type",
        32 => "The timestamp of the message is out of acceptable range",
        35 => "The version of API is not supported",
        36 => "Topic with this name already exists",
        37 => "Number of partitions is invalid",
        38 => "Replication-factor is invalid",
        39 => "Replica assignment is invalid",
        40 => "Configuration is invalid",
        41 => "This is not the correct controller for this cluster",
        44 => "Request parameters do not satisfy the configured policy",
        56 => "Disk error when trying to access log file on the disk",
        68 => "The group is not empty",
        69 => "The group id does not exist",
        73 => "Topic deletion is disabled",
        87 => "This record has failed the validation on broker and hence will be rejected",
        89 => "The throttling quota has been exceeded",
        code => return format!("Unknown error, how did this happen? Error code = {code}"),
    };
    format!("kafka server: {words}")
}
