//! Where the project is on this machine, and what its lock file says.

use std::env;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A checkout of Ottla's sources.
pub struct Project {
    /// The folder of `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's build folder: `CARGO_TARGET_DIR`, or `target/`.
    pub target: PathBuf,
}

#[derive(Debug, Error)]
pub enum ProjectError {
    #[error("no checkout of Ottla here or above ({from}): run this from the project's folder, as `cargo run` does")]
    NotFound { from: PathBuf },
    #[error("cannot read {path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("Cargo.lock names no package `{package}`: restore it with `git checkout Cargo.lock`")]
    NotLocked { package: String },
}

impl Project {
    /// The project that Cargo runs us for, or else the one around the current folder.
    pub fn find() -> Result<Self, ProjectError> {
        let from = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).or_else(|| env::current_dir().ok()).unwrap_or_default();
        let root = from.ancestors().find(|dir| is_root(dir)).ok_or_else(|| ProjectError::NotFound { from: from.clone() })?.to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// The version of `package` in Cargo.lock.
    pub fn locked_version(&self, package: &str) -> Result<String, ProjectError> {
        let path = self.root.join("Cargo.lock");
        let lock = std::fs::read_to_string(&path).map_err(|source| ProjectError::Unreadable { path, source })?;
        version_in_lock(&lock, package).ok_or_else(|| ProjectError::NotLocked { package: package.to_owned() })
    }
}

fn is_root(dir: &Path) -> bool {
    dir.join("Cargo.toml").is_file() && dir.join("Trunk.toml").is_file() && dir.join("src/bin/engine.rs").is_file()
}

/// In a lock file a package's `version` line follows its `name` line.
fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    Some(lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_a_packages_version() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.9\"\n";
        assert_eq!(version_in_lock(lock, "wasm-bindgen").as_deref(), Some("0.2.9"));
        assert_eq!(version_in_lock(lock, "wasm"), None);
    }
}
