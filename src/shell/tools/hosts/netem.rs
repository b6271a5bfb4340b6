//! `tc qdisc add dev eth0 root netem delay 100ms 10ms loss 5%`: what leaves this machine comes late, or is lost.

use super::{Asked, Done};
use crate::shell::tools::span;
use crate::sim::fault::{Fault, Shaping};

/// Longer delays are not taken.
const MOST_DELAY_US: u64 = 60_000_000;
const USAGE: &str =
    "tc: here are: tc qdisc add|change|replace|del dev eth0 root [netem [delay TIME [JITTER]] [loss PERCENT]], tc qdisc show";

pub(super) fn tc(args: &[String], asked: &Asked) -> Done {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["qdisc", "show" | "list" | "ls", ..] => show(asked),
        ["qdisc", verb @ ("add" | "change" | "replace"), "dev", device, "root", "netem", ref rest @ ..] => match netem(rest) {
            _ if device != "eth0" => no_device(device),
            Ok(shaping) => shape(shaping, asked),
            Err(said) => Done::failed(format!("tc: {verb}: {said}"), 1),
        },
        ["qdisc", "del" | "delete", "dev", device, "root", ..] if device != "eth0" => no_device(device),
        ["qdisc", "del" | "delete", "dev", _, "root", ..] => shape(Shaping::default(), asked),
        _ => Done::failed(USAGE, 1),
    }
}

fn no_device(device: &str) -> Done {
    Done::failed(format!("Cannot find device \"{device}\""), 1)
}

fn shape(shaping: Shaping, asked: &Asked) -> Done {
    Done { faults: vec![Fault::Shape { host: asked.own.to_owned(), shaping }], ..Done::default() }
}

fn netem(words: &[&str]) -> Result<Shaping, String> {
    let mut shaping = Shaping::default();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        match word {
            "delay" | "latency" => {
                shaping.delay_us = time(words.next().unwrap_or_default())?;
                if let Some(jitter) = words.next_if(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
                    shaping.jitter_us = time(jitter)?;
                }
            }
            "loss" => {
                words.next_if_eq(&"random");
                shaping.lost_ppm = percent(words.next().unwrap_or_default())?;
            }
            word => return Err(format!("\"{word}\" is not here: netem takes delay and loss")),
        }
    }
    if shaping.jitter_us > shaping.delay_us {
        return Err("the jitter is larger than the delay".into());
    }
    Ok(shaping)
}

/// Without a unit it is microseconds.
fn time(text: &str) -> Result<u64, String> {
    let us = match text.strip_suffix("us").unwrap_or(text).parse::<u64>() {
        Ok(us) => Some(us),
        Err(_) => span(text).map(|span| span.0),
    };
    us.filter(|us| *us <= MOST_DELAY_US).ok_or_else(|| format!("Illegal \"latency\": \"{text}\""))
}

/// `5%`, `0.1%`
fn percent(text: &str) -> Result<u32, String> {
    let wrong = || format!("Illegal \"loss percent\": \"{text}\"");
    let (whole, fraction) = text.strip_suffix('%').unwrap_or(text).split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
    if fraction.len() > 4 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let ppm = format!("{whole}{fraction:0<4}").parse::<u32>().map_err(|_| wrong())?;
    if ppm > Shaping::ALL_LOST { Err(wrong()) } else { Ok(ppm) }
}

fn show(asked: &Asked) -> Done {
    let shaping = asked.machines.machine(asked.own).map(|machine| machine.shaping).unwrap_or_default();
    let mut line = "qdisc noqueue 0: dev lo root refcnt 2".to_owned();
    if shaping.is_nothing() {
        line += "\nqdisc pfifo_fast 0: dev eth0 root refcnt 2 bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1";
    } else {
        line += "\nqdisc netem 8001: dev eth0 root refcnt 2 limit 1000";
        if shaping.delay_us > 0 {
            line += &format!(" delay {}", shown(shaping.delay_us));
        }
        if shaping.jitter_us > 0 {
            line += &format!("  {}", shown(shaping.jitter_us));
        }
        if shaping.lost_ppm > 0 {
            let digits = format!("{}.{:04}", shaping.lost_ppm / 10_000, shaping.lost_ppm % 10_000);
            line += &format!(" loss {}%", digits.trim_end_matches('0').trim_end_matches('.'));
        }
    }
    Done::said(line.split('\n').map(str::to_owned).collect())
}

fn shown(us: u64) -> String {
    let (number, unit) = match us {
        0..1_000 => return format!("{us}us"),
        1_000..1_000_000 => (us, "ms"),
        us => (us / 1_000, "s"),
    };
    let digits = format!("{}.{:03}", number / 1_000, number % 1_000);
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}
