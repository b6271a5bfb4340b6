//! Ottla: a whole Kafka cluster in a browser tab.
//!
//! The map, in reading order. Arrows between modules point one way (up this list); `tests/architecture.rs` holds them to it.
//!
//! * [`sim`]: discrete-event simulation: clock, queue, random streams, network, disk, processes. Knows no Kafka.
//! * [`kafka`]: record batches, protocol, log, broker, controller, group coordinator, clients.
//! * [`shell`]: a terminal session, its pipelines, and Kafka's tools as admin clients.
//! * [`playground`]: the world of one cluster; commands, journal, timeline, snapshot, invariants, history.
//! * [`lesson`]: the lesson format, goals that say why not yet, progress.
//! * [`scene`]: layout and motion: a snapshot becomes keyed shapes; no browser in it.
//! * [`wire`]: what the worker and the page say to each other.
//! * `web`: the worker's loop and IndexedDB (wasm only).
//! * [`readline`]: a line being typed at the page's terminal, edited as in bash.
//! * `ui`: the page's components (wasm only).

pub mod kafka;
pub mod lesson;
pub mod playground;
pub mod readline;
pub mod scene;
pub mod shell;
pub mod sim;
#[cfg(target_arch = "wasm32")]
pub mod ui;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod wire;
