//! A broker's listeners (`listeners`, `advertised.listeners`, `listener.security.protocol.map`, `inter.broker.listener.name`).
//!
//! A broker listens on every port of `listeners`, and registers an address for each of them. A client is told, of every broker, the address
//! of the listener by whose name it came in; whether it can go there, nobody asks.

use crate::kafka::actor::{Config, HostPort};
use crate::kafka::metadata::record::{BrokerEndpoint, BrokerRegistration};
use crate::kafka::names::{BROKER_PORT, BrokerId, host_of};

/// The default listener's name, and the protocol of a listener without another one.
const PLAINTEXT: &str = "PLAINTEXT";
/// `SecurityProtocol.id`, by name.
const PROTOCOLS: [&str; 4] = [PLAINTEXT, "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// What server.properties says of listeners; the controller's are left out.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// Those that it opens, by name. Never empty.
    own: Vec<BrokerEndpoint>,
    /// What it says of them (`effectiveAdvertisedBrokerListeners`).
    pub advertised: Vec<BrokerEndpoint>,
    /// The listener that brokers use among themselves.
    pub inter_broker: String,
}

impl Listeners {
    /// From server.properties.
    pub fn parse(config: &Config, broker: BrokerId) -> Listeners {
        let text = |name: &str| config.get(name).map_or("", String::as_str);
        let host = host_of(broker);
        let mut own = endpoints(config, text("listeners"), &host);
        if own.is_empty() {
            own.push(BrokerEndpoint { listener: PLAINTEXT.into(), host: host.clone(), port: BROKER_PORT, security: 0 });
        }
        let advertised = endpoints(config, text("advertised.listeners"), &host);
        let advertised = if advertised.is_empty() { own.clone() } else { advertised };
        let named = config.get("inter.broker.listener.name").map(|name| name.trim().to_uppercase());
        // Without a name it is that of the security protocol among brokers; Kafka does not start with one that it does not advertise.
        let protocol = config.get("security.inter.broker.protocol").map_or(PLAINTEXT.to_owned(), |name| name.trim().to_uppercase());
        let wanted = named.unwrap_or(protocol);
        let known = advertised.iter().find(|endpoint| endpoint.listener == wanted).or(advertised.first());
        Listeners { inter_broker: known.map_or(wanted.clone(), |endpoint| endpoint.listener.clone()), own, advertised }
    }

    /// The ports that clients and brokers can connect to.
    pub fn ports(&self) -> impl Iterator<Item = u16> {
        self.own.iter().map(|endpoint| endpoint.port)
    }

    /// The name of the listener on a port.
    pub fn at(&self, port: u16) -> &str {
        self.own.iter().find(|endpoint| endpoint.port == port).map_or(PLAINTEXT, |endpoint| &endpoint.listener)
    }

    /// Where other brokers reach this one.
    pub fn address_among_brokers(&self, of: &BrokerRegistration) -> Option<HostPort> {
        of.endpoint(&self.inter_broker).map(|endpoint| HostPort { host: endpoint.host.clone(), port: endpoint.port })
    }
}

/// The endpoints of a list that are not the controller's; one without a host is on the broker's own. What is no endpoint is passed over.
fn endpoints(config: &Config, list: &str, own: &str) -> Vec<BrokerEndpoint> {
    let controllers = config.get("controller.listener.names").map_or("CONTROLLER", String::as_str);
    let is_controllers = |listener: &str| controllers.split(',').any(|name| name.trim().eq_ignore_ascii_case(listener));
    let map = config.get("listener.security.protocol.map").map_or("", String::as_str);
    let protocol_of = |listener: &str| {
        let mapped = map.split(',').filter_map(|entry| entry.trim().split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case(listener));
        let protocol = mapped.map_or(listener, |(_, protocol)| protocol.trim());
        PROTOCOLS.iter().position(|known| known.eq_ignore_ascii_case(protocol)).unwrap_or(0) as i16
    };
    let endpoint = |text: &str| {
        let (listener, address) = text.trim().split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = if host.is_empty() || host == "0.0.0.0" { own } else { host };
        let security = protocol_of(listener);
        Some(BrokerEndpoint { listener: listener.to_uppercase(), host: host.to_owned(), port: port.parse().ok()?, security })
    };
    list.split(',').filter_map(endpoint).filter(|endpoint| !is_controllers(&endpoint.listener)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Listeners {
        Listeners::parse(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(), BrokerId(1))
    }

    fn advertised(pairs: &[(&str, &str)]) -> Vec<String> {
        let shown =
            |endpoint: &BrokerEndpoint| format!("{}://{}:{} {}", endpoint.listener, endpoint.host, endpoint.port, endpoint.security);
        of(pairs).advertised.iter().map(shown).collect()
    }

    #[test]
    fn what_is_advertised() {
        assert_eq!(advertised(&[]), ["PLAINTEXT://kafka-1:9092 0"]);
        assert_eq!(advertised(&[("listeners", "CONTROLLER://:9093,PLAINTEXT://:9094")]), ["PLAINTEXT://kafka-1:9094 0"]);
        let wrong = ("advertised.listeners", "PLAINTEXT://broker-typo:9092,CONTROLLER://kafka-1:9093");
        assert_eq!(advertised(&[wrong]), ["PLAINTEXT://broker-typo:9092 0"]);
        let two = ("advertised.listeners", "out://example.org:29092,IN://kafka-1:9092");
        let map = ("listener.security.protocol.map", "OUT:SASL_PLAINTEXT,IN:PLAINTEXT");
        assert_eq!(advertised(&[two, map]), ["OUT://example.org:29092 2", "IN://kafka-1:9092 0"]);
    }

    #[test]
    fn which_listener() {
        let listeners = of(&[("listeners", "IN://:9092,OUT://:29092"), ("inter.broker.listener.name", "in")]);
        assert_eq!((listeners.at(9092), listeners.at(29092), &*listeners.inter_broker), ("IN", "OUT", "IN"));
        assert_eq!(listeners.ports().collect::<Vec<_>>(), [9092, 29092]);
        let sasl = of(&[("listeners", "SASL_PLAINTEXT://:9092"), ("security.inter.broker.protocol", "SASL_PLAINTEXT")]);
        assert_eq!(sasl.inter_broker, "SASL_PLAINTEXT");
    }
}
