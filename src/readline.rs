//! A line being typed, edited as GNU readline does it in bash: moving, killing and yanking, history, and the search through it.
//!
//! Pure text, no browser: the page's prompt puts into its field what comes out of here.

/// A line and where its cursor stands, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub cursor: usize,
}

/// What a key does to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Ctrl-A
    Home,
    /// Ctrl-E
    End,
    /// Ctrl-B
    Back,
    /// Ctrl-F
    Forward,
    /// Alt-B
    WordBack,
    /// Alt-F
    WordForward,
    /// Ctrl-D on a line that is not empty.
    Delete,
    /// Ctrl-K
    KillToEnd,
    /// Ctrl-U
    KillToStart,
    /// Ctrl-W: back to the last white space.
    KillBack,
    /// Alt-Backspace: the letters and digits before the cursor.
    KillWordBack,
    /// Alt-D
    KillWord,
    /// Ctrl-Y: what was killed last.
    Yank,
}

impl Line {
    /// With the cursor at its end.
    pub fn new(text: impl Into<String>) -> Line {
        let text = text.into();
        Line { cursor: text.len(), text }
    }

    /// As a field of the browser has it, which counts in UTF-16.
    pub fn of_field(text: String, cursor: u32) -> Line {
        let mut units = 0;
        let at = text.char_indices().find(|(_, c)| {
            let here = units >= cursor as usize;
            units += c.len_utf16();
            here
        });
        Line { cursor: at.map_or(text.len(), |(at, _)| at), text }
    }

    /// The cursor as a field of the browser counts it.
    pub fn field_cursor(&self) -> u32 {
        self.text[..self.cursor].encode_utf16().count() as u32
    }

    /// Does what a key asks for; `killed` is what Ctrl-Y brings back.
    pub fn edit(&mut self, edit: Edit, killed: &mut String) {
        let (before, after) = self.text.split_at(self.cursor);
        let last = before.chars().next_back().map_or(0, char::len_utf8);
        let next = after.chars().next().map_or(0, char::len_utf8);
        match edit {
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::Back => self.cursor -= last,
            Edit::Forward => self.cursor += next,
            Edit::WordBack => self.cursor = word_start(before, char::is_alphanumeric),
            Edit::WordForward => self.cursor += word_end(after),
            Edit::Delete => drop(self.take(self.cursor..self.cursor + next)),
            Edit::KillToEnd => *killed = self.take(self.cursor..self.text.len()),
            Edit::KillToStart => *killed = self.take(0..self.cursor),
            Edit::KillBack => *killed = self.take(word_start(before, |c| !c.is_whitespace())..self.cursor),
            Edit::KillWordBack => *killed = self.take(word_start(before, char::is_alphanumeric)..self.cursor),
            Edit::KillWord => *killed = self.take(self.cursor..self.cursor + word_end(after)),
            Edit::Yank => {
                self.text.insert_str(self.cursor, killed);
                self.cursor += killed.len();
            }
        }
    }

    /// Fills in, from byte `from` to the cursor, what all candidates have in common; a single one is followed by a space.
    pub fn complete(&mut self, from: usize, candidates: &[String]) {
        let Some(common) = common_start(candidates) else { return };
        if !self.text.is_char_boundary(from) || from > self.cursor || common.len() < self.cursor - from {
            return;
        }
        let ends = candidates.len() == 1 && !common.ends_with(['/', '=']) && !self.text[self.cursor..].starts_with(char::is_whitespace);
        let filled = format!("{common}{}", if ends { " " } else { "" });
        self.text.replace_range(from..self.cursor, &filled);
        self.cursor = from + filled.len();
    }

    /// Takes a part out; the cursor stands where it was.
    fn take(&mut self, part: std::ops::Range<usize>) -> String {
        self.cursor = part.start;
        self.text.drain(part).collect()
    }
}

/// What is being recalled of the lines entered before, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// How far back; 0 is the line being typed.
    back: usize,
    draft: String,
}

impl Recall {
    /// The line before (`older`) or after; `None` where there is none.
    pub fn step(&mut self, history: &[String], older: bool, current: &str) -> Option<String> {
        let back = if older { self.back + 1 } else { self.back.checked_sub(1)? };
        if back > history.len() {
            return None;
        }
        if self.back == 0 {
            current.clone_into(&mut self.draft);
        }
        self.back = back;
        Some(if back == 0 { std::mem::take(&mut self.draft) } else { history[history.len() - back].clone() })
    }
}

/// Ctrl-R: the search through what was entered before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The line as it was; Ctrl-G brings it back.
    pub before: Line,
    pub pattern: String,
    /// The line that is shown, by its place in the history.
    at: Option<usize>,
    /// Nothing older (or newer) contains the pattern.
    pub failed: bool,
}

impl Search {
    pub fn new(before: Line) -> Search {
        Search { before, ..Search::default() }
    }

    /// The line that was found.
    pub fn found<'a>(&self, history: &'a [String]) -> Option<&'a str> {
        Some(history.get(self.at?)?.as_str())
    }

    /// The pattern has changed: what is shown stays if it still fits, or else something older is found.
    pub fn look_for(&mut self, history: &[String], pattern: String) {
        self.pattern = pattern;
        let newest = history.len().saturating_sub(1);
        let from = self.at.filter(|_| !self.failed).unwrap_or(newest);
        self.go(history, (0..=from).rev(), false);
    }

    /// Something older that contains the pattern (Ctrl-R again).
    pub fn older(&mut self, history: &[String]) {
        self.go(history, (0..self.at.unwrap_or(history.len())).rev(), true);
    }

    /// Something newer (Ctrl-S).
    pub fn newer(&mut self, history: &[String]) {
        self.go(history, self.at.map_or(0, |at| at + 1)..history.len(), true);
    }

    /// `moves`: what is found must differ from what is shown, or the key would seem dead.
    fn go(&mut self, history: &[String], mut places: impl Iterator<Item = usize>, moves: bool) {
        if self.pattern.is_empty() {
            self.failed = false;
            return;
        }
        let shown = self.found(history).filter(|_| moves);
        let fits = |at: &usize| history.get(*at).is_some_and(|line| line.contains(&self.pattern) && shown != Some(line));
        match places.find(fits) {
            Some(at) => (self.at, self.failed) = (Some(at), false),
            None => self.failed = true,
        }
    }
}

/// Where the last word of `text` begins; `is_word` says what words are made of.
fn word_start(text: &str, is_word: impl Fn(char) -> bool) -> usize {
    let words = text.trim_end_matches(|c| !is_word(c));
    words.trim_end_matches(&is_word).len()
}

/// Where the first word of `text` ends.
fn word_end(text: &str) -> usize {
    let rest = text.trim_start_matches(|c: char| !c.is_alphanumeric());
    text.len() - rest.trim_start_matches(char::is_alphanumeric).len()
}

fn common_start(candidates: &[String]) -> Option<&str> {
    let first = candidates.first()?.as_str();
    Some(candidates.iter().fold(first, |common, other| {
        let same = common.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b).last();
        &common[..same.map_or(0, |((at, c), _)| at + c.len_utf8())]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `^` is the cursor.
    fn line(text: &str) -> Line {
        Line { cursor: text.find('^').unwrap(), text: text.replace('^', "") }
    }

    fn shown(line: &Line) -> String {
        format!("{}^{}", &line.text[..line.cursor], &line.text[line.cursor..])
    }

    #[test]
    fn edits_as_readline() {
        let check = |before: &str, edit: Edit, after: &str, expected: &str| {
            let (mut line, mut killed) = (line(before), "old".to_owned());
            line.edit(edit, &mut killed);
            assert_eq!((shown(&line).as_str(), killed.as_str()), (after, expected), "{before} {edit:?}");
        };
        check("ab cd^", Edit::Home, "^ab cd", "old");
        check("a^b", Edit::End, "ab^", "old");
        check("é^x", Edit::Back, "^éx", "old");
        check("^", Edit::Back, "^", "old");
        check("^éx", Edit::Forward, "é^x", "old");
        check("--topic or-ders^", Edit::WordBack, "--topic or-^ders", "old");
        check("^--topic x", Edit::WordForward, "--topic^ x", "old");
        check("a^éb", Edit::Delete, "a^b", "old");
        check("a^", Edit::Delete, "a^", "old");
        check("ab^cd", Edit::KillToEnd, "ab^", "cd");
        check("ab^cd", Edit::KillToStart, "^cd", "ab");
        check("a --topic=x  ^y", Edit::KillBack, "a ^y", "--topic=x  ");
        check("a --topic=xy^", Edit::KillWordBack, "a --topic=^", "xy");
        check("a^ --topic x", Edit::KillWord, "a^ x", " --topic");
        check("a^b", Edit::Yank, "aold^b", "old");
    }

    #[test]
    fn completes_in_the_middle_too() {
        let check = |before: &str, from: usize, candidates: &[&str], after: &str| {
            let mut line = line(before);
            line.complete(from, &candidates.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
            assert_eq!(shown(&line), after, "{before}");
        };
        check("kafka-to^", 0, &["kafka-topics.sh"], "kafka-topics.sh ^");
        check("x ord^ --describe", 2, &["orders"], "x orders^ --describe");
        check("x o^y", 2, &["orders"], "x orders ^y");
        check("x o^", 2, &["order-lines", "orders"], "x order^");
        check("x q^", 2, &[], "x q^");
        check("é o^", 3, &["o=", "o="], "é o=^");
        check("a^", 0, &["dir/"], "dir/^");
    }

    #[test]
    fn counts_as_a_field_does() {
        let line = Line::of_field("é𝄞x".into(), 3);
        assert_eq!((shown(&line).as_str(), line.field_cursor()), ("é𝄞^x", 3));
        assert_eq!(Line::of_field("a".into(), 9).cursor, 1);
    }

    #[test]
    fn recalls_and_comes_back_to_the_draft() {
        let history = ["one", "two"].map(str::to_owned);
        let mut recall = Recall::default();
        let mut step = |older, current: &str| recall.step(&history, older, current);
        assert_eq!(step(false, "dr"), None);
        assert_eq!(step(true, "dr").as_deref(), Some("two"));
        assert_eq!(step(true, "two").as_deref(), Some("one"));
        assert_eq!(step(true, "one"), None);
        assert_eq!(step(false, "one").as_deref(), Some("two"));
        assert_eq!(step(false, "two").as_deref(), Some("dr"));
    }

    #[test]
    fn searches_back_and_forth() {
        let history = ["echo a", "kafka-topics.sh --list", "echo b", "echo b", "ls"].map(str::to_owned);
        let mut search = Search::new(line("dr^"));
        assert_eq!(search.found(&history), None);
        search.look_for(&history, "e".into());
        search.look_for(&history, "echo".into());
        assert_eq!(search.found(&history), Some("echo b"));
        search.older(&history);
        assert_eq!(search.found(&history), Some("echo a"));
        search.older(&history);
        assert_eq!((search.found(&history), search.failed), (Some("echo a"), true));
        search.newer(&history);
        assert_eq!((search.found(&history), search.failed), (Some("echo b"), false));
        search.look_for(&history, "topics".into());
        assert_eq!(search.found(&history), Some("kafka-topics.sh --list"));
        search.look_for(&history, "topicsx".into());
        assert!(search.failed);
        search.look_for(&history, "topics".into());
        assert_eq!((search.found(&history), search.failed), (Some("kafka-topics.sh --list"), false));
        Search::new(Line::default()).look_for(&[], "x".into());
    }
}
