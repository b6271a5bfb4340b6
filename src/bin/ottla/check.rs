//! `ottla check`: says what is wrong with lesson files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ottla::lesson::catalog;
use ottla::lesson::format::parse;

/// Which lessons to check.
#[derive(clap::Args)]
pub struct CheckArgs {
    /// Lesson files (lessons/<track>/<nn-slug>.md)
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Prints `file:line:column: message` and a remedy for each problem; fails if one of them is an error.
pub fn run(args: &CheckArgs) -> ExitCode {
    let given: Vec<String> = args.files.iter().map(|file| slug(file)).collect();
    let known: Vec<String> = catalog::slugs().map(str::to_owned).chain(given.iter().cloned()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut is_good = true;
    for (file, slug) in args.files.iter().zip(&given) {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{}: {error}\n    give the path of a lesson file, in UTF-8", file.display());
                is_good = false;
                continue;
            }
        };
        let parsed = parse(slug, &text, &known);
        for problem in &parsed.problems {
            eprintln!("{}:{problem}", file.display());
        }
        match &parsed.lesson {
            Some(lesson) => {
                println!("{}: {:?}, {} goals, {} words", file.display(), lesson.title, lesson.goals().count(), lesson.words());
            }
            None => is_good = false,
        }
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The last folder and the name of the file: what other lessons call it.
fn slug(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match file.parent().and_then(Path::file_name) {
        Some(track) => format!("{}/{stem}", track.to_string_lossy()),
        None => stem.into_owned(),
    }
}
