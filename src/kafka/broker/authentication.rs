//! Who is at the other end of a connection (`SaslServerAuthenticator`), and what of its requests it may do (`AuthHelper`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;

use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::Outbox;
use crate::kafka::metadata::image::Image;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::frame::{Batches, Frame};
use crate::kafka::security::authorizer::Guard;
use crate::kafka::security::checks::{Checked, check};
use crate::kafka::security::merge::{merge, redact};
use crate::kafka::security::sasl::nonce;
use crate::kafka::security::scram::Mechanism;
use crate::kafka::security::scram_exchange::ScramServer;
use crate::kafka::security::{Who, address_of};
use crate::sim::process::ConnId;
use crate::sim::time::{Duration, Time};

/// How far a connection has come in showing who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// A mechanism is to be named.
    Handshake,
    /// A password is to be shown.
    Password,
}

impl Broker {
    /// A request on a connection that has not yet shown who is there. Anything but the next step ends the connection.
    #[inline(never)]
    pub(super) fn authenticate(&mut self, now: Time, asker: Asker, exchange: Exchange, request: &Request, out: &mut Outbox) {
        match (exchange, request) {
            (Exchange::Handshake, Request::ApiVersions(_)) => {
                let response = self.api_versions();
                self.respond(now, asker, response, Vec::new(), out);
            }
            (Exchange::Handshake, Request::SaslHandshake(body)) => self.handshake(now, asker, body, out),
            (Exchange::Password, Request::SaslAuthenticate(body)) => self.check_password(now, asker, body, out),
            _ => self.close_client(asker.conn, out),
        }
    }

    #[inline(never)]
    fn handshake(&mut self, now: Time, asker: Asker, request: &SaslHandshakeRequest, out: &mut Outbox) {
        let Some(client) = self.conns.get_mut(&asker.conn) else { return };
        let enabled = self.sasl.get(&client.port).map(|listener| listener.mechanisms.clone()).unwrap_or_default();
        let known = enabled.iter().any(|mechanism| mechanism == request.mechanism.as_str());
        let response = SaslHandshakeResponse::default().with_mechanisms(enabled.into_iter().map(StrBytes::from_string).collect());
        if known {
            client.exchange = Some(Exchange::Password);
            client.mechanism = Mechanism::of_name(request.mechanism.as_str());
            return self.respond(now, asker, response, Vec::new(), out);
        }
        self.last_word(now, asker, response.with_error_code(ResponseError::UnsupportedSaslMechanism.code()));
    }

    #[inline(never)]
    fn check_password(&mut self, now: Time, asker: Asker, request: &SaslAuthenticateRequest, out: &mut Outbox) {
        let Some(client) = self.conns.get_mut(&asker.conn) else { return };
        let Some(listener) = self.sasl.get(&client.port) else { return };
        let shown = match client.mechanism {
            None => listener.authenticate(&request.auth_bytes).map(|user| (Some(user), Vec::new())),
            Some(mechanism) => {
                let credentials = &self.image.credentials;
                let credential_of = |user: &str| credentials.get(&(user.to_owned(), mechanism)).cloned();
                let next = match client.scram.take() {
                    None => {
                        let begun = ScramServer::begin(mechanism, &request.auth_bytes, &nonce(out.rng()), credential_of);
                        begun.map(|(server, challenge)| {
                            client.scram = Some(Box::new(server));
                            (None, challenge)
                        })
                    }
                    Some(server) => server.finish(&request.auth_bytes).map(|(user, signature)| (Some(user), signature)),
                };
                let name = mechanism.name();
                next.ok_or_else(|| {
                    format!("Authentication failed during authentication due to invalid credentials with SASL mechanism {name}")
                })
            }
        };
        match shown {
            Ok((user, said)) => {
                if let Some(user) = user {
                    client.exchange = None;
                    client.principal = Some(format!("User:{user}").into());
                }
                let response = SaslAuthenticateResponse::default().with_error_message(None).with_auth_bytes(said.into());
                self.respond(now, asker, response, Vec::new(), out);
            }
            Err(message) => {
                let response = SaslAuthenticateResponse::default().with_error_code(ResponseError::SaslAuthenticationFailed.code());
                self.last_word(now, asker, response.with_error_message(Some(message.into())));
            }
        }
    }

    /// Whoever was not believed hears so, and loses the connection, only after connection.failed.authentication.delay.ms (KIP-306): guessing
    /// takes its time.
    fn last_word(&mut self, now: Time, asker: Asker, response: impl Into<Response>) {
        let at = now + Duration::ms(self.settings.failed_authentication_delay_ms);
        let frame = Frame::response(asker.correlation_id, asker.version, response, Vec::new());
        self.not_believed.insert((at, asker.conn), frame);
    }

    pub(super) fn close_not_believed(&mut self, now: Time, out: &mut Outbox) {
        while let Some(entry) = self.not_believed.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, conn), frame) = entry.remove_entry();
            if self.conns.contains_key(&conn) {
                out.send(conn, frame);
                self.close_client(conn, out);
            }
        }
    }

    /// Takes out of a request what its sender may not do. `None`: nothing is left of it, and it is answered.
    pub(super) fn authorize(
        &mut self,
        now: Time,
        asker: Asker,
        request: &mut Request,
        batches: &mut Vec<Batches>,
        out: &mut Outbox,
    ) -> Option<()> {
        let Some(authorizer) = &self.authorizer else { return Some(()) };
        let client = self.conns.get(&asker.conn)?;
        let (principal, address) = (client.principal(), address_of(&client.host));
        let guard = Guard { authorizer: Some(authorizer), acls: &self.image.acls, who: Who { principal, host: &address } };
        let listener = self.sasl.get(&client.port).map_or("PLAINTEXT", |listener| &listener.name);
        let what = describe(asker.conn, self.spec.id.0, &address, listener);
        match check(&guard, &self.image, &what, request, batches) {
            Checked::All => Some(()),
            Checked::Rest(refused) => {
                self.conns.get_mut(&asker.conn)?.refused = Some(Box::new(refused));
                Some(())
            }
            Checked::Refused(answer) => {
                self.respond(now, asker, answer, Vec::new(), out);
                None
            }
            Checked::Close => {
                self.close_client(asker.conn, out);
                None
            }
        }
    }

    /// Asks what a client may do; without an authorizer nothing is asked.
    pub(super) fn with_guard(&self, conn: ConnId, ask: impl FnOnce(&Guard, &Image)) {
        let (Some(authorizer), Some(client)) = (&self.authorizer, self.conns.get(&conn)) else { return };
        let address = address_of(&client.host);
        let who = Who { principal: client.principal(), host: &address };
        ask(&Guard { authorizer: Some(authorizer), acls: &self.image.acls, who }, &self.image);
    }

    /// What an answer may show, and with what was refused of the request.
    pub(super) fn complete_answer(&mut self, conn: ConnId, response: &mut Response) {
        let Some(authorizer) = &self.authorizer else { return };
        let Some(client) = self.conns.get_mut(&conn) else { return };
        let refused = client.refused.take();
        let address = address_of(&client.host);
        let guard =
            Guard { authorizer: Some(authorizer), acls: &self.image.acls, who: Who { principal: client.principal(), host: &address } };
        redact(&guard, response);
        if let Some(refused) = refused {
            merge(response, *refused);
        }
    }
}

/// `RequestChannel.Request.toString`, of which the numbers of processor, port and session mean nothing here.
fn describe(conn: ConnId, broker: i32, address: &str, listener: &str) -> String {
    let n = conn.n;
    let protocol = if listener.starts_with("SASL") { "SASL_PLAINTEXT" } else { "PLAINTEXT" };
    format!(
        "Request(processor={}, connectionId=10.77.0.{broker}:9092-{address}:{}-{}-{n}, session=org.apache.kafka.network.Session@{n:x}, \
         listenerName=ListenerName({listener}), securityProtocol={protocol}, buffer=null, envelope=None)",
        n % 3,
        40_000 + n % 20_000,
        n % 3
    )
}
