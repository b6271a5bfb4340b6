//! Offsets as CSV: `topic,partition,offset`, or with the group before it (`CsvUtils`, `OffsetsUtils.parseResetPlan`).

use std::collections::BTreeMap;

use crate::kafka::names::TopicPartition;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;

/// Offsets of partitions, in the order of the file.
pub type Offsets = Vec<(TopicPartition, i64)>;

/// What a file wants, and what Kafka's tool complains about on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub by_group: BTreeMap<String, Offsets>,
    pub complaints: Vec<String>,
}

impl Plan {
    /// `groups`: those of the command line.
    ///
    /// # Errors
    /// A file that is not there, or a line that is no such line.
    pub fn read(path: &str, files: &Files, groups: &[&str]) -> Result<Plan, Exception> {
        let runtime = |cause: String| Exception::new("java.lang.RuntimeException", cause);
        let text = files.get(path).ok_or_else(|| runtime(format!("java.io.IOException: Unable to read file {path}")))?;
        let lines: Vec<&str> = text.trim_end_matches('\n').split('\n').collect();
        let mut plan = Plan::default();
        let first = row(lines.first().copied().unwrap_or_default(), false);
        if let Err(complaint) = &first {
            plan.complaints.push(complaint.clone());
        }
        let one_group = groups.len() == 1 && first.is_ok();
        for line in lines {
            let (group, partition, offset) = row(line, !one_group).map_err(runtime)?;
            let group = if one_group { groups[0].to_owned() } else { group };
            plan.by_group.entry(group).or_default().push((partition, offset));
        }
        Ok(plan)
    }
}

/// A line; without `with_group` its group is empty. Missing numbers are 0, as Jackson leaves them.
fn row(line: &str, with_group: bool) -> Result<(String, TopicPartition, i64), String> {
    let mut cells: Vec<&str> = line.split(',').map(str::trim).collect();
    if !with_group {
        cells.insert(0, "");
    }
    if cells.len() > 4 {
        let expected = if with_group { 4 } else { 3 };
        return Err(format!("com.fasterxml.jackson.dataformat.csv.CsvReadException: Too many entries: expected at most {expected}"));
    }
    let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
    let partition = number(cell(2), "int")?;
    let partition = i32::try_from(partition).map_err(|_| no_number(cell(2), "int"))?;
    Ok((cell(0).to_owned(), TopicPartition::new(cell(1), partition), number(cell(3), "long")?))
}

fn number(text: &str, kind: &str) -> Result<i64, String> {
    if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| no_number(text, kind)) }
}

fn no_number(text: &str, kind: &str) -> String {
    format!(
        "com.fasterxml.jackson.databind.exc.InvalidFormatException: Cannot deserialize value of type `{kind}` from String \"{text}\": not a valid `{kind}` value"
    )
}

/// `--export`: a line a partition; the group stands in it if the command line named several or none.
pub fn export(assignments: &[(String, Offsets)], groups_named: usize) -> Vec<String> {
    let lines = assignments.iter().flat_map(|(group, offsets)| {
        offsets.iter().map(move |(at, offset)| match groups_named {
            1 => format!("{},{},{offset}", at.topic, at.partition),
            _ => format!("{group},{},{},{offset}", at.topic, at.partition),
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, groups: &[&str]) -> Result<Plan, Exception> {
        let mut files = Files::default();
        files.insert("plan.csv", text.to_owned());
        Plan::read("plan.csv", &files, groups)
    }

    #[test]
    fn with_and_without_the_group() {
        let orders = TopicPartition::new("orders", 1);
        let plan = read("orders,1,7\n", &["g1"]).unwrap();
        assert_eq!(plan.by_group["g1"], [(orders.clone(), 7)]);
        let plan = read("g1,orders,1,7\ng2,orders,1,8\n", &["g1", "g2"]).unwrap();
        assert_eq!(plan.by_group["g2"], [(orders, 8)]);
        assert_eq!(plan.complaints.len(), 1);
        // Not a line without a group, so it is read as one with: of a group that nobody asked for.
        let plan = read("orders,zero,1\n", &["g1"]).unwrap();
        assert_eq!(plan.by_group.keys().collect::<Vec<_>>(), ["orders"]);
        assert!(read("a,b,c,d,e", &["g1"]).is_err());
        assert_eq!(Plan::read("none", &Files::default(), &[]).unwrap_err().text(), "java.io.IOException: Unable to read file none");
    }

    #[test]
    fn export_names_the_group_only_among_several() {
        let assignments = [("g1".to_owned(), vec![(TopicPartition::new("orders", 0), 3)])];
        assert_eq!(export(&assignments, 1), ["orders,0,3"]);
        assert_eq!(export(&assignments, 0), ["g1,orders,0,3"]);
    }
}
