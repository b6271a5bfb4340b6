//! A question to the cluster, and how long kcat waits for its answer.

use super::fatal;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, AdminConfig, CallId, Outcome};
use crate::shell::tools::Context;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::bootstrap;
use crate::sim::time::Time;

/// `-m`: the metadata timeout, in ms.
const TIMEOUT_MS: &str = "5000";

/// An admin client with one call.
#[derive(Clone, Debug)]
pub struct Asking {
    client: Box<AdminClient>,
    call: CallId,
}

impl Asking {
    /// Begins with a question.
    ///
    /// # Errors
    /// What is said if no address resolves.
    pub fn begin(servers: &str, hosts: &[String], cx: &mut Context, ask: impl FnOnce(&mut AdminClient) -> CallId) -> Result<Asking, Done> {
        let (addresses, _) = bootstrap(cx.now, servers, hosts).map_err(|_| unreachable_brokers())?;
        let config: Config =
            ["request.timeout.ms", "default.api.timeout.ms"].iter().map(|name| ((*name).to_owned(), TIMEOUT_MS.to_owned())).collect();
        let parsed = AdminConfig::parse(&config).map_err(fatal)?;
        let mut client = Box::new(AdminClient::new("rdkafka", addresses, parsed));
        let call = ask(&mut client);
        Ok(Asking { client, call })
    }

    /// Another question to the same cluster.
    pub fn ask(&mut self, ask: impl FnOnce(&mut AdminClient) -> CallId) {
        self.call = ask(&mut self.client);
    }

    /// The answer, once it is there.
    pub fn poll(&mut self, cx: &mut Context) -> Option<Result<Outcome, Done>> {
        self.client.poll(cx.now, cx.out);
        // librdkafka has a log of its own.
        self.client.log().take().for_each(drop);
        let result = self.client.take_results().find(|(id, _)| *id == self.call)?.1;
        Some(result.map_err(|_| unreachable_brokers()))
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        self.client.handle(cx.now, input, cx.out);
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.client.owns(input)
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.client.next_wake()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.client.close(out);
    }
}

fn unreachable_brokers() -> Done {
    fatal(
        "Failed to acquire metadata: Local: Broker transport failure (Are the brokers reachable? Also try increasing the metadata timeout with -m <timeout>?)",
    )
}
