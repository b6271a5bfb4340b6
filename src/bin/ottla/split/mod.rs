//! One wasm in two files: what the start of the engine needs, and the rest, which follows.
//!
//! Most of the engine waits for a person: the terminal's tools, what repairs a log, what answers "why?". A learner's first cluster needs
//! none of it. So `ottla build` moves functions that a recorded start did not call ([`cold`]) into a second module. Both share memory,
//! table and globals, so that one program runs, as before: a call into the rest goes through the table, where a stub stands in until the
//! rest is there, which has it loaded if need be (`ottla::web::rest`). Nothing but the moment of loading depends on the choice of functions.
//!
//! * [`module`]: a wasm module, read as far as needed
//! * [`layout`]: which function goes where, and how each side calls the other's
//! * [`data`]: which constants go with it
//! * [`first`], [`rest`]: the two files
//! * [`cold`]: which functions may wait; [`record`]: a module that tells which of its functions were called

pub mod cold;
mod data;
mod first;
mod layout;
mod module;
pub mod record;
mod rest;

use std::fmt::Display;

use thiserror::Error;

use cold::Cold;
use layout::Layout;
use module::Module;

/// The export of the engine that loads the rest: `ottla::web::rest`.
const LOAD: &str = "load_rest";

/// The name under which the rest imports what the first module exports for it.
const FIRST: &str = "first";

/// The two files.
pub struct Split {
    pub first: Vec<u8>,
    pub rest: Vec<u8>,
}

#[derive(Debug, Error)]
pub enum SplitError {
    #[error("this is no wasm module that can be read: {0}")]
    Unreadable(String),
    #[error("splitting the wasm made a module that is none, which is our mistake: {0}. `ottla build --whole` does without")]
    Invalid(String),
    #[error("the engine's wasm has {0}, which cannot be split yet (src/bin/ottla/split)")]
    Unforeseen(&'static str),
    #[error("the engine's wasm has no function names: the profile `web` of Cargo.toml must keep them (strip = \"debuginfo\")")]
    NoNames,
    #[error("the engine's wasm does not export `{LOAD}` (src/web/rest.rs)")]
    NoLoader,
}

impl SplitError {
    fn invalid(error: impl Display) -> Self {
        Self::Invalid(error.to_string())
    }

    fn unreadable(error: impl Display) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Splits `wasm`, as wasm-bindgen wrote it, names and all; the files have no names any more.
///
/// # Errors
/// When the module has parts that no engine of ours had so far.
pub fn split(wasm: &[u8], cold: &Cold) -> Result<Split, SplitError> {
    let module = Module::read(wasm)?;
    let layout = Layout::new(&module, cold)?;
    let split = Split { first: first::encode(&module, &layout)?, rest: rest::encode(&module, &layout)? };
    for file in [&split.first, &split.rest] {
        wasmparser::validate(file).map_err(SplitError::invalid)?;
    }
    Ok(split)
}

#[cfg(test)]
mod tests;
