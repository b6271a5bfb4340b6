//! SASL on listeners whose security protocol is SASL_PLAINTEXT: PLAIN, with users and passwords in a JAAS configuration, and SCRAM, with the
//! credentials that the cluster keeps. (GSSAPI and OAUTHBEARER are no mechanisms of these brokers; TLS there is none.)

use std::collections::BTreeMap;

use super::scram::Mechanism;
use super::scram_exchange::ScramClient;
use crate::kafka::actor::Config;
use crate::kafka::names::{BROKER_PORT, CONTROLLER_PORT};
use crate::kafka::records::murmur2::java_string_hash;
use crate::sim::rng::Rng;

pub const PLAIN: &str = "PLAIN";

/// A listener with SASL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslListener {
    /// Its name, as configuration has it.
    pub name: String,
    users: BTreeMap<String, String>,
    /// What a broker says of itself to another one on this listener.
    pub own: Option<Credentials>,
    /// Enabled mechanisms.
    pub mechanisms: Vec<String>,
}

/// A user and its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub mechanism: String,
    pub user: String,
    pub password: String,
}

impl Credentials {
    /// The client's first words, and what it needs to go on, if they are not all.
    pub fn begin(&self, rng: &mut Rng) -> (Option<Box<ScramClient>>, Vec<u8>) {
        let Some(mechanism) = Mechanism::of_name(&self.mechanism) else { return (None, self.plain_response()) };
        let (client, first) = ScramClient::begin(mechanism, &self.user, &self.password, nonce(rng));
        (Some(Box::new(client)), first)
    }

    /// What the client says first and last (RFC 4616).
    pub fn plain_response(&self) -> Vec<u8> {
        format!("\0{}\0{}", self.user, self.password).into_bytes()
    }
}

/// The mechanisms that these brokers know, as Java's set of names has them.
fn in_javas_order<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let known = names.filter(|name| *name == PLAIN || Mechanism::of_name(name).is_some());
    let mut known: Vec<String> = known.map(str::to_owned).collect();
    known.sort_by_key(|name| {
        let hash = java_string_hash(name).cast_unsigned();
        (hash ^ hash >> 16) & 15
    });
    known
}

/// A SCRAM nonce.
pub fn nonce(rng: &mut Rng) -> String {
    rng.bytes16().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The listeners of server.properties: name, port, security protocol.
pub fn listeners(config: &Config) -> Vec<(String, u16, String)> {
    let text = config.get("listeners").map_or("PLAINTEXT://:9092", String::as_str);
    let map: BTreeMap<String, String> = config
        .get("listener.security.protocol.map")
        .map_or("", String::as_str)
        .split(',')
        .filter_map(|entry| entry.trim().split_once(':'))
        .map(|(name, protocol)| (name.trim().to_uppercase(), protocol.trim().to_uppercase()))
        .collect();
    let listener = |entry: &str| {
        let (name, address) = entry.trim().split_once("://")?;
        let name = name.to_uppercase();
        let port = address.rsplit_once(':')?.1.parse().ok()?;
        // Without a map a listener's name is its protocol.
        let protocol = map.get(&name).cloned().unwrap_or_else(|| name.clone());
        Some((name, port, protocol))
    };
    text.split(',').filter_map(listener).collect()
}

/// The listeners that want to know who is there, by port.
pub fn sasl_listeners(config: &Config) -> BTreeMap<u16, SaslListener> {
    let of_sasl = listeners(config).into_iter().filter(|(_, _, protocol)| protocol.starts_with("SASL_"));
    of_sasl.map(|(name, port, _)| (port, SaslListener::configured(config, name))).collect()
}

impl SaslListener {
    fn configured(config: &Config, name: String) -> SaslListener {
        let prefix = format!("listener.name.{}.", name.to_lowercase());
        let of = |key: &str| config.get(&format!("{prefix}{key}")).or_else(|| config.get(key));
        let jaas = jaas_options(of("plain.sasl.jaas.config").or_else(|| of("sasl.jaas.config")).map_or("", String::as_str));
        let enabled = of("sasl.enabled.mechanisms").map_or("", String::as_str);
        let user = |(key, password): (&String, &String)| Some((key.strip_prefix("user_")?.to_owned(), password.clone()));
        SaslListener {
            users: jaas.iter().filter_map(user).collect(),
            own: credentials(PLAIN, &jaas),
            mechanisms: in_javas_order(enabled.split(',').map(str::trim)),
            name,
        }
    }

    /// Whose response this is (`PlainSaslServer.evaluateResponse`).
    ///
    /// # Errors
    /// Why it is nobody's, in Kafka's words.
    pub fn authenticate(&self, response: &[u8]) -> Result<String, String> {
        let text = String::from_utf8_lossy(response);
        let tokens: Vec<&str> = text.split('\0').collect();
        let &[authorization_id, user, password] = &tokens[..] else {
            return Err(format!("Invalid SASL/PLAIN response: expected 3 tokens, got {}", tokens.len()));
        };
        if user.is_empty() {
            return Err("Authentication failed: username not specified".into());
        }
        if password.is_empty() {
            return Err("Authentication failed: password not specified".into());
        }
        if self.users.get(user).is_none_or(|known| known != password) {
            return Err("Authentication failed: Invalid username or password".into());
        }
        if !authorization_id.is_empty() && authorization_id != user {
            return Err("Authentication failed: Client requested an authorization id that is different from username".into());
        }
        Ok(user.to_owned())
    }
}

/// What a broker says of itself where it connects to others.
pub fn inter_broker_credentials(config: &Config) -> Option<Credentials> {
    let name = config.get("inter.broker.listener.name").map(|name| name.trim().to_uppercase());
    let all = sasl_listeners(config);
    let mut of_brokers = all.into_iter().filter(|(port, _)| *port != CONTROLLER_PORT);
    match name {
        Some(name) => of_brokers.find(|(_, listener)| listener.name == name).and_then(|(_, listener)| listener.own),
        None => of_brokers.find(|(port, _)| *port == BROKER_PORT).and_then(|(_, listener)| listener.own),
    }
}

/// `username` and `password` of a login module.
pub fn credentials(mechanism: &str, jaas: &BTreeMap<String, String>) -> Option<Credentials> {
    let (user, password) = (jaas.get("username")?.clone(), jaas.get("password")?.clone());
    Some(Credentials { mechanism: mechanism.to_owned(), user, password })
}

/// The options of the one login module in a `sasl.jaas.config`: `org...PlainLoginModule required username="a" password="b";`.
pub fn jaas_options(text: &str) -> BTreeMap<String, String> {
    let mut options = BTreeMap::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.rsplit(|c: char| c.is_whitespace() || c == '"' || c == ';').next().unwrap_or("").trim();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix(['"', '\'']) {
            Some(quoted) => quoted.split_once(['"', '\'']).unwrap_or((quoted, "")),
            None => after.split_at(after.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(after.len())),
        };
        options.insert(key.to_owned(), value.to_owned());
        rest = next;
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        let jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password='a b' user_alice=\"x=1\" \
                    user_bob=secret;";
        Config::from([
            ("listeners".into(), "CLIENTS://kafka-1:9092,CONTROLLER://kafka-1:9093".into()),
            ("listener.security.protocol.map".into(), "CLIENTS:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT".into()),
            ("sasl.enabled.mechanisms".into(), "PLAIN,GSSAPI".into()),
            ("listener.name.clients.plain.sasl.jaas.config".into(), jaas.into()),
        ])
    }

    #[test]
    fn users_and_passwords() {
        let listeners = sasl_listeners(&config());
        let listener = &listeners[&9092];
        assert_eq!((listeners.len(), &listener.mechanisms[..]), (1, &["PLAIN".to_owned()][..]));
        assert_eq!(listener.authenticate(b"\0alice\0x=1").unwrap(), "alice");
        assert_eq!(listener.authenticate(b"bob\0bob\0secret").unwrap(), "bob");
        for (response, why) in [
            (&b"\0alice\0guess"[..], "Authentication failed: Invalid username or password"),
            (b"\0carol\0guess", "Authentication failed: Invalid username or password"),
            (b"\0\0guess", "Authentication failed: username not specified"),
            (b"\0alice\0", "Authentication failed: password not specified"),
            (b"bob\0alice\0x=1", "Authentication failed: Client requested an authorization id that is different from username"),
            (b"alice", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"),
        ] {
            assert_eq!(listener.authenticate(response).unwrap_err(), why);
        }
        let own = inter_broker_credentials(&config()).unwrap();
        assert_eq!((own.user.as_str(), own.password.as_str()), ("admin", "a b"));
    }

    #[test]
    fn a_listener_whose_protocol_is_its_name() {
        let config = Config::from([("listeners".into(), "SASL_PLAINTEXT://:9092,PLAINTEXT://:9094".into())]);
        assert_eq!(sasl_listeners(&config).keys().collect::<Vec<_>>(), [&9092]);
        assert!(sasl_listeners(&Config::new()).is_empty());
    }
}
