//! A headless Chromium of our own, driven over WebDriver.
//!
//! For pictures and for tests (tests/browser includes this file): each starts its own chromedriver on a free port and its own browser with
//! an empty profile, and leaves neither behind.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use thiserror::Error;

/// A running browser with one tab. Dropping it ends it at once, as a power cut would.
pub struct Chromium {
    /// The tab.
    pub tab: Client,
    driver: Child,
    profile: Profile,
}

/// Where a browser keeps its storage. Opening it again after a kill is how a test sees what survived.
#[derive(Clone, Debug)]
pub struct Profile(PathBuf);

#[derive(Debug, Error)]
pub enum ChromiumError {
    #[error("there is no {0} here (on Debian: apt install chromium chromium-driver)")]
    Missing(&'static str),
    #[error("chromedriver did not start: {0}")]
    Driver(String),
    #[error("Chromium did not start: {0}")]
    Session(#[from] fantoccini::error::NewSessionError),
    #[error("Chromium: {0}")]
    Command(#[from] fantoccini::error::CmdError),
    #[error("waited {seconds} s for {what}; the page says:\n{page}")]
    Timeout { what: String, seconds: u64, page: String },
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

impl Profile {
    /// An empty one.
    pub fn fresh() -> Result<Self, ChromiumError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("ottla-chromium-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).map_err(|source| ChromiumError::Io { path: path.clone(), source })?;
        Ok(Self(path))
    }

    /// Forgets all that is stored.
    pub fn remove(self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Chromium {
    /// Starts chromedriver and a browser whose page is `width` by `height` CSS pixels.
    pub async fn start(profile: Profile, width: u32, height: u32) -> Result<Self, ChromiumError> {
        let browser =
            find(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]).ok_or(ChromiumError::Missing("Chromium"))?;
        let (driver, port) = start_driver()?;
        let mut started = Unfinished { driver: Some(driver), profile: profile.clone() };
        let capabilities = capabilities(&browser, &profile);
        let tab = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await?;
        let driver = started.driver.take().ok_or_else(|| ChromiumError::Driver("it is gone".to_owned()))?;
        let chromium = Self { tab, driver, profile };
        chromium.resize(width, height).await?;
        Ok(chromium)
    }

    /// Sets the size of the page itself; a headless window cannot be as narrow as a telephone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<(), ChromiumError> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        Ok(())
    }

    /// What `prefers-color-scheme` says: "light" or "dark".
    pub async fn color_scheme(&self, scheme: &str) -> Result<(), ChromiumError> {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// A command of the Chrome DevTools protocol.
    pub async fn devtools(&self, method: &str, params: Value) -> Result<Value, ChromiumError> {
        Ok(self.tab.issue_cmd(Vendor { path: "goog/cdp/execute", body: json!({ "cmd": method, "params": params }) }).await?)
    }

    /// Runs `script`, the body of a JavaScript function, in the page.
    pub async fn eval(&self, script: &str) -> Result<Value, ChromiumError> {
        Ok(self.tab.execute(script, Vec::new()).await?)
    }

    /// Waits until the JavaScript expression `condition` is truthy; `what` is for the message when it never is.
    pub async fn wait_for(&self, what: &str, condition: &str, timeout: Duration) -> Result<(), ChromiumError> {
        let since = Instant::now();
        let script = format!("return !!({condition})");
        // An error, as of a page that is being replaced, is no answer: ask again.
        while !matches!(self.eval(&script).await, Ok(Value::Bool(true))) {
            if since.elapsed() > timeout {
                let page = self.eval("return document.body.innerText").await.unwrap_or_default();
                let page = page.as_str().unwrap_or_default().to_owned();
                return Err(ChromiumError::Timeout { what: what.to_owned(), seconds: timeout.as_secs(), page });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// What the page wrote to its console since the last call, errors of loading included.
    pub async fn console(&self) -> Result<Vec<String>, ChromiumError> {
        let entries = self.tab.issue_cmd(Vendor { path: "se/log", body: json!({ "type": "browser" }) }).await?;
        let line =
            |entry: &Value| format!("{} {}", entry["level"].as_str().unwrap_or_default(), entry["message"].as_str().unwrap_or_default());
        Ok(entries.as_array().map(|entries| entries.iter().map(line).collect()).unwrap_or_default())
    }

    /// Saves what the page looks like as a PNG.
    pub async fn screenshot(&self, file: &Path) -> Result<(), ChromiumError> {
        let png = self.tab.screenshot().await?;
        if let Some(dir) = file.parent() {
            fs::create_dir_all(dir).map_err(|source| ChromiumError::Io { path: dir.to_path_buf(), source })?;
        }
        fs::write(file, png).map_err(|source| ChromiumError::Io { path: file.to_path_buf(), source })
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        end(&mut self.driver, &self.profile);
    }
}

/// Ends chromedriver if the session does not come about.
struct Unfinished {
    driver: Option<Child>,
    profile: Profile,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(driver) = &mut self.driver {
            end(driver, &self.profile);
        }
    }
}

/// Kills the driver and every process of the browser; they are known by their profile, which is in each one's command line.
fn end(driver: &mut Child, profile: &Profile) {
    let _ = driver.kill();
    let _ = driver.wait();
    for pid in processes_of(profile) {
        let _ = Command::new("sh").args(["-c", "kill -9 \"$0\"", &pid]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn processes_of(Profile(path): &Profile) -> Vec<String> {
    let wanted = path.to_string_lossy();
    let Ok(processes) = fs::read_dir("/proc") else {
        // macOS has no /proc.
        let found = Command::new("pgrep").arg("-f").arg(path).output().map(|output| output.stdout).unwrap_or_default();
        return String::from_utf8_lossy(&found).lines().map(str::to_owned).collect();
    };
    let pids = processes.flatten().filter(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&format!("--user-data-dir={wanted}")))
    });
    pids.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn start_driver() -> Result<(Child, u16), ChromiumError> {
    let program = find(&["chromedriver"]).ok_or(ChromiumError::Missing("chromedriver"))?;
    let failed = |error: std::io::Error| ChromiumError::Driver(error.to_string());
    let mut driver =
        Command::new(program).arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut said = String::new();
    let mut lines = BufReader::new(driver.stdout.take().ok_or_else(|| ChromiumError::Driver("no output".to_owned()))?).lines();
    for line in lines.by_ref().map_while(Result::ok) {
        if let Some(port) = line.rsplit_once("successfully on port ").and_then(|(_, port)| port.trim_end_matches('.').parse().ok()) {
            // It stops if nobody takes what it says.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok((driver, port));
        }
        said.push_str(&line);
    }
    let _ = driver.kill();
    let _ = driver.wait();
    Err(ChromiumError::Driver(said))
}

fn capabilities(browser: &Path, Profile(profile): &Profile) -> Capabilities {
    let data = format!("--user-data-dir={}", profile.display());
    let flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        data.as_str(),
    ];
    let options = json!({ "binary": browser, "args": flags });
    let logs = json!({ "browser": "ALL" });
    [("goog:chromeOptions".to_owned(), options), ("goog:loggingPrefs".to_owned(), logs)].into_iter().collect()
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).flat_map(|dir| names.iter().map(move |name| dir.join(name))).find(|program| program.is_file())
}

/// A command of chromedriver's own, below `session/ID/`.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
