//! `meta.properties` (which disk belongs to which node of which cluster) and `partition.metadata` (which topic id a folder belongs to).

use std::fmt::Write;

use uuid::Uuid;

use crate::kafka::names::uuid_of;

/// Key and value pairs in the order of the file; comments are left out. `meta.properties` separates by `=`, `partition.metadata` by `: `.
pub fn parse(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| match line.find(['=', ':']) {
        Some(at) => (line[..at].trim(), line[at + 1..].trim()),
        None => (line, ""),
    });
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The file in a replica's folder that says which topic it is of.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// The topic id in such a file; `None` if it cannot be read.
pub fn topic_id_in(bytes: &[u8]) -> Option<Uuid> {
    parse(bytes).into_iter().find(|(key, _)| key == "topic_id").and_then(|(_, id)| uuid_of(&id))
}

/// `PartitionMetadataFile`, version 0. The topic id as Kafka prints it (22 characters of base64).
pub fn partition_metadata_text(topic_id: &str) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

/// `MetaProperties`, version 1, as `kafka-storage format` writes it (in the order of a java.util.Properties). `date` is Java's rendering of the time, in a comment.
pub fn meta_properties_text(date: &str, node_id: i32, directory_id: &str, cluster_id: &str) -> String {
    let mut out = String::from("#\n");
    let _ = writeln!(out, "#{date}");
    let _ = writeln!(out, "node.id={node_id}\ndirectory.id={directory_id}\nversion=1\ncluster.id={cluster_id}");
    out
}
