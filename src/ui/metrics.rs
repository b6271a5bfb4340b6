//! Metrics: the throughput at full width, and the numbers of each topic and group.

use std::rc::Rc;

use yew::prelude::*;

use super::chart::Chart;
use super::hands::Shared;
use super::theme::Theme;
use crate::playground::snapshot::Snapshot;
use crate::scene::shape::grouped;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub seen: Shared<Rc<Snapshot>>,
    pub ready_us: u64,
    pub now_us: u64,
    pub alert: Option<u32>,
    pub theme: Theme,
}

#[component]
pub fn Metrics(props: &Props) -> Html {
    let snapshot = &**props.seen;
    let topics = snapshot.topics.iter().filter(|t| !t.internal).map(|t| {
        let lacking = t.partitions.iter().filter(|p| p.isr.len() < p.replicas.len()).count();
        html! {
            <tr key={t.name.clone()}><th scope="row">{ &t.name }</th><td>{ t.partitions.len() }</td><td>{ grouped(t.acked_per_s.into()) }</td><td>{ lacking }</td></tr>
        }
    });
    let groups = snapshot.groups.iter().map(|g| {
        let lag: i64 = g.offsets.iter().map(|o| (o.log_end - o.committed.unwrap_or(0)).max(0)).sum();
        html! {
            <tr key={g.name.clone()}><th scope="row">{ &g.name }</th><td>{ g.members.len() }</td><td>{ grouped(g.consumed_per_s.into()) }</td><td>{ grouped(lag) }</td></tr>
        }
    });
    html! {
        <div class="metrics">
            <Chart alert={props.alert} ready_us={props.ready_us} theme={props.theme} now_us={props.now_us} />
            <div class="numbers">
                <table><thead><tr><th>{ "Topic" }</th><th>{ "partitions" }</th><th>{ "acked/s" }</th><th>{ "under-replicated" }</th></tr></thead><tbody>{ for topics }</tbody></table>
                <table><thead><tr><th>{ "Group" }</th><th>{ "members" }</th><th>{ "read/s" }</th><th>{ "lag" }</th></tr></thead><tbody>{ for groups }</tbody></table>
            </div>
        </div>
    }
}
