//! Numbers as people read them.

/// The real time of this page, in milliseconds.
pub fn real_ms() -> f64 {
    gloo::utils::window().performance().map_or(0.0, |p| p.now())
}

/// `00:41.870`: virtual time since the cluster was ready.
pub fn clock(now_us: u64, ready_us: u64) -> String {
    let (sign, us) = if now_us < ready_us { ("−", ready_us - now_us) } else { ("", now_us - ready_us) };
    let ms = us / 1_000;
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let hours = if h > 0 { format!("{h}:") } else { String::new() };
    format!("{sign}{hours}{m:02}:{s:02}.{:03}", ms % 1_000)
}

/// `41.8 s`
pub fn seconds(now_us: u64, ready_us: u64) -> String {
    let us = now_us.saturating_sub(ready_us);
    format!("{}.{} s", us / 1_000_000, us / 100_000 % 10)
}

/// `0.1×`, `12×`
pub fn speed(speed: f64) -> String {
    match speed {
        0.0 => "max".to_owned(),
        s if s < 0.0095 => format!("{s:.3}×"),
        s if s < 0.095 => format!("{s:.2}×"),
        s if s < 9.95 => format!("{}×", (s * 10.0).round() / 10.0),
        s => format!("{}×", s.round()),
    }
}
