//! Files as tools see them: of the terminal's working folder, and under `/var/lib/HOST/` of the cluster's hosts.

use std::collections::BTreeMap;

use crate::kafka::actor::Outbox;
use crate::sim::process::ReadId;

/// Where each host's log directory is seen: `/var/lib/kafka-1/orders-0/00000000000000000000.log`. (A person would log in there.)
pub const HOSTS_FOLDER: &str = "/var/lib/";

/// Contents by path, read when a pipeline starts; a path that is not there is no file.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    pub fn insert(&mut self, path: &str, text: String) {
        self.0.insert(path.to_owned(), text);
    }

    /// The text of a file, if there is such a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

/// Asks for a file (or, of a path that ends in `/`, for a folder's names); the answer is an `Input::Read`.
pub fn ask(out: &mut Outbox, path: &str) -> ReadId {
    match host_and_path(path) {
        Some((host, rest)) => out.read_of(host, rest),
        None => out.read(path),
    }
}

/// The host whose file it is, and where it is there.
pub fn host_and_path(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix(HOSTS_FOLDER)?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_file_it_is() {
        let found = |path| host_and_path(path);
        assert_eq!(found("/var/lib/kafka-1/orders-0/0.log"), Some(("kafka-1", "orders-0/0.log")));
        assert_eq!(found("/var/lib/kafka-1"), Some(("kafka-1", "")));
        assert_eq!(found("keyed.txt"), None);
        assert_eq!(found("/etc/passwd"), None);
    }
}
