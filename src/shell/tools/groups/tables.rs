//! The tables of kafka-consumer-groups (`ConsumerGroupCommand.ConsumerGroupService.printOffsets` and its like).

/// A group in `--list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub group: String,
    pub kind: String,
    pub state: String,
}

/// A line of `--describe`: a partition with its offsets and who owns it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OffsetRow {
    pub topic: String,
    pub partition: i32,
    pub leader_epoch: Option<i32>,
    pub current: Option<i64>,
    pub end: Option<i64>,
    /// Member id, host, client id.
    pub owner: Option<(String, String, String)>,
}

/// A line of `--describe --members`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    pub member: String,
    pub host: String,
    pub client: String,
    /// Of a static member.
    pub instance: Option<String>,
    /// Topics with their partitions, ordered.
    pub assigned: Vec<(String, Vec<i32>)>,
    /// Of a member of the consumer protocol (KIP-848).
    pub target: Option<Target>,
}

/// Where a member of the consumer protocol is, and where it is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub epoch: i32,
    pub target_epoch: i32,
    pub assigned: Vec<(String, Vec<i32>)>,
}

/// The line of `--describe --state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// `kafka-1:9092`, and the id.
    pub coordinator: (String, i32),
    pub strategy: String,
    pub state: String,
    /// Of the group and of its target, if it has such.
    pub epochs: Option<(i32, i32)>,
    pub members: usize,
}

/// `--list`; the columns that were asked for.
pub fn list(groups: &[Listed], states: bool, types: bool) -> Vec<String> {
    if !states && !types {
        return groups.iter().map(|group| group.group.clone()).collect();
    }
    let width = widest(groups.iter().map(|group| group.group.as_str()), 25);
    let line = |group: &str, kind: &str, state: &str| {
        let columns = [(types, kind), (states, state)];
        let shown = columns.into_iter().filter(|(shown, _)| *shown).map(|(_, text)| format!(" {text:<20}"));
        format!("{group:<width$}{}", shown.collect::<String>())
    };
    std::iter::once(line("GROUP", "TYPE", "STATE"))
        .chain(groups.iter().map(|group| line(&group.group, &group.kind, &group.state)))
        .collect()
}

/// `--describe`, without the empty line before it.
pub fn offsets(group: &str, mut rows: Vec<OffsetRow>, verbose: bool) -> Vec<String> {
    rows.sort();
    let dash = |n: Option<i64>| n.map_or("-".to_owned(), |n| n.to_string());
    let group_width = widest([group], 15);
    let topic_width = widest(rows.iter().map(|row| row.topic.as_str()), 15);
    let owner_width = widest(rows.iter().filter_map(|row| Some(row.owner.as_ref()?.0.as_str())), 15);
    let host_width = widest(rows.iter().filter_map(|row| Some(row.owner.as_ref()?.1.as_str())), 15);
    let line = |cells: [&str; 10]| {
        let [group, topic, partition, epoch, current, end, lag, owner, host, client] = cells;
        let epoch = if verbose { format!("{epoch:<15} ") } else { String::new() };
        format!(
            "{group:<group_width$} {topic:<topic_width$} {partition:<10} {epoch}{current:<15} {end:<15} {lag:<15} {owner:<owner_width$} {host:<host_width$} {client}"
        )
    };
    let mut lines = vec![line([
        "GROUP",
        "TOPIC",
        "PARTITION",
        "LEADER-EPOCH",
        "CURRENT-OFFSET",
        "LOG-END-OFFSET",
        "LAG",
        "CONSUMER-ID",
        "HOST",
        "CLIENT-ID",
    ])];
    for row in &rows {
        let lag = row.current.zip(row.end).map(|(current, end)| end - current);
        let (owner, host, client) =
            row.owner.as_ref().map_or(("-", "-", "-"), |(owner, host, client)| (owner.as_str(), host.as_str(), client.as_str()));
        let epoch = dash(row.leader_epoch.map(i64::from));
        lines.push(line([
            group,
            &row.topic,
            &row.partition.to_string(),
            &epoch,
            &dash(row.current),
            &dash(row.end),
            &dash(lag),
            owner,
            host,
            client,
        ]));
    }
    lines
}

/// `--describe --members`, without the empty line before it.
pub fn members(group: &str, rows: &[MemberRow], verbose: bool) -> Vec<String> {
    let group_width = widest([group], 15);
    let member_width = widest(rows.iter().map(|row| row.member.as_str()), 15);
    let host_width = widest(rows.iter().map(|row| row.host.as_str()), 15);
    let client_width = widest(rows.iter().map(|row| row.client.as_str()), 15);
    let instances = rows.iter().any(|row| row.instance.is_some());
    let instance_width = widest(rows.iter().filter_map(|row| row.instance.as_deref()), 17);
    let current: Vec<String> = rows.iter().map(|row| assignment(&row.assigned)).collect();
    let target: Vec<String> =
        rows.iter().map(|row| row.target.as_ref().map_or("-".to_owned(), |target| assignment(&target.assigned))).collect();
    let current_width = widest(current.iter().map(String::as_str), 20);
    let target_width = widest(target.iter().map(String::as_str), 20);
    let line = |cells: [&str; 6], more: [&str; 4]| {
        let [group, member, instance, host, client, partitions] = cells;
        let instance = if instances { format!("{instance:<instance_width$} ") } else { String::new() };
        let [current_epoch, current, target_epoch, target] = more;
        let more = if verbose {
            format!("{current_epoch:<15} {current:<current_width$} {target_epoch:<15} {target:<target_width$}")
        } else {
            String::new()
        };
        format!(
            "{group:<group_width$} {member:<member_width$} {instance}{host:<host_width$} {client:<client_width$} {partitions:<15} {more}"
        )
    };
    let mut lines = vec![line(
        ["GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"],
        ["CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT"],
    )];
    for ((row, current), target) in rows.iter().zip(&current).zip(&target) {
        let count: usize = row.assigned.iter().map(|(_, partitions)| partitions.len()).sum();
        let dash = |epoch: Option<i32>| epoch.map_or("-".to_owned(), |epoch| epoch.to_string());
        let (epoch, target_epoch) = (row.target.as_ref().map(|target| target.epoch), row.target.as_ref().map(|target| target.target_epoch));
        let cells = [group, &row.member, row.instance.as_deref().unwrap_or_default(), &row.host, &row.client, &count.to_string()];
        lines.push(line(cells, [&dash(epoch), current, &dash(target_epoch), target]));
    }
    lines
}

/// `orders:0,1;payments:2`, or a dash for nothing.
fn assignment(assigned: &[(String, Vec<i32>)]) -> String {
    let topic = |(topic, partitions): &(String, Vec<i32>)| {
        format!("{topic}:{}", partitions.iter().map(i32::to_string).collect::<Vec<_>>().join(","))
    };
    let topics: Vec<String> = assigned.iter().map(topic).collect();
    if topics.is_empty() { "-".to_owned() } else { topics.join(";") }
}

/// `--describe --state`, without the empty line before it.
pub fn state(group: &str, row: &StateRow, verbose: bool) -> Vec<String> {
    let coordinator = format!("{}  ({})", row.coordinator.0, row.coordinator.1);
    let group_width = widest([group], 15);
    let coordinator_width = widest([coordinator.as_str()], 25);
    let line = |cells: [&str; 5], epochs: [&str; 2]| {
        let [group, coordinator, strategy, state, members] = cells;
        let epochs = if verbose { format!("{:<15} {:<25} ", epochs[0], epochs[1]) } else { String::new() };
        format!("{group:<group_width$} {coordinator:<coordinator_width$} {strategy:<20} {state:<20} {epochs}{members}")
    };
    let epoch = |at: usize| row.epochs.map_or("-".to_owned(), |(group, target)| [group, target][at].to_string());
    let strategy = if row.strategy.is_empty() { "-" } else { &row.strategy };
    vec![
        line(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"], ["GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH"]),
        line([group, &coordinator, strategy, &row.state, &row.members.to_string()], [&epoch(0), &epoch(1)]),
    ]
}

/// `--reset-offsets`, with the empty line before it.
pub fn reset(groups: &[(String, super::plan::Offsets)]) -> Vec<String> {
    let group_width = widest(groups.iter().map(|(group, _)| group.as_str()), 15);
    let topics = groups.iter().flat_map(|(_, offsets)| offsets).map(|(at, _)| &*at.topic);
    let topic_width = widest(topics, 15);
    let line = |group: &str, topic: &str, partition: &str, offset: &str| {
        format!("{group:<group_width$} {topic:<topic_width$} {partition:<10} {offset}")
    };
    let mut lines = vec![String::new()];
    if !groups.is_empty() {
        lines.push(line("GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"));
    }
    for (group, offsets) in groups {
        lines.extend(offsets.iter().map(|(at, offset)| line(group, &at.topic, &at.partition.to_string(), &offset.to_string())));
    }
    lines
}

/// What is said of a group's state before its table, on standard error; and whether there is a table.
pub fn remark(group: &str, state: &str) -> (Vec<String>, bool) {
    match state {
        "Dead" => (vec![String::new(), format!("Error: Consumer group '{group}' does not exist.")], false),
        "Empty" => (vec![String::new(), format!("Consumer group '{group}' has no active members.")], true),
        "PreparingRebalance" | "CompletingRebalance" | "Assigning" | "Reconciling" => {
            (vec![String::new(), format!("Warning: Consumer group '{group}' is rebalancing.")], true)
        }
        _ => (Vec::new(), true),
    }
}

fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, least: usize) -> usize {
    texts.into_iter().map(|text| text.chars().count()).fold(least, usize::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBER: &str = "console-consumer-59c066e0-f92d-4ca5-9c33-e6b7d75b1775";

    #[test]
    fn groups_in_a_list() {
        let groups = [Listed { group: "readers".into(), kind: "Classic".into(), state: "Empty".into() }];
        assert_eq!(list(&groups, false, false), ["readers"]);
        assert_eq!(
            list(&groups, true, false),
            ["GROUP                     STATE               ", "readers                   Empty               "]
        );
        assert_eq!(
            list(&groups, true, true),
            [
                "GROUP                     TYPE                 STATE               ",
                "readers                   Classic              Empty               "
            ]
        );
    }

    #[test]
    fn partitions_with_their_offsets() {
        let owner = Some((MEMBER.to_owned(), "/10.77.0.100".to_owned(), "console-consumer".to_owned()));
        let rows = vec![
            OffsetRow { topic: "payments".into(), leader_epoch: Some(0), current: Some(2), end: Some(2), ..OffsetRow::default() },
            OffsetRow { topic: "orders".into(), leader_epoch: Some(0), current: Some(1), end: Some(2), owner, ..OffsetRow::default() },
        ];
        let expected = [
            "GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID                                           HOST            CLIENT-ID",
            "readers         orders          0          1               2               1               console-consumer-59c066e0-f92d-4ca5-9c33-e6b7d75b1775 /10.77.0.100    console-consumer",
            "readers         payments        0          2               2               0               -                                                     -               -",
        ];
        assert_eq!(offsets("readers", rows.clone(), false), expected);
        assert!(offsets("readers", rows, true)[1].starts_with(
            "readers         orders          0          0               1               2               1               console"
        ));
    }

    #[test]
    fn members_and_state() {
        let rows = [MemberRow {
            member: MEMBER.into(),
            host: "/10.77.0.100".into(),
            client: "console-consumer".into(),
            instance: None,
            assigned: vec![("orders".into(), vec![0, 1, 2])],
            target: None,
        }];
        assert_eq!(
            members("readers", &rows, true),
            [
                "GROUP           CONSUMER-ID                                           HOST            CLIENT-ID        #PARTITIONS     CURRENT-EPOCH   CURRENT-ASSIGNMENT   TARGET-EPOCH    TARGET-ASSIGNMENT   ",
                "readers         console-consumer-59c066e0-f92d-4ca5-9c33-e6b7d75b1775 /10.77.0.100    console-consumer 3               -               orders:0,1,2         -               -                   ",
            ]
        );
        assert_eq!(members("readers", &[], false), ["GROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     "]);
        let row = StateRow {
            coordinator: ("kafka-1:9092".into(), 1),
            strategy: "range".into(),
            state: "Stable".into(),
            epochs: None,
            members: 1,
        };
        assert_eq!(
            state("readers", &row, true),
            [
                "GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                GROUP-EPOCH     TARGET-ASSIGNMENT-EPOCH   #MEMBERS",
                "readers         kafka-1:9092  (1)         range                Stable               -               -                         1",
            ]
        );
    }
}
