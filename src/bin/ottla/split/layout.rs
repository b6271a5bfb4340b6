//! Which function goes where, and how each side reaches the other's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use wasmparser::ExternalKind;

use super::cold::Cold;
use super::data::Places;
use super::module::Module;
use super::{LOAD, SplitError};

/// What the names of functions contain that fetch the rest, or that speak when it cannot be had. (A recording has no rest to fetch.)
const LAST_WORDS: [&str; 4] = ["web::rest::", "web::page::last_word", "web::page::confess_panics", "console_error_panic_hook"];

/// All indices are those of the whole module unless they say otherwise.
pub struct Layout {
    /// Functions of the first module, imported ones first, in their order.
    pub kept: Vec<u32>,
    /// Functions of the rest, in their order.
    pub moved: Vec<u32>,
    /// Moved functions that the first module may call, each by its type, with a slot in the table: each has a stub there. Stubs of one type
    /// stand side by side, with slots that follow each other: so they compress well.
    pub stubs: BTreeMap<(u32, u32), u32>,
    /// Kept functions that moved ones call.
    pub wanted: BTreeSet<u32>,
    /// How many slots the table of functions needs.
    pub table_size: u64,
    /// Where the data stands that only the rest reads.
    pub waiting: Vec<Range<u32>>,
    /// The function that loads the rest.
    pub load: u32,
    /// Where each function is in the first module: itself, or its stub.
    first: Vec<Option<u32>>,
    /// Where each function is in the rest: itself, or its import.
    rest: Vec<Option<u32>>,
}

impl Layout {
    pub fn new(module: &Module<'_>, cold: &Cold) -> Result<Self, SplitError> {
        if module.names.len() < module.bodies.len() / 2 {
            return Err(SplitError::NoNames);
        }
        let load = module.exports.iter().find(|export| export.kind == ExternalKind::Func && export.name == LOAD);
        let load = load.ok_or(SplitError::NoLoader)?.index;
        let mut exported: BTreeSet<u32> =
            module.exports.iter().filter(|export| export.kind == ExternalKind::Func).map(|e| e.index).collect();
        // What loads the rest must be there before it, and so must all that it may call, and what tells the page that it cannot be had.
        let last_words =
            module.names.iter().filter(|(_, name)| LAST_WORDS.iter().any(|word| name.contains(word))).map(|(function, _)| *function);
        let mut pending: Vec<u32> = last_words.chain([load]).collect();
        exported.extend(&pending);
        while let Some(function) = pending.pop() {
            for called in module.mentions(function)?.functions {
                if exported.insert(called) {
                    pending.push(called);
                }
            }
        }
        let may_wait = |function: u32| {
            let named = module.names.get(&function);
            function >= module.imported_functions && !exported.contains(&function) && named.is_some_and(|name| cold.holds(name))
        };
        let (moved, kept): (Vec<u32>, Vec<u32>) = (0..module.functions()).partition(|function| may_wait(*function));
        let mut layout = Self {
            kept,
            moved,
            stubs: BTreeMap::new(),
            wanted: BTreeSet::new(),
            table_size: module.tables.first().map_or(0, |table| table.initial),
            waiting: Vec::new(),
            load,
            first: vec![None; module.functions() as usize],
            rest: vec![None; module.functions() as usize],
        };
        layout.find_stubs(module)?;
        layout.find_wanted(module)?;
        layout.number();
        Ok(layout)
    }

    /// The index of a function, or of its stub, in the first module.
    pub fn in_first(&self, function: u32) -> Option<u32> {
        self.first.get(function as usize).copied().flatten()
    }

    /// The index of a function, or of its import, in the rest.
    pub fn in_rest(&self, function: u32) -> Option<u32> {
        self.rest.get(function as usize).copied().flatten()
    }

    /// And the data that the kept functions do not name.
    fn find_stubs(&mut self, module: &Module<'_>) -> Result<(), SplitError> {
        let moved: BTreeSet<u32> = self.moved.iter().copied().collect();
        let mut named = BTreeSet::new();
        let mut called = BTreeSet::new();
        for kept in &self.kept {
            let mentions = module.mentions(*kept)?;
            named.extend(mentions.addresses);
            called.extend(mentions.functions.into_iter().filter(|function| moved.contains(function)));
        }
        let places = Places::read(module)?;
        let staying = places.staying(&named);
        let of_type = |function: u32| (module.function_types[function as usize], function);
        // A slot that neither kept code nor kept data names stays empty until the rest comes: nobody can call through it before.
        for (slot, function) in module.slots.iter().filter(|(_, function)| moved.contains(function)) {
            if places.is_empty() || named.contains(slot) || staying.slots.contains(slot) {
                self.stubs.insert(of_type(*function), *slot);
            }
        }
        let called: BTreeSet<(u32, u32)> = called.into_iter().map(of_type).collect();
        for function in called {
            self.stubs.entry(function).or_insert_with(|| {
                self.table_size += 1;
                self.table_size as u32 - 1
            });
        }
        self.waiting = staying.waiting;
        Ok(())
    }

    fn find_wanted(&mut self, module: &Module<'_>) -> Result<(), SplitError> {
        let kept: BTreeSet<u32> = self.kept.iter().copied().collect();
        for moved in &self.moved {
            self.wanted.extend(module.mentions(*moved)?.functions.into_iter().filter(|function| kept.contains(function)));
        }
        Ok(())
    }

    /// First module: what it keeps, then the function that all stubs call, then the stubs. Rest: its imports, then what was moved.
    fn number(&mut self) {
        let stubs = self.stubs.keys().map(|(_, function)| *function);
        for (index, function) in self.kept.iter().copied().map(Some).chain([None]).chain(stubs.map(Some)).enumerate() {
            if let Some(function) = function {
                self.first[function as usize] = Some(index as u32);
            }
        }
        for (index, function) in self.wanted.iter().chain(&self.moved).enumerate() {
            self.rest[*function as usize] = Some(index as u32);
        }
    }

    /// The index, in the first module, of the function that all stubs call: it has the rest loaded, once.
    pub fn ensure(&self) -> u32 {
        self.kept.len() as u32
    }
}

/// The name of the nth function that the first module exports for the rest.
pub fn exported_name(n: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let (mut left, mut name) = (n, String::new());
    loop {
        name.insert(0, char::from(DIGITS[left % 36]));
        left /= 36;
        if left == 0 {
            return format!("~{name}");
        }
    }
}
