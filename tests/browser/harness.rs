//! The page on a server of its own, in a browser of its own.

use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::chromium::{Chromium, ChromiumError, Profile};

/// Width and height in CSS pixels.
pub type Size = (u32, u32);
pub const DESKTOP: Size = (1440, 900);
pub const PHONE: Size = (390, 844);

/// A tab on the page, and what serves it. Has all methods of [`Chromium`].
pub struct Page {
    name: String,
    size: Size,
    server: Server,
    profile: Profile,
    /// None only while a killed browser is replaced.
    chromium: Option<Chromium>,
}

/// Runs `test` on a fresh browser with an empty profile. If it fails, a picture and the console are left in target/screenshots.
///
/// Without Chromium on the machine it prints one line and passes, but under CI=true it fails.
pub fn in_browser(name: &str, size: Size, test: impl AsyncFnOnce(&mut Page) -> Result<(), ChromiumError>) {
    in_browser_at(&dist(), name, size, test);
}

/// As [`in_browser`], with the page in `dist`.
pub fn in_browser_at(dist: &Path, name: &str, size: Size, test: impl AsyncFnOnce(&mut Page) -> Result<(), ChromiumError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let server = Server::start(dist);
    let profile = Profile::fresh().expect("an empty profile");
    let chromium = match runtime.block_on(Chromium::start(profile.clone(), size.0, size.1)) {
        Ok(chromium) => chromium,
        Err(error @ ChromiumError::Missing(_)) if std::env::var_os("CI").is_none_or(|ci| ci != "true") => {
            profile.remove();
            // Straight to stderr: the test runner hides what a test that passes prints.
            let _ = writeln!(std::io::stderr(), "{name}: skipped, because {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let mut page = Page { name: name.to_owned(), size, server, profile: profile.clone(), chromium: Some(chromium) };
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&mut page))));
    if !matches!(outcome, Ok(Ok(()))) {
        runtime.block_on(page.leave_evidence());
    }
    drop(page);
    profile.remove();
    match outcome {
        Ok(result) => result.unwrap_or_else(|error| panic!("{error}")),
        Err(panic) => resume_unwind(panic),
    }
}

impl Page {
    /// Goes to the page; `query` as "?lesson=replication/01-kill-a-node", or empty.
    pub async fn open(&self, query: &str) -> Result<(), ChromiumError> {
        self.tab.goto(&format!("{}{query}", self.server.url)).await?;
        Ok(())
    }

    /// Saves a picture as target/screenshots/TEST-NAME.png, for people to look at.
    pub async fn screenshot(&self, name: &str) -> Result<(), ChromiumError> {
        let file = screenshots().join(format!("{}-{name}.png", self.name));
        Chromium::screenshot(self, &file).await
    }

    /// Kills the browser in the middle of what it does and starts another on the same storage.
    pub async fn kill_and_start_again(&mut self) -> Result<(), ChromiumError> {
        drop(self.chromium.take());
        self.chromium = Some(Chromium::start(self.profile.clone(), self.size.0, self.size.1).await?);
        Ok(())
    }

    async fn leave_evidence(&self) {
        let Some(chromium) = &self.chromium else { return };
        let _ = self.screenshot("failed").await;
        let console = chromium.console().await.unwrap_or_default();
        eprintln!("{}: the page is shown in {}; its console says: {console:#?}", self.name, screenshots().display());
    }
}

impl Deref for Page {
    type Target = Chromium;

    fn deref(&self) -> &Chromium {
        self.chromium.as_ref().expect("a browser is running")
    }
}

/// `ottla serve` on a free port, ended when dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(dist: &Path) -> Self {
        let mut process =
            ottla().args(["serve", "--no-build", "--port", "0", "--dist"]).arg(dist).stdout(Stdio::piped()).spawn().expect("ottla starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its first line");
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { url: url.to_owned(), process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The built page. `ottla build` is what `cargo run` does, and does nothing when nothing has changed.
pub fn dist() -> PathBuf {
    if let Some(dist) = std::env::var_os("OTTLA_DIST") {
        return dist.into();
    }
    let output = ottla().arg("build").stderr(Stdio::inherit()).output().expect("ottla starts");
    assert!(output.status.success(), "the page does not build");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).lines().last().expect("the folder's name"))
}

fn ottla() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ottla"));
    command.stdin(Stdio::null());
    command
}

fn screenshots() -> PathBuf {
    // Next to the folder that Cargo gives tests to write to.
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots")
}
