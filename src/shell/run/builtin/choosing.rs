//! What looks up a choice: `getopts` among a script's arguments, `select` in a list.

use crate::shell::run::shell::{Cx, Shell};
use crate::shell::syntax::is_name;

/// `getopts OPTSTRING NAME [ARG]...`
pub(super) fn getopts(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let [letters, name, words @ ..] = args else {
        cx.complain("getopts: usage: getopts optstring name [arg ...]");
        return 2;
    };
    if !is_name(name) {
        cx.complain(format!("bash: getopts: `{name}': not a valid identifier"));
        return 1;
    }
    let words = if words.is_empty() { shell.state.args.to_vec() } else { words.to_vec() };
    let mut index: usize = shell.state.get("OPTIND").and_then(|text| text.parse().ok()).filter(|index| *index > 0).unwrap_or(1);
    // Where it stood within a word counts only as long as nobody has set OPTIND.
    let (known, within) = shell.state.option_at;
    let mut at = if known == index { within.max(1) } else { 1 };
    let word = words.get(index - 1).filter(|word| word.starts_with('-') && word.len() > 1);
    let letter = word.filter(|word| *word != "--").and_then(|word| word.chars().nth(at));
    let (Some(word), Some(letter)) = (word, letter) else {
        index += usize::from(word.is_some());
        shell.state.option_at = (index, 0);
        return found(shell, name, "?", index, None, cx).max(1);
    };
    let is_silent = letters.starts_with(':');
    let takes = letters.split_once(letter).filter(|_| letter != ':').map(|(_, behind)| behind.starts_with(':'));
    let rest: String = word.chars().skip(at + 1).collect();
    at += 1;
    if rest.is_empty() || takes == Some(true) {
        (index, at) = (index + 1, 0);
    }
    let (value, argument) = match takes {
        Some(false) => (letter.to_string(), None),
        Some(true) if !rest.is_empty() => (letter.to_string(), Some(rest)),
        Some(true) => match words.get(index - 1) {
            Some(argument) => {
                index += 1;
                (letter.to_string(), Some(argument.clone()))
            }
            None if is_silent => (":".into(), Some(letter.to_string())),
            None => {
                cx.complain(format!("bash: option requires an argument -- {letter}"));
                ("?".into(), None)
            }
        },
        None if is_silent => ("?".into(), Some(letter.to_string())),
        None => {
            cx.complain(format!("bash: illegal option -- {letter}"));
            ("?".into(), None)
        }
    };
    shell.state.option_at = (index, at);
    found(shell, name, &value, index, argument, cx)
}

fn found(shell: &mut Shell, name: &str, value: &str, index: usize, argument: Option<String>, cx: &mut Cx) -> i32 {
    shell.state.unset("OPTARG");
    let argument = argument.map_or(Ok(()), |argument| shell.state.set("OPTARG", &argument));
    let set = argument.and_then(|()| shell.state.set("OPTIND", &index.to_string())).and_then(|()| shell.state.set(name, value));
    if let Err(said) = set {
        cx.complain(format!("bash: {said}"));
        return 1;
    }
    0
}

/// The two parts of a `select`: shows the list; sets the variable to what `REPLY` means, or shows the list again if that is empty.
pub(super) fn select(shell: &mut Shell, name: &str, args: &[String], cx: &mut Cx) -> i32 {
    let reply = shell.state.get("REPLY").unwrap_or_default().trim().to_owned();
    let (variable, words) = match (name, args.split_first()) {
        ("select:choose", Some((variable, words))) => (Some(variable), words),
        _ => (None, args),
    };
    let Some(variable) = variable.filter(|_| !reply.is_empty()) else {
        let width = words.len().to_string().len();
        words.iter().enumerate().for_each(|(n, word)| cx.complain(format!("{:>width$}) {word}", n + 1)));
        return i32::from(variable.is_some());
    };
    let chosen = reply.parse::<usize>().ok().and_then(|n| words.get(n.checked_sub(1)?)).cloned().unwrap_or_default();
    match shell.state.set(variable, &chosen) {
        Ok(()) => 0,
        Err(said) => {
            cx.complain(format!("bash: {said}"));
            1
        }
    }
}
