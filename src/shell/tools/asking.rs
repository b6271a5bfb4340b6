//! One question to the cluster at a time, for clients that are none of Java's: nothing of what the client logs is printed.

use super::Context;
use super::kafka::bootstrap;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{AdminClient, AdminConfig, CallId, Outcome};
use crate::kafka::client::error::ClientError;
use crate::shell::java::exception::Exception;
use crate::sim::time::Time;

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
    /// No address resolves, or a setting cannot be.
    pub fn begin(
        servers: &str,
        client_id: &str,
        config: &Config,
        hosts: &[String],
        cx: &mut Context,
        ask: impl FnOnce(&mut AdminClient) -> CallId,
    ) -> Result<Asking, Exception> {
        let (addresses, _) = bootstrap(cx.now, servers, hosts).map_err(|(error, _)| error)?;
        let parsed = AdminConfig::parse(config).map_err(|error| Exception::config(error.to_string()))?;
        let mut client = Box::new(AdminClient::new(client_id, addresses, parsed));
        let call = ask(&mut client);
        Ok(Asking { client, call })
    }

    /// It does not wait for servers that cannot be reached.
    pub fn gives_up(&mut self) {
        self.client.gives_up(true);
    }

    /// Another question to the same cluster.
    pub fn ask(&mut self, ask: impl FnOnce(&mut AdminClient) -> CallId) {
        self.call = ask(&mut self.client);
    }

    /// The answer, once it is there.
    pub fn poll(&mut self, cx: &mut Context) -> Option<Result<Outcome, ClientError>> {
        self.client.poll(cx.now, cx.out);
        self.client.log().take().for_each(drop);
        self.client.take_results().find(|(id, _)| *id == self.call).map(|(_, result)| result)
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
