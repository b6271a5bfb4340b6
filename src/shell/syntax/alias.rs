//! Aliases: what stands for the first word of a command, put into the text before it is run.

use super::cursor::Cursor;

/// Aliases within aliases are followed so far.
const MOST_ROUNDS: usize = 8;
/// A text does not grow beyond this.
const MOST_BYTES: usize = 64 << 10;

/// A text with the aliases at the beginning of its commands replaced. None is replaced again by what came from itself: one that was
/// replaced in a round is not looked at in the rounds after it.
pub fn with_aliases(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut text = text.to_owned();
    let mut used: Vec<String> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let mut cursor = Cursor::new(&text, 0);
        // What cannot be read as a whole has aliases all the same, up to there.
        let _ = cursor.list();
        let mut commands = std::mem::take(&mut cursor.commands);
        commands.sort_unstable();
        commands.dedup();
        let mut found: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        for (start, end) in commands {
            let name = &text[start..end];
            if !used.iter().any(|used| used == name)
                && let Some(value) = value(name)
            {
                found.push((start..end, value));
            }
        }
        if found.is_empty() {
            break;
        }
        used.extend(found.iter().map(|(place, _)| text[place.clone()].to_owned()));
        for (place, value) in found.into_iter().rev() {
            text.replace_range(place, &value);
        }
        if text.len() > MOST_BYTES {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_each_command() {
        let value = |name: &str| {
            let value = match name {
                "ll" => "ls -l",
                "ls" => "ls -a",
                "kt" => "kafka-topics.sh --bootstrap-server kafka-1:9092",
                "both" => "ll; kt",
                "loop" => "loop x",
                "open" => "echo 'a",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let cases = [
            ("ll", "ls -a -l"),
            ("echo ll", "echo ll"),
            ("'ll' x; \\ll", "'ll' x; \\ll"),
            ("X=1 kt --list | grep ll && ll", "X=1 kafka-topics.sh --bootstrap-server kafka-1:9092 --list | grep ll && ls -a -l"),
            ("for i in ll; do ll $i; done", "for i in ll; do ls -a -l $i; done"),
            ("echo $(ll)", "echo $(ls -a -l)"),
            ("both", "ls -a -l; kafka-topics.sh --bootstrap-server kafka-1:9092"),
            ("loop", "loop x"),
            ("ll )", "ls -a -l )"),
            ("open b'", "echo 'a b'"),
        ];
        for (text, expected) in cases {
            assert_eq!(with_aliases(text, &value), expected, "{text}");
        }
    }
}
