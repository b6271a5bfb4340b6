//! Records per second over the last minute of virtual time, with the line below which it rings.

use std::collections::VecDeque;

use gloo::utils::window;
use plotters::prelude::*;
use plotters_canvas::CanvasBackend;
use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::hands::use_hands;
use super::model::Action;
use super::theme::Theme;
use crate::scene::shape::grouped;
use crate::wire::{Sample, ToWorker};

/// Samples kept, and the time shown.
const MOST: usize = 1_200;
const WINDOW_S: f64 = 60.0;
/// So many times more than usual is a burst.
const BURST: f64 = 4.0;

/// What the chart draws from.
#[derive(Default)]
pub struct Samples(VecDeque<Sample>);

impl Samples {
    pub fn add(&mut self, reset: bool, samples: &[Sample]) {
        if reset {
            self.0.clear();
        }
        self.0.extend(samples);
        let extra = self.0.len().saturating_sub(MOST);
        self.0.drain(..extra);
    }

    pub fn last(&self) -> Option<Sample> {
        self.0.back().copied()
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub alert: Option<u32>,
    pub ready_us: u64,
    pub now_us: u64,
    pub theme: Theme,
}

#[component]
pub fn Chart(props: &Props) -> Html {
    let hands = use_hands();
    let canvas = use_node_ref();
    {
        let (canvas, samples, ready_us) = (canvas.clone(), hands.store.chart(), props.ready_us);
        use_effect_with((props.alert, props.now_us, props.theme), move |(alert, ..)| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                // A chart that cannot be drawn now is drawn at the next beat.
                draw(&canvas, &samples.borrow(), *alert, ready_us).unwrap_or_default();
            }
        });
    }
    let onchange = {
        let hands = hands.clone();
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<web_sys::HtmlInputElement>() else { return };
            let below = input.value().parse().ok().filter(|n| *n > 0);
            hands.act(Action::Alert(below));
            hands.send(ToWorker::Alert { below });
        })
    };
    let last = hands.store.chart().borrow().last().unwrap_or_default();
    html! {
        <figure class="chart">
            <figcaption>
                <b>{ "Records per second" }</b>
                <span class="chart-acked">{ format!("acknowledged {}", grouped(last.acked_per_s as i64)) }</span>
                <span class="chart-read">{ format!("read {}", grouped(last.consumed_per_s as i64)) }</span>
            </figcaption>
            <canvas ref={canvas} role="img" aria-label={format!("Throughput: {} acknowledged and {} read a second", last.acked_per_s as i64, last.consumed_per_s as i64)} />
            <label class="alert-set">{ "Alert below " }
                <input type="number" min="0" step="100" inputmode="numeric" placeholder="off" value={props.alert.map(|n| n.to_string())} {onchange} />
                { " /s" }
            </label>
        </figure>
    }
}

/// Draws into the canvas, as sharp as the screen is.
fn draw(canvas: &HtmlCanvasElement, samples: &Samples, alert: Option<u32>, ready_us: u64) -> Result<(), Box<dyn std::error::Error>> {
    let ratio = window().device_pixel_ratio();
    let size = (f64::from(canvas.client_width()) * ratio, f64::from(canvas.client_height()) * ratio);
    if size.0 < 80.0 || size.1 < 40.0 {
        return Ok(());
    }
    canvas.set_width(size.0 as u32);
    canvas.set_height(size.1 as u32);
    let Some(backend) = CanvasBackend::with_canvas_object(canvas.clone()) else { return Ok(()) };
    let root = backend.into_drawing_area();
    let style = window().get_computed_style(canvas).ok().flatten();
    let colour = |name: &str| style.as_ref().and_then(|s| s.get_property_value(name).ok()).map_or(BLACK, |hex| parse(&hex));
    let (acked, read, muted, line, bad) =
        (colour("--chart-acked"), colour("--chart-read"), colour("--chart-text"), colour("--chart-line"), colour("--chart-alert"));
    let at = |sample: &Sample| (sample.at_us as f64 - ready_us as f64) / 1e6;
    let end = samples.0.back().map_or(WINDOW_S, |s| at(s).max(WINDOW_S));
    let shown = || samples.0.iter().filter(move |s| at(s) >= end - WINDOW_S);
    let peak = shown().map(|s| s.acked_per_s.max(s.consumed_per_s)).fold(alert.unwrap_or(0) as f32, f32::max) as f64;
    let usual = usual(shown().map(|s| s.acked_per_s.max(s.consumed_per_s)).collect());
    // A short burst does not flatten all the rest: it is cut off.
    let peak = if usual > 0.0 && peak > usual * BURST { (usual * 2.0).max(alert.unwrap_or(0) as f64) } else { peak };
    let top = nice(peak * 1.15);
    let cut = |rate: f32| f64::from(rate).min(top);
    let small = ("system-ui, sans-serif", 11.0 * ratio).into_font().color(&muted);
    let mut chart = ChartBuilder::on(&root)
        .margin_right((18.0 * ratio) as u32)
        .margin_top((6.0 * ratio) as u32)
        .y_label_area_size((54.0 * ratio) as u32)
        .x_label_area_size((20.0 * ratio) as u32)
        .build_cartesian_2d(end - WINDOW_S..end, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(line)
        .axis_style(line)
        .x_labels(4)
        .y_labels(3)
        .x_label_formatter(&|x| format!("{x:.0} s"))
        .y_label_formatter(&|y| grouped(*y as i64))
        .label_style(small)
        .draw()?;
    let width = (1.75 * ratio).round() as u32;
    let acks: Vec<(f64, f64)> = shown().map(|s| (at(s), cut(s.acked_per_s))).collect();
    chart.draw_series(AreaSeries::new(acks.iter().copied(), 0.0, acked.mix(0.14)))?;
    chart.draw_series(LineSeries::new(acks, acked.stroke_width(width)))?;
    chart.draw_series(LineSeries::new(shown().map(|s| (at(s), cut(s.consumed_per_s))), read.stroke_width(width)))?;
    if let Some(below) = alert {
        let ends = [(end - WINDOW_S, below as f64), (end, below as f64)];
        chart.draw_series(DashedLineSeries::new(ends, (5.0 * ratio) as u32, (4.0 * ratio) as u32, bad.stroke_width(width)))?;
    }
    root.present()?;
    Ok(())
}

/// What nine of ten samples stay below.
fn usual(mut rates: Vec<f32>) -> f64 {
    rates.sort_by(f32::total_cmp);
    rates.get(rates.len() * 9 / 10).copied().map_or(0.0, f64::from)
}

/// 1, 2 or 5 times a power of ten, at least 10.
fn nice(peak: f64) -> f64 {
    let mut step = 10.0;
    for factor in [2.0, 2.5, 2.0].iter().cycle().take(24) {
        if step >= peak {
            break;
        }
        step *= factor;
    }
    step
}

/// `#rrggbb`: the chart's tokens are written so.
fn parse(hex: &str) -> RGBColor {
    let hex = hex.trim().trim_start_matches('#');
    let part = |at: usize| hex.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).unwrap_or(128);
    RGBColor(part(0), part(2), part(4))
}
