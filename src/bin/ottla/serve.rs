//! The page on this machine's own address.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use axum::middleware::{Next, map_response};
use axum::response::Response;
use thiserror::Error;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;

use crate::build::{self, BuildArgs, BuildError, DIST};
use crate::progress;
use crate::project::{Project, ProjectError};

#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// The address to listen on; 0.0.0.0 lets other machines in
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    pub address: IpAddr,
    /// Open the page in the default browser
    #[arg(long)]
    pub open: bool,
    /// Serve what was built before
    #[arg(long)]
    pub no_build: bool,
    /// With --no-build: the folder to serve
    #[arg(long, value_name = "DIR", requires = "no_build")]
    pub dist: Option<PathBuf>,
}

#[derive(Debug, Error)]
pub enum ServeError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("port {port} is taken: end what listens there, or name another with --port (0 picks a free one)")]
    PortTaken { port: u16 },
    #[error("cannot listen on {address}: {source}")]
    CannotListen { address: SocketAddr, source: std::io::Error },
    #[error("{dist} holds no page: leave out --no-build")]
    NothingBuilt { dist: PathBuf },
    #[error("cannot start serving: {0}")]
    Runtime(std::io::Error),
}

/// Builds the page if it has to, and serves it until Ctrl-C.
pub fn run(args: &ServeArgs) -> Result<(), ServeError> {
    tokio::runtime::Runtime::new().map_err(ServeError::Runtime)?.block_on(serve(args))
}

async fn serve(args: &ServeArgs) -> Result<(), ServeError> {
    // First the port: who waits minutes for a build must not learn then that it is taken.
    let listener = listen(SocketAddr::new(args.address, args.port)).await?;
    let address = listener.local_addr().map_err(ServeError::Runtime)?;
    let dist = folder(args)?;
    println!("Ottla is at http://{address}/ (Ctrl-C ends it)");
    // Who reads this from a pipe waits for that line.
    let _ = std::io::stdout().flush();
    if args.open {
        open(&format!("http://{address}/"));
    }
    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, router(&dist)).with_graceful_shutdown(stop).await.map_err(ServeError::Runtime)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServeError::PortTaken { port: address.port() },
        _ => ServeError::CannotListen { address, source },
    })
}

fn folder(args: &ServeArgs) -> Result<PathBuf, ServeError> {
    if !args.no_build {
        return Ok(build::build(&Project::find()?, &BuildArgs::default())?);
    }
    let dist = match &args.dist {
        Some(dist) => dist.clone(),
        None => Project::find()?.root.join(DIST),
    };
    if dist.join("index.html").is_file() { Ok(dist) } else { Err(ServeError::NothingBuilt { dist }) }
}

/// The files of `dist`, each with the headers it needs.
pub fn router(dist: &Path) -> Router {
    Router::new()
        .fallback_service(ServeDir::new(dist).precompressed_br())
        .layer(axum::middleware::from_fn(cache))
        .layer(map_response(allow_all_origins))
        // For clients that take gzip only; brotli lies beside the files.
        .layer(CompressionLayer::new().no_br())
}

async fn cache(request: Request, next: Next) -> Response {
    let value = cache_control(request.uri().path(), request.uri().query());
    let mut response = next.run(request).await;
    if response.status().is_success() {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(value));
    }
    response
}

/// A page in a sandboxed frame has the origin "null", also towards its own server.
async fn allow_all_origins(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// For good, if the address names the content: by a hash in the file's name, or by the engine's digest as the query.
fn cache_control(path: &str, query: Option<&str>) -> &'static str {
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default().trim_end_matches("_bg");
    let hashed = stem.rsplit_once('-').is_some_and(|(_, hash)| hash.len() >= 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let named = query.is_some_and(|query| query.starts_with("v="));
    if hashed || named { "public, max-age=31536000, immutable" } else { "no-cache" }
}

fn open(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if Command::new(opener).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_err() {
        progress::say(&format!("there is no `{opener}` here: open {url} yourself"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_by_its_content_is_kept() {
        let kept = |path, query| cache_control(path, query) != "no-cache";
        assert!(kept("/app-957a8ee3a819228d.js", None));
        assert!(kept("/app-957a8ee3a819228d_bg.wasm", None));
        assert!(kept("/styles/tokens-57a8ee3a819228d.css", None));
        assert!(kept("/engine_bg.wasm", Some("v=00ff")));
        assert!(!kept("/", None));
        assert!(!kept("/index.html", Some("lesson=basics")));
        assert!(!kept("/engine.js", None));
        assert!(!kept("/kill-a-node.html", None));
    }

    /// The head of the answer to a GET, in lower case.
    async fn head(address: SocketAddr, path: &str, accept_encoding: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {accept_encoding}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        text.split_once("\r\n\r\n").unwrap().0.to_owned()
    }

    #[tokio::test]
    async fn files_come_with_the_headers_they_need() {
        let dist = std::env::temp_dir().join(format!("ottla-serve-{}", std::process::id()));
        std::fs::create_dir_all(&dist).unwrap();
        for file in ["index.html", "engine.js", "engine_bg.wasm", "app-0123456789abcdef_bg.wasm"] {
            std::fs::write(dist.join(file), "some content ".repeat(100)).unwrap();
        }
        std::fs::write(dist.join("engine_bg.wasm.br"), "compressed").unwrap();
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(&dist);
        tokio::spawn(async move { axum::serve(listener, router).await });

        let has = async |path: &str, accept: &str, expected: &[&str]| {
            let head = head(address, path, accept).await;
            expected.iter().for_each(|line| assert!(head.contains(line), "{path} lacks `{line}`:\n{head}"));
        };
        has("/", "br", &["200 ok", "content-type: text/html", "cache-control: no-cache"]).await;
        has("/engine.js", "gzip", &["content-type: text/javascript", "content-encoding: gzip", "cache-control: no-cache"]).await;
        has("/engine_bg.wasm?v=1", "gzip, br", &["content-type: application/wasm", "content-encoding: br", "immutable"]).await;
        has("/app-0123456789abcdef_bg.wasm", "", &["application/wasm", "immutable", "access-control-allow-origin: *"]).await;
        has("/../Cargo.toml", "", &["404"]).await;
        has("/app-0123456789abcdef.js", "", &["404"]).await;
        assert!(!head(address, "/app-0123456789abcdef.js", "").await.contains("immutable"), "a missing file may come to be");
        std::fs::remove_dir_all(&dist).unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_said() {
        let first = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = first.local_addr().unwrap();
        let error = listen(address).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("port {} is taken: end what listens there, or name another with --port (0 picks a free one)", address.port())
        );
    }
}
