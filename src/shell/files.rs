//! Files as tools see them: of the terminal's working folder, and under `/var/lib/HOST/` of the cluster's hosts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::kafka::actor::Outbox;
use crate::sim::process::ReadId;
use crate::sim::time::Time;

/// Where each host's log directory is seen: `/var/lib/kafka-1/orders-0/00000000000000000000.log`. (A person would log in there.)
pub const HOSTS_FOLDER: &str = "/var/lib/";

/// Contents by path as it was typed; a path that is not there is no file.
#[derive(Clone, Debug, Default)]
pub struct Files {
    contents: BTreeMap<String, Content>,
    /// Where the tool was started.
    pub folder: Arc<str>,
    /// Every file there is, for tools that look around. Sorted by path.
    pub entries: Arc<Vec<Entry>>,
    /// They are another machine's: nothing can be written.
    pub read_only: bool,
    /// Where `/dev/urandom` begins.
    pub seed: u32,
}

/// What `/dev/null` holds.
static NOTHING: Bytes = Bytes::new();

/// A file's bytes, and the same as text.
#[derive(Clone, Debug)]
struct Content {
    bytes: Bytes,
    text: String,
}

/// A file, without its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Absolute.
    pub path: String,
    pub bytes: u64,
    /// When it was last written.
    pub written: Time,
}

/// An empty folder is a file of this name in it.
pub const FOLDER_MARK: &str = ".folder";

impl Files {
    pub fn insert(&mut self, path: &str, text: String) {
        self.insert_bytes(path, text.into());
    }

    pub fn insert_bytes(&mut self, path: &str, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.contents.insert(path.to_owned(), Content { bytes, text });
    }

    /// The text of a file, if there is such a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.contents.get(path).map(|content| content.text.as_str()).or((path == "/dev/null").then_some(""))
    }

    pub fn bytes(&self, path: &str) -> Option<&Bytes> {
        self.contents.get(path).map(|content| &content.bytes).or((path == "/dev/null").then_some(&NOTHING))
    }

    /// Whether a path is a folder.
    pub fn is_folder(&self, absolute: &str) -> bool {
        is_folder(&self.entries, absolute)
    }

    pub fn entry(&self, absolute: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == absolute)
    }
}

/// Whether something stands below this absolute path.
pub fn is_folder(entries: &[Entry], absolute: &str) -> bool {
    let below = format!("{}/", absolute.trim_end_matches('/'));
    entries.iter().any(|entry| entry.path.starts_with(&below))
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
