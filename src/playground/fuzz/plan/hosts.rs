//! Who can be hit.

use super::Dice;
use crate::playground::spec::ClusterSpec;

pub struct Hosts {
    pub brokers: Vec<String>,
    /// Apart from the brokers.
    controllers: Vec<String>,
    clients: Vec<String>,
}

impl Hosts {
    pub fn of(cluster: &ClusterSpec) -> Hosts {
        let producers = cluster.producers.iter().map(|producer| producer.name.clone());
        let members = cluster.groups.iter().flat_map(|group| (1..=group.members).map(|n| format!("{}-{n}", group.name)));
        Hosts {
            brokers: (1..=cluster.brokers).map(|id| format!("kafka-{id}")).collect(),
            controllers: (0..cluster.controllers).map(|n| format!("kafka-{}", 100 + n)).collect(),
            clients: producers.chain(members).collect(),
        }
    }

    pub fn broker(&self, dice: &mut Dice) -> String {
        dice.pick(&self.brokers).clone()
    }

    /// Mostly a broker, sometimes a controller.
    pub fn server(&self, dice: &mut Dice) -> String {
        let controllers = self.controllers.len() as u64;
        if controllers > 0 && dice.below(12) < controllers { dice.pick(&self.controllers).clone() } else { self.broker(dice) }
    }

    /// Mostly a server, sometimes a client.
    pub fn any(&self, dice: &mut Dice) -> String {
        if dice.one_in(8) { dice.pick(&self.clients).clone() } else { self.server(dice) }
    }

    /// A server and anybody else.
    pub fn two(&self, dice: &mut Dice) -> (String, String) {
        let a = self.server(dice);
        let all = [&self.brokers, &self.controllers, &self.clients];
        let others: Vec<&String> = all.into_iter().flatten().filter(|host| **host != a).collect();
        let b = (*dice.pick(&others)).clone();
        if dice.one_in(2) { (a, b) } else { (b, a) }
    }

    /// Some other servers, never none of the brokers: what the other side of a cut is. (Of a single broker: nobody but controllers.)
    pub fn others(&self, dice: &mut Dice, host: &str) -> Vec<String> {
        let controllers_too = dice.one_in(2);
        let others = self.brokers.iter().chain(self.controllers.iter().filter(|_| controllers_too));
        others.filter(|other| *other != host).cloned().collect()
    }
}
