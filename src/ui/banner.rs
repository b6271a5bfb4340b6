//! What must be known before going on: refused storage, a full disk, a run that came from its disks, something that could not be done.

use yew::prelude::*;

use super::format::seconds;
use super::hands::use_hands;
use super::model::{Action, Phase};
use crate::wire::{Restored, Storage};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub phase: Phase,
    pub storage: Option<Storage>,
    pub notice: Option<AttrValue>,
    pub silent: bool,
    pub ready_us: u64,
}

#[component]
pub fn Banner(props: &Props) -> Html {
    let hands = use_hands();
    let dismissed = use_state(Vec::<String>::new);
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    if props.silent {
        lines.push((
            "bad",
            "The engine does not answer. If nothing happens in a while, reload the page: what was saved is still there.".into(),
        ));
    }
    if let Some(notice) = &props.notice {
        lines.push(("warn", notice.to_string()));
    }
    if let Phase::Running(Restored::FromDisks { because }) = &props.phase {
        lines.push(("plain", format!("The hosts were restarted from their stored disks, and their earlier history is gone: {because}.")));
    }
    lines.extend(props.storage.as_ref().and_then(|s| storage(s, props.ready_us)));
    let shown = lines.into_iter().filter(|(_, text)| !dismissed.contains(text));
    html! {
        <div class="banners" role="status">
            { for shown.map(|(tone, text)| {
                let close = {
                    let (dismissed, hands, text) = (dismissed.clone(), hands.clone(), text.clone());
                    Callback::from(move |_: MouseEvent| {
                        let mut all = (*dismissed).clone();
                        all.push(text.clone());
                        dismissed.set(all);
                        hands.act(Action::DropNotice);
                    })
                };
                html! {
                    <div key={text.clone()} class={classes!("banner", tone)}>
                        <p>{ &text }</p>
                        <button type="button" class="quiet" onclick={close} aria-label="Close this notice">{ "Close" }</button>
                    </div>
                }
            }) }
        </div>
    }
}

fn storage(storage: &Storage, ready_us: u64) -> Option<(&'static str, String)> {
    Some(match storage {
        Storage::Saved { .. } => return None,
        Storage::MemoryOnly { because } => ("warn", format!("Nothing is kept when this tab is closed: {because}. All else works.")),
        Storage::Full { to_us } => {
            let to = seconds(*to_us, ready_us);
            ("bad", format!("The browser's storage is full: what happened after {to} is not kept. It is tried again every few seconds: free some space, or begin anew."))
        }
        Storage::OtherTab => {
            ("warn", "This cluster is open in another tab, which keeps it. Here it runs from memory; close the other tab and reload to keep it here.".into())
        }
    })
}
