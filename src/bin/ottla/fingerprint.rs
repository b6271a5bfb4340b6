//! Whether the page's sources have changed since it was built.

use std::fs;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};

use siphasher::sip128::{Hasher128, SipHasher13};

/// What the page is built from, relative to the project.
const SOURCES: [&str; 8] = ["Cargo.lock", "Cargo.toml", "Trunk.toml", "index.html", "assets", "lessons", "src", "styles"];
/// This very program is no part of the page.
const NATIVE: &str = "src/bin/ottla";

/// A digest of named pieces of content.
#[derive(Default)]
pub struct Fingerprint(SipHasher13);

impl Fingerprint {
    pub fn add(&mut self, name: &str, content: &[u8]) {
        for piece in [name.as_bytes(), content] {
            self.0.write_u64(piece.len() as u64);
            self.0.write(piece);
        }
    }

    /// In hexadecimal.
    pub fn finish(&self) -> String {
        format!("{:032x}", self.0.finish128().as_u128())
    }
}

/// The digest of all sources of the page below `root`: contents, not times, which a checkout changes.
pub fn of_sources(root: &Path) -> Result<Fingerprint, (PathBuf, io::Error)> {
    let mut fingerprint = Fingerprint::default();
    for source in SOURCES {
        add(&mut fingerprint, root, Path::new(source))?;
    }
    Ok(fingerprint)
}

/// Adds a file, or a folder's files in the order of their names; what does not exist adds nothing.
pub fn add(fingerprint: &mut Fingerprint, root: &Path, relative: &Path) -> Result<(), (PathBuf, io::Error)> {
    let path = root.join(relative);
    let unreadable = |error| (path.clone(), error);
    if relative == Path::new(NATIVE) || !path.exists() {
        return Ok(());
    }
    if path.is_file() {
        fingerprint.add(&relative.to_string_lossy(), &fs::read(&path).map_err(unreadable)?);
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(&path).map_err(unreadable)?.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let mut names = entries.map_err(unreadable)?;
    names.sort();
    names.iter().try_for_each(|name| add(fingerprint, root, &relative.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[(&str, &str)]) -> String {
        let mut fingerprint = Fingerprint::default();
        pieces.iter().for_each(|(name, content)| fingerprint.add(name, content.as_bytes()));
        fingerprint.finish()
    }

    #[test]
    fn every_name_and_byte_counts() {
        assert_eq!(of(&[("a", "bc")]), of(&[("a", "bc")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("a", "b"), ("c", "")]));
    }

    #[test]
    fn a_changed_source_changes_it_and_this_program_does_not() {
        let root = std::env::temp_dir().join(format!("ottla-fingerprint-{}", std::process::id()));
        fs::create_dir_all(root.join(NATIVE)).unwrap();
        fs::write(root.join("src/lib.rs"), "one").unwrap();
        let before = of_sources(&root).unwrap().finish();
        fs::write(root.join(NATIVE).join("main.rs"), "native").unwrap();
        assert_eq!(of_sources(&root).unwrap().finish(), before);
        fs::write(root.join("src/lib.rs"), "two").unwrap();
        assert_ne!(of_sources(&root).unwrap().finish(), before);
        fs::remove_dir_all(&root).unwrap();
    }
}
