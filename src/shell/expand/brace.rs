//! Brace expansion: `{a,b}`, `{1..5}`, `{01..10..2}`, `{a..e}`.

use crate::shell::syntax::{Part, Word};

/// A word becomes at most this many words.
pub const MOST_WORDS: usize = 10_000;
/// A word with more braces stays as it is.
const MOST_BRACES: usize = 200;

/// A word's characters, with what is no plain text as one.
#[derive(Clone, Debug)]
enum Element {
    Char(char),
    Other(Part),
}

/// The words that a word stands for; `None` if there were too many.
pub fn expand(word: &Word) -> Option<Vec<Word>> {
    let bare = word.0.iter().filter_map(|part| if let Part::Bare(text) = part { Some(text) } else { None });
    let braces: usize = bare.map(|text| text.matches('{').count()).sum();
    if braces == 0 || braces > MOST_BRACES {
        return Some(vec![word.clone()]);
    }
    let mut elements = Vec::new();
    for part in &word.0 {
        match part {
            Part::Bare(text) => elements.extend(text.chars().map(Element::Char)),
            other => elements.push(Element::Other(other.clone())),
        }
    }
    let words = all(&elements, 0)?;
    Some(words.into_iter().map(join).collect())
}

fn is(element: Option<&Element>, wanted: char) -> bool {
    matches!(element, Some(Element::Char(c)) if *c == wanted)
}

fn all(elements: &[Element], depth: usize) -> Option<Vec<Vec<Element>>> {
    if depth > 20 {
        return None;
    }
    for open in (0..elements.len()).filter(|at| is(elements.get(*at), '{')) {
        let Some((close, commas)) = matching(elements, open) else { continue };
        let inner = &elements[open + 1..close];
        let choices: Vec<Vec<Element>> = if commas.is_empty() {
            let Some(range) = range(inner)? else { continue };
            range.into_iter().map(|text| text.chars().map(Element::Char).collect()).collect()
        } else {
            let mut choices = Vec::new();
            let mut from = open + 1;
            for comma in commas.into_iter().chain([close]) {
                choices.extend(all(&elements[from..comma], depth + 1)?);
                from = comma + 1;
            }
            choices
        };
        let tails = all(&elements[close + 1..], depth + 1)?;
        if choices.len().saturating_mul(tails.len()) > MOST_WORDS {
            return None;
        }
        let head = &elements[..open];
        let combine = |choice: &Vec<Element>, tail: &Vec<Element>| [head, choice, tail].concat();
        return Some(choices.iter().flat_map(|choice| tails.iter().map(move |tail| combine(choice, tail))).collect());
    }
    Some(vec![elements.to_vec()])
}

/// The brace that closes the one at `open`, and the commas between them that belong to it.
fn matching(elements: &[Element], open: usize) -> Option<(usize, Vec<usize>)> {
    let (mut nesting, mut commas) = (0_usize, Vec::new());
    for (at, element) in elements.iter().enumerate().skip(open + 1) {
        match element {
            Element::Char('{') => nesting += 1,
            Element::Char('}') if nesting == 0 => return Some((at, commas)),
            Element::Char('}') => nesting -= 1,
            Element::Char(',') if nesting == 0 => commas.push(at),
            _ => {}
        }
    }
    None
}

/// `1..5`: the outer `None` is too many, the inner one no range.
#[allow(clippy::option_option)]
fn range(inner: &[Element]) -> Option<Option<Vec<String>>> {
    let mut text = String::new();
    for element in inner {
        match element {
            Element::Char(c) => text.push(*c),
            Element::Other(_) => return Some(None),
        }
    }
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts[..] {
        [from, to] => (from, to, 1),
        [from, to, step] => match step.parse::<i64>() {
            Ok(step) => (from, to, step),
            Err(_) => return Some(None),
        },
        _ => return Some(None),
    };
    let letter = |text: &str| text.chars().next().filter(|c| text.len() == 1 && c.is_ascii_alphabetic());
    let (numbers, letters) = match (from.parse::<i64>(), to.parse::<i64>(), letter(from), letter(to)) {
        (Ok(from), Ok(to), _, _) => ((from, to), false),
        (_, _, Some(from), Some(to)) => ((i64::from(u32::from(from)), i64::from(u32::from(to))), true),
        _ => return Some(None),
    };
    let zeros = |text: &str| text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0');
    let width = if zeros(from) || zeros(to) { from.len().max(to.len()) } else { 0 };
    let step = step.unsigned_abs().max(1);
    if numbers.0.abs_diff(numbers.1) / step >= MOST_WORDS as u64 {
        return None;
    }
    let count = numbers.0.abs_diff(numbers.1) / step;
    let at = |n: u64| {
        let offset = i64::try_from(n * step).unwrap_or(0);
        if numbers.0 <= numbers.1 { numbers.0 + offset } else { numbers.0 - offset }
    };
    let shown = |n: i64| match letters {
        true => u32::try_from(n).ok().and_then(char::from_u32).map(String::from).unwrap_or_default(),
        false => format!("{n:0width$}"),
    };
    Some(Some((0..=count).map(|n| shown(at(n))).collect()))
}

fn join(elements: Vec<Element>) -> Word {
    let mut parts: Vec<Part> = Vec::new();
    for element in elements {
        match (element, parts.last_mut()) {
            (Element::Char(c), Some(Part::Bare(text))) => text.push(c),
            (Element::Char(c), _) => parts.push(Part::Bare(c.into())),
            (Element::Other(part), _) => parts.push(part),
        }
    }
    Word(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let words = expand(&Word(vec![Part::Bare(text.into())]))
            .map(|words| words.iter().map(|word| word.bare().unwrap_or("").to_owned()).collect::<Vec<_>>().join(" "));
        assert_eq!(words.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn braces_as_bash_expands_them() {
        check("a{1,2}b", "a1b a2b");
        check("{1..5}", "1 2 3 4 5");
        check("{5..1..2}", "5 3 1");
        check("{08..11}", "08 09 10 11");
        check("{a..e}", "a b c d e");
        check("{a,b{1,2}}x{y,z}", "axy axz b1xy b1xz b2xy b2xz");
        check("{a}", "{a}");
        check("{}", "{}");
        check("{a,b", "{a,b");
        check("x{,y}", "x xy");
        assert_eq!(expand(&Word(vec![Part::Bare("{1..100000}".into())])), None);
        assert_eq!(expand(&Word(vec![Part::Bare("{1..100}".repeat(4))])), None);
    }
}
