//! `alias` and `unalias`. Lines that are typed, and what `eval` and `source` read, are searched for them.

use crate::shell::expand::state::Variable;
use crate::shell::run::shell::{Cx, Shell};
use crate::shell::syntax::with_aliases;

/// At most this many.
const MOST_ALIASES: usize = 256;
/// A longer text is not taken.
const ALIAS_BYTES: usize = 4 << 10;

/// `alias`, `alias NAME`, `alias NAME=TEXT`
pub(super) fn alias(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    let mut status = 0;
    let shown = |name: &str, text: &str| format!("alias {name}='{}'", text.replace('\'', "'\\''"));
    let words: Vec<&String> = args.iter().filter(|arg| *arg != "-p").collect();
    if words.is_empty() {
        let lines: Vec<String> = shell.state.aliases.iter().map(|(name, text)| shown(name, &text.value)).collect();
        lines.into_iter().for_each(|line| cx.print(line, true));
    }
    for word in words {
        match word.split_once('=') {
            Some((name, _)) if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "$`'\"\\/=|;&<>(){}".contains(c)) => {
                cx.complain(format!("bash: alias: `{name}': invalid alias name"));
                status = 1;
            }
            Some((_, text)) if text.len() > ALIAS_BYTES || shell.state.aliases.len() >= MOST_ALIASES => {
                cx.complain(format!("bash: alias: there is no room for more than {MOST_ALIASES} aliases of {ALIAS_BYTES} bytes"));
                status = 1;
            }
            Some((name, text)) => {
                shell.state.aliases.insert(name.into(), Variable { value: text.into(), ..Variable::default() });
            }
            None => match shell.state.aliases.get(word.as_str()).map(|text| shown(word, &text.value)) {
                Some(line) => cx.print(line, true),
                None => {
                    cx.complain(format!("bash: alias: {word}: not found"));
                    status = 1;
                }
            },
        }
    }
    status
}

/// `unalias NAME...`, `unalias -a`
pub(super) fn unalias(shell: &mut Shell, args: &[String], cx: &mut Cx) -> i32 {
    if args.is_empty() {
        cx.complain("unalias: usage: unalias [-a] name [name ...]");
        return 2;
    }
    let mut status = 0;
    for name in args {
        if name == "-a" {
            shell.state.aliases.clear();
        } else if shell.state.aliases.remove(name.as_str()).is_none() {
            cx.complain(format!("bash: unalias: {name}: not found"));
            status = 1;
        }
    }
    status
}

impl Shell {
    /// A text with its aliases replaced.
    pub fn with_aliases(&self, text: &str) -> String {
        if self.state.aliases.is_empty() {
            return text.to_owned();
        }
        with_aliases(text, &|name| self.state.aliases.get(name).map(|text| text.value.to_string()))
    }
}
