//! The shell: who stands where, and who hears what.

use gloo::events::EventListener;
use gloo::utils::{document, window};
use yew::prelude::*;

use super::banner::Banner;
use super::choice::{Choosing, Failed};
use super::course::Asked;
use super::dock::Dock;
use super::file_drop;
use super::hands::{Hands, Shared};
use super::help::Help;
use super::inbox::Inbox;
use super::keys;
use super::lesson_panel::LessonPanel;
use super::lessons::{self, Lessons};
use super::model::{Model, Over, Phase};
use super::stage::Stage;
use super::stage::store::Store;
use super::theme::use_theme;
use super::time_bar::TimeBar;
use super::top_bar::TopBar;
use super::{bridge, format};
use crate::lesson::model::Lesson;
use crate::wire::{EventLine, Open, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub asked: Shared<Asked>,
}

#[component]
pub fn App(props: &Props) -> Html {
    let model = {
        let notice = props.asked.notice.clone().map(AttrValue::from);
        use_reducer(move || Model { session: 1, notice, ..Model::default() })
    };
    let sheet = use_memo((), |()| props.asked.sheet.clone().map(Shared::new));
    let hands = {
        let (dispatch, sheet) = (model.dispatcher(), sheet.clone());
        use_memo((), move |()| connect(dispatch, (*sheet).as_ref().map(|sheet| &sheet.lesson)))
    };
    let hands = (*hands).clone();
    let (theme, set_theme) = use_theme();
    use_listeners(hands.clone(), model.clone());
    use_effect_with(sheet.clone(), |sheet| {
        if let Some(sheet) = &**sheet {
            document().set_title(&format!("{} - Ottla", sheet.lesson.title));
        }
    });
    let state = match &model.phase {
        Phase::Starting => "starting",
        Phase::Choosing { .. } => "choosing",
        Phase::Running(_) => "ready",
        Phase::Failed(_) => "failed",
    };
    let phase = match &model.phase {
        Phase::Choosing { message, options } => html! { <Choosing message={message.clone()} options={options.clone()} /> },
        Phase::Failed(message) => html! { <Failed message={message.clone()} at={format::clock(model.clock.now_us, model.ready_us)} /> },
        Phase::Starting | Phase::Running(_) => html! {},
    };
    let over = match model.over {
        Over::Nothing => html! {},
        Over::Help => html! { <Help /> },
        Over::Lessons => html! { <Lessons current={(*sheet).as_ref().map(|sheet| sheet.lesson.slug.clone())} /> },
    };
    let folded = model.lesson_folded || sheet.is_none();
    html! {
        <ContextProvider<Hands> context={hands}>
            <div class={classes!("app", folded.then_some("lesson-folded"), model.dock_open.then_some("has-dock"))} data-engine={state}>
                <TopBar sheet={(*sheet).clone()} seen={model.seen.clone()} storage={model.storage.clone()} ready_us={model.ready_us} {theme} {set_theme} />
                if let Some(sheet) = &*sheet {
                    <LessonPanel sheet={sheet.clone()} goals={model.goals.clone()} predicted={model.predicted.clone()} folded={model.lesson_folded} />
                }
                <main class="work">
                    <Banner phase={model.phase.clone()} storage={model.storage.clone()} notice={model.notice.clone()} silent={model.silent} ready_us={model.ready_us} />
                    <Stage
                        {theme} last={last_event(&model)} ready_us={model.ready_us} beat={model.clock.now_us / 1_000_000}
                        starting={model.phase == Phase::Starting} bare={is_bare(&model)}
                    />
                    <TimeBar clock={model.clock} timeline={model.timeline.clone()} ready_us={model.ready_us} />
                    <Dock
                        tab={model.tab} session={model.session} terminals={model.terminals.clone()} completions={model.completions.clone()} to_run={model.to_run.clone()}
                        folder={model.folder.clone()} files_open={model.files_open} events={model.events.clone()} inspected={model.inspected.clone()} seen={model.seen.clone()}
                        ready_us={model.ready_us} now_us={model.clock.now_us} alert={model.alert} {theme} open={model.dock_open} playing={model.clock.playing}
                    />
                </main>
                { over }
                { phase }
            </div>
        </ContextProvider<Hands>>
    }
}

/// What happened last, at the instant that is looked at.
fn last_event(model: &Model) -> Option<EventLine> {
    model.events.iter().find(|line| line.at_us <= model.clock.now_us).cloned()
}

/// Starts the engine and asks it for the lesson's cluster.
fn connect(dispatch: UseReducerDispatcher<Model>, lesson: Option<&Lesson>) -> Hands {
    let store = Store::default();
    let inbox = Inbox::new(store.clone(), dispatch.clone());
    let link = bridge::connect(move |message| inbox.hear(message));
    let open = Open { lesson: lesson.cloned().map(Box::new), fresh: lessons::wants_fresh(), ..Open::default() };
    link.send(match lessons::wants_bench() {
        true => ToWorker::Bench,
        false => ToWorker::Open(open.clone()),
    });
    Hands::new(link, dispatch, store, open)
}

/// Keys, dropped files, and whether the page is seen at all.
#[hook]
fn use_listeners(hands: Hands, model: UseReducerHandle<Model>) {
    let now = use_mut_ref(|| model.clone());
    *now.borrow_mut() = model;
    let shown = now.clone();
    use_effect_with((), move |()| {
        let listeners = [
            EventListener::new_with_options(&document(), "keydown", gloo::events::EventListenerOptions::enable_prevent_default(), {
                let hands = hands.clone();
                move |event| keys::pressed(event, &hands, &now.borrow())
            }),
            EventListener::new(&document(), "visibilitychange", {
                let hands = hands.clone();
                move |_| hands.send(ToWorker::Visible(!document().hidden()))
            }),
        ];
        let dropping = file_drop::listen(&window(), &hands, move || shown.borrow().session);
        move || drop((listeners, dropping))
    });
}

/// A cluster runs, and nobody has made a topic yet.
fn is_bare(model: &Model) -> bool {
    !model.seen.nodes.is_empty() && model.seen.topics.iter().all(|topic| topic.internal)
}
