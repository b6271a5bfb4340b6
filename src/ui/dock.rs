//! The dock below: terminal, metrics, events, inspector; on a wide page the throughput stands beside them.

use std::collections::BTreeMap;
use std::rc::Rc;

use yew::prelude::*;

use super::chart::Chart;
use super::events::Events;
use super::files::Files;
use super::focus;
use super::hands::{Hands, Shared, use_hands};
use super::inspector::Inspector;
use super::metrics::Metrics;
use super::model::{Action, Completions, Inspected, MOST_SESSIONS, Tab};
use super::term::Terminal;
use super::terminal::TerminalView;
use super::theme::Theme;
use crate::playground::command::Command;
use crate::playground::snapshot::Snapshot;
use crate::wire::{EventLine, FolderFile, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub tab: Tab,
    pub session: u32,
    pub terminals: Shared<BTreeMap<u32, Shared<Terminal>>>,
    pub completions: Shared<Option<Completions>>,
    pub to_run: Option<Shared<(u32, String)>>,
    pub folder: Shared<Vec<FolderFile>>,
    pub files_open: bool,
    pub events: Shared<Vec<EventLine>>,
    pub inspected: Shared<Inspected>,
    pub seen: Shared<Rc<Snapshot>>,
    pub ready_us: u64,
    pub now_us: u64,
    pub alert: Option<u32>,
    pub theme: Theme,
    pub open: bool,
    pub playing: bool,
}

const TABS: [(Tab, &str); 4] =
    [(Tab::Terminal, "Terminal"), (Tab::Metrics, "Metrics"), (Tab::Events, "Events"), (Tab::Inspector, "Inspector")];

#[component]
pub fn Dock(props: &Props) -> Html {
    let hands = use_hands();
    {
        let hands = hands.clone();
        use_effect_with(props.to_run.clone(), move |to_run| {
            let Some((session, line)) = to_run.as_deref().cloned() else { return };
            hands.send(ToWorker::Do(Command::Line { session, text: line.clone() }));
            hands.act(Action::Entered(session, vec![line]));
        });
    }
    let tab = |(tab, name): &(Tab, &'static str)| {
        let (here, tab) = (*tab == props.tab, *tab);
        html! {
            <button type="button" role="tab" aria-selected={here.to_string()} class="tab" onclick={hands.acts(move || Action::Tab(tab))}>{ *name }</button>
        }
    };
    let body = match props.tab {
        Tab::Terminal => {
            let terminal = props.terminals.get(&props.session).cloned().unwrap_or_default();
            html! { <TerminalView key={props.session} session={props.session} {terminal} completions={props.completions.clone()} playing={props.playing} /> }
        }
        Tab::Metrics => {
            html! { <Metrics seen={props.seen.clone()} ready_us={props.ready_us} alert={props.alert} theme={props.theme} now_us={props.now_us} /> }
        }
        Tab::Events => html! { <Events events={props.events.clone()} ready_us={props.ready_us} /> },
        Tab::Inspector => html! { <Inspector inspected={props.inspected.clone()} seen={props.seen.clone()} ready_us={props.ready_us} /> },
    };
    html! {
        <section class={classes!("dock", props.open.then_some("open"))} aria-label="Panels">
            <header class="dock-head">
                <div role="tablist" class="tabs">{ for TABS.iter().map(tab) }</div>
                if props.tab == Tab::Terminal { { files_button(&hands, props) } { sessions(&hands, props) } }
                <button type="button" class="quiet dock-close" onclick={hands.acts(|| Action::Dock(false))}>{ "Close" }</button>
            </header>
            <div class="dock-body">
                <div class="dock-main" role="tabpanel">{ body }</div>
                if props.tab == Tab::Terminal && props.files_open { <Files session={props.session} folder={props.folder.clone()} /> }
                if props.tab != Tab::Metrics {
                    <aside class="dock-aside" aria-label="Throughput">
                        <Chart alert={props.alert} ready_us={props.ready_us} theme={props.theme} now_us={props.now_us} />
                    </aside>
                }
            </div>
            <button type="button" class="primary dock-open" onclick={hands.acts(|| Action::Dock(true))}>{ "Terminal" }</button>
        </section>
    }
}

fn files_button(hands: &Hands, props: &Props) -> Html {
    let (open, count) = (props.files_open, props.folder.len());
    html! {
        <button type="button" class="session files-open" aria-expanded={open.to_string()} title="The terminals' folder" onclick={hands.acts(move || Action::Files(!open))}>
            { if count == 0 { "Files".to_owned() } else { format!("Files {count}") } }
        </button>
    }
}

/// A number for each terminal session, and one more.
fn sessions(hands: &Hands, props: &Props) -> Html {
    let open: Vec<u32> =
        props.terminals.keys().copied().chain([props.session]).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let next = open.last().copied().unwrap_or(0) + 1;
    html! {
        <div class="sessions" role="group" aria-label="Terminals">
            { for open.iter().map(|&session| {
                let busy = props.terminals.get(&session).is_some_and(|t| !t.prompt.is_shell());
                let here = session == props.session;
                html! {
                    <button key={session} type="button" aria-pressed={here.to_string()} class={classes!("session", busy.then_some("busy"))}
                        aria-label={format!("Terminal {session}{}", if busy { ", a job runs here" } else { "" })} title={if busy { "A job runs here" } else { "" }}
                        onclick={switches(hands, move || Action::Session(session))}>{ session }</button>
                }
            }) }
            if next <= MOST_SESSIONS {
                <button type="button" class="session" aria-label="Another terminal" title="Another terminal (Alt-Enter)" onclick={switches(hands, move || Action::Session(next))}>{ "+" }</button>
            }
        </div>
    }
}

/// Goes to another terminal, and to its prompt.
fn switches(hands: &Hands, action: impl Fn() -> Action + 'static) -> Callback<MouseEvent> {
    let hands = hands.clone();
    Callback::from(move |_| {
        hands.act(action());
        focus::terminal();
    })
}
