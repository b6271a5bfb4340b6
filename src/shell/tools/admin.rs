//! An admin client at work for one tool: one call at a time, its log on standard error.

use super::Context;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, AdminConfig, CallId, Outcome, Target};
use crate::kafka::client::error::ClientError;
use crate::kafka::client::log::{Level, Line};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::pipe::Printer;
use crate::shell::tools::kafka::bootstrap;
use crate::sim::time::Time;

/// An admin client with the call that is waited for.
#[derive(Clone, Debug)]
pub struct Admin {
    client: AdminClient,
    call: Option<CallId>,
}

impl Admin {
    /// A client for these servers; warnings about addresses that do not resolve are printed.
    ///
    /// # Errors
    /// What `Admin.create` throws.
    pub fn open(
        now: Time,
        servers: &str,
        client_id: &str,
        config: &Config,
        hosts: &[String],
        print: &mut Printer,
    ) -> Result<Admin, Exception> {
        Ok(Admin { client: client(now, servers, client_id, config, hosts, print)?, call: None })
    }

    /// Begins a call; its result comes from [`Admin::poll`]. `name` is Java's: it stands in messages.
    pub fn ask(&mut self, now: Time, name: &str, target: Target, request: impl Into<Request>) {
        self.call = Some(self.client.call(now, name, target, request));
    }

    /// Begins a call that only the client knows how to divide.
    pub fn begin(&mut self, begin: impl FnOnce(&mut AdminClient) -> CallId) {
        self.call = Some(begin(&mut self.client));
    }

    /// `request.timeout.ms`, for requests that carry it.
    pub fn request_timeout_ms(&self) -> i32 {
        i32::try_from(self.client.config().network.request_timeout.as_ms()).unwrap_or(i32::MAX)
    }

    /// Takes what came on one of its connections.
    pub fn input(&mut self, input: Input, cx: &mut Context) {
        self.client.handle(cx.now, input, cx.out);
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.client.owns(input)
    }

    /// Gets on; what the call came to, once it is over.
    pub fn poll(&mut self, cx: &mut Context) -> Option<Result<Outcome, Exception>> {
        self.client.poll(cx.now, cx.out);
        print_log(self.client.log().take(), cx.print);
        let call = self.call?;
        let result = self.client.take_results().find(|(id, _)| *id == call)?.1;
        self.call = None;
        Some(result.map_err(|error| thrown(&error)))
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.client.next_wake()
    }

    /// Ends its connections.
    pub fn close(&mut self, out: &mut Outbox) {
        self.client.close(out);
    }
}

/// A client for these servers; warnings about addresses that do not resolve are printed.
///
/// # Errors
/// What `Admin.create` throws.
pub fn client(
    now: Time,
    servers: &str,
    client_id: &str,
    config: &Config,
    hosts: &[String],
    print: &mut Printer,
) -> Result<AdminClient, Exception> {
    let failed = || Exception::kafka("Failed to create new KafkaAdminClient");
    let addresses = addresses(now, servers, hosts, print).map_err(|_| failed())?;
    let parsed = AdminConfig::parse(config).map_err(|_| failed())?;
    let client_id = config.get("client.id").map_or(client_id, String::as_str);
    Ok(AdminClient::new(client_id, addresses, parsed))
}

/// The addresses to begin with; warnings about others are printed.
///
/// # Errors
/// The cause for which no client can be made.
pub fn addresses(now: Time, servers: &str, hosts: &[String], print: &mut Printer) -> Result<Vec<crate::kafka::actor::HostPort>, Exception> {
    let (result, warnings) = match bootstrap(now, servers, hosts) {
        Ok((addresses, warnings)) => (Ok(addresses), warnings),
        Err((error, warnings)) => (Err(error), warnings),
    };
    warnings.into_iter().for_each(|line| print.error(line));
    result
}

/// The lines of a client's log, as log4j writes them.
pub fn print_log(lines: impl Iterator<Item = Line>, print: &mut Printer) {
    for Line { at, level, message, logger, thrown } in lines {
        let level = match level {
            Level::Warn => "WARN",
            Level::Error => "ERROR",
        };
        print.error(log::line(at, level, &message, logger));
        thrown.into_iter().for_each(|thrown| print.error(thrown));
    }
}

/// What a client's error is as an exception.
pub fn thrown(error: &ClientError) -> Exception {
    let exception = Exception::new(&error.full_class(), error.message.clone());
    // The one exception of a code that is not in the package of the others.
    match error.class {
        "InvalidRecordException" => Exception { class: "org.apache.kafka.common.InvalidRecordException".into(), ..exception },
        _ => exception,
    }
}

/// What went wrong in the answer itself.
pub fn unexpected(outcome: &Outcome) -> Exception {
    let name = match outcome {
        Outcome::Response(response) => response.api().name(),
        Outcome::Offsets(_) => "ListOffsets",
        Outcome::Groups(_) => "ListGroups",
        Outcome::Records(_) => "DeleteRecords",
    };
    Exception::kafka(format!("An unexpected {name} response"))
}

/// The protocol's response in an outcome.
///
/// # Errors
/// If it is another kind of outcome.
pub fn response(outcome: Outcome) -> Result<Response, Exception> {
    match outcome {
        Outcome::Response(response) => Ok(response),
        other => Err(unexpected(&other)),
    }
}
