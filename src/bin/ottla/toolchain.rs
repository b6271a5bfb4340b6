//! What it takes to build the page: Rust's wasm target, trunk and wasm-bindgen.
//!
//! What the machine has in the right version is used. The rest is compiled from source, once, into `target/tools`, so that nothing outside
//! the project changes and no ready-made binary has to exist for the platform. Only the wasm target goes into rustup's own folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use thiserror::Error;

use crate::progress::{self, Failure};
use crate::project::{Project, ProjectError};

/// 0.22 wants a newer rustc than ours.
const TRUNK_VERSION: &str = "0.21.14";
const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The tools' folders, to be searched before everything else.
pub struct Toolchain {
    pub trunk: PathBuf,
    /// A value for PATH with which trunk finds wasm-bindgen in the version of Cargo.lock, and so downloads nothing.
    pub path: OsString,
}

#[derive(Debug, Error)]
pub enum ToolchainError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error("cannot run `{program}`: {source}. Rust is installed as described on https://rustup.rs")]
    NoRust { program: String, source: std::io::Error },
    #[error(
        "Rust's standard library for {WASM_TARGET} is missing, and there is no `rustup` to add it. Install it from your \
         distribution (on Debian: apt install libstd-rust-dev-wasm32), or Rust itself from https://rustup.rs"
    )]
    NoRustup,
    #[error(
        "`{command}` needs the network, once, and could not reach it: connect (or set Cargo's http.proxy; or unset net.offline), and run this again"
    )]
    NoNetwork { command: String },
    #[error("`{command}` found no C compiler: install one (on Debian: apt install gcc libc6-dev; on macOS: xcode-select --install)")]
    NoLinker { command: String },
    #[error("`{command}` failed; what it said is above")]
    Failed { command: String },
}

/// Puts in place what is missing, and says so. Compiles the page's two programs meanwhile, which trunk then finds done: both at once, as
/// the end of each is work for one processor.
pub fn ensure(project: &Project) -> Result<Toolchain, ToolchainError> {
    ensure_wasm_target(project)?;
    std::thread::scope(|scope| {
        let compiled = scope.spawn(|| compile(project));
        let tools = ensure_tools(project);
        compiled.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        tools
    })
}

/// What trunk does with each program, by the same options.
fn compile(project: &Project) -> Result<(), ToolchainError> {
    let mut command = rust_command("cargo");
    command.current_dir(&project.root).args(["build", "--target", WASM_TARGET, "--profile", "web", "--bin", "app", "--bin", "engine"]);
    progress::run_beside(&mut command).map_err(diagnose)
}

fn ensure_tools(project: &Project) -> Result<Toolchain, ToolchainError> {
    let bindgen_version = project.locked_version("wasm-bindgen")?;
    let trunk = ensure_tool(project, &Tool::trunk())?;
    let bindgen = ensure_tool(project, &Tool::wasm_bindgen(bindgen_version))?;
    // Compiled dependencies of tools that are in place are of no more use.
    let _ = std::fs::remove_dir_all(build_dir(project));
    let found = [&trunk, &bindgen].into_iter().filter_map(|tool| tool.parent().map(Path::to_path_buf));
    let path = env::join_paths(found.chain(search_path())).unwrap_or_default();
    Ok(Toolchain { trunk, path })
}

/// What the page's bytes depend on besides our sources.
pub fn versions(project: &Project) -> Result<String, ToolchainError> {
    let output = rust_command("rustc").arg("-vV").output().map_err(|source| no_rust("rustc", source))?;
    let rustc = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(format!("{rustc}trunk {TRUNK_VERSION}\nwasm-bindgen {}\n", project.locked_version("wasm-bindgen")?))
}

/// A command-line tool that is a crate.
struct Tool {
    binary: &'static str,
    package: &'static str,
    version: String,
    options: &'static [&'static str],
    /// For the person who waits.
    takes: &'static str,
}

impl Tool {
    fn trunk() -> Self {
        // rustls, as the default features would bring a check for updates.
        let options = &["--no-default-features", "--features", "rustls"];
        Self { binary: "trunk", package: "trunk", version: TRUNK_VERSION.to_owned(), options, takes: "about three minutes" }
    }

    /// Of exactly the version of the library in Cargo.lock: the two share a private format.
    fn wasm_bindgen(version: String) -> Self {
        // Without features: they are for its test runner, which downloads web drivers.
        let options = &["--no-default-features", "--bin", "wasm-bindgen"];
        Self { binary: "wasm-bindgen", package: "wasm-bindgen-cli", version, options, takes: "about a minute" }
    }
}

fn ensure_tool(project: &Project, tool: &Tool) -> Result<PathBuf, ToolchainError> {
    let root = project.target.join("tools");
    let ours = root.join("bin");
    let find = || std::iter::once(ours.clone()).chain(search_path()).find_map(|dir| tool_in(&dir, tool));
    if let Some(found) = find() {
        return Ok(found);
    }
    progress::say(&format!("{} {} is not here: compiling it into {} ({}, once)", tool.package, tool.version, root.display(), tool.takes));
    match install(project, tool, true) {
        // A registry that lags or mirrors may lack what the tool's author has locked.
        Err(Failure { said, .. }) if said.contains("failed to select a version") => {
            progress::say(&format!(
                "{}'s own lock file cannot be satisfied: compiling it with other versions of its dependencies",
                tool.package
            ));
            install(project, tool, false)
        }
        other => other,
    }
    .map_err(diagnose)?;
    find().ok_or_else(|| ToolchainError::Failed { command: format!("cargo install {}", tool.package) })
}

/// The tool in `dir`, if it is of the right version.
fn tool_in(dir: &Path, tool: &Tool) -> Option<PathBuf> {
    let path = dir.join(format!("{}{}", tool.binary, env::consts::EXE_SUFFIX));
    if !path.is_file() {
        return None;
    }
    let output = Command::new(&path).arg("--version").stdin(Stdio::null()).output().ok()?;
    is_version(&String::from_utf8_lossy(&output.stdout), &tool.version).then_some(path)
}

/// Whether a tool that answers `--version` with `said` is of version `wanted`: `trunk 0.21.14`, `wasm-bindgen 0.2.1 (a1b2c3)`.
fn is_version(said: &str, wanted: &str) -> bool {
    said.split_whitespace().nth(1) == Some(wanted)
}

fn install(project: &Project, tool: &Tool, locked: bool) -> Result<(), Failure> {
    let mut command = rust_command("cargo");
    command.current_dir(&project.root).arg("install").arg(tool.package).args(["--version", &format!("={}", tool.version)]);
    command.args(tool.options).args(locked.then_some("--locked"));
    command.arg("--root").arg(project.target.join("tools")).arg("--target-dir").arg(build_dir(project));
    // The tools run for a second each and are compiled once: the compiler's time counts, theirs does not.
    command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", if tool.binary == "trunk" { "0" } else { "1" });
    command
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    command.env("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback");
    progress::run(&mut command)
}

fn ensure_wasm_target(project: &Project) -> Result<(), ToolchainError> {
    let output = rust_command("rustc")
        .current_dir(&project.root)
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .output()
        .map_err(|source| no_rust("rustc", source))?;
    let libraries = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && std::fs::read_dir(&libraries).is_ok_and(|mut files| files.next().is_some()) {
        return Ok(());
    }
    progress::say(&format!("the target {WASM_TARGET} is not here: adding it through rustup"));
    let mut command = Command::new("rustup");
    command.current_dir(&project.root).args(["target", "add", WASM_TARGET]);
    progress::run(&mut command).map_err(|failure| if failure.not_found { ToolchainError::NoRustup } else { diagnose(failure) })
}

fn diagnose(Failure { command, said, .. }: Failure) -> ToolchainError {
    const NETWORK: [&str; 8] = [
        "failed to download",
        "could not download",
        "Could not resolve",
        "Couldn't resolve",
        "Could not connect",
        "Couldn't connect",
        "network failure",
        "Unable to update registry",
    ];
    let forbidden = env::var_os("CARGO_NET_OFFLINE").is_some_and(|value| value == "true");
    if forbidden || NETWORK.iter().any(|sign| said.contains(sign)) {
        ToolchainError::NoNetwork { command }
    } else if said.contains("linker `cc` not found") || said.contains("failed to find tool \"cc\"") {
        ToolchainError::NoLinker { command }
    } else {
        ToolchainError::Failed { command }
    }
}

/// Cargo tells its children where it is (CARGO); rustc may be named by the user (RUSTC).
fn rust_command(program: &str) -> Command {
    Command::new(env::var_os(program.to_uppercase()).unwrap_or_else(|| program.into()))
}

fn no_rust(program: &str, source: std::io::Error) -> ToolchainError {
    ToolchainError::NoRust { program: program.to_owned(), source }
}

fn build_dir(project: &Project) -> PathBuf {
    project.target.join("tools").join("build")
}

fn search_path() -> Vec<PathBuf> {
    env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_of_another_version_does_not_count() {
        assert!(is_version("trunk 0.21.14\n", "0.21.14"));
        assert!(is_version("wasm-bindgen 0.2.130 (0a1b2c3d4)\n", "0.2.130"));
        assert!(!is_version("wasm-bindgen 0.2.13\n", "0.2.130"));
        assert!(!is_version("", "0.2.130"));
    }

    #[test]
    fn what_cargo_said_tells_the_remedy() {
        let diagnosis = |said: &str| diagnose(Failure { command: "cargo install trunk".into(), said: said.into(), not_found: false });
        assert!(matches!(diagnosis("error: failed to download from `x`\n Could not resolve host"), ToolchainError::NoNetwork { .. }));
        assert!(matches!(diagnosis("error: linker `cc` not found"), ToolchainError::NoLinker { .. }));
        assert!(matches!(diagnosis("error[E0308]: mismatched types"), ToolchainError::Failed { .. }));
    }
}
