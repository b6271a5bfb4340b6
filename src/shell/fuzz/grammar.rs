//! Lines of the shell's language: its commands, words and constructs put together at random.

use super::Dice;

const COMMANDS: &[&str] = &[
    "echo a b",
    "seq 5",
    "cat",
    "cat f",
    "head -2",
    "tail -n +2",
    "wc -l",
    "sort -rn",
    "grep -E 'a|b'",
    "tr a-z A-Z",
    "cut -d: -f1",
    "uniq -c",
    "sed 's/a/b/g'",
    "sed -n '1,3p'",
    "awk '{print $1}'",
    "awk '{s+=$1} END {print s}'",
    "jq .",
    "jq -c '[.[]?|..]'",
    "jq '.a|=map(.+1)'",
    "read x",
    "read -r a b",
    "true",
    "false",
    "sleep 0.01",
    "export X=1",
    "unset X",
    "set -- a b c",
    "shift",
    "wait",
    "jobs",
    "kill %1",
    "cd d",
    "pwd",
    "mkdir -p d/e",
    "rm -f f",
    "touch f g",
    "ls -l",
    "cp f g",
    "mv f g",
    "tee f",
    "xargs -n1 echo",
    "printf '%5s|%-5d\\n' a 3",
    "date +%s",
    "test -f f",
    "[ 1 -lt 2 ]",
    "f() { echo $1; f2; }",
    "f x",
    "break",
    "continue",
    "return 3",
    "eval 'echo $X'",
    "timeout 0.1 cat",
    "ssh kafka-1 ls",
    "type echo",
    "history 2",
    "exit 2",
    "kafka-topics.sh --list",
    "kafka-topics.sh --bootstrap-server kafka-1:9092 --create --topic a",
    "kafka-console-producer.sh --topic t",
    "kafka-console-consumer.sh --from-beginning",
    "cut kafka-1 kafka-2",
    "heal",
    "kill -9 kafka-1",
    "start kafka-1",
    "base64",
    "column -t",
    "paste -sd,",
    "let x=1+2",
    "local y=2",
    "source f",
    "bash -c 'echo $0'",
    "env Z=1 echo",
    "local",
    "nope",
    "./x",
    "set -e",
    "set +e",
    "a=(1 'x y' $X)",
    "a+=([5]=z)",
    "declare -A m=([k]=v)",
    "echo \"${a[@]}\" ${#a[@]} ${!a[@]} ${a[-1]}",
    "unset 'a[1]'",
    "mapfile -t a",
    "read -ra a",
    "trap 'echo t' EXIT ERR INT",
    "trap - INT",
    "alias ll='ls -l; ll'",
    "ll",
    "printf -v x %d 3",
    "readonly X",
    "exec > f",
    "exec > /dev/tty",
    "command -v ls",
    "wait -n",
    "disown",
    "bg",
    "!!",
    "!echo",
    "cut kafka-1 kafka-2 --one-way",
    "ssh kafka-1 iptables -A INPUT -s kafka-2 -j DROP",
    "ssh kafka-1 'iptables -L; iptables -F'",
    "tc qdisc add dev eth0 root netem delay 10ms loss 1%",
    "systemctl status kafka-1",
    "systemctl restart kafka-1",
    "systemctl list-units",
    "ping -c 2 kafka-1",
    "nc -zv -w 1 kafka-1 9092",
    "head -c 100 /dev/zero",
    "tr -dc a-z < /dev/urandom | head -c 9",
    "paste <(seq 3) <(seq 4)",
    "getopts ab: X",
    "OPTIND=1",
    "set -- -ab one -c",
    "declare -i n=1+2",
    "n+=X",
    "declare -n r=X",
    "r=$r$r",
    "kaf -b localhost:9092 topics",
    "kaf consume t -fn3 --output json",
    "kaf produce t -k X",
];

const JOINTS: &[&str] = &[" | ", " && ", " || ", "; ", " & ", "\n", " |& ", ";; ", " ! "];

const WORDS: &[&str] = &[
    "$X",
    "${X:-a b}",
    "${#X}",
    "${X%b*}",
    "${X//a/b}",
    "${X:1:2}",
    "\"$@\"",
    "$((1+2))",
    "$((x++))",
    "$(echo a)",
    "`echo b`",
    "\"$(seq 3)\"",
    "{1..4}",
    "{a,b{c,d}}",
    "*",
    "[a-c]*",
    "~/x",
    "'a b'",
    "\\$",
    "$?",
    "$!",
    "$$",
    "$#",
    "$((",
    "${",
    "${X",
    "\"",
    "'",
    "`",
    "$(",
    "é",
    "\u{0}",
    "\t",
    "\\",
    "$'\\n'",
    "<<EOF",
    "<<<x",
    "#",
    "${X?}",
    "${X:=1}",
    "$((1/0))",
    "$((2**70))",
    "-",
    "--",
    "-n",
    "-x=1",
    "a=b",
    "9999999999999999999999",
    "${a[@]:1:2}",
    "${a[$((x++))]}",
    "${!X}",
    "a[0]=(",
    "$((a[1]+1))",
    "\"${*:2}\"",
    "<(echo a)",
    "<(",
    "/dev/fd/63",
    "/dev/null",
];

const REDIRECTS: &[&str] =
    &[" > f", " >> f", " < f", " 2>&1", " &> g", " 2>/dev/null", " <<< \"a b\"", " > ", " < d", " >&2", " 2>&-", " > d/e/f", " < <(seq 2)"];

/// A line of the language, or several.
pub(super) fn line(dice: &mut Dice) -> String {
    let mut text = String::new();
    part(dice, 0, &mut text);
    // Now and then something is lost, doubled, or out of place.
    for _ in 0..dice.below(3) {
        if dice.below(3) == 0 {
            spoil(dice, &mut text);
        }
    }
    text
}

fn part(dice: &mut Dice, depth: usize, into: &mut String) {
    for n in 0..=dice.below(3) {
        if n > 0 {
            into.push_str(dice.one_of(JOINTS));
        }
        match if depth < 4 { dice.below(15) } else { 0 } {
            0..=6 => {
                into.push_str(dice.one_of(COMMANDS));
                for _ in 0..dice.below(3) {
                    into.push(' ');
                    into.push_str(dice.one_of(WORDS));
                }
            }
            7 => nested(dice, depth, into, &["for i in a {1..3} $X; do ", "; done"]),
            8 => nested(dice, depth, into, &["while ", "; do ", "; done"]),
            9 => nested(dice, depth, into, &["if ", "; then ", "; else ", "; fi"]),
            10 => nested(dice, depth, into, &["( ", " )"]),
            11 => nested(dice, depth, into, &["{ ", "; }"]),
            12 => nested(dice, depth, into, &["case $X in a*) ", ";; *) ", ";; esac"]),
            13 => nested(dice, depth, into, &["select x in a $X; do ", "; done"]),
            _ => nested(dice, depth, into, &["X=$(", ")"]),
        }
        if dice.below(4) == 0 {
            into.push_str(dice.one_of(REDIRECTS));
        }
    }
}

fn nested(dice: &mut Dice, depth: usize, into: &mut String, frame: &[&str]) {
    for (n, piece) in frame.iter().enumerate() {
        into.push_str(piece);
        if n + 1 < frame.len() {
            part(dice, depth + 1, into);
        }
    }
}

fn spoil(dice: &mut Dice, text: &mut String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    if places.is_empty() {
        return;
    }
    let at = places[dice.below(places.len())];
    match dice.below(4) {
        0 => text.truncate(at),
        1 => text.insert_str(at, dice.one_of(WORDS)),
        2 => drop(text.remove(at)),
        _ => text.insert_str(at, dice.one_of(&["(", ")", "{", "}", "\"", "'", "|", "&", ";", "$", "<", ">", "\n", "do", "done", "fi"])),
    }
}
