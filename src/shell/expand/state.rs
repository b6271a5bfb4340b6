//! What a shell knows: variables, functions, positional parameters, options, the working folder.

use std::sync::Arc;

use imbl::OrdMap;

use super::arithmetic;
use crate::shell::files::{Entry, HOSTS_FOLDER};
use crate::shell::syntax::{Command, Kind};

/// All variables together hold at most this many bytes.
pub const VARIABLE_BYTES: usize = 4 << 20;
/// At most this many functions.
pub const FUNCTIONS: usize = 256;
/// Their texts together have at most this many bytes.
pub const FUNCTION_BYTES: usize = 256 << 10;
/// A name that refers to another is followed so often.
const MOST_REFERENCES: usize = 8;
/// The folder in which a terminal begins; the disk's relative paths stand below it.
pub const HOME: &str = "/opt/kafka";

/// A shell's memory. Cheap to clone: a subshell begins with a copy.
#[derive(Clone, Debug)]
pub struct State {
    variables: OrdMap<Arc<str>, Variable>,
    bytes: usize,
    /// By name, as they were defined.
    pub functions: OrdMap<Arc<str>, Arc<Command>>,
    /// What `alias` and `trap` were told, by name. (Variables, as [`Items`] are.)
    pub aliases: OrdMap<Arc<str>, Variable>,
    pub traps: OrdMap<Arc<str>, Variable>,
    /// `$1`, `$2`, ...
    pub args: Arc<Vec<String>>,
    /// `$0`
    pub name: Arc<str>,
    /// `$?`
    pub status: i32,
    /// `PIPESTATUS`, if the last command was a pipeline.
    pub pipe_statuses: Vec<i32>,
    /// `$$`
    pub pid: u32,
    /// `$!`
    pub last_background: Option<u32>,
    /// Absolute.
    pub folder: Arc<str>,
    pub options: Options,
    /// The machine whose files this shell sees, if it is not the terminal's own (`ssh`).
    pub remote: Option<Remote>,
    /// `getopts`: its OPTIND, and where it stands in that word.
    pub option_at: (usize, usize),
}

/// A variable's value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    pub value: Arc<str>,
    pub exported: bool,
    /// It is set for ever (`readonly`).
    pub readonly: bool,
    /// What is assigned to it is worked out as a number (`declare -i`).
    pub is_number: bool,
    /// It stands for the variable whose name it holds (`declare -n`).
    pub refers: bool,
    /// It is an array: its elements by key.
    pub items: Option<Items>,
}

/// An array's elements. (Elements are variables so that the map is of a type that is there anyway; they hold only a value.)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// Keys are words (`declare -A`), not numbers.
    pub is_map: bool,
    /// Numbers have leading zeros, so that they are in order. bash shows a map in the order of its hashes; here it is that of its keys.
    by_key: OrdMap<Arc<str>, Variable>,
    bytes: usize,
}

/// The largest index of an array.
pub const MOST_INDEX: i64 = 999_999_999;
/// What a variable, or an element of an array, costs beside its text.
const ELEMENT_BYTES: usize = 64;

impl Variable {
    /// Of an array the element 0.
    pub fn text(&self) -> Option<&str> {
        match &self.items {
            None => Some(&self.value),
            Some(items) => items.get("0").map(|item| &*item.value),
        }
    }

    pub fn bytes(&self) -> usize {
        ELEMENT_BYTES + self.value.len() + self.items.as_ref().map_or(0, |items| items.bytes)
    }
}

impl Items {
    pub fn new(is_map: bool) -> Items {
        Items { is_map, ..Items::default() }
    }

    /// A key as it stands in the map.
    fn inner(&self, key: &str) -> Arc<str> {
        if self.is_map { key.into() } else { format!("{key:0>9}").into() }
    }

    pub fn get(&self, key: &str) -> Option<&Variable> {
        self.by_key.get(&self.inner(key))
    }

    pub fn set(&mut self, key: &str, value: &str) {
        self.remove(key);
        let key = self.inner(key);
        self.bytes += key.len() + value.len() + ELEMENT_BYTES;
        self.by_key.insert(key, Variable { value: value.into(), ..Variable::default() });
    }

    pub fn remove(&mut self, key: &str) {
        let key = self.inner(key);
        let old = self.by_key.remove(&key);
        self.bytes -= old.map_or(0, |old| key.len() + old.value.len() + ELEMENT_BYTES);
    }

    /// Keys, as they are typed, and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let shown = |key: &Arc<str>| if self.is_map { 0 } else { key.len() - key.trim_start_matches('0').len().max(1) };
        self.by_key.iter().map(move |(key, item)| (&key[shown(key)..], &*item.value))
    }

    /// The number behind the last.
    pub fn end(&self) -> i64 {
        self.by_key.get_max().and_then(|(key, _)| key.parse::<i64>().ok()).map_or(0, |last| last + 1)
    }
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
            aliases: OrdMap::new(),
            traps: OrdMap::new(),
            args: Arc::default(),
            name: "bash".into(),
            status: 0,
            pipe_statuses: Vec::new(),
            pid,
            last_background: None,
            folder: HOME.into(),
            options: Options::default(),
            remote: None,
            option_at: (1, 0),
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
        self.variable(name).and_then(Variable::text)
    }

    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(self.meant(name))
    }

    /// The variable that a name means: another one, if it refers to that.
    fn meant<'s>(&'s self, name: &'s str) -> &'s str {
        let mut name = name;
        for _ in 0..MOST_REFERENCES {
            match self.variables.get(name) {
                Some(variable) if variable.refers && !variable.value.is_empty() => name = &variable.value,
                _ => break,
            }
        }
        name
    }

    /// `declare -n NAME=OTHER`
    ///
    /// # Errors
    /// As [`State::set`].
    pub fn refer(&mut self, name: &str, other: &str) -> Result<(), String> {
        if name == other {
            return Err(format!("{name}: nameref variable self references not allowed"));
        }
        self.put(name, Variable { value: other.into(), refers: true, ..Variable::default() })
    }

    /// `declare -i NAME`
    ///
    /// # Errors
    /// As [`State::set`].
    pub fn make_number(&mut self, name: &str) -> Result<(), String> {
        let old = self.variable(name).cloned().unwrap_or_default();
        let name = self.meant(name).to_owned();
        self.put(&name, Variable { is_number: true, ..old })
    }

    /// Names and values, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&Arc<str>, &Variable)> {
        self.variables.iter()
    }

    /// # Errors
    /// When all variables together would hold too much; in bash's words.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let name = &self.meant(name).to_owned();
        let mut variable = self.variables.get(name.as_str()).cloned().unwrap_or_default();
        let number = if variable.is_number { Some(arithmetic::evaluate(value, self)?.to_string()) } else { None };
        let value = number.as_deref().unwrap_or(value);
        match &mut variable.items {
            Some(items) => items.set("0", value),
            None => variable.value = value.into(),
        }
        self.put(name, variable)
    }

    /// Sets one element of an array; what is none yet becomes one.
    ///
    /// # Errors
    /// As [`State::set`].
    pub fn set_element(&mut self, name: &str, key: &str, value: &str) -> Result<(), String> {
        let name = &self.meant(name).to_owned();
        let mut variable = self.variables.get(name.as_str()).cloned().unwrap_or_default();
        let mut items = variable.items.take().unwrap_or_default();
        // What it was is its element 0.
        if !variable.value.is_empty() {
            items.set("0", &std::mem::take(&mut variable.value));
        }
        items.set(key, value);
        variable.items = Some(items);
        self.put(name, variable)
    }

    /// Makes a variable an array.
    ///
    /// # Errors
    /// As [`State::set`].
    pub fn set_items(&mut self, name: &str, items: Items) -> Result<(), String> {
        let name = &self.meant(name).to_owned();
        let old = self.variables.get(name.as_str()).cloned().unwrap_or_default();
        self.put(name, Variable { value: "".into(), items: Some(items), ..old })
    }

    /// Makes a variable an array of these values.
    ///
    /// # Errors
    /// As [`State::set`].
    pub fn set_list<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) -> Result<(), String> {
        let mut items = Items::default();
        values.enumerate().for_each(|(n, value)| items.set(&n.to_string(), value));
        self.set_items(name, items)
    }

    /// Nothing more can be assigned to it.
    pub fn make_readonly(&mut self, name: &str) {
        if let Some(variable) = self.variables.get_mut(name) {
            variable.readonly = true;
        }
    }

    fn put(&mut self, name: &str, variable: Variable) -> Result<(), String> {
        let old = self.variables.get(name);
        if old.is_some_and(|old| old.readonly) {
            return Err(format!("{name}: readonly variable"));
        }
        let freed = old.map_or(0, |old| old.bytes() + name.len());
        let wanted = variable.bytes();
        let bytes = self.bytes - freed + wanted + name.len();
        if bytes > VARIABLE_BYTES {
            return Err(format!("xrealloc: cannot allocate {wanted} bytes ({} bytes allocated)", self.bytes));
        }
        self.bytes = bytes;
        self.variables.insert(name.into(), variable);
        Ok(())
    }

    /// What all variables hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a function's definition.
    ///
    /// # Errors
    /// In bash's words, when there is no room for it.
    pub fn define(&mut self, name: &str, definition: &Arc<Command>) -> Result<(), String> {
        let bytes_of = |command: &Command| if let Kind::Function { bytes, .. } = command.kind { bytes } else { 0 };
        let others = self.functions.iter().filter(|(known, _)| ***known != *name);
        let (count, held) = others.fold((0, 0), |(count, held), (_, other)| (count + 1, held + bytes_of(other)));
        let wanted = bytes_of(definition);
        if count >= FUNCTIONS || held + wanted > FUNCTION_BYTES {
            return Err(format!("xmalloc: cannot allocate {wanted} bytes ({held} bytes allocated)"));
        }
        self.functions.insert(name.into(), definition.clone());
        Ok(())
    }

    /// What a function does.
    pub fn function(&self, name: &str) -> Option<&Arc<Command>> {
        match &self.functions.get(name)?.kind {
            Kind::Function { body, .. } => Some(body),
            _ => None,
        }
    }

    pub fn unset(&mut self, name: &str) {
        if let Some(old) = self.variables.remove(name) {
            self.bytes -= old.bytes() + name.len();
        }
    }

    /// `unset X[key]`
    pub fn unset_element(&mut self, name: &str, key: &str) {
        if let Some(Variable { items: Some(items), .. }) = self.variables.get_mut(name) {
            let before = items.bytes;
            items.remove(key);
            self.bytes -= before - items.bytes;
        }
    }

    /// Puts back what a function's `local` had hidden.
    pub fn restore(&mut self, name: &str, old: Option<Variable>) {
        self.unset(name);
        if let Some(old) = old {
            self.bytes += old.bytes() + name.len();
            self.variables.insert(name.into(), old);
        }
    }

    pub fn export(&mut self, name: &str) {
        match self.variables.get_mut(name) {
            Some(variable) => variable.exported = true,
            None => {
                self.bytes += name.len() + ELEMENT_BYTES;
                self.variables.insert(name.into(), Variable { exported: true, ..Variable::default() });
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
