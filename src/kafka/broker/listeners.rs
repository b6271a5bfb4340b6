//! Where a broker says it can be found (`listeners`, `advertised.listeners`, `inter.broker.listener.name`).
//!
//! A broker listens on every port of `listeners`, but advertises one address to all, that of the listener that brokers use among themselves:
//! right or wrong, clients and other brokers go there. (Kafka tells everybody the address of the listener that they came to.)

use super::BrokerSpec;
use crate::kafka::actor::HostPort;
use crate::kafka::names::{BROKER_PORT, host_of};

/// A name with an address: `PLAINTEXT://kafka-1:9092`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub listener: String,
    pub address: HostPort,
}

impl BrokerSpec {
    /// `effectiveAdvertisedBrokerListeners`, of which the one counts that brokers use among themselves; the controller's is not theirs.
    pub fn advertised(&self) -> Endpoint {
        let own = host_of(self.id);
        let text = |name: &str| self.config.get(name).map(String::as_str);
        let inter_broker = text("inter.broker.listener.name");
        let of = |name: &str| endpoints(text(name).unwrap_or_default(), &own);
        let listeners =
            [of("advertised.listeners"), of("listeners")].into_iter().flatten().filter(|endpoint| !self.is_controllers(endpoint));
        let mut listeners: Vec<Endpoint> = listeners.collect();
        let wanted = listeners.iter().position(|endpoint| inter_broker.is_some_and(|name| name == endpoint.listener)).unwrap_or(0);
        match listeners.is_empty() {
            true => Endpoint { listener: "PLAINTEXT".into(), address: HostPort { host: own, port: BROKER_PORT } },
            false => listeners.swap_remove(wanted),
        }
    }

    /// The ports that clients and brokers can connect to (`listeners`).
    pub fn ports(&self) -> Vec<u16> {
        let listeners = endpoints(self.config.get("listeners").map_or("", String::as_str), &host_of(self.id));
        let ports: Vec<u16> =
            listeners.iter().filter(|endpoint| !self.is_controllers(endpoint)).map(|endpoint| endpoint.address.port).collect();
        if ports.is_empty() { vec![BROKER_PORT] } else { ports }
    }

    fn is_controllers(&self, endpoint: &Endpoint) -> bool {
        let names = self.config.get("controller.listener.names").map_or("CONTROLLER", String::as_str);
        names.split(',').any(|name| name.trim() == endpoint.listener)
    }
}

/// The endpoints of a list; one without a host is on the broker's own. What is no endpoint is passed over.
fn endpoints(list: &str, own: &str) -> Vec<Endpoint> {
    let endpoint = |text: &str| {
        let (listener, address) = text.trim().split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = if host.is_empty() || host == "0.0.0.0" { own } else { host };
        Some(Endpoint { listener: listener.to_owned(), address: HostPort { host: host.to_owned(), port: port.parse().ok()? } })
    };
    list.split(',').filter_map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::BrokerId;

    #[test]
    fn what_is_advertised() {
        let of = |pairs: &[(&str, &str)]| {
            let config = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let Endpoint { listener, address } =
                BrokerSpec { id: BrokerId(1), config, controllers: Vec::new(), cluster_id: String::new(), features: Default::default() }
                    .advertised();
            format!("{listener}://{address}")
        };
        assert_eq!(of(&[]), "PLAINTEXT://kafka-1:9092");
        assert_eq!(of(&[("listeners", "CONTROLLER://:9093,PLAINTEXT://:9094")]), "PLAINTEXT://kafka-1:9094");
        let wrong = ("advertised.listeners", "PLAINTEXT://broker-typo:9092,CONTROLLER://kafka-1:9093");
        assert_eq!(of(&[wrong]), "PLAINTEXT://broker-typo:9092");
        let two = ("advertised.listeners", "OUT://example.org:29092,IN://kafka-1:9092");
        assert_eq!(of(&[two, ("inter.broker.listener.name", "IN")]), "IN://kafka-1:9092");
    }
}
