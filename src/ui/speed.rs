//! How fast virtual time runs: a logarithmic slider with detents, and the speed that is really reached.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::format;
use super::hands::use_hands;
use crate::wire::ToWorker;

/// Where the slider likes to rest.
const DETENTS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0];
/// How near (in powers of ten) a detent pulls.
const PULL: f64 = 0.07;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub speed: f64,
    pub reached: f64,
    pub playing: bool,
}

/// The next detent above or below.
pub fn next(speed: f64, faster: bool) -> f64 {
    let above = DETENTS.iter().copied().find(|d| *d > speed * 1.001);
    let below = DETENTS.iter().rev().copied().find(|d| *d < speed * 0.999);
    if faster { above.unwrap_or(100.0) } else { below.unwrap_or(0.001) }
}

fn snapped(power: f64) -> f64 {
    let near = DETENTS.iter().copied().find(|d| (d.log10() - power).abs() < PULL);
    near.unwrap_or_else(|| 10_f64.powf(power))
}

#[component]
pub fn Speed(props: &Props) -> Html {
    let hands = use_hands();
    let oninput = {
        let hands = hands.clone();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                hands.send(ToWorker::Speed(snapped(input.value_as_number())));
            }
        })
    };
    let speed = if props.speed > 0.0 { props.speed } else { 1.0 };
    let slow = props.playing && props.reached < speed * 0.9;
    let text = format::speed(speed);
    html! {
        <div class="speed">
            <label for="speed">{ "Speed" }</label>
            <input id="speed" type="range" min="-3" max="2" step="0.01" value={speed.log10().to_string()} {oninput} aria-valuetext={text.clone()} />
            <button type="button" class="speed-now" onclick={hands.sends(|| ToWorker::Speed(1.0))} title="Real time (1×)">{ text }</button>
            <span class="speed-reached" title="The speed that this machine reaches">{ if slow { format!("reaches {}", format::speed(props.reached)) } else { String::new() } }</span>
        </div>
    }
}
