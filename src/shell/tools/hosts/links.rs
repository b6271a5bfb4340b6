//! `cut` and `heal`: links between two hosts.

use super::{Asked, Done};
use crate::sim::fault::Fault;

/// Only what the first host sends to the second.
pub(super) const ONE_WAY: &str = "--one-way";

/// `cut A B [--one-way]`, `heal A B [--one-way]`; one way is from A to B.
pub(super) fn link(name: &str, args: &[String], asked: &Asked) -> Done {
    let hosts: Vec<&String> = args.iter().filter(|arg| *arg != ONE_WAY).collect();
    let [a, b] = hosts[..] else {
        return Done::failed(format!("{name}: between which two hosts?"), 1);
    };
    let (Some(a), Some(b)) = (asked.named(a), asked.named(b)) else {
        let unknown = if asked.named(a).is_none() { a } else { b };
        return Done::failed(format!("{name}: {unknown}: no such host"), 1);
    };
    if a == b {
        return Done::failed(format!("{name}: {a}: a host has no link to itself"), 1);
    }
    let fault = match (name, hosts.len() < args.len()) {
        ("cut", false) => Fault::Cut { a, b },
        // As the sender's firewall does it.
        ("cut", true) => Fault::CutAtSender { from: a, to: b },
        (_, false) => Fault::Heal { a, b },
        (_, true) => Fault::HealOneWay { from: a, to: b },
    };
    Done { faults: vec![fault], ..Done::default() }
}
