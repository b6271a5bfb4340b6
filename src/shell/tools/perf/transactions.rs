//! A transactional producer begins by looking for its coordinator. Brokers here have none so far, and say so; the producer asks again until
//! `max.block.ms` is over, and then throws what Kafka's throws.

use kafka_protocol::messages::FindCoordinatorRequest;

use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Target;
use crate::kafka::protocol::api::Response;
use crate::shell::java::exception::Exception;
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, response};
use crate::sim::time::{Duration, Time};

/// `initTransactions` at work.
#[derive(Clone, Debug)]
pub struct InitTransactions {
    admin: Box<Admin>,
    id: String,
    since: Time,
    max_block: Duration,
    /// When it asks again.
    retry_at: Option<Time>,
}

const TRANSACTION: i8 = 1;
const RETRY: Duration = Duration::ms(100);

impl InitTransactions {
    /// # Errors
    /// What the constructor of a client throws.
    pub fn begin(id: &str, servers: &str, hosts: &[String], max_block: Duration, cx: &mut Context) -> Result<InitTransactions, Exception> {
        let admin = Box::new(Admin::open(cx.now, servers, "perf-producer-client", &Config::new(), hosts, cx.print)?);
        Ok(InitTransactions { admin, id: id.to_owned(), since: cx.now, max_block, retry_at: Some(cx.now) })
    }

    /// Gets on; why there is no transaction, once that is clear.
    pub fn poll(&mut self, cx: &mut Context) -> Option<Exception> {
        if self.retry_at.is_some_and(|at| at <= cx.now) {
            self.retry_at = None;
            let request = FindCoordinatorRequest::default().with_key_type(TRANSACTION).with_coordinator_keys(vec![self.id.clone().into()]);
            self.admin.ask(cx.now, "findCoordinator", Target::Any, request);
        }
        if let Some(result) = self.admin.poll(cx) {
            let code = match result.and_then(response) {
                Ok(Response::FindCoordinator(body)) => body.coordinators.first().map(|found| found.error_code),
                _ => None,
            };
            match code {
                // Another try may find it.
                None | Some(0 | 14 | 15) => self.retry_at = Some(cx.now + RETRY),
                Some(code) => return Some(Exception::of(code, None)),
            }
        }
        let over = cx.now.since(self.since) >= self.max_block;
        over.then(|| {
            let message = format!("Timeout expired after {}ms while awaiting InitProducerId", self.max_block.as_ms());
            Exception::new("org.apache.kafka.common.errors.TimeoutException", message)
        })
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        self.admin.input(input, cx);
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.admin.owns(input)
    }

    pub fn next_wake(&self) -> Option<Time> {
        [self.admin.next_wake(), self.retry_at, Some(self.since + self.max_block)].into_iter().flatten().min()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        self.admin.close(out);
    }
}
