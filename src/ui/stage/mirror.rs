//! The stage for keyboard, touch and screen readers: a button over each thing on the canvas, with its state in words.

use yew::prelude::*;

use super::canvas::Targets;
use crate::playground::snapshot::Snapshot;
use crate::scene::item::Item;
use crate::scene::shape::Rect;
use crate::scene::words::{describe, summary};
use crate::ui::hands::{Hands, Shared, use_hands};
use crate::ui::model::{Action, Inspected};
use crate::wire::ToWorker;

/// Frames that have a button while time stands still.
const MOST_FRAMES: usize = 60;
/// More buttons than this say nothing to anybody; past it only brokers, topics, partitions and clients have one.
const MOST_REPLICAS: usize = 60;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub targets: Shared<Targets>,
    /// Words are made anew when this changes.
    pub beat: u64,
}

#[component]
pub fn Mirror(props: &Props) -> Html {
    let hands = use_hands();
    let snapshot = hands.store.snapshot();
    let things = &props.targets.things;
    let replicas = things.iter().filter(|(item, _)| matches!(item, Item::Replica(..))).count();
    let shown = things.iter().filter(|(item, _)| replicas <= MOST_REPLICAS || !matches!(item, Item::Replica(..)));
    let mut frames = 0;
    let shown = shown.filter(|(item, _)| {
        frames += usize::from(matches!(item, Item::Frame(_)));
        !matches!(item, Item::Frame(_)) || frames <= MOST_FRAMES
    });
    html! {
        <div class="mirror" role="group" aria-label={summary(&snapshot)}>
            { for shown.map(|(item, at)| thing(&hands, &snapshot, item, *at)) }
        </div>
    }
}

fn thing(hands: &Hands, snapshot: &Snapshot, item: &Item, at: Rect) -> Html {
    let label = describe(snapshot, item).unwrap_or_default();
    let style = format!("left:{}px;top:{}px;width:{}px;height:{}px", at.x, at.y, at.w, at.h);
    let folds = snapshot.topics.iter().any(|t| t.internal && matches!(item, Item::Topic(name) if **name == *t.name));
    let onclick = {
        let (hands, item) = (hands.clone(), item.clone());
        Callback::from(move |_: MouseEvent| match &item {
            Item::Topic(name) if folds => hands.store.toggle(name),
            Item::Frame(key) => hands.send(ToWorker::Frame { key: *key, at_us: hands.store.snapshot().now_us }),
            _ => hands.act(Action::Inspect(Inspected::Item(item.clone()))),
        })
    };
    html! { <button key={format!("{item:?}")} type="button" {style} aria-label={label.clone()} title={label} {onclick} /> }
}
