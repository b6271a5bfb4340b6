//! Brotli beside every file of the page, so that a host has nothing to compress while a learner waits.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::build::BuildError;

/// Brotli's best; about two seconds a megabyte, once a build.
const QUALITY: u32 = 11;
const WINDOW_BITS: u32 = 22;

/// How large the page is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub raw_bytes: usize,
    pub brotli_bytes: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KB, {} KB with brotli", self.raw_bytes / 1000, self.brotli_bytes / 1000)
    }
}

/// Writes `X.br` beside every text and wasm file X of `dir`; returns the sizes of all of them together.
pub fn precompress(dir: &Path) -> Result<Sizes, BuildError> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    let compressed: Vec<Result<Sizes, BuildError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = files.iter().map(|file| scope.spawn(move || compress(file))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    compressed.into_iter().try_fold(Sizes::default(), |sum, file| {
        let file = file?;
        Ok(Sizes { raw_bytes: sum.raw_bytes + file.raw_bytes, brotli_bytes: sum.brotli_bytes + file.brotli_bytes })
    })
}

fn compress(file: &Path) -> Result<Sizes, BuildError> {
    let io = |source| BuildError::Io { path: file.to_path_buf(), source };
    let raw = fs::read(file).map_err(io)?;
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, QUALITY, WINDOW_BITS);
    writer.write_all(&raw).map_err(io)?;
    let compressed = writer.into_inner();
    fs::write(format!("{}.br", file.display()), &compressed).map_err(io)?;
    Ok(Sizes { raw_bytes: raw.len(), brotli_bytes: compressed.len() })
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), BuildError> {
    let io = |source| BuildError::Io { path: dir.to_path_buf(), source };
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path
            .extension()
            .is_some_and(|ext| ["bin", "html", "css", "js", "json", "svg", "wasm", "webmanifest"].iter().any(|known| ext == *known))
        {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_decompresses_to_itself() {
        let dir = std::env::temp_dir().join(format!("ottla-compress-{}", std::process::id()));
        fs::create_dir_all(dir.join("snippets")).unwrap();
        let text = "offset ".repeat(1000);
        fs::write(dir.join("snippets/a.js"), &text).unwrap();
        fs::write(dir.join("picture.png"), "not compressed").unwrap();
        let sizes = precompress(&dir).unwrap();
        let mut back = Vec::new();
        let compressed = fs::read(dir.join("snippets/a.js.br")).unwrap();
        brotli::BrotliDecompress(&mut compressed.as_slice(), &mut back).unwrap();
        assert_eq!(back, text.as_bytes());
        assert_eq!(sizes, Sizes { raw_bytes: text.len(), brotli_bytes: compressed.len() });
        fs::remove_dir_all(&dir).unwrap();
    }
}
