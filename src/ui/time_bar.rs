//! Virtual time: play and pause, steps, the clock, the speed, and the track to seek on.

use yew::prelude::*;

use super::format;
use super::hands::{Shared, use_hands};
use super::speed::Speed;
use super::track::Track;
use crate::wire::{Clock, Timeline, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub clock: Clock,
    pub timeline: Shared<Timeline>,
    pub ready_us: u64,
}

#[component]
pub fn TimeBar(props: &Props) -> Html {
    let hands = use_hands();
    let clock = props.clock;
    let rewound = clock.now_us < props.timeline.end_us && !clock.playing;
    let (label, toggle) = if clock.playing { ("Pause (space)", ToWorker::Pause) } else { ("Play (space)", ToWorker::Play) };
    let toggle = {
        let hands = hands.clone();
        Callback::from(move |_: MouseEvent| hands.send(toggle.clone()))
    };
    let back = clock.now_us.saturating_sub(100_000).max(props.timeline.from_us);
    html! {
        <section class="time-bar" aria-label="Time">
            <div class="time-buttons">
                <button type="button" class="icon" onclick={hands.sends(move || ToWorker::Seek(back))} aria-label="Back by 0.1 s" title="Back by 0.1 s (,)">
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M14 4v12L6.5 10z" /><path class="hollow" d="M4.5 4.5v11" /></svg>
                </button>
                <button type="button" class="icon play" onclick={toggle} aria-label={label} title={label} aria-pressed={clock.playing.to_string()}>
                    <svg viewBox="0 0 20 20" aria-hidden="true">
                        if clock.playing { <path d="M5.5 4h3v12h-3zM11.5 4h3v12h-3z" /> } else { <path d="M6 3.5v13l10.5-6.5z" /> }
                    </svg>
                </button>
                <button type="button" class="icon" onclick={hands.sends(|| ToWorker::StepEvent)} aria-label="To the next event" title="To the next event (.)">
                    <svg viewBox="0 0 20 20" aria-hidden="true"><path d="M6 4v12l7.5-6z" /><path class="hollow" d="M15.5 4.5v11" /></svg>
                </button>
            </div>
            <div class="clock">
                <output class="clock-now" aria-label="Virtual time">{ format::clock(clock.now_us, props.ready_us) }</output>
                <span class="clock-state">{ state(clock, rewound) }</span>
            </div>
            <Speed speed={clock.speed} reached={clock.reached} playing={clock.playing} />
            <Track timeline={props.timeline.clone()} ready_us={props.ready_us} now_us={clock.now_us} />
        </section>
    }
}

fn state(clock: Clock, rewound: bool) -> &'static str {
    match (clock.playing, rewound) {
        (true, _) => "virtual time",
        (false, true) => "rewound",
        (false, false) => "paused",
    }
}
