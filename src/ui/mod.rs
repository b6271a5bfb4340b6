//! The page: yew components, one a file, under one reducer.
//!
//! * [`app`]: the shell: who stands where, and who hears what
//! * [`model`]: all that text and controls show; [`term`]: a terminal's lines
//! * [`course`]: the lesson, which is fetched
//! * [`bridge`], [`inbox`]: the way to the worker and back
//! * `stage`: the canvas: views go straight to it and never through the reducer
//! * the others: a component each, named as what they show

mod app;
mod banner;
mod bridge;
mod chart;
mod choice;
mod course;
#[cfg(feature = "demo")]
mod demo;
mod dialog;
mod dock;
mod download;
mod events;
mod file_drop;
mod files;
mod focus;
mod format;
mod goal;
mod hands;
mod help;
mod inbox;
mod inspector;
mod keys;
mod lesson_panel;
mod lessons;
mod metrics;
mod model;
mod predict;
mod prompt;
mod prose;
mod resizer;
mod speech;
mod speed;
mod stage;
mod step;
mod term;
mod terminal;
mod theme;
mod time_bar;
mod top_bar;
mod track;
mod typing;

/// Draws the page into the element that `index.html` keeps for it.
pub fn start() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        let props = app::Props { asked: hands::Shared::new(course::asked_for().await) };
        match gloo::utils::document().get_element_by_id("app") {
            Some(root) => yew::Renderer::<app::App>::with_root_and_props(root, props).render(),
            None => yew::Renderer::<app::App>::with_props(props).render(),
        };
    });
}
