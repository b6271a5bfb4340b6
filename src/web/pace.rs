//! Virtual time against real time. The speed asked for is a ceiling: a machine that cannot reach it falls behind, and does not try to catch up.

use crate::sim::time::{Duration, Time};

/// The speed is measured over so many real milliseconds.
const MEASURE_MS: f64 = 500.0;
/// Who is further behind than this gives up what is missing.
const PATIENCE_MS: f64 = 60.0;
/// Without a ceiling, one slice looks so far ahead.
const AS_FAST_AS_IT_GOES: Duration = Duration::secs(10);

/// How fast time is to run, and how fast it does.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Virtual for each real second; 0: no ceiling.
    speed: f64,
    anchor: Time,
    anchor_ms: f64,
    reached: f64,
    measured: Time,
    measured_ms: f64,
}

impl Pace {
    pub fn new(now: Time, now_ms: f64) -> Pace {
        Pace { speed: 1.0, anchor: now, anchor_ms: now_ms, reached: 1.0, measured: now, measured_ms: now_ms }
    }

    /// The speed asked for.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    pub fn reached(&self) -> f64 {
        self.reached
    }

    pub fn set_speed(&mut self, speed: f64, now: Time, now_ms: f64) {
        self.speed = if speed.is_finite() && speed > 0.0 { speed.clamp(0.001, 100.0) } else { 0.0 };
        self.restart(now, now_ms);
    }

    /// Time runs on from here, at the speed asked for.
    pub fn restart(&mut self, now: Time, now_ms: f64) {
        (self.anchor, self.anchor_ms) = (now, now_ms);
        (self.measured, self.measured_ms) = (now, now_ms);
        if self.speed > 0.0 {
            self.reached = self.speed;
        }
    }

    /// Where virtual time should be.
    pub fn wanted(&self, now: Time, now_ms: f64) -> Time {
        match self.speed > 0.0 {
            true => self.anchor + Duration::us(((now_ms - self.anchor_ms).max(0.0) * 1_000.0 * self.speed) as u64),
            false => now + AS_FAST_AS_IT_GOES,
        }
    }

    /// Virtual time came as far as `now`.
    pub fn came_to(&mut self, now: Time, now_ms: f64) {
        let passed_ms = now_ms - self.measured_ms;
        if passed_ms >= MEASURE_MS {
            self.reached = now.since(self.measured).0 as f64 / 1_000.0 / passed_ms;
            (self.measured, self.measured_ms) = (now, now_ms);
        }
        let behind_us = self.wanted(now, now_ms).since(now).0 as f64;
        if self.speed > 0.0 && behind_us > PATIENCE_MS * 1_000.0 * self.speed {
            (self.anchor, self.anchor_ms) = (now, now_ms);
        }
    }
}
