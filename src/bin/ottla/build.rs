//! The page as static files: trunk builds them, we finish them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::compress::{self, Sizes};
use crate::fingerprint::{self, Fingerprint};
use crate::halves;
use crate::progress::{self, Failure};
use crate::project::Project;
use crate::split::SplitError;
use crate::toolchain::{self, Toolchain, ToolchainError};

/// The page's folder inside the project, which `trunk serve` uses too.
pub const DIST: &str = "dist";

#[derive(Debug, Clone, clap::Args)]
pub struct BuildArgs {
    /// The address at which the files will be served, as `/kafka/`; relative by default, which suits any
    #[arg(long, default_value = "./", value_name = "URL")]
    pub public_url: String,
    /// The folder to write to, emptied before [default: dist in the project]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Build even if nothing has changed
    #[arg(long)]
    pub force: bool,
    /// Leave each wasm in one piece, with its functions' names
    #[arg(long)]
    pub whole: bool,
}

impl Default for BuildArgs {
    fn default() -> Self {
        Self { public_url: "./".to_owned(), out: None, force: false, whole: false }
    }
}

#[derive(Debug, Error)]
pub enum BuildError {
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    #[error("the page does not build; what the compiler said is above")]
    Trunk,
    #[error("cannot run {program}: {said}")]
    CannotRun { program: PathBuf, said: String },
    #[error(transparent)]
    Split(#[from] SplitError),
    #[error("{out} has not the files that trunk writes: {missing}")]
    NoWasm { out: PathBuf, missing: &'static str },
    #[error("{out} is not empty and no page of ours: name another folder with --out, or empty it")]
    NotOurs { out: PathBuf },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

/// Builds the page unless its files are there already and nothing they depend on has changed. Returns their folder.
pub fn build(project: &Project, args: &BuildArgs) -> Result<PathBuf, BuildError> {
    let out = match &args.out {
        Some(out) => std::path::absolute(out).map_err(|source| BuildError::Io { path: out.clone(), source })?,
        None => project.root.join(DIST),
    };
    let _lock = lock(project)?;
    let stamp = stamp_path(project, &out);
    let wanted = wanted(project, args)?;
    if !args.force && read_stamp(&stamp).is_some_and(|built| Some(built) == built_stamp(&wanted, &out)) {
        return Ok(out);
    }
    if !may_be_emptied(&out) {
        return Err(BuildError::NotOurs { out });
    }
    let _ = fs::remove_file(&stamp);
    let tools = toolchain::ensure(project)?;
    progress::say("building the page (the first time takes some minutes)");
    run_trunk(project, &tools, args, &out)?;
    if !args.whole {
        halves::split(&out)?;
    }
    name_engine(&out)?;
    // A whole page is for whoever works on it, on this machine.
    let sizes = if args.whole { Sizes::default() } else { compress::precompress(&out)? };
    progress::say(&format!("the page is in {}: {sizes}", out.display()));
    if let Some(built) = built_stamp(&wanted, &out) {
        write(&stamp, built.as_bytes())?;
    }
    Ok(out)
}

fn run_trunk(project: &Project, tools: &Toolchain, args: &BuildArgs, out: &Path) -> Result<(), BuildError> {
    let mut trunk = Command::new(&tools.trunk);
    trunk.current_dir(&project.root).args(["build", "--release", "--public-url", &args.public_url]).arg("--dist").arg(out);
    // Trunk takes NO_COLOR for an option with the values true and false, and stops at the usual `1`.
    // Trunk.toml's hook has this very program write the lessons.
    trunk.env("OTTLA", std::env::current_exe().unwrap_or_default());
    trunk.env("PATH", &tools.path).env("TRUNK_SKIP_VERSION_CHECK", "true").env_remove("NO_COLOR");
    progress::run(&mut trunk).map_err(|Failure { said, not_found, .. }| match not_found {
        true => BuildError::CannotRun { program: tools.trunk.clone(), said },
        false => BuildError::Trunk,
    })
}

/// Trunk deletes what is in the folder: let that be nothing, or a page of ours.
fn may_be_emptied(out: &Path) -> bool {
    let empty = fs::read_dir(out).map_or(!out.exists(), |mut files| files.next().is_none());
    let page = || fs::read_to_string(out.join("index.html")).is_ok_and(|html| html.contains("name=\"ottla-engine\""));
    empty || out.join("engine_bg.wasm").is_file() && page()
}

/// Writes the digest of the engine and the lessons into the page; `ottla::web::launch` says what for.
fn name_engine(out: &Path) -> Result<(), BuildError> {
    let mut engine = Fingerprint::default();
    for file in ["engine.js", "engine_bg.wasm", "engine_rest.wasm"] {
        if out.join(file).is_file() {
            engine.add(file, &read(&out.join(file))?);
        }
    }
    fingerprint::add(&mut engine, out, Path::new("lessons")).map_err(|(path, source)| BuildError::Io { path, source })?;
    write_meta(out, "ottla-engine", &engine.finish())
}

/// Fills in what the page is to know of its files.
pub fn write_meta(out: &Path, name: &str, content: &str) -> Result<(), BuildError> {
    let index = out.join("index.html");
    let html = String::from_utf8_lossy(&read(&index)?).into_owned();
    let named = format!(r#"name="{name}" content="{content}""#);
    write(&index, html.replacen(&format!(r#"name="{name}" content="""#), &named, 1).as_bytes())
}

/// Of what the files would be built from.
fn wanted(project: &Project, args: &BuildArgs) -> Result<String, BuildError> {
    let mut wanted = fingerprint::of_sources(&project.root).map_err(|(path, source)| BuildError::Io { path, source })?;
    wanted.add("versions", toolchain::versions(project)?.as_bytes());
    wanted.add("public-url", args.public_url.as_bytes());
    wanted.add("whole", &[u8::from(args.whole)]);
    halves::COLD.iter().for_each(|(file, cold)| wanted.add(file, cold));
    Ok(wanted.finish())
}

/// What a stamp says when `out` holds the page built from `wanted`; `trunk serve` leaves another index.html there.
fn built_stamp(wanted: &str, out: &Path) -> Option<String> {
    let mut index = Fingerprint::default();
    index.add("index.html", &fs::read(out.join("index.html")).ok()?);
    Some(format!("{wanted} {}\n", index.finish()))
}

fn read_stamp(stamp: &Path) -> Option<String> {
    fs::read_to_string(stamp).ok()
}

/// One stamp for each folder that was built into. Stamps are not kept in the folder, which goes to a host.
fn stamp_path(project: &Project, out: &Path) -> PathBuf {
    let mut name = Fingerprint::default();
    name.add("out", out.as_os_str().as_encoded_bytes());
    project.target.join("page").join(format!("{}.stamp", name.finish()))
}

/// Two builds at once would write the same files.
fn lock(project: &Project) -> Result<File, BuildError> {
    let path = project.target.join("page").join("lock");
    let io = |source| BuildError::Io { path: path.clone(), source };
    fs::create_dir_all(path.parent().unwrap_or(&path)).map_err(io)?;
    let file = File::create(&path).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(file)
}

pub fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::Io { path: path.to_path_buf(), source })
}

pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    fs::write(path, bytes).map_err(|source| BuildError::Io { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_or_a_page_of_ours_may_be_emptied() {
        let out = std::env::temp_dir().join(format!("ottla-build-{}", std::process::id()));
        assert!(may_be_emptied(&out), "does not exist yet");
        fs::create_dir_all(&out).unwrap();
        assert!(may_be_emptied(&out), "empty");
        fs::write(out.join("index.html"), r#"<meta name="ottla-engine" content="">"#).unwrap();
        assert!(!may_be_emptied(&out), "as the project's own folder");
        fs::write(out.join("engine_bg.wasm"), "").unwrap();
        assert!(may_be_emptied(&out), "built before");
        fs::write(out.join("index.html"), "somebody's").unwrap();
        assert!(!may_be_emptied(&out), "another page");
        fs::remove_dir_all(&out).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(!may_be_emptied(&file), "a file");
    }
}
