//! The bar above all: where one is, how the cluster is, and what is kept.

use std::rc::Rc;

use yew::prelude::*;

use super::format::seconds;
use super::hands::{Shared, use_hands};
use super::model::{Action, Over};
use super::theme::Theme;
use crate::lesson::course::Sheet;
use crate::playground::snapshot::Snapshot;
use crate::wire::Storage;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub sheet: Option<Shared<Sheet>>,
    pub seen: Shared<Rc<Snapshot>>,
    pub storage: Option<Storage>,
    pub ready_us: u64,
    pub theme: Theme,
    pub set_theme: Callback<Theme>,
}

#[component]
pub fn TopBar(props: &Props) -> Html {
    let hands = use_hands();
    let toggle_theme = {
        let (set, theme) = (props.set_theme.clone(), props.theme);
        Callback::from(move |_: MouseEvent| set.emit(theme.other()))
    };
    let theme_label = if props.theme == Theme::Dark { "Use the light theme" } else { "Use the dark theme" };
    html! {
        <header class="top-bar">
            <span class="wordmark">{ "ottla" }</span>
            <button type="button" class="crumbs" onclick={hands.acts(|| Action::Over(Over::Lessons))} aria-haspopup="dialog">
                { crumbs(props.sheet.as_deref()) }
            </button>
            <ul class="pills" aria-label="The cluster's health">
                { for pills(&props.seen) }
                { props.storage.as_ref().map(|storage| saved(storage, props.ready_us)) }
            </ul>
            <button type="button" class="icon" onclick={toggle_theme} aria-label={theme_label} title={theme_label}>
                <svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7" class="hollow" /><path d="M10 3a7 7 0 0 1 0 14z" /></svg>
            </button>
            <button type="button" class="icon" onclick={hands.acts(|| Action::Over(Over::Help))} aria-label="Keys" title="Keys (?)">{ "?" }</button>
        </header>
    }
}

fn crumbs(sheet: Option<&Sheet>) -> Html {
    let Some(sheet) = sheet else { return html! { <b>{ "Lessons" }</b> } };
    html! {<>
        <span class="crumb-track">{ &sheet.track }</span>
        <b>{ &sheet.lesson.title }</b>
        <svg viewBox="0 0 12 12" aria-hidden="true"><path class="hollow" d="m3 4.5 3 3 3-3" /></svg>
    </>}
}

fn pills(snapshot: &Snapshot) -> Vec<Html> {
    let health = &snapshot.health;
    if health.brokers == 0 {
        return Vec::new();
    }
    let all_up = health.brokers_up == health.brokers;
    let mut pills = vec![pill(if all_up { "good" } else { "bad" }, format!("{}/{} brokers", health.brokers_up, health.brokers))];
    if health.offline > 0 {
        pills.push(pill("bad", format!("{} without leader", health.offline)));
    }
    match health.under_replicated {
        0 => pills.push(pill("good", "all in sync".to_owned())),
        n => pills.push(pill("warn", format!("{n} under-replicated"))),
    }
    let controller = match snapshot.controller {
        Some(id) => pill("plain", format!("controller kafka-{id}")),
        None => pill("bad", "no controller".to_owned()),
    };
    pills.push(controller);
    pills
}

fn pill(tone: &'static str, text: String) -> Html {
    html! { <li class={classes!("pill", tone)}>{ text }</li> }
}

fn saved(storage: &Storage, ready_us: u64) -> Html {
    let (tone, text, more) = match storage {
        Storage::Saved { to_us } => {
            ("plain", format!("saved to {}", seconds(*to_us, ready_us)), "All that was on any disk at this instant is kept in this browser")
        }
        Storage::MemoryOnly { .. } => ("warn", "not saved".to_owned(), "Everything works from memory and is gone with the tab"),
        Storage::Full { to_us } => ("bad", format!("full, saved to {}", seconds(*to_us, ready_us)), "The browser gives no more space"),
        Storage::OtherTab => ("warn", "saved by another tab".to_owned(), "Another tab writes this cluster"),
    };
    html! { <li class={classes!("pill", "pill-saved", tone)} title={more}>{ text }</li> }
}
