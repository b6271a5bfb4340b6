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
    /// Topics with their partitions, ordered.
    pub assigned: Vec<(String, Vec<i32>)>,
}

/// The line of `--describe --state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// `kafka-1:9092`, and the id.
    pub coordinator: (String, i32),
    pub strategy: String,
    pub state: String,
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
    let line = |cells: [&str; 5], more: [&str; 4]| {
        let [group, member, host, client, partitions] = cells;
        let [current_epoch, current, target_epoch, target] = more;
        let more = if verbose { format!("{current_epoch:<15} {current:<20} {target_epoch:<15} {target:<20}") } else { String::new() };
        format!("{group:<group_width$} {member:<member_width$} {host:<host_width$} {client:<client_width$} {partitions:<15} {more}")
    };
    let mut lines = vec![line(
        ["GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS"],
        ["CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT"],
    )];
    for row in rows {
        let count: usize = row.assigned.iter().map(|(_, partitions)| partitions.len()).sum();
        let assigned = row
            .assigned
            .iter()
            .map(|(topic, partitions)| format!("{topic}:{}", partitions.iter().map(i32::to_string).collect::<Vec<_>>().join(",")));
        let assigned = assigned.collect::<Vec<_>>().join(";");
        let assigned = if assigned.is_empty() { "-" } else { &assigned };
        lines.push(line([group, &row.member, &row.host, &row.client, &count.to_string()], ["-", assigned, "-", "-"]));
    }
    lines
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
    let strategy = if row.strategy.is_empty() { "-" } else { &row.strategy };
    vec![
        line(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"], ["GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH"]),
        line([group, &coordinator, strategy, &row.state, &row.members.to_string()], ["-", "-"]),
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
            assigned: vec![("orders".into(), vec![0, 1, 2])],
        }];
        assert_eq!(
            members("readers", &rows, true),
            [
                "GROUP           CONSUMER-ID                                           HOST            CLIENT-ID        #PARTITIONS     CURRENT-EPOCH   CURRENT-ASSIGNMENT   TARGET-EPOCH    TARGET-ASSIGNMENT   ",
                "readers         console-consumer-59c066e0-f92d-4ca5-9c33-e6b7d75b1775 /10.77.0.100    console-consumer 3               -               orders:0,1,2         -               -                   ",
            ]
        );
        assert_eq!(members("readers", &[], false), ["GROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     "]);
        let row = StateRow { coordinator: ("kafka-1:9092".into(), 1), strategy: "range".into(), state: "Stable".into(), members: 1 };
        assert_eq!(
            state("readers", &row, true),
            [
                "GROUP           COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE                GROUP-EPOCH     TARGET-ASSIGNMENT-EPOCH   #MEMBERS",
                "readers         kafka-1:9092  (1)         range                Stable               -               -                         1",
            ]
        );
    }
}
