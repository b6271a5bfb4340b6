//! What partitions cost: in memory, for each simulated second, and when a broker dies.

use std::fs;
use std::time::Instant;

use ottla::playground::command::Command;
use ottla::playground::load::{self, LoadedTimeline};
use ottla::playground::world::World;
use ottla::sim::fault::Fault;
use ottla::sim::time::Duration;
use serde::Serialize;

use super::Tenths;

/// Simulated seconds after the cluster is ready, in which followers say for the first time what they want of whom, and files are written first.
const SETTLING: u64 = 10;
/// Simulated seconds for which it then has nothing to do: every task that comes once a minute is in them.
const IDLE: u64 = 60;
/// Simulated seconds of the load, once it runs.
const LOADED: u64 = 10;
/// Records a second of the second load.
const RECORDS: u32 = 1_000;
/// The broker that is killed.
const VICTIM: i32 = 2;
/// How long its leaders may take to move, in simulated seconds: a session, and room.
const PATIENCE: u64 = 60;

#[derive(Serialize)]
pub struct Measured {
    partitions: u32,
    replicas: u32,
    /// Real seconds until the cluster was ready.
    build_s: Tenths,
    /// Resident memory of the whole world with its checkpoints, by partition. 0 where the system does not tell.
    bytes_per_partition: u64,
    resident_mb: u64,
    /// Real milliseconds for each simulated second: just after it was ready, and when nothing happens, and under load.
    settling_ms_per_simulated_s: Tenths,
    idle_ms_per_simulated_s: Tenths,
    loaded_ms_per_simulated_s: Tenths,
    /// Leaders that a kill moved, and the real seconds from the kill until all had moved: the session that had to end first included.
    leaders_moved: usize,
    kill_s: Tenths,
}

pub fn measure(count: u32, replication_factor: u32) -> Result<Measured, Box<dyn std::error::Error>> {
    let before = resident_bytes();
    let start = Instant::now();
    let mut idle = load::partitions(count, replication_factor, 0, 1)?;
    let build_s = start.elapsed().as_secs_f64();
    let settling_ms = cost(&mut idle, SETTLING);
    let idle_ms = cost(&mut idle, IDLE);
    let resident = resident_bytes();
    let (leaders_moved, kill_s) = kill(&mut idle)?;
    drop(idle);
    let mut loaded = load::partitions(count, replication_factor, RECORDS, 1)?;
    cost(&mut loaded, SETTLING);
    Ok(Measured {
        partitions: count,
        replicas: count * replication_factor,
        build_s: Tenths::new(build_s),
        bytes_per_partition: resident.saturating_sub(before) / u64::from(count),
        resident_mb: resident >> 20,
        settling_ms_per_simulated_s: Tenths::new(settling_ms),
        idle_ms_per_simulated_s: Tenths::new(idle_ms),
        loaded_ms_per_simulated_s: Tenths::new(cost(&mut loaded, LOADED)),
        leaders_moved,
        kill_s: Tenths::new(kill_s),
    })
}

/// Real milliseconds a simulated second.
fn cost(timeline: &mut LoadedTimeline, seconds: u64) -> f64 {
    let start = Instant::now();
    timeline.run_until(timeline.now() + Duration::secs(seconds));
    start.elapsed().as_secs_f64() * 1e3 / seconds as f64
}

/// How many leaders moved, and real seconds.
fn kill(timeline: &mut LoadedTimeline) -> Result<(usize, f64), Box<dyn std::error::Error>> {
    let before = led(timeline.world());
    timeline.act(Command::Fault(Fault::Kill { host: format!("kafka-{VICTIM}") }))?;
    let (start, until) = (Instant::now(), timeline.now() + Duration::secs(PATIENCE));
    while led(timeline.world()) > 0 && timeline.now() < until {
        timeline.run_until(timeline.now() + Duration::secs(1));
    }
    Ok((before - led(timeline.world()), start.elapsed().as_secs_f64()))
}

/// The partitions that the victim leads, in the controller's eyes.
fn led(world: &World) -> usize {
    let Some(controller) = world.controller() else { return 0 };
    controller.state().image.partitions().filter(|(_, _, partition)| partition.leader() == Some(VICTIM)).count()
}

/// What the system says that this process has in memory (Linux; elsewhere 0).
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) << 10
}
