//! Lessons as the page fetches them: a file each, the index, and the first one under a name of its own.

use std::fs;
use std::path::{Path, PathBuf};

use ottla::lesson::catalog;
use ottla::lesson::course::{NotOurs, encode};
use thiserror::Error;

#[derive(Debug, Clone, clap::Args)]
pub struct LessonsArgs {
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Error)]
pub enum LessonsError {
    #[error("lessons/{0}.md cannot be read: `ottla check` says why")]
    Broken(&'static str),
    #[error(transparent)]
    Encode(#[from] NotOurs),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

pub fn run(args: &LessonsArgs) -> Result<(), LessonsError> {
    let sheets = catalog::sheets().map_err(LessonsError::Broken)?;
    write(&args.out, "index", &encode(&catalog::index())?)?;
    for (number, sheet) in sheets.iter().enumerate() {
        let bytes = encode(sheet)?;
        write(&args.out, &sheet.lesson.slug, &bytes)?;
        if number == 0 {
            write(&args.out, "first", &bytes)?;
        }
    }
    Ok(())
}

fn write(out: &Path, name: &str, bytes: &[u8]) -> Result<(), LessonsError> {
    let path = out.join(format!("{name}.bin"));
    let io = |source| LessonsError::Io { path: path.clone(), source };
    fs::create_dir_all(path.parent().unwrap_or(out)).map_err(io)?;
    fs::write(&path, bytes).map_err(io)
}
