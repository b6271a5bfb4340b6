//! `disk break kafka-1 /disk/b`: what happens to a host's disk, or to the one below a log directory.

use super::{Asked, Done};
use crate::shell::files::{Files, HOSTS_FOLDER};
use crate::sim::fault::Fault;

pub const VERBS: &[&str] = &["break", "fill", "free", "mend"];

/// What the name begins with under which the simulation's answer stands among a tool's files; then come the host and the folder.
const DISK: &str = "\0disk\0";

/// How a host's disk is, as far as `disk` has to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskState {
    /// Something lies in the folder that was asked for.
    folder_exists: bool,
    /// The folders below which nothing can be read or written.
    broken: Vec<String>,
}

impl DiskState {
    /// Reads what [`crate::sim::process::Wanted::Disk`] says.
    fn read(text: &str) -> DiskState {
        let mut lines = text.lines();
        DiskState { folder_exists: lines.next() == Some("there"), broken: lines.map(str::to_owned).collect() }
    }
}

/// The name of the answer that it needs.
pub(super) fn asks(args: &[String]) -> Option<String> {
    let [_, host, rest @ ..] = args else { return None };
    Some(format!("{DISK}{host}\0{}", rest.first().map_or(String::new(), |path| folder(host, path))))
}

/// The host and the folder of such a name.
pub fn asked_of(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(DISK)?.split_once('\0')
}

/// A directory as log.dirs names it, or as it is seen from here (`/var/lib/kafka-1/d2`): which folder of the host's disk it is.
fn folder(host: &str, path: &str) -> String {
    let within =
        path.strip_prefix(HOSTS_FOLDER).and_then(|rest| rest.strip_prefix(host)).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    within.unwrap_or(path).trim_matches('/').to_owned()
}

/// `disk break HOST [DIR]`, `disk mend HOST [DIR]`: without a directory all of it; `disk fill HOST`, `disk free HOST`.
pub(super) fn disk(args: &[String], asked: &Asked, files: &Files) -> Done {
    let said = |what: &str| Done::failed(format!("disk: {what}"), 1);
    let Some(verb) = args.first().filter(|verb| VERBS.contains(&verb.as_str())) else {
        return said("break, mend, fill or free? (disk break kafka-1 /disk/b)");
    };
    let Some(host) = args.get(1) else {
        return said(&format!("{verb} the disk of which host?"));
    };
    if !asked.is_host(host) {
        return said(&format!("{host}: no such host"));
    }
    let (host, takes_folder) = (host.clone(), verb == "break" || verb == "mend");
    let (path, more) = (args.get(2), args.get(3).or(args.get(2).filter(|_| !takes_folder)));
    if let Some(more) = more {
        return said(&format!(
            "{more}: {}",
            if takes_folder { "one directory at a time" } else { "a disk is full as a whole: name only the host" }
        ));
    }
    let state = asks(args).and_then(|name| files.get(&name)).map(DiskState::read).unwrap_or_default();
    let folder = path.map(|path| folder(&host, path)).unwrap_or_default();
    let faults = match verb.as_str() {
        "fill" => vec![Fault::FillDisk { host }],
        "free" => vec![Fault::FreeDisk { host }],
        "break" if !state.folder_exists && !folder.is_empty() => {
            return said(&format!(
                "{}: {host} has nothing there; its directories are those of log.dirs (one alone is the whole disk)",
                path.map_or("", String::as_str)
            ));
        }
        "break" => vec![Fault::BreakDisk { host, folder }],
        _ if path.is_none() => state.broken.into_iter().map(|folder| Fault::MendDisk { host: host.clone(), folder }).collect(),
        _ if !state.broken.contains(&folder) => {
            return said(&format!("{}: it is not broken on {host}", path.map_or("", String::as_str)));
        }
        _ => vec![Fault::MendDisk { host, folder }],
    };
    Done { faults, ..Done::default() }
}
