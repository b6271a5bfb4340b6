//! The edge of the lesson: dragged, or moved with the arrow keys, it gives the lesson more room or less. Kept in this browser.

use gloo::storage::{LocalStorage, Storage};
use gloo::utils::{document_element, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

const KEY: &str = "ottla-lesson-width";
const LEAST: i32 = 240;
/// What one press of an arrow key moves, in CSS pixels.
const STEP: i32 = 24;
/// What is left to the stage at least.
const STAGE: i32 = 420;

#[component]
pub fn Resizer() -> Html {
    let width = use_state(|| LocalStorage::get::<i32>(KEY).ok());
    let dragged = use_mut_ref(|| false);
    use_effect_with(*width, |width| {
        let Some(root) = document_element().dyn_ref::<HtmlElement>().cloned() else { return };
        // A style that cannot be set leaves the lesson as wide as it is.
        let _ = match width {
            Some(width) => root.style().set_property("--lesson-width", &format!("{width}px")),
            None => root.style().remove_property("--lesson-width").map(drop),
        };
    });
    let set = {
        let width = width.clone();
        move |to: Option<i32>| {
            let to = to.map(|to| to.clamp(LEAST, most()));
            match to {
                Some(to) => LocalStorage::set(KEY, to).unwrap_or_default(),
                None => LocalStorage::delete(KEY),
            }
            width.set(to);
        }
    };
    let onkeydown = {
        let set = set.clone();
        Callback::from(move |event: KeyboardEvent| {
            let now = shown(&event);
            let to = match event.key().as_str() {
                "ArrowLeft" => now - STEP,
                "ArrowRight" => now + STEP,
                "Home" => LEAST,
                "End" => most(),
                _ => return,
            };
            // The arrows move time elsewhere.
            event.stop_propagation();
            event.prevent_default();
            set(Some(to));
        })
    };
    let onpointerdown = {
        let dragged = dragged.clone();
        Callback::from(move |event: PointerEvent| {
            *dragged.borrow_mut() = true;
            if let Some(element) = event.target_dyn_into::<Element>() {
                // Without it, dragging ends where the pointer leaves the edge.
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            event.prevent_default();
        })
    };
    let onpointermove = {
        let (set, dragged) = (set.clone(), dragged.clone());
        Callback::from(move |event: PointerEvent| {
            if *dragged.borrow() {
                set(Some(event.client_x()));
            }
        })
    };
    let drop_it = {
        let dragged = dragged.clone();
        Callback::from(move |_: PointerEvent| *dragged.borrow_mut() = false)
    };
    let ondblclick = Callback::from(move |_: MouseEvent| set(None));
    html! {
        <div class="resizer" role="separator" tabindex="0" aria-orientation="vertical" aria-label="Width of the lesson" title="Drag, or use the arrow keys; double-click for the usual width"
            aria-valuenow={width.map(|width| width.to_string())} aria-valuemin={LEAST.to_string()} aria-valuemax={most().to_string()}
            {onkeydown} {onpointerdown} {onpointermove} onpointerup={drop_it.clone()} onpointercancel={drop_it} {ondblclick} />
    }
}

/// How wide the lesson is on the screen.
fn shown(event: &KeyboardEvent) -> i32 {
    let lesson = event.target_dyn_into::<Element>().and_then(|edge| edge.parent_element()?.dyn_into::<HtmlElement>().ok());
    lesson.map_or(LEAST, |lesson| lesson.offset_width())
}

fn most() -> i32 {
    let width = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1_280.0);
    (width as i32 - STAGE).max(LEAST)
}
