//! `ottla kafka-dump-log`: Kafka's dump tool over files of this machine, with the same text and exit status.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use ottla::kafka::log::dump::{DumpFiles, DumpOptions, DumpSink, dump};

/// Print segment files, indexes and snapshots as `kafka-dump-log` does
#[derive(clap::Args)]
pub struct DumpLogArgs {
    /// The files, separated by commas
    #[arg(long, required = true, value_name = "FILE,FILE")]
    files: String,
    /// Print keys and values too; implies --deep-iteration
    #[arg(long)]
    print_data_log: bool,
    /// Print records, not only batches
    #[arg(long)]
    deep_iteration: bool,
    /// Print nothing but keys and values of records; leaves control records out
    #[arg(long)]
    skip_record_metadata: bool,
    /// Check an index as a broker does when it starts, without printing it
    #[arg(long)]
    index_sanity_check: bool,
    /// Compare an index with its segment, without printing it
    #[arg(long)]
    verify_index_only: bool,
    /// Read so many bytes of each segment file at most
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u32>,
    /// Size of the largest batch, in bytes
    #[arg(long, value_name = "BYTES")]
    max_message_size: Option<u32>,
}

/// Runs the tool; exit status 1 where Kafka's ends with an exception.
pub fn run(args: &DumpLogArgs) -> ExitCode {
    let defaults = DumpOptions::default();
    let options = DumpOptions {
        deep_iteration: args.deep_iteration,
        print_data_log: args.print_data_log,
        skip_record_metadata: args.skip_record_metadata,
        index_sanity_check: args.index_sanity_check,
        verify_index_only: args.verify_index_only,
        max_bytes: args.max_bytes.unwrap_or(defaults.max_bytes),
        max_message_size: args.max_message_size.unwrap_or(defaults.max_message_size),
    };
    let mut streams = Streams { out: BufWriter::new(std::io::stdout()) };
    let status = dump(args.files.split(','), &options, &Folder, &mut streams);
    let _ = streams.out.flush();
    if status == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The file system of this machine.
struct Folder;

impl DumpFiles for Folder {
    fn read(&self, path: &str) -> Option<Bytes> {
        std::fs::read(path).ok().map(Bytes::from)
    }

    fn absolute_path(&self, path: &str) -> String {
        std::path::absolute(Path::new(path)).map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
    }
}

/// A reader that went away (`| head`) is no error: what it does not read is dropped.
struct Streams {
    out: BufWriter<std::io::Stdout>,
}

impl DumpSink for Streams {
    fn out(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }

    fn err(&mut self, line: &str) {
        let _ = self.out.flush();
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
