//! Writes a transcript: a script's lines, each followed by what was printed then.

use std::collections::BTreeMap;

/// `script`: the text of a transcript, whose output, if it has any, is left out. `printed`: what the step at a line (from 1) printed.
pub fn write(script: &str, printed: &BTreeMap<usize, Vec<String>>) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut body = None;
    let mut lines = script.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        if body != Some(true) {
            // The front matter stands between the first two lines `---`.
            out.push(line);
            body = if line == "---" { Some(body.is_some()) } else { body };
            continue;
        }
        if line.starts_with('#') && !line.starts_with("# at ") {
            out.push(line);
        }
        if !is_step(line) {
            continue;
        }
        out.push(line);
        while let Some((_, input)) = lines.next_if(|(_, next)| next.starts_with("| ")) {
            out.push(input);
        }
        out.extend(printed.get(&(at + 1)).into_iter().flatten().map(String::as_str));
        if out.last().is_some_and(|line| !line.is_empty()) {
            out.push("");
        }
    }
    while out.last().is_some_and(|line| line.is_empty()) {
        out.pop();
    }
    out.join("\n") + "\n"
}

fn is_step(line: &str) -> bool {
    ["$ ", "& ", "@ "].iter().any(|sign| line.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_output_goes_and_new_output_comes() {
        let script = "---\ntitle = \"x\"\n---\n# why\n$ cat\n| one\nold\n! old\n= 1\n\n@ sleep 5s\n";
        let printed = BTreeMap::from([(5, vec!["one".to_owned()])]);
        assert_eq!(write(script, &printed), "---\ntitle = \"x\"\n---\n# why\n$ cat\n| one\none\n\n@ sleep 5s\n");
    }
}
