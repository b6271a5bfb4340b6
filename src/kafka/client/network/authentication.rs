//! Showing a node who this is (`SaslClientAuthenticator`), before anything else is asked of it.

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};

use super::node::{Link, Step};
use super::{Completed, LOGGER, NetworkClient, Outgoing, api_versions, socket_address};
use crate::kafka::actor::Outbox;
use crate::kafka::client::error::ClientError;
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::{Request, Response};
use crate::sim::process::ConnId;
use crate::sim::time::Time;

const UNSUPPORTED_SASL_MECHANISM: i16 = 33;

impl<T> NetworkClient<T> {
    pub(super) fn connected(&mut self, now: Time, id: BrokerId, conn: ConnId, out: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.failed_setups = 0;
        node.last_used = now;
        match self.config.sasl {
            Some(_) => self.show(now, id, conn, Step::ApiVersions, api_versions(), out),
            None => self.check_versions(now, id, conn, out),
        }
    }

    fn check_versions(&mut self, now: Time, id: BrokerId, conn: ConnId, out: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.link = Link::Checking { conn };
        self.put(now, id, Outgoing::new(api_versions()), None, out);
    }

    /// A step of showing who this is. Its requests have numbers of their own (`SaslClientAuthenticator.nextCorrelationId`).
    pub(super) fn show(&mut self, now: Time, id: BrokerId, conn: ConnId, step: Step, request: impl Into<Request>, out: &mut Outbox) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.link = Link::Authenticating { conn, step };
        let correlation_id = Some(i32::MAX - 7 + step as i32);
        self.put(now, id, Outgoing { correlation_id, ..Outgoing::new(request) }, None, out);
    }

    /// The node has answered a step.
    ///
    /// # Errors
    /// Why it will not believe.
    pub(super) fn shown(&mut self, now: Time, id: BrokerId, step: Step, response: Response, out: &mut Outbox) -> Result<(), ClientError> {
        let Some((conn, credentials)) = self.nodes.get(&id).and_then(|node| node.link.conn()).zip(self.config.sasl.clone()) else {
            return Ok(());
        };
        match (step, response) {
            (Step::ApiVersions, _) => {
                let request = SaslHandshakeRequest::default().with_mechanism(credentials.mechanism.into());
                self.show(now, id, conn, Step::Handshake, request, out);
            }
            (Step::Handshake, Response::SaslHandshake(body)) if body.error_code == 0 => {
                let (scram, first) = credentials.begin(out.rng());
                if let Some(node) = self.nodes.get_mut(&id) {
                    node.scram = scram;
                }
                self.show(now, id, conn, Step::Password, SaslAuthenticateRequest::default().with_auth_bytes(first.into()), out);
            }
            (Step::Handshake, Response::SaslHandshake(body)) => {
                let enabled = body.mechanisms.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                let mechanism = credentials.mechanism;
                let message = match body.error_code {
                    UNSUPPORTED_SASL_MECHANISM => {
                        format!("Client SASL mechanism '{mechanism}' not enabled in the server, enabled mechanisms are [{enabled}]")
                    }
                    _ => format!("Unexpected handshake request with client mechanism {mechanism}, enabled mechanisms are [{enabled}]"),
                };
                return Err(ClientError::of_code(body.error_code, Some(&message)));
            }
            (Step::Password, Response::SaslAuthenticate(body)) if body.error_code != 0 => {
                return Err(ClientError::of_code(body.error_code, body.error_message.as_deref()));
            }
            (Step::Password, Response::SaslAuthenticate(body)) => {
                let scram = self.nodes.get_mut(&id).and_then(|node| node.scram.as_mut());
                let next = scram.map_or(Ok(None), |scram| scram.answer(&body.auth_bytes)).map_err(ClientError::kafka)?;
                match next {
                    Some(next) => {
                        self.show(now, id, conn, Step::Password, SaslAuthenticateRequest::default().with_auth_bytes(next.into()), out)
                    }
                    None => self.check_versions(now, id, conn, out),
                }
            }
            _ => self.check_versions(now, id, conn, out),
        }
        Ok(())
    }

    /// Why a node did not believe who this is, if it happened since the last call.
    pub fn take_auth_failure(&mut self) -> Option<ClientError> {
        self.auth_failure.take()
    }

    pub(super) fn not_believed(
        &mut self,
        now: Time,
        id: BrokerId,
        error: ClientError,
        completed: &mut Vec<Completed<T>>,
        out: &mut Outbox,
    ) {
        let address = self.nodes.get(&id).map(|node| socket_address(&node.address)).unwrap_or_default();
        let message = format!("Connection to node {id} ({address}) failed authentication due to: {}", error.message);
        self.log.error(now, LOGGER, &message);
        self.auth_failure = Some(error);
        self.disconnect(now, id, completed, out);
    }
}
