//! kafka-storage (`kafka.tools.StorageTool`): formats log directories, of the terminal's own disk, and says what is in them.
//!
//! * [`args`]: its options
//! * [`features`]: releases and feature levels

pub mod args;
pub mod features;

use std::collections::{BTreeMap, BTreeSet};

use self::args::{PARSER, Refused};
use super::Context;
use super::hosts::Done;
use super::program::Program;
use crate::kafka::actor::{Config, Input};
use crate::kafka::log::properties_file::{self, meta_properties_text};
use crate::kafka::metadata::features::{METADATA_VERSION, metadata_version};
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::names::uuid_text;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::shell::argparse::Parsed;
use crate::shell::files::{self, Files};
use crate::sim::disk::Head;
use crate::sim::process::ReadId;

/// A run of kafka-storage that looks into log directories.
#[derive(Clone, Debug)]
pub struct Storage {
    parsed: Parsed,
    config: Config,
    directories: Vec<String>,
    asked: bool,
    waiting: BTreeMap<ReadId, String>,
    /// Directories that are there.
    present: BTreeSet<String>,
    /// Their meta.properties.
    meta: BTreeMap<String, Config>,
}

/// The file that it will read.
pub fn reads(args: &[String]) -> Vec<String> {
    PARSER.parse(args).ok().and_then(|parsed| parsed.get("--config").map(str::to_owned)).into_iter().collect()
}

impl Storage {
    /// # Errors
    /// What is said instead of looking into directories.
    pub fn start(args: &[String], files: &Files, rng: &mut crate::sim::rng::Rng) -> Result<Storage, Done> {
        let parsed = PARSER.parse(args)?;
        match parsed.command {
            Some("random-uuid") => {
                let id = uuid::Builder::from_random_bytes(rng.bytes16()).into_uuid();
                return Err(Done::said(vec![uuid_text(id)]));
            }
            Some("version-mapping") => return Err(features::version_mapping(parsed.get("--release-version"))),
            Some("feature-dependencies") => return Err(features::dependencies(parsed.all("--feature"))),
            _ => {}
        }
        let config = args::config(&parsed, files).map_err(Refused::done)?;
        if parsed.command == Some("format") {
            args::check_format(&parsed, &config).map_err(Refused::done)?;
        }
        let directories = args::log_directories(&config);
        let (waiting, present, meta) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(Storage { parsed, config, directories, asked: false, waiting, present, meta })
    }

    /// `info`
    fn info(&self, cx: &mut Context) -> i32 {
        let (found, missing): (Vec<&String>, Vec<&String>) = self.directories.iter().partition(|path| self.present.contains(*path));
        let mut problems: Vec<String> = missing.iter().map(|path| format!("{path} does not exist")).collect();
        if !found.is_empty() {
            cx.print.line(if found.len() == 1 { "Found log directory:" } else { "Found log directories:" });
            found.iter().for_each(|path| cx.print.line(format!("  {path}")));
            cx.print.line("");
        }
        for path in found.iter().filter(|path| !self.meta.contains_key(**path)) {
            problems.push(format!("{path} is not formatted."));
        }
        if let Some(meta) = self.meta.values().next() {
            let pairs: Vec<String> = meta.iter().map(|(name, value)| format!("{name}={value}")).collect();
            cx.print.line(format!("Found metadata: {{{}}}", pairs.join(", ")));
            cx.print.line("");
        }
        if problems.is_empty() {
            return 0;
        }
        cx.print.line(if problems.len() == 1 { "Found problem:" } else { "Found problems:" });
        problems.iter().for_each(|problem| cx.print.line(format!("  {problem}")));
        cx.print.line("");
        1
    }

    /// `Formatter.run`
    fn format(&self, cx: &mut Context) -> Result<(), Refused> {
        let cluster_id = self.parsed.get("--cluster-id").unwrap_or_default();
        let node_id = self.config.get("node.id").map_or("-1", String::as_str);
        let features = features::effective(&self.parsed)?;
        for (path, meta) in &self.meta {
            for (name, expected) in [("cluster.id", cluster_id), ("node.id", node_id)] {
                if let Some(read) = meta.get(name).filter(|read| *read != expected) {
                    let message = format!("Invalid {name} in: {path}/meta.properties. Expected {expected}, but read {read}");
                    return Err(Refused::threw("java.lang.RuntimeException", message));
                }
            }
        }
        if let Some((path, _)) = self.meta.first_key_value().filter(|_| !self.parsed.has("--ignore-formatted")) {
            let message = format!(
                "Log directory {path} is already formatted. Use --ignore-formatted to ignore this directory and format the others."
            );
            return Err(Refused::Terse(message));
        }
        let fresh: Vec<&String> = self.directories.iter().filter(|path| !self.meta.contains_key(*path)).collect();
        if fresh.is_empty() {
            cx.print.line("All of the log directories are already formatted.");
            return Ok(());
        }
        cx.print.line(bootstrap_metadata(&features));
        let release = metadata_version(features[0].1).unwrap_or_default();
        let dynamic = self.parsed.has("--standalone") || self.parsed.has("--initial-controllers");
        for path in fresh {
            let kind = match (Some(path) == self.directories.first(), dynamic) {
                (true, true) => "dynamic metadata voter directory",
                (true, false) => "metadata directory",
                (false, _) => "data directory",
            };
            cx.print.line(format!("Formatting {kind} {path} with metadata.version {release}."));
            self.write(path, cluster_id, node_id, &features, cx)?;
        }
        Ok(())
    }

    /// What a formatted directory holds: meta.properties, and the metadata that a controller begins with.
    fn write(&self, path: &str, cluster_id: &str, node_id: &str, features: &[(String, i16)], cx: &mut Context) -> Result<(), Refused> {
        let directory_id = uuid_text(uuid::Builder::from_random_bytes(cx.out.rng().bytes16()).into_uuid());
        let created = crate::shell::java::log::timestamp(cx.now);
        let text = meta_properties_text(&created, node_id.parse().unwrap_or(-1), &directory_id, cluster_id);
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX >> 1);
        for (name, level) in features {
            let record = MetadataRecord::FeatureLevel { name: name.clone(), level: *level }.encode();
            builder.append(cx.now.wall_ms(), None, Some(&record), &[]);
        }
        let mut store = cx.out.store();
        let batch = builder.build(store.ids.next_id());
        let meta = store.chunk(text.into());
        let full = |_| Refused::threw("java.io.IOException", "No space left on device".into());
        let checkpoint = format!("{path}/bootstrap.checkpoint");
        store.disk.append(store.now, &checkpoint, Head::new(batch.head()), batch.body.clone()).map_err(full)?;
        store.disk.replace(store.now, &format!("{path}/meta.properties"), meta).map_err(full)
    }

    fn ask(&mut self, cx: &mut Context) {
        self.asked = true;
        for path in &self.directories {
            self.waiting.insert(files::ask(cx.out, &format!("{path}/")), path.clone());
            let meta = format!("{path}/meta.properties");
            self.waiting.insert(files::ask(cx.out, &meta), meta);
        }
    }
}

fn bootstrap_metadata(features: &[(String, i16)]) -> String {
    let record = |(name, level): &(String, i16)| {
        format!("ApiMessageAndVersion(FeatureLevelRecord(name='{name}', featureLevel={level}) at version 0)")
    };
    let records: Vec<String> = features.iter().map(record).collect();
    let level = features.iter().find(|(name, _)| name == METADATA_VERSION).map_or(0, |(_, level)| *level);
    format!("Bootstrap metadata: BootstrapMetadata(records=[{}], metadataVersionLevel={level}, source=format command)", records.join(", "))
}

impl Program for Storage {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if !self.asked {
            self.ask(cx);
        }
        if !self.waiting.is_empty() {
            return None;
        }
        if self.parsed.command == Some("info") {
            return Some(self.info(cx));
        }
        Some(match self.format(cx) {
            Ok(()) => 0,
            Err(refused) => {
                let done = refused.done();
                done.err.iter().for_each(|line| cx.print.error(line));
                done.status
            }
        })
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn owns(&self, input: &Input) -> bool {
        matches!(input, Input::Read(id, _) if self.waiting.contains_key(id))
    }

    fn input(&mut self, input: Input, _cx: &mut Context) {
        let Input::Read(id, file) = input else { return };
        let Some((path, file)) = self.waiting.remove(&id).zip(file) else { return };
        match path.strip_suffix("/meta.properties") {
            Some(directory) => {
                self.meta.insert(directory.to_owned(), properties_file::parse(&file.read()).into_iter().collect());
            }
            None => {
                self.present.insert(path);
            }
        }
    }
}
