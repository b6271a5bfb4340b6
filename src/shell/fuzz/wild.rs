//! Lines that are no language: real ones with mistakes in them, noise, very long ones, very deep ones.

use super::Dice;

/// Lines as people type them.
const REAL: &[&str] = &[
    "kafka-topics.sh --bootstrap-server kafka-1:9092 --create --topic orders --partitions 3 --replication-factor 3 --config min.insync.replicas=2",
    "kafka-topics.sh --bootstrap-server kafka-1:9092,kafka-2:9092 --describe --topic 'orders|payments' | grep -v Topic | awk '{print $2, $NF}'",
    "seq 1 100 | awk '{printf \"k%d:v%d\\n\", $1 % 7, $1}' | kafka-console-producer.sh --bootstrap-server kafka-1:9092 --topic orders --property parse.key=true --property key.separator=:",
    "kafka-console-consumer.sh --bootstrap-server kafka-1:9092 --topic orders --from-beginning --max-messages 10 --property print.key=true | sort | uniq -c | sort -rn | head -3",
    "kafka-consumer-groups.sh --bootstrap-server kafka-1:9092 --describe --group billing 2>/dev/null | awk 'NR>2 {lag+=$6} END {print lag}'",
    "kafka-consumer-groups.sh --bootstrap-server kafka-1:9092 --group g --topic orders:0,1 --reset-offsets --to-datetime 2026-01-01T00:00:00.000 --dry-run",
    "echo '{\"topics\":[{\"topic\":\"orders\"}],\"version\":1}' > t.json && kafka-reassign-partitions.sh --bootstrap-server kafka-1:9092 --topics-to-move-json-file t.json --broker-list 1,2 --generate",
    "kafka-configs.sh --bootstrap-server kafka-1:9092 --alter --entity-type topics --entity-name orders --add-config 'retention.ms=1000,cleanup.policy=[compact,delete]'",
    "for i in {1..3}; do systemctl is-active kafka-$i || systemctl start kafka-$i; done; while ! nc -z kafka-1 9092; do sleep 1; done",
    "ssh kafka-1 'for f in orders-*/*.log; do echo \"$f $(wc -c < $f)\"; done' | sort -k2 -n | tail -1",
    "kcat -b kafka-1:9092 -t orders -C -o beginning -e -f '%p %o %k: %s\\n' | jq -R 'split(\": \") | {key: .[0], value: .[1]}' | jq -s 'group_by(.key) | map({(.[0].key): length}) | add'",
    "kafka-dump-log.sh --files /var/lib/kafka-1/orders-0/00000000000000000000.log --print-data-log | sed -n 's/.*offset: \\([0-9]*\\).*payload: \\(.*\\)/\\1 \\2/p'",
    "declare -A n; while read -r k v; do ((n[$k]+=v)); done < <(echo a 1); for k in \"${!n[@]}\"; do printf '%-5s %d\\n' \"$k\" \"${n[$k]}\"; done",
    "set -euo pipefail; trap 'kill %1; rm -f tmp.$$' EXIT; topics=($(kafka-topics.sh --bootstrap-server kafka-1:9092 --list)); echo \"${#topics[@]} topics: ${topics[*]}\"",
    "awk -F'[ :]+' 'BEGIN{OFS=\"\\t\"} /leader/ {a[$3]++} END {for (k in a) if (a[k] > 1) print k, a[k] | \"sort\"}' f",
    "jq -r '.partitions[] | select(.replicas | index(2)) | [.topic, .partition, (.replicas|map(tostring)|join(\",\"))] | @tsv' plan.json",
    "sed -e '/^#/d' -e 's/\\s*$//' -e ':a;N;$!ba;s/\\n/,/g' client.properties | tr ',' '\\n' | cut -d= -f1",
    "x=${BROKERS:-kafka-1:9092}; y=${x%%:*}; case $y in kafka-[0-9]*) echo ${y#kafka-};; *) exit 1;; esac",
    "cat <<EOF > c.properties\nacks=all\nclient.id=${USER}-$$\nEOF",
    "time (cut kafka-1 kafka-2; sleep 0.02; heal) & wait $!; echo \"${PIPESTATUS[@]}\"",
];

const NOISE: &[char] = &[
    '\0',
    '\u{1}',
    '\u{7}',
    '\u{8}',
    '\t',
    '\n',
    '\r',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{a0}',
    ' ',
    '!',
    '"',
    '#',
    '$',
    '%',
    '&',
    '\'',
    '(',
    ')',
    '*',
    '+',
    ',',
    '-',
    '.',
    '/',
    '0',
    '9',
    ':',
    ';',
    '<',
    '=',
    '>',
    '?',
    '@',
    'A',
    'z',
    '[',
    '\\',
    ']',
    '^',
    '_',
    '`',
    '{',
    '|',
    '}',
    '~',
    'é',
    'ß',
    'İ',
    'ŉ',
    '\u{301}',
    '\u{202e}',
    '\u{200b}',
    '漢',
    '\u{feff}',
    '\u{fffd}',
    '\u{10ffff}',
    '🦦',
];

/// What opens and what closes it; the word in the middle is short.
const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("$(", ")"),
    ("$((", "))"),
    ("{ ", "; }"),
    ("${x:-", "}"),
    ("\"$(", ")\""),
    ("`", "`"),
    ("[[ ( a", ") ]]"),
    ("if ", "; then :; fi"),
    ("while ", "; do :; done"),
    ("for i in a; do ", "; done"),
    ("case a in a) ", ";; esac"),
    ("f() { ", "; }"),
    ("eval '", "'"),
    ("bash -c \"", "\""),
    ("jq '[", "]'"),
    ("awk 'BEGIN{x=(", ")}'"),
    ("{a,", "b}"),
    ("a=(", ")"),
    ("! ", ""),
    ("a[", "]=1"),
    ("echo ${a[", "]}"),
    ("<<E ", ""),
];

/// A real line with a few mistakes.
pub(super) fn mistyped(dice: &mut Dice) -> String {
    let mut chars: Vec<char> = dice.one_of(REAL).chars().collect();
    for _ in 0..dice.below(6) {
        if chars.is_empty() {
            break;
        }
        let at = dice.below(chars.len());
        match dice.below(6) {
            0 => drop(chars.remove(at)),
            1 => chars.insert(at, NOISE[dice.below(NOISE.len())]),
            2 => chars[at] = NOISE[dice.below(NOISE.len())],
            3 => chars.truncate(at),
            4 => {
                // A piece is doubled.
                let end = (at + dice.below(20)).min(chars.len());
                let piece: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            _ => {
                // Another line's end.
                chars.truncate(at);
                let other: Vec<char> = dice.one_of(REAL).chars().collect();
                chars.extend(&other[dice.below(other.len())..]);
            }
        }
    }
    chars.into_iter().collect()
}

/// Characters at random.
pub(super) fn noise(dice: &mut Dice) -> String {
    (0..dice.below(120)).map(|_| NOISE[dice.below(NOISE.len())]).collect()
}

/// Constructs within each other, closed or not.
pub(super) fn deep(dice: &mut Dice) -> String {
    let most = if dice.below(10) == 0 { 2_000 } else { 60 };
    let depth = 1 + dice.below(most);
    let mixed = dice.below(3) == 0;
    let mut nest = NESTS[dice.below(NESTS.len())];
    let (mut open, mut close) = (String::new(), Vec::new());
    for _ in 0..depth {
        if mixed {
            nest = NESTS[dice.below(NESTS.len())];
        }
        open += nest.0;
        close.push(nest.1);
    }
    let closed = dice.below(2 * depth);
    let close: String = close.into_iter().rev().take(closed).collect();
    format!("{open}true{close}")
}

/// One piece again and again, up to more than a line may have.
pub(super) fn huge(dice: &mut Dice) -> String {
    let piece = match dice.below(4) {
        0 => noise(dice),
        1 => mistyped(dice),
        2 => NESTS[dice.below(NESTS.len())].0.to_owned(),
        _ => dice
            .one_of(&["a", "a ", "echo a; ", "true && ", "cat | ", "x=1 ", "{a,b}", "*", "é", "$X", "a=(1) ", "\\", "# ", "kafka-1:9092,"])
            .to_owned(),
    };
    let bytes = 1 + dice.below(80_000);
    piece.repeat(bytes / piece.len().max(1))
}
