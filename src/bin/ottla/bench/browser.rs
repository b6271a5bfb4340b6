//! The page in a headless Chromium: how soon a cluster runs, what was fetched for it, and how fast it goes there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::middleware::map_response_with_state;
use axum::response::Response;
use ottla::wire::Benched;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Tenths;
use crate::build::{self, BuildArgs};
use crate::chromium::{Chromium, ChromiumError, Profile};
use crate::project::Project;
use crate::serve;

/// How long a load or a measurement may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// No file of the page is larger.
const FILE_BYTES: usize = 64 << 20;

#[derive(Serialize)]
pub struct Measured {
    /// Records acknowledged and consumed once, per real second, with events, checkpoints, the stage and the mirror on.
    tab_records_per_s: u64,
    /// From navigation to a running cluster, in milliseconds: the median of some loads with an empty cache.
    ready_ms: u64,
    /// Everything fetched until then, as it went over the wire.
    first_load_brotli_bytes: u64,
    persist_mb_per_s: Tenths,
    raw_idb_mb_per_s: Tenths,
}

/// Builds the page, if it has to and is not given one, serves it, loads it `loads` times and lets it measure itself.
pub fn measure(loads: usize, dist: Option<&Path>) -> Result<Measured, Box<dyn std::error::Error>> {
    let dist = match dist {
        Some(dist) => dist.to_path_buf(),
        None => build::build(&Project::find()?, &BuildArgs::default())?,
    };
    tokio::runtime::Runtime::new()?.block_on(drive(&dist, loads))
}

async fn drive(dist: &Path, loads: usize) -> Result<Measured, Box<dyn std::error::Error>> {
    let sent = Arc::new(AtomicU64::new(0));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let router = counting(serve::router(dist), &sent);
    tokio::spawn(async move { axum::serve(listener, router).await });

    let mut ready_ms = Vec::new();
    for _ in 0..loads {
        sent.store(0, Ordering::Relaxed);
        ready_ms.push(with_browser(async |chromium| ready(chromium, &url).await).await?);
    }
    let first_load_brotli_bytes = sent.load(Ordering::Relaxed);
    let benched = with_browser(async |chromium| benched(chromium, &url).await).await?;
    let benched: Benched = serde_json::from_value(benched)?;
    ready_ms.sort_by(f64::total_cmp);
    Ok(Measured {
        tab_records_per_s: benched.tab_records_per_s.round() as u64,
        ready_ms: ready_ms[ready_ms.len() / 2].round() as u64,
        first_load_brotli_bytes,
        persist_mb_per_s: Tenths::new(benched.persist_mb_per_s),
        raw_idb_mb_per_s: Tenths::new(benched.raw_idb_mb_per_s),
    })
}

/// Does something in a browser of its own, with nothing cached and nothing stored.
async fn with_browser<T>(act: impl AsyncFnOnce(&Chromium) -> Result<T, ChromiumError>) -> Result<T, ChromiumError> {
    let profile = Profile::fresh()?;
    let outcome = match Chromium::start(profile.clone(), 1440, 900).await {
        Ok(chromium) => act(&chromium).await,
        Err(error) => Err(error),
    };
    profile.remove();
    outcome
}

/// Milliseconds from navigation until the page says that the cluster runs.
async fn ready(chromium: &Chromium, url: &str) -> Result<f64, ChromiumError> {
    chromium.tab.goto(url).await?;
    chromium.wait_for("a running cluster", "performance.getEntriesByName('ottla-ready').length", PATIENCE).await?;
    let at = chromium.eval("return performance.getEntriesByName('ottla-ready')[0].startTime").await?;
    Ok(at.as_f64().unwrap_or(f64::NAN))
}

async fn benched(chromium: &Chromium, url: &str) -> Result<Value, ChromiumError> {
    chromium.tab.goto(&format!("{url}?bench")).await?;
    chromium.wait_for("what was measured", "document.documentElement.dataset.bench", PATIENCE).await?;
    chromium.eval("return JSON.parse(document.documentElement.dataset.bench)").await
}

/// Adds to `sent` what each answer's body weighs.
fn counting(router: Router, sent: &Arc<AtomicU64>) -> Router {
    router.layer(map_response_with_state(sent.clone(), count))
}

async fn count(State(sent): State<Arc<AtomicU64>>, response: Response) -> Response {
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, FILE_BYTES).await.unwrap_or_default();
    sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    Response::from_parts(head, Body::from(bytes))
}
