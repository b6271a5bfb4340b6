//! How many connections an address may have (`ConnectionQuotas`).

use super::process::Broker;
use crate::kafka::security::address_of;

impl Broker {
    /// `max.connections.per.ip` and its overrides: who has so many already is let in no more. (Kafka accepts the connection, too, and closes it.)
    pub(super) fn has_too_many_connections(&self, host: &str) -> bool {
        let dynamic = self.dynamic_config();
        let set = |name: &str| dynamic.get(name).or_else(|| self.spec.config.get(name)).map(|value| value.trim());
        let (most, overrides) = (set("max.connections.per.ip"), set("max.connections.per.ip.overrides"));
        if most.is_none() && overrides.is_none() {
            return false;
        }
        let address = address_of(host);
        let mut pairs = overrides.unwrap_or_default().split(',').filter_map(|pair| pair.trim().rsplit_once(':'));
        let own = pairs.rfind(|(of, _)| *of == address || *of == host).map(|(_, most)| most);
        let Some(most) = own.or(most).and_then(|most| most.parse::<i64>().ok()) else { return false };
        let open = self.conns.values().filter(|client| client.counts() && address_of(&client.host) == address).count();
        open as i64 >= most
    }
}
