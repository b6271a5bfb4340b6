//! The stage as a component: canvases, the buttons above them, the last event in words, the legend.

use gloo::events::EventListener;
use gloo::utils::window;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlCanvasElement, ResizeObserver};
use yew::prelude::*;

use super::canvas::{Loop, Targets};
use super::legend::Legend;
use super::mirror::Mirror;
use crate::scene::build::Options;
use crate::scene::plan::Viewport;
use crate::ui::format::seconds;
use crate::ui::hands::{Shared, use_hands};
use crate::ui::theme::Theme;
use crate::wire::{EventLine, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub theme: Theme,
    pub last: Option<EventLine>,
    pub ready_us: u64,
    /// Changes about once a second of virtual time.
    pub beat: u64,
    /// The engine has not answered yet.
    pub starting: bool,
    /// The cluster has no topic of anybody's.
    pub bare: bool,
}

#[component]
pub fn Stage(props: &Props) -> Html {
    let hands = use_hands();
    let (frame, still, moving) = (use_node_ref(), use_node_ref(), use_node_ref());
    let targets = use_state(Shared::<Targets>::default);
    let looping = use_mut_ref(|| None);
    {
        let (frame, still, moving, targets) = (frame.clone(), still.clone(), moving.clone(), targets.setter());
        let (store, looping) = (hands.store.clone(), looping.clone());
        use_effect_with((), move |()| {
            let canvases = still.cast::<HtmlCanvasElement>().zip(moving.cast::<HtmlCanvasElement>());
            let drawing = canvases.map(|(still, moving)| Loop::start(store.clone(), still, moving, move |t| targets.set(Shared::new(t))));
            *looping.borrow_mut() = drawing;
            let observed = frame.cast::<Element>().map(|element| observe(element, store.clone()));
            let reduced = watch_reduced_motion(store);
            move || {
                looping.borrow_mut().take();
                drop((observed, reduced));
            }
        });
    }
    use_effect_with(props.theme, move |_| {
        if let Some(drawing) = &*looping.borrow() {
            drawing.recolour();
        }
    });
    // A frame on its way, which lies over whatever else is there.
    let onclick = {
        let hands = hands.clone();
        Callback::from(move |event: MouseEvent| {
            let Some(area) = event.target_dyn_into::<Element>().and_then(|e| e.closest(".stage-canvas").ok().flatten()) else { return };
            let at = area.get_bounding_client_rect();
            let found = hands.store.frame_at(f64::from(event.client_x()) - at.x(), f64::from(event.client_y()) - at.y());
            if let Some((key, at_us)) = found.filter(|_| event.detail() > 0) {
                hands.send(ToWorker::Frame { key, at_us });
            }
        })
    };
    let size = format!("width:{}px;height:{}px", targets.width, targets.height);
    html! {
        <section class="stage" aria-label="The cluster">
            <div class="stage-frame" ref={frame}>
                if props.starting {
                    <div class="loading" role="status">
                        <div class="blocks" aria-hidden="true"><i /><i /><i /><i /><i /></div>
                        <p>{ "Starting the cluster" }</p>
                    </div>
                }
                if props.bare && !props.starting { <p class="stage-bare">{ "No topics yet. Make one in the terminal, and its partitions become rows here." }</p> }
                <div class="stage-canvas" style={size} {onclick}>
                    <canvas ref={still} aria-hidden="true" />
                    <canvas ref={moving} aria-hidden="true" />
                    <Mirror targets={(*targets).clone()} beat={props.beat} />
                </div>
            </div>
            <footer class="stage-foot">
                <p class="narration" role="status" aria-live="polite">
                    { props.last.as_ref().map(|event| html! {<>
                        <time>{ seconds(event.at_us, props.ready_us) }</time>
                        <span>{ &event.text }</span>
                    </>}) }
                </p>
                <Legend />
            </footer>
        </section>
    }
}

/// Tells the store how large the stage is, now and whenever that changes.
fn observe(element: Element, store: crate::ui::stage::store::Store) -> impl Drop {
    let of = element.clone();
    let tell = move || store.resize(Viewport { width: of.client_width().into(), height: of.client_height().into() });
    tell();
    let closure = Closure::<dyn FnMut()>::new(tell);
    let observer = ResizeObserver::new(closure.as_ref().unchecked_ref()).ok();
    if let Some(observer) = &observer {
        observer.observe(&element);
    }
    Observed { observer, _closure: closure }
}

struct Observed {
    observer: Option<ResizeObserver>,
    _closure: Closure<dyn FnMut()>,
}

impl Drop for Observed {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

fn watch_reduced_motion(store: crate::ui::stage::store::Store) -> Option<EventListener> {
    let query = window().match_media("(prefers-reduced-motion: reduce)").ok()??;
    let asked = query.clone();
    let tell = move || store.set_options(Options { reduced_motion: asked.matches(), ..store.options() });
    tell();
    Some(EventListener::new(&query, "change", move |_| tell()))
}
