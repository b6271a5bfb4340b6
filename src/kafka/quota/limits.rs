//! Whose quota holds for whom (`DefaultQuotaCallback`): the most particular one that there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::OrdMap;

use crate::kafka::metadata::image::QuotaEntity;

pub const PRODUCER_BYTE_RATE: &str = "producer_byte_rate";
pub const CONSUMER_BYTE_RATE: &str = "consumer_byte_rate";
pub const REQUEST_PERCENTAGE: &str = "request_percentage";
pub const CONTROLLER_MUTATION_RATE: &str = "controller_mutation_rate";

/// Quotas as the image has them.
pub type Quotas = OrdMap<QuotaEntity, Arc<BTreeMap<String, u64>>>;

/// Whose work is counted together: a user's, a client's, or a user's with one client id; the other is empty then.
pub type Tags = (String, String);

/// Whether anybody at all has a quota of this name (not an address).
pub fn is_enabled(quotas: &Quotas, name: &str) -> bool {
    quotas.iter().any(|(_, values)| values.contains_key(name))
}

/// A user or client in an entity: not part of it, the default one, or one by name.
type Named<S = String> = Option<Option<S>>;

/// Who somebody's work is counted with, and the bound if there is one.
pub fn quota_of(quotas: &Quotas, name: &str, user: &str, client: &str) -> (Tags, Option<f64>) {
    let (own_user, own_client) = (|| Some(Some(user.to_owned())), || Some(Some(client.to_owned())));
    let default = || Some(None);
    let both = || (user.to_owned(), client.to_owned());
    let only_user = || (user.to_owned(), String::new());
    let only_client = || (String::new(), client.to_owned());
    let candidates: [(Named, Named, Tags); 8] = [
        (own_user(), own_client(), both()),
        (own_user(), default(), both()),
        (own_user(), None, only_user()),
        (default(), own_client(), both()),
        (default(), default(), both()),
        (default(), None, only_user()),
        (None, own_client(), only_client()),
        (None, default(), only_client()),
    ];
    for (user, client, tags) in candidates {
        let mut entity = QuotaEntity::new();
        entity.extend(client.map(|client| ("client-id".to_owned(), client)));
        entity.extend(user.map(|user| ("user".to_owned(), user)));
        if let Some(bits) = quotas.get(&entity).and_then(|values| values.get(name)) {
            return (tags, Some(f64::from_bits(*bits)));
        }
    }
    (only_client(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(entities: &[(Named<&str>, Named<&str>, f64)]) -> Quotas {
        let entity = |user: &Named<&str>, client: &Named<&str>| {
            let part = |kind: &str, name: &Named<&str>| name.map(|name| (kind.to_owned(), name.map(str::to_owned)));
            part("client-id", client).into_iter().chain(part("user", user)).collect::<QuotaEntity>()
        };
        let values = |value: f64| Arc::new(BTreeMap::from([(PRODUCER_BYTE_RATE.to_owned(), value.to_bits())]));
        entities.iter().map(|(user, client, value)| (entity(user, client), values(*value))).collect()
    }

    #[test]
    fn the_most_particular_quota_holds() {
        let (alice, app) = (Some(Some("alice")), Some(Some("app")));
        // In the order in which Kafka documents them, each hides those below.
        let all = [
            (alice, app, 1.0),
            (alice, Some(None), 2.0),
            (alice, None, 3.0),
            (Some(None), app, 4.0),
            (Some(None), Some(None), 5.0),
            (Some(None), None, 6.0),
            (None, app, 7.0),
            (None, Some(None), 8.0),
        ];
        for n in 0..all.len() {
            assert_eq!(quota_of(&quotas(&all[n..]), PRODUCER_BYTE_RATE, "alice", "app").1, Some(n as f64 + 1.0));
        }
        assert_eq!(quota_of(&quotas(&all), CONSUMER_BYTE_RATE, "alice", "app").1, None);
        // All clients of a user share its quota; each client has its own share of a default.
        assert_eq!(quota_of(&quotas(&all[2..]), PRODUCER_BYTE_RATE, "alice", "app").0, ("alice".into(), String::new()));
        assert_eq!(quota_of(&quotas(&all[7..]), PRODUCER_BYTE_RATE, "bob", "x").0, (String::new(), "x".into()));
    }
}
