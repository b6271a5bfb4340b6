//! `kaf groups`, `kaf group ls|describe|delete|commit`.

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, GroupId, JoinGroupRequest, ListGroupsRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::sarama::{connect, error, exit, metadata, thrown};
use super::table::Table;
use super::topics::{arg, has_no_headers, high_watermarks, slice};
use crate::kafka::client::admin::fanout::{EARLIEST_TIMESTAMP, LATEST_TIMESTAMP};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::java::exception::Exception;
use crate::shell::tools::groups::requests::{assignment, committed};
use crate::shell::tools::script::{Script, Stop};

const MEMBER_ID_REQUIRED: i16 = 79;

pub fn list(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let listed = match script.outcome(&mut |client, now| client.list_groups(now, ListGroupsRequest::default()))? {
        Ok(Outcome::Groups(listed)) => listed,
        Ok(_) => return Err(exit(format!("Unable to list consumer groups: {}\n", error(-1)))),
        Err(exception) => return Err(exit(format!("Unable to list consumer groups: {}\n", thrown(&exception)))),
    };
    let mut names: Vec<String> = listed.iter().map(|group| group.group_id.to_string()).collect();
    names.sort_unstable();
    names.dedup();
    let mut table = Table::new();
    let heads = if has_no_headers(script) { ["", ""] } else { ["NAME\tSTATE\tCONSUMERS\t\n", "NAME\n"] };
    // One request a coordinator, and its groups together.
    let mut described: Vec<(Option<i32>, DescribedGroup)> = Vec::new();
    let mut failed = false;
    for name in &names {
        match describe_group(script, name)? {
            Ok(group) => described.push((script.coordinator(&coordinator(name)).map(|id| id.0), group)),
            Err(_) => failed = true,
        }
    }
    described.sort_by_key(|(coordinator, _)| *coordinator);
    if failed {
        table.write(heads[1]);
        names.iter().for_each(|name| table.write(&format!("{name}\n")));
    } else {
        table.write(heads[0]);
        for (_, group) in &described {
            table.write(&format!("{}\t{}\t{}\t\n", group.group_id.as_str(), group.group_state.as_str(), group.members.len()));
        }
    }
    script.text(table.flush());
    Ok(0)
}

pub fn delete(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let group = arg(script).to_owned();
    let request = DeleteGroupsRequest::default().with_groups_names(vec![id(&group)]);
    let failed = match script.ask("deleteConsumerGroups", coordinator(&group), request)? {
        Ok(Response::DeleteGroups(body)) => match body.results.first().map_or(-1, |result| result.error_code) {
            0 => None,
            code => Some(error(code)),
        },
        Ok(_) => Some(error(-1)),
        Err(exception) => Some(thrown(&exception)),
    };
    if let Some(why) = failed {
        return Err(exit(format!("Could not delete consumer group {group}: {why}\n")));
    }
    script.line(format!("Deleted consumer group {group}."));
    Ok(0)
}

pub fn describe(script: &mut Script) -> Result<i32, Stop> {
    let cluster = connect(script)?;
    let name = arg(script).to_owned();
    let group = described(script, &name)?;
    if group.group_state.as_str() == "Dead" {
        script.line(format!("Group {name} not found."));
        return Ok(0);
    }
    let mut table = Table::new();
    table.write(&format!("Group ID:\t{name}\nState:\t{}\n", group.group_state.as_str()));
    table.write(&format!("Protocol:\t{}\nProtocol Type:\t{}\nOffsets:\t\n", group.protocol_data.as_str(), group.protocol_type.as_str()));
    script.text(table.flush());
    let mut table = Table::nested();
    let only: Vec<String> = script.parsed().all("topic").map(str::to_owned).collect();
    for (topic, partitions) in offsets(script, &name)? {
        if !only.is_empty() && !only.contains(&topic) {
            continue;
        }
        table.write(&format!("\t{topic}:\n\t\tPartition\tGroup Offset\tHigh Watermark\tLag\tMetadata\t\n"));
        table.write("\t\t---------\t------------\t--------------\t---\t--------\n");
        let ids: Vec<i32> = partitions.keys().copied().collect();
        let ends = high_watermarks(script, &cluster, &topic, &ids)?;
        let (mut offset_sum, mut lag_sum) = (0_i64, 0_i64);
        for (partition, (offset, metadata)) in partitions {
            let end = ends.get(&partition).copied().unwrap_or(0);
            let lag = end.wrapping_sub(offset);
            (offset_sum, lag_sum) = (offset_sum.wrapping_add(offset), lag_sum.wrapping_add(lag));
            table.write(&format!("\t\t{partition}\t{offset}\t{end}\t{lag}\t{metadata}\n"));
        }
        table.write(&format!("\t\tTotal\t{offset_sum}\t\t{lag_sum}\t\n"));
    }
    if script.parsed().get("no-members") != Some("true") {
        table.write("Members:\t");
        script.text(table.flush());
        members(&mut table, &group, script);
    }
    script.text(table.flush());
    Ok(0)
}

fn members(table: &mut Table, group: &DescribedGroup, script: &mut Script) {
    table.write("\n");
    for member in &group.members {
        table.write(&format!("\t{}:\n\t\tHost:\t{}\n", member.client_id.as_str(), member.client_host.as_str()));
        if member.member_assignment.is_empty() {
            continue;
        }
        table.write("\t\tAssignments:\n\t\t  Topic\tPartitions\t\n\t\t  -----\t----------\t");
        for (topic, partitions) in assignment(member.member_assignment.clone()) {
            table.write(&format!("\n\t\t  {topic}\t{}\t", slice(&partitions)));
        }
        // A form feed, which ends the columns.
        table.write("\n");
        script.text(table.flush());
        table.write("\t\tMetadata:\t\n\n");
    }
}

/// Offsets with what was said about them, by partition.
type Offsets = BTreeMap<i32, (i64, String)>;

/// What a group has committed, by topic.
fn offsets(script: &mut Script, group: &str) -> Result<BTreeMap<String, Offsets>, Stop> {
    let failed = |why: String| Err(exit(format!("Failed to fetch group offsets: {why}\n")));
    let body = match script.ask("listConsumerGroupOffsets", coordinator(group), committed(group))? {
        Ok(Response::OffsetFetch(body)) => body,
        Ok(_) => return failed(error(-1)),
        Err(exception) => return failed(thrown(&exception)),
    };
    let mut offsets: BTreeMap<String, Offsets> = BTreeMap::new();
    for topic in body.groups.iter().flat_map(|group| &group.topics) {
        let partitions = offsets.entry(topic.name.to_string()).or_default();
        for partition in &topic.partitions {
            let metadata = partition.metadata.as_ref().map_or(String::new(), |text| text.to_string());
            partitions.insert(partition.partition_index, (partition.committed_offset, metadata));
        }
    }
    Ok(offsets)
}

/// Joins the group, and then fails: the request with the offsets is OffsetCommit 1, which brokers of Kafka 4 close the connection upon (KIP-896).
pub fn commit(script: &mut Script) -> Result<i32, Stop> {
    connect(script)?;
    let group = arg(script).to_owned();
    let offsets = wanted(script)?;
    let state = described(script, &group)?.group_state;
    if !matches!(state.as_str(), "Empty" | "Dead") {
        return Err(exit(format!("Consumer group {group} has active consumers in it, cannot set offset\n")));
    }
    let pairs: Vec<String> = offsets.iter().map(|(partition, offset)| format!("{partition}:{offset}")).collect();
    script.line(format!("Resetting offsets to: map[{}]", pairs.join(" ")));
    if script.parsed().get("noconfirm") != Some("true") {
        script.text("Reset offsets as described? [y/N] ");
        let typed = script.read_console()?.unwrap_or_default();
        if !typed.trim().eq_ignore_ascii_case("y") {
            return Err(exit("Aborted, exiting.\n"));
        }
    }
    let why = match join(script, &group)? {
        None => "EOF".to_owned(),
        Some(why) => why,
    };
    Err(exit(format!("Failed to commit offset: {why}\n")))
}

/// The offsets that are to be committed.
fn wanted(script: &mut Script) -> Result<BTreeMap<i32, i64>, Stop> {
    let parsed = script.parsed();
    let (topic, offset) = (parsed.get("topic").unwrap_or_default().to_owned(), parsed.get("offset").unwrap_or_default().to_owned());
    if let Some(map) = parsed.get("offset-map") {
        let wrong = "Wrong --offset-map format. Use JSON with keys as partition numbers and values as offsets.\nExample: --offset-map '{\"0\":123, \"1\":135, \"2\":120}'\n";
        return serde_json::from_str(map).map_err(|_| exit(wrong));
    }
    let partitions = if parsed.get("all-partitions") == Some("true") {
        let body = metadata(script, Some(&topic))?;
        let partitions = body.topics.first().map(|topic| topic.partitions.iter().map(|partition| partition.partition_index));
        let mut partitions: Vec<i32> = partitions.map(Iterator::collect).unwrap_or_default();
        partitions.sort_unstable();
        partitions
    } else {
        vec![parsed.number("partition").unwrap_or(0)]
    };
    let time = match (offset.parse::<i64>(), offset.as_str()) {
        (Ok(offset), _) => return Ok(partitions.into_iter().map(|partition| (partition, offset)).collect()),
        (_, "oldest" | "earliest") => EARLIEST_TIMESTAMP,
        (_, "newest" | "latest") => LATEST_TIMESTAMP,
        (_, time) => super::format::rfc3339_ms(time).ok_or_else(|| exit("offset is neither offset nor timestamp%!(EXTRA <nil>)"))?,
    };
    let asked: Vec<(TopicPartition, i64)> =
        partitions.iter().map(|partition| (TopicPartition::new(topic.as_str(), *partition), time)).collect();
    let failed = |why: String| Err(exit(format!("Failed to determine offset for timestamp: {why}")));
    let listed = match script.outcome(&mut |client, now| client.list_offsets(now, asked.clone(), 0))? {
        Ok(Outcome::Offsets(listed)) => listed,
        Ok(_) => return failed(error(-1)),
        Err(exception) => return failed(thrown(&exception)),
    };
    let mut offsets = BTreeMap::new();
    for (partition, found) in listed {
        let partition = partition.partition;
        match found {
            Ok(found) if found.offset < 0 => {
                script.line(format!("Partition {partition}: could not determine offset from timestamp. Skipping."));
            }
            Ok(found) => {
                script.line(format!("Partition {partition}: determined offset {} from timestamp.", found.offset));
                offsets.insert(partition, found.offset);
            }
            Err(why) => return failed(error(why.code)),
        }
    }
    Ok(offsets)
}

/// Becomes a member; why it does not.
fn join(script: &mut Script, group: &str) -> Result<Option<String>, Stop> {
    let topic = script.parsed().get("topic").unwrap_or_default().to_owned();
    let mut subscription = BytesMut::new();
    subscription.put_i16(0);
    subscription.put_i32(1);
    subscription.put_i16(i16::try_from(topic.len()).unwrap_or(i16::MAX));
    subscription.put_slice(topic.as_bytes());
    subscription.put_i32(-1);
    let protocol = JoinGroupRequestProtocol::default().with_name("range".into()).with_metadata(subscription.freeze());
    let mut request = JoinGroupRequest::default()
        .with_group_id(id(group))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type("consumer".into())
        .with_protocols(vec![protocol]);
    let joined = loop {
        match script.ask("joinGroup", coordinator(group), request.clone())? {
            Ok(Response::JoinGroup(body)) if body.error_code == MEMBER_ID_REQUIRED => request.member_id = body.member_id,
            Ok(Response::JoinGroup(body)) if body.error_code == 0 => break body,
            Ok(Response::JoinGroup(body)) => return Ok(Some(error(body.error_code))),
            Ok(_) => return Ok(Some(error(-1))),
            Err(exception) => return Ok(Some(thrown(&exception))),
        }
    };
    let assignment = SyncGroupRequestAssignment::default().with_member_id(joined.member_id.clone());
    let request = SyncGroupRequest::default()
        .with_group_id(id(group))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id)
        .with_protocol_type(Some("consumer".into()))
        .with_protocol_name(Some("range".into()))
        .with_assignments(vec![assignment]);
    Ok(match script.ask("syncGroup", coordinator(group), request)? {
        Ok(Response::SyncGroup(body)) => Some(body.error_code).filter(|code| *code != 0).map(error),
        Ok(_) => Some(error(-1)),
        Err(exception) => Some(thrown(&exception)),
    })
}

fn described(script: &mut Script, group: &str) -> Result<DescribedGroup, Stop> {
    describe_group(script, group)?.map_err(|exception| exit(format!("Unable to describe consumer groups: {}\n", thrown(&exception))))
}

/// A group as Sarama sees it: one that is unknown, or no classic one, is dead.
fn describe_group(script: &mut Script, group: &str) -> Result<Result<DescribedGroup, Exception>, Stop> {
    let request = DescribeGroupsRequest::default().with_groups(vec![id(group)]);
    Ok(match script.ask("describeConsumerGroups", coordinator(group), request)? {
        Ok(Response::DescribeGroups(body)) => body.groups.into_iter().next().ok_or_else(|| Exception::of(-1, None)),
        Ok(_) => Err(Exception::of(-1, None)),
        Err(exception) => Err(exception),
    })
}

fn coordinator(group: &str) -> Target {
    Target::Coordinator(group.into())
}

fn id(group: &str) -> GroupId {
    GroupId(StrBytes::from_string(group.to_owned()))
}
