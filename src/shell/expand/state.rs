//! What a shell knows: variables, functions, positional parameters, options, the working folder.

use std::sync::Arc;

use imbl::OrdMap;

use crate::shell::files::{Entry, HOSTS_FOLDER};
use crate::shell::syntax::Command;

/// All variables together hold at most this many bytes.
pub const VARIABLE_BYTES: usize = 4 << 20;
/// At most this many functions.
pub const FUNCTIONS: usize = 256;
/// The folder in which a terminal begins; the disk's relative paths stand below it.
pub const HOME: &str = "/opt/kafka";

/// A shell's memory. Cheap to clone: a subshell begins with a copy.
#[derive(Clone, Debug)]
pub struct State {
    variables: OrdMap<Arc<str>, Variable>,
    bytes: usize,
    pub functions: OrdMap<Arc<str>, Arc<Command>>,
    /// `$1`, `$2`, ...
    pub args: Arc<Vec<String>>,
    /// `$0`
    pub name: Arc<str>,
    /// `$?`
    pub status: i32,
    /// `$$`
    pub pid: u32,
    /// `$!`
    pub last_background: Option<u32>,
    /// Absolute.
    pub folder: Arc<str>,
    pub options: Options,
    /// The machine whose files this shell sees, if it is not the terminal's own (`ssh`).
    pub remote: Option<Remote>,
}

/// A variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub value: Arc<str>,
    pub exported: bool,
}

/// Another machine, seen through `ssh`.
#[derive(Clone, Debug)]
pub struct Remote {
    pub host: Arc<str>,
    /// Its files when it was connected to.
    pub files: Arc<Vec<Entry>>,
}

/// `set -e` and its like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub errexit: bool,
    pub nounset: bool,
    pub xtrace: bool,
    pub pipefail: bool,
}

impl State {
    /// A terminal's, on host `host`.
    pub fn new(pid: u32, host: &str) -> State {
        let mut state = State {
            variables: OrdMap::new(),
            bytes: 0,
            functions: OrdMap::new(),
            args: Arc::default(),
            name: "bash".into(),
            status: 0,
            pid,
            last_background: None,
            folder: HOME.into(),
            options: Options::default(),
            remote: None,
        };
        let given = [
            ("HOME", HOME),
            ("HOSTNAME", host),
            ("PATH", "/opt/kafka/bin:/usr/bin"),
            ("PWD", HOME),
            ("SHELL", "/bin/bash"),
            ("USER", "kafka"),
        ];
        for (name, value) in given {
            // A handful of short texts has room.
            let _ = state.set(name, value);
            state.export(name);
        }
        state
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|variable| &*variable.value)
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// Names and values, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&Arc<str>, &Variable)> {
        self.variables.iter()
    }

    /// # Errors
    /// When all variables together would hold too much; in bash's words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let old = self.variables.get(name);
        let freed = old.map_or(0, |old| old.value.len() + name.len());
        let bytes = self.bytes - freed + value.len() + name.len();
        if bytes > VARIABLE_BYTES {
            return Err(format!("xrealloc: cannot allocate {} bytes ({} bytes allocated)", value.len(), self.bytes));
        }
        let exported = old.is_some_and(|old| old.exported);
        self.bytes = bytes;
        self.variables.insert(name.into(), Variable { value: value.into(), exported });
        Ok(())
    }

    pub fn unset(&mut self, name: &str) {
        if let Some(old) = self.variables.remove(name) {
            self.bytes -= old.value.len() + name.len();
        }
    }

    /// Puts back what a function's `local` had hidden.
    pub fn restore(&mut self, name: &str, old: Option<Variable>) {
        self.unset(name);
        if let Some(old) = old {
            self.bytes += old.value.len() + name.len();
            self.variables.insert(name.into(), old);
        }
    }

    pub fn export(&mut self, name: &str) {
        match self.variables.get_mut(name) {
            Some(variable) => variable.exported = true,
            None => {
                self.bytes += name.len();
                self.variables.insert(name.into(), Variable { value: "".into(), exported: true });
            }
        }
    }

    pub fn field_separators(&self) -> &str {
        self.get("IFS").unwrap_or(" \t\n")
    }

    /// The path of a file as the disk has it: relative below [`HOME`], absolute elsewhere. A trailing slash goes.
    pub fn path(&self, typed: &str) -> String {
        resolve(&self.base(), &self.folder, typed)
    }

    /// The folder below which the disk's relative paths stand.
    pub fn base(&self) -> String {
        self.remote.as_ref().map_or_else(|| HOME.to_owned(), |remote| format!("{HOSTS_FOLDER}{}", remote.host))
    }
}

/// `typed`, seen from `folder`, as a disk spells it whose relative paths stand below `base`.
pub fn resolve(base: &str, folder: &str, typed: &str) -> String {
    let absolute = absolute(folder, typed);
    if absolute == base {
        return String::new();
    }
    absolute.strip_prefix(base).and_then(|path| path.strip_prefix('/')).map_or(absolute.clone(), str::to_owned)
}

/// An absolute path without `.` and `..`.
pub fn absolute(folder: &str, typed: &str) -> String {
    let joined = if typed.starts_with('/') { typed.to_owned() } else { format!("{folder}/{typed}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_the_disk_spells_them() {
        let cases = [("a", "a"), ("./a/../b", "b"), ("/tmp/x", "/tmp/x"), ("..", "/opt"), ("/opt/kafka/d/e", "d/e"), (".", "")];
        for (typed, path) in cases {
            assert_eq!(resolve(HOME, HOME, typed), path, "{typed}");
        }
        assert_eq!(resolve(HOME, "/opt/kafka/d", "e"), "d/e");
        let data = "/var/lib/kafka-1";
        assert_eq!(resolve(data, data, "orders-0/"), "orders-0");
    }

    #[test]
    fn variables_are_bounded() {
        let mut state = State::new(1, "client");
        state.set("X", &"x".repeat(VARIABLE_BYTES / 2)).unwrap();
        assert!(state.set("Y", &"x".repeat(VARIABLE_BYTES / 2)).unwrap_err().starts_with("xrealloc: cannot allocate"));
        state.unset("X");
        assert_eq!(state.set("Y", &"x".repeat(VARIABLE_BYTES / 2)), Ok(()));
    }
}
