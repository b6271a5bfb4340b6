//! Options of the text tools, as getopt reads them.

/// What stood on the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    pub flags: Vec<char>,
    values: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Args {
    /// Letters in `flags` take no argument, letters in `valued` do (`-n3`, `-n 3`).
    ///
    /// # Errors
    /// What the tool says about an option it does not have, and its exit status.
    pub(super) fn parse(tool: &str, args: &[String], flags: &str, valued: &str) -> Result<Args, (String, i32)> {
        let status = if matches!(tool, "grep" | "sort") { 2 } else { 1 };
        let hint = format!("\nTry '{tool} --help' for more information.");
        let mut found = Args::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if arg == "--" {
                found.operands.extend(args.by_ref().cloned());
            } else if arg.starts_with("--") {
                return Err((format!("{tool}: unrecognized option '{arg}'{hint}"), status));
            } else if arg == "-" || !arg.starts_with('-') {
                found.operands.push(arg.clone());
            } else {
                let mut letters = arg[1..].chars();
                while let Some(letter) = letters.next() {
                    if flags.contains(letter) {
                        found.flags.push(letter);
                    } else if valued.contains(letter) {
                        let inline: String = letters.by_ref().collect();
                        let value = if inline.is_empty() { args.next().cloned() } else { Some(inline) };
                        let value = value.ok_or_else(|| (format!("{tool}: option requires an argument -- '{letter}'{hint}"), status))?;
                        found.values.push((letter, value));
                    } else {
                        return Err((format!("{tool}: invalid option -- '{letter}'{hint}"), status));
                    }
                }
            }
        }
        Ok(found)
    }

    pub(super) fn flag(&self, letter: char) -> bool {
        self.flags.contains(&letter)
    }

    /// The last argument given to this option.
    pub(super) fn value(&self, letter: char) -> Option<&str> {
        self.values.iter().rev().find(|(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }

    pub(super) fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        self.values.iter().filter(move |(found, _)| *found == letter).map(|(_, value)| value.as_str())
    }
}
