//! Where offsets are reset to, scenario by scenario (`OffsetsUtils`), and that it is within the log.

use std::collections::BTreeMap;

use super::{At, Reset, SCENARIOS, Scenario, in_map_order};
use crate::kafka::client::admin::fanout::{EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, ListedOffsets};
use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;
use crate::shell::java::{datetime, log};
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, thrown};
use crate::shell::tools::groups::args::Groups as Which;
use crate::shell::tools::groups::plan::Plan;
use crate::shell::tools::groups::requests::Committed;
use crate::shell::tools::groups::{Flow, in_runtime};

impl Reset {
    /// `prepareOffsetsToReset`.
    pub(super) fn prepare(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        let now_ms = cx.now.wall_ms();
        match self.scenario.clone() {
            Some(Scenario::ToOffset(offset)) => {
                self.work.requested = self.work.partitions.iter().map(|at| (at.clone(), offset)).collect();
                self.check_range(admin, cx)
            }
            Some(Scenario::ToEarliest) => self.by_time(EARLIEST_TIMESTAMP, admin, cx),
            Some(Scenario::ToLatest) => self.by_time(LATEST_TIMESTAMP, admin, cx),
            Some(Scenario::ShiftBy(_) | Scenario::ToCurrent) => self.ask_committed(At::Current, admin, cx),
            Some(Scenario::ToDatetime(text)) => {
                let time = datetime::date_time(&text).map_err(|error| Exception::new("java.lang.RuntimeException", error.to_string()))?;
                self.by_time(time, admin, cx)
            }
            Some(Scenario::ByDuration(text)) => self.by_time(now_ms.saturating_sub(datetime::duration_ms(&text)?), admin, cx),
            Some(Scenario::FromFile(path)) => self.reset_from_file(&path, admin, cx),
            None => {
                let scenarios = SCENARIOS.iter().map(|name| format!("[{name}]")).collect::<Vec<_>>().join(", ");
                let message = format!("Option '[reset-offsets]' requires one of the following scenarios: [{scenarios}]");
                Err(Exception::illegal_argument(message))
            }
        }
    }

    fn reset_from_file(&mut self, path: &str, admin: &mut Admin, cx: &mut Context) -> Flow {
        let named: Vec<&str> = match &self.which {
            Which::Named(names) => names.iter().map(String::as_str).collect(),
            Which::All => Vec::new(),
        };
        let mut plan = Plan::read(path, &self.files, &named)?;
        plan.complaints.drain(..).for_each(|complaint| cx.print.error(complaint));
        let Some(group) = self.ahead.front() else { return Ok(Some(0)) };
        match plan.by_group.remove(group) {
            Some(offsets) => {
                self.work.requested = in_map_order(offsets);
                self.check_range(admin, cx)
            }
            None => {
                cx.print.line("");
                cx.print.line(format!("Error: No reset plan for group {group} found"));
                self.prepared(Vec::new(), admin, cx)
            }
        }
    }

    /// `resetByShiftBy`, `resetToCurrent`.
    pub(super) fn reset_from_current(&mut self, committed: &Committed, admin: &mut Admin, cx: &mut Context) -> Flow {
        let partitions = std::mem::take(&mut self.work.partitions);
        if let Some(Scenario::ShiftBy(by)) = self.scenario {
            for at in partitions {
                let Some((current, _)) = committed.get(&at) else {
                    let message = format!("Cannot shift offset for partition {at} since there is no current committed offset");
                    return Err(Exception::illegal_argument(message));
                };
                self.work.requested.push((at, current.saturating_add(by)));
            }
            return self.check_range(admin, cx);
        }
        let (with, without): (Vec<_>, Vec<_>) = partitions.into_iter().partition(|at| committed.contains_key(at));
        self.work.prepared = with.into_iter().map(|at| (at.clone(), committed[&at].0)).collect();
        self.ask_offsets(At::Ends, without.into_iter().map(|at| (at, LATEST_TIMESTAMP)).collect(), admin, cx)
    }

    fn by_time(&mut self, time: i64, admin: &mut Admin, cx: &mut Context) -> Flow {
        let wanted = self.work.partitions.iter().map(|at| (at.clone(), time)).collect();
        self.ask_offsets(At::ByTime, wanted, admin, cx)
    }

    /// `checkOffsetsRange`.
    fn check_range(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        self.work.requested = in_map_order(std::mem::take(&mut self.work.requested));
        self.ask_range(At::Earliest, EARLIEST_TIMESTAMP, admin, cx)
    }

    fn ask_range(&mut self, at: At, timestamp: i64, admin: &mut Admin, cx: &mut Context) -> Flow {
        let wanted = self.work.requested.iter().map(|(at, _)| (at.clone(), timestamp)).collect();
        self.ask_offsets(at, wanted, admin, cx)
    }

    fn ask_offsets(&mut self, at: At, wanted: BTreeMap<TopicPartition, i64>, admin: &mut Admin, cx: &mut Context) -> Flow {
        self.at = at;
        if wanted.is_empty() {
            return self.listed(ListedOffsets::new(), admin, cx);
        }
        let now = cx.now;
        admin.begin(|client| client.list_offsets(now, wanted, 0));
        Ok(None)
    }

    pub(super) fn listed(&mut self, offsets: ListedOffsets, admin: &mut Admin, cx: &mut Context) -> Flow {
        if let Some(error) = offsets.values().find_map(|listed| listed.as_ref().err()) {
            return Err(in_runtime(&thrown(error)));
        }
        let known = |listed: &ListedOffsets, at: &TopicPartition| {
            listed.get(at).and_then(|listed| listed.as_ref().ok()).map(|listed| listed.offset)
        };
        match self.at {
            At::ByTime => {
                let mut none = BTreeMap::new();
                for at in in_map_order(self.work.partitions.iter().map(|at| (at.clone(), 0)).collect()) {
                    let at = at.0;
                    match known(&offsets, &at) {
                        Some(offset) if offset >= 0 => self.work.prepared.push((at, offset)),
                        _ => {
                            cx.print.line("");
                            let (topic, partition) = (&at.topic, at.partition);
                            let warning =
                                format!("Warn: Partition {partition} from topic {topic} is empty. Falling back to latest known offset.");
                            cx.print.line(warning);
                            none.insert(at, LATEST_TIMESTAMP);
                        }
                    }
                }
                self.ask_offsets(At::Ends, none, admin, cx)
            }
            At::Ends => {
                let ends = offsets.into_iter().filter_map(|(at, listed)| Some((at, listed.ok()?.offset)));
                self.work.prepared.extend(ends);
                let prepared = std::mem::take(&mut self.work.prepared);
                self.prepared(prepared, admin, cx)
            }
            At::Earliest => {
                self.work.starts = offsets;
                self.ask_range(At::Latest, LATEST_TIMESTAMP, admin, cx)
            }
            At::Latest => {
                let mut prepared = Vec::new();
                for (at, offset) in std::mem::take(&mut self.work.requested) {
                    let (start, end) = (known(&self.work.starts, &at), known(&offsets, &at));
                    let (word, bound) = match (start, end) {
                        (_, Some(end)) if offset > end => ("higher than latest", end),
                        (Some(start), _) if offset < start => ("lower than earliest", start),
                        _ => {
                            prepared.push((at, offset));
                            continue;
                        }
                    };
                    let message = format!("New offset ({offset}) is {word} offset for topic partition {at}. Value will be set to {bound}");
                    cx.print.error(log::line(cx.now, "WARN", &message, "org.apache.kafka.tools.OffsetsUtils"));
                    prepared.push((at, bound));
                }
                self.prepared(prepared, admin, cx)
            }
            _ => Err(Exception::kafka("An unexpected ListOffsets response")),
        }
    }
}
