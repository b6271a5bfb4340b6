//! Options of the text tools, as getopt reads them.

/// Long names of options, where they are typed.
const LONG: &[(&str, char)] = &[
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("bytes", 'c'),
    ("chars", 'm'),
    ("context", 'C'),
    ("count", 'c'),
    ("decode", 'd'),
    ("delete", 'd'),
    ("delimiter", 'd'),
    ("delimiters", 'd'),
    ("expression", 'e'),
    ("extended-regexp", 'E'),
    ("field-separator", 't'),
    ("fields", 'f'),
    ("fixed-strings", 'F'),
    ("ignore-case", 'i'),
    ("ignore-case", 'f'),
    ("invert-match", 'v'),
    ("key", 'k'),
    ("line-number", 'n'),
    ("line-regexp", 'x'),
    ("lines", 'l'),
    ("lines", 'n'),
    ("max-count", 'm'),
    ("no-filename", 'h'),
    ("number", 'n'),
    ("numeric-sort", 'n'),
    ("only-delimited", 's'),
    ("only-matching", 'o'),
    ("quiet", 'q'),
    ("quiet", 'n'),
    ("regexp", 'e'),
    ("regexp-extended", 'E'),
    ("repeated", 'd'),
    ("reverse", 'r'),
    ("serial", 's'),
    ("silent", 'q'),
    ("silent", 'n'),
    ("squeeze-repeats", 's'),
    ("table", 't'),
    ("unique", 'u'),
    ("version-sort", 'V'),
    ("word-regexp", 'w'),
    ("words", 'w'),
    ("wrap", 'w'),
];

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
            } else if let Some(long) = arg.strip_prefix("--") {
                let (name, inline) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
                if name == "color" || name == "colour" {
                    continue;
                }
                let letters = LONG.iter().filter(|(long, _)| *long == name).map(|(_, letter)| *letter);
                let Some(letter) = letters.into_iter().find(|letter| flags.contains(*letter) || valued.contains(*letter)) else {
                    return Err((format!("{tool}: unrecognized option '{arg}'{hint}"), status));
                };
                if flags.contains(letter) {
                    found.flags.push(letter);
                } else {
                    let value = inline.or_else(|| args.next().cloned());
                    let value = value.ok_or_else(|| (format!("{tool}: option '--{name}' requires an argument{hint}"), status))?;
                    found.values.push((letter, value));
                }
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
