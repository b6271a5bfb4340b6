//! `ottla kafka-dump-log`: Kafka's dump tool over files of this machine, with the same text and exit status.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use bytes::Bytes;
use ottla::kafka::log::dump::{DumpFiles, DumpSink, dump_with};
use ottla::shell::tools::dump_log::args;

/// Print segment files, indexes and snapshots as `kafka-dump-log` does
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct DumpLogArgs {
    /// Kafka's own options: --files FILE,FILE --print-data-log --offsets-decoder ... (--help lists them)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION")]
    args: Vec<String>,
}

/// Runs the tool; exit status 1 where Kafka's ends with an exception.
pub fn run(args: &DumpLogArgs) -> ExitCode {
    let mut streams = Streams { out: BufWriter::new(std::io::stdout()) };
    let status = match args::parse(&args.args) {
        Ok(asked) => dump_with(asked.files.iter().map(String::as_str), &asked.options, &asked.decoder, &Folder, &mut streams),
        Err(said) => {
            said.out.iter().for_each(|line| streams.out(line));
            said.err.iter().for_each(|line| streams.err(line));
            said.status
        }
    };
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
