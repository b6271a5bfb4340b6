//! The list of lessons, and which one the page's address asks for.

use gloo::utils::window;
use web_sys::UrlSearchParams;
use yew::prelude::*;

use super::dialog::Dialog;
use super::hands::use_hands;
use super::model::{Action, Over};
use crate::lesson::catalog::{self, TRACKS};
use crate::lesson::model::Lesson;

/// The lesson in the address, or the first; none for `?lesson=none`.
pub fn asked_for() -> Option<Lesson> {
    let entry = match param("lesson") {
        Some(slug) if slug == "none" => return None,
        Some(slug) => catalog::find(&slug).or_else(|| catalog::entries().next()),
        None => catalog::entries().next(),
    };
    entry?.parse().lesson
}

/// Whether a stored run is to be left behind.
pub fn wants_fresh() -> bool {
    param("fresh").is_some()
}

/// Whether this page is there to be measured: its numbers then stand in `data-bench` of the root element, as JSON.
pub fn wants_bench() -> bool {
    param("bench").is_some()
}

/// Where a lesson is opened.
pub fn address(slug: &str) -> String {
    format!("?lesson={slug}")
}

/// Where this lesson begins anew.
pub fn fresh_address() -> String {
    match asked_for() {
        Some(lesson) => format!("{}&fresh", address(&lesson.slug)),
        None => "?lesson=none&fresh".to_owned(),
    }
}

/// The lesson after this one.
pub fn next_after(slug: &str) -> Option<(&'static str, String)> {
    let entry = catalog::entries().skip_while(|entry| entry.slug != slug).nth(1)?;
    Some((entry.slug, entry.title()?.0))
}

fn param(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub current: Option<String>,
}

#[component]
pub fn Lessons(props: &Props) -> Html {
    let hands = use_hands();
    html! {
        <Dialog title="Lessons" close={hands.acts(|| Action::Over(Over::Nothing))}>
            <nav class="lessons" aria-label="Lessons">
                { for TRACKS.iter().map(|track| html! {
                    <section>
                        <h3>{ track.title }</h3>
                        <ol>{ for track.lessons.iter().map(|entry| {
                            let (title, minutes) = entry.title().unwrap_or_default();
                            let here = props.current.as_deref() == Some(entry.slug);
                            html! {
                                <li><a href={address(entry.slug)} aria-current={here.then_some("page")}>
                                    <b>{ title }</b><span class="minutes">{ format!("{minutes} min") }</span>
                                </a></li>
                            }
                        }) }</ol>
                    </section>
                }) }
            </nav>
            <p class="muted">{ "Or " }<a href="?lesson=none">{ "a cluster without a lesson" }</a>{ ". Begin " }<a href={fresh_address()}>{ "this lesson anew" }</a>{ "." }</p>
        </Dialog>
    }
}
