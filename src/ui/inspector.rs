//! The inspector: what was pointed at, the causes of an event, or a file that was dropped on the page.

use std::rc::Rc;

use yew::prelude::*;

use super::format::seconds;
use super::hands::{Shared, use_hands};
use super::model::Inspected;
use crate::playground::snapshot::{PartitionView, Snapshot};
use crate::scene::item::Item;
use crate::scene::shape::{bytes, grouped};
use crate::scene::words::describe;
use crate::wire::{EventLine, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub inspected: Shared<Inspected>,
    pub seen: Shared<Rc<Snapshot>>,
    pub ready_us: u64,
}

#[component]
pub fn Inspector(props: &Props) -> Html {
    let hands = use_hands();
    let body = match &*props.inspected {
        Inspected::Nothing => html! {
            <p class="empty">{ "Point at anything on the stage: a broker, a partition, a strip, a member. Or drop a segment file of a real Kafka broker (" }<code>{ ".log" }</code>{ ") on the page." }</p>
        },
        Inspected::Item(item) => self::item(&props.seen, item),
        Inspected::Why { event, chain } => html! {
            <div class="why-chain">
                <h3>{ chain.iter().find(|line| line.id == *event).map_or("Why?", |line| line.text.as_str()) }</h3>
                <ol>{ for chain.iter().filter(|line| line.id != *event).map(|line| {
                    let EventLine { id, at_us, text, .. } = line.clone();
                    html! {
                        <li key={id}>{ "because " }<button type="button" class="quiet" onclick={hands.sends(move || ToWorker::Seek(at_us))}>{ text }</button>
                            <time>{ format!(" at {}", seconds(at_us, props.ready_us)) }</time></li>
                    }
                }) }</ol>
            </div>
        },
        Inspected::File { name, text } if text.is_empty() => html! { <p class="empty">{ format!("Reading {name}…") }</p> },
        Inspected::File { name, text } => html! { <><h3>{ name }</h3><pre class="file">{ text }</pre></> },
    };
    html! { <div class="inspector">{ body }</div> }
}

fn item(snapshot: &Snapshot, item: &Item) -> Html {
    let Some(words) = describe(snapshot, item) else { return html! { <p class="empty">{ "It is gone." }</p> } };
    let rows = match item {
        Item::Partition(topic, number) | Item::Replica(topic, number, _) => {
            let found = snapshot.topics.iter().find(|t| *t.name == **topic).and_then(|t| t.partitions.iter().find(|p| p.partition == *number));
            found.map(replicas)
        }
        Item::Group(name) => snapshot.groups.iter().find(|g| *g.name == **name).map(|g| {
            let rows = g.offsets.iter().map(|o| {
                let committed = o.committed.map_or("-".to_owned(), grouped);
                html! { <tr><th scope="row">{ format!("{}-{}", o.topic, o.partition) }</th><td>{ committed }</td><td>{ grouped(o.log_end) }</td><td>{ grouped(o.log_end - o.committed.unwrap_or(0)) }</td></tr> }
            });
            html! { <table><thead><tr><th>{ "Partition" }</th><th>{ "committed" }</th><th>{ "log end" }</th><th>{ "lag" }</th></tr></thead><tbody>{ for rows }</tbody></table> }
        }),
        _ => None,
    };
    html! {<><p class="what">{ words }</p>{ rows }</>}
}

fn replicas(partition: &PartitionView) -> Html {
    let rows = partition.logs.iter().map(|log| {
        let role = match () {
            _ if partition.leader == Some(log.broker) => "leader",
            _ if partition.isr.contains(&log.broker) => "in sync",
            _ if !partition.replicas.contains(&log.broker) => "observer",
            _ => "out of sync",
        };
        html! {
            <tr><th scope="row">{ format!("kafka-{}", log.broker) }</th><td>{ role }</td><td>{ grouped(log.log_start) }</td><td>{ grouped(log.high_watermark) }</td>
                <td>{ grouped(log.log_end) }</td><td>{ bytes(log.size_bytes) }</td></tr>
        }
    });
    html! {
        <table><thead><tr><th>{ "Replica" }</th><th>{ "role" }</th><th>{ "log start" }</th><th>{ "high watermark" }</th><th>{ "log end" }</th><th>{ "size" }</th></tr></thead>
            <tbody>{ for rows }</tbody></table>
    }
}
