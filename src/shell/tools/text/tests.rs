//! What each tool prints, as the real ones do.

use super::*;
use crate::shell::expand::words_of;

/// The lines that a command prints when it reads `input`; standard error behind `! `, the status behind `= ` unless it is 0.
fn run(command: &str, input: &str) -> Vec<String> {
    let words = words_of(command);
    let place = Place { wall_ms: 1_767_225_600_123, host: "terminal-1" };
    let mut files = Files::default();
    files.insert("fruit", "pear 3\nfig 7\n".into());
    files.insert("more", "kiwi 1\n".into());
    let mut tool = Text::start(&words[0], &words[1..], &files, place).unwrap();
    let (mut stdin, mut seen) = (Pipe::of(input), Pipe::default());
    let mut lines = Vec::new();
    for _ in 0..100_000 {
        let mut print = Printer::new(2, false);
        let status = tool.step(&mut stdin, &mut print);
        for piece in print.pieces {
            match piece.error {
                true => lines.push(format!("! {}", piece.text)),
                false => seen.write(&piece.text, piece.newline),
            }
        }
        if let Some(status) = status {
            seen.close();
            lines.extend(std::iter::from_fn(|| seen.take_piece()).map(|(line, ended)| line + if ended { "" } else { "\\" }));
            lines.extend((status != 0).then(|| format!("= {status}")));
            return lines;
        }
    }
    panic!("{command} does not end");
}

fn check(cases: &[(&str, &str, &[&str])]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter(|(command, input, expected)| run(command, input) != *expected)
        .map(|(command, input, expected)| format!("{command}\n  expected {expected:?}\n  printed  {:?}", run(command, input)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const FRUIT: &str = "pear 3\napple 12\npear 3\nfig 7\n";

#[test]
fn each_does_its_work() {
    check(&[
        ("echo a  'b c'", "", &["a b c"]),
        ("echo -n a", "", &["a\\"]),
        ("echo -e 'a\\tb'", "", &["a\tb"]),
        ("printf '%s-%s\\n' a b c", "", &["a-b", "c-"]),
        ("printf '%05.1f|%-4s|%4d|%x\\n' 3.14159 ab 42 255", "", &["003.1|ab  |  42|ff"]),
        ("printf '%d\\n' x", "", &["! bash: printf: x: invalid number", "0", "= 1"]),
        ("seq 3", "", &["1", "2", "3"]),
        ("seq 10 -4 1", "", &["10", "6", "2"]),
        ("seq -w 8 10", "", &["08", "09", "10"]),
        ("seq 0 0.5 1", "", &["0.0", "0.5", "1.0"]),
        ("seq -s , 3", "", &["1,2,3"]),
        ("cat", "a\nb", &["a", "b\\"]),
        ("cat fruit more", "", &["pear 3", "fig 7", "kiwi 1"]),
        ("cat nothing more", "", &["! cat: nothing: No such file or directory", "kiwi 1", "= 1"]),
        ("cat -n", "a\nb\n", &["     1\ta", "     2\tb"]),
        ("tac", "a\nb\n", &["b", "a"]),
        ("rev", "abc\n", &["cba"]),
        ("base64", "hello\n", &["aGVsbG8K"]),
        ("base64 -d", "aGVsbG8K\n", &["hello"]),
        ("head -2", FRUIT, &["pear 3", "apple 12"]),
        ("head -n 1", FRUIT, &["pear 3"]),
        ("head -n 0", FRUIT, &[]),
        ("head -n -2", FRUIT, &["pear 3", "apple 12"]),
        ("head -c 4", FRUIT, &["pear\\"]),
        ("head -n 1 fruit more", "", &["==> fruit <==", "pear 3", "", "==> more <==", "kiwi 1"]),
        ("tail -n 1", FRUIT, &["fig 7"]),
        ("tail -n +3", FRUIT, &["pear 3", "fig 7"]),
        ("wc -l", FRUIT, &["4"]),
        ("wc -l", "a", &["0"]),
        ("wc", FRUIT, &["      4       8      29"]),
        ("wc -l fruit", "", &["2 fruit"]),
        ("tr a-c A-C", "abcd\n", &["ABCd"]),
        ("tr -d x", "axbx\n", &["ab"]),
        ("tr ' ' '\\n'", "a b\n", &["a", "b"]),
        ("tr -s ' '", "a   b\n", &["a b"]),
        ("tr -d '\\n'", "a\nb\n", &["ab\\"]),
        ("tr '[:lower:]' '[:upper:]'", "abc\n", &["ABC"]),
        ("cut -f 1,3", "a\tb\tc\nd", &["a\tc", "d"]),
        ("cut -d : -f 2-", "a:b:c\n", &["b:c"]),
        ("cut -c 1-3", "abcdef\n", &["abc"]),
        ("uniq -c", "a\na\nb\n", &["      2 a", "      1 b"]),
        ("uniq -d", "a\na\nb\n", &["a"]),
        ("column -t", "a bb c\ndd e f\n", &["a   bb  c", "dd  e   f"]),
        ("paste -sd,", "a\nb\nc\n", &["a,b,c"]),
        ("paste - -", "a\nb\nc\n", &["a\tb", "c\t"]),
        ("basename /a/b.log .log", "", &["b"]),
        ("dirname /a/b", "", &["/a"]),
        ("date -u +%Y-%m-%dT%H:%M:%S.%3NZ", "", &["2026-01-01T00:00:00.123Z"]),
        ("date -u -d @1700000000 '+%F %T %a %j'", "", &["2023-11-14 22:13:20 Tue 318"]),
        ("date +%s%3N", "", &["1767225600123"]),
        ("date -d '1 hour ago' +%H:%M", "", &["23:00"]),
        (
            "hexdump -C",
            "hello kafka 12345\n",
            &[
                "00000000  68 65 6c 6c 6f 20 6b 61  66 6b 61 20 31 32 33 34  |hello kafka 1234|",
                "00000010  35 0a                                             |5.|",
                "00000012",
            ],
        ),
        ("xxd", "hello\n", &["00000000: 6865 6c6c 6f0a                           hello."]),
    ]);
}

#[test]
fn grep_finds_lines() {
    check(&[
        ("grep pear", FRUIT, &["pear 3", "pear 3"]),
        ("grep -v -c pear", FRUIT, &["2"]),
        ("grep -i FIG", FRUIT, &["fig 7"]),
        ("grep -o '[0-9]*'", FRUIT, &["3", "12", "3", "7"]),
        ("grep -E 'fig|apple'", FRUIT, &["apple 12", "fig 7"]),
        ("grep 'fig\\|apple'", FRUIT, &["apple 12", "fig 7"]),
        ("grep -F 'a.p'", FRUIT, &["= 1"]),
        ("grep -q fig", FRUIT, &[]),
        ("grep kiwi", FRUIT, &["= 1"]),
        ("grep -n fig", FRUIT, &["4:fig 7"]),
        ("grep -w pea", FRUIT, &["= 1"]),
        ("grep -x 'fig 7'", FRUIT, &["fig 7"]),
        ("grep -A1 apple", FRUIT, &["apple 12", "pear 3"]),
        ("grep -B1 -n fig", FRUIT, &["3-pear 3", "4:fig 7"]),
        ("grep -C1 b", "a\nb\nc\nd\ne\nb\n", &["a", "b", "c", "--", "e", "b"]),
        ("grep -m1 pear", FRUIT, &["pear 3"]),
        ("grep -c i fruit more", "", &["fruit:1", "more:1"]),
        ("grep -l kiwi fruit more", "", &["more"]),
        ("grep -h i fruit more", "", &["fig 7", "kiwi 1"]),
        ("grep -e pear -e fig", FRUIT, &["pear 3", "pear 3", "fig 7"]),
        ("grep x nothing", "", &["! grep: nothing: No such file or directory", "= 2"]),
    ]);
}

#[test]
fn sort_puts_lines_in_order() {
    check(&[
        ("sort", FRUIT, &["apple 12", "fig 7", "pear 3", "pear 3"]),
        ("sort -u -r", FRUIT, &["pear 3", "fig 7", "apple 12"]),
        ("sort -k 2 -n", FRUIT, &["pear 3", "pear 3", "fig 7", "apple 12"]),
        ("sort -k2,2nr", FRUIT, &["apple 12", "fig 7", "pear 3", "pear 3"]),
        ("sort -t: -k2,2 -k1,1r", "a:x\nb:x\nc:w\n", &["c:w", "b:x", "a:x"]),
        ("sort -V", "k-10\nk-9\n", &["k-9", "k-10"]),
        ("sort -rn", "1\n10\n9\n", &["10", "9", "1"]),
        ("sort -h", "1K\n2\n1M\n", &["2", "1K", "1M"]),
    ]);
}

#[test]
fn sed_edits_lines() {
    check(&[
        ("sed 's/a/X/'", "banana\n", &["bXnana"]),
        ("sed 's/a/X/g'", "banana\n", &["bXnXnX"]),
        ("sed 's/a/X/2'", "banana\n", &["banXna"]),
        ("sed -E 's/([a-z]+) ([0-9]+)/\\2 \\1/'", FRUIT, &["3 pear", "12 apple", "3 pear", "7 fig"]),
        ("sed 's/\\([a-z]*\\) .*/<&> \\1/'", "fig 7\n", &["<fig 7> fig"]),
        ("sed -n 2p", FRUIT, &["apple 12"]),
        ("sed -n '2,3p'", FRUIT, &["apple 12", "pear 3"]),
        ("sed -n '$p'", FRUIT, &["fig 7"]),
        ("sed '$d'", "a\nb\n", &["a"]),
        ("sed '/pear/d'", FRUIT, &["apple 12", "fig 7"]),
        ("sed '/pear/!d'", FRUIT, &["pear 3", "pear 3"]),
        ("sed -n '/apple/,/pear/p'", FRUIT, &["apple 12", "pear 3"]),
        ("sed 2q", FRUIT, &["pear 3", "apple 12"]),
        ("sed -e 's/a/1/' -e 's/b/2/'", "ab\n", &["12"]),
        ("sed 's|/var/lib|X|; s/x/y/'", "/var/lib/x\n", &["X/y"]),
        ("sed 'y/abc/xyz/'", "aabbcc\n", &["xxyyzz"]),
        ("sed -n 's/pear/kiwi/p'", "fig\npear\n", &["kiwi"]),
        ("sed '1~2d'", "a\nb\nc\nd\n", &["b", "d"]),
        ("sed ':a;N;$!ba;s/\\n/,/g'", "a\nb\nc\n", &["a,b,c"]),
        ("sed '1i top'", "a\n", &["top", "a"]),
        ("sed '/a/{s/a/b/;s/b/c/}'", "a\nb\n", &["c", "b"]),
        ("sed = more", "", &["1", "kiwi 1"]),
        ("sed 's/.*/\\U&/'", "abc\n", &["ABC"]),
        ("sed 's/x'", "a\n", &["! sed: -e expression #1, char 3: unterminated `s' command", "= 1"]),
        ("sed ':a;ba'", "a\n", &["! sed: the script does not end, or a line grows without end", "= 4"]),
    ]);
}

#[test]
fn awk_computes() {
    check(&[
        ("awk '{print $2, $1}'", "a  b c\n", &["b a"]),
        ("awk -F: '{s+=$2} END {print s, NR}'", "a:1\nb:2\n", &["3 2"]),
        ("awk '/b/ {n++} END {print \"n=\" n}'", "ab\nb\nc\n", &["n=2"]),
        ("awk 'NR > 1 {print $NF}'", "a b\nc d\n", &["d"]),
        ("awk '$2 >= 7'", FRUIT, &["apple 12", "fig 7"]),
        ("awk 'BEGIN {print 7 / 2, 2 * (1 + 2), 2^10, 7 % 4}'", "", &["3.5 6 1024 3"]),
        ("awk '{c[$1]++} END {for (k in c) print k, c[k]}'", FRUIT, &["apple 1", "fig 1", "pear 2"]),
        ("awk '{printf \"%-6s|%3d\\n\", $1, $2}'", "fig 7\n", &["fig   |  7"]),
        ("awk 'BEGIN {for (i = 1; i <= 3; i++) {if (i == 2) continue; print i}}'", "", &["1", "3"]),
        ("awk 'BEGIN {i = 0; while (i < 2) {i++}; print i; do {i--} while (i > 0); print i}'", "", &["2", "0"]),
        ("awk '{$2 = \"x\"; print; print NF}'", "a b c\n", &["a x c", "3"]),
        ("awk -v OFS=- '{$1 = $1; print}'", "a b c\n", &["a-b-c"]),
        ("awk '{gsub(/a/, \"[&]\"); print length($0), toupper($0), substr($0, 2, 3), index($0, \"b\")}'", "ab\n", &["4 [A]B a]b 4"]),
        ("awk 'BEGIN {n = split(\"a,b,c\", p, \",\"); print n, p[1] p[3]}'", "", &["3 ac"]),
        ("awk 'match($0, /[0-9]+/) {print RSTART, RLENGTH, substr($0, RSTART, RLENGTH)}'", "ab123c\n", &["3 3 123"]),
        ("awk 'function f(x) {return x * 2} {print f($1)}'", "21\n", &["42"]),
        ("awk '{print ($1 > 5 ? \"big\" : \"small\")}'", "7\n3\n", &["big", "small"]),
        ("awk 'NR==2, NR==3'", "a\nb\nc\nd\n", &["b", "c"]),
        ("awk '!seen[$0]++'", FRUIT, &["pear 3", "apple 12", "fig 7"]),
        ("awk 'END {print $0, NR}' fruit more", "", &["kiwi 1 3"]),
        ("awk '{if ($1 ~ /^p/ && $2 != 4) print \"hit\"; else print \"miss\"}'", "pear 3\nfig 7\n", &["hit", "miss"]),
        ("awk 'BEGIN {print 1e6, 0.1 + 0.2, 1 / 3, 100000 * 100000}'", "", &["1000000 0.3 0.333333 10000000000"]),
        ("awk 'BEGIN {print substr(\"hello\", 0, 3), -3 % 2, 1 - 1}'", "", &["he -1 0"]),
        ("awk '(1 in a) {print} END {print length(a)}'", "x\n", &["0"]),
        ("awk 'BEGIN {exit 3}'", "", &["= 3"]),
        ("awk 'BEGIN {while (1) x++}'", "", &["! awk: the program takes more than 1000000 steps for one line", "= 2"]),
        ("awk '{print $1'", "", &["! awk: syntax error at or near end of file", "= 2"]),
        ("awk 'BEGIN {print length()}{print length}'", "abc\n", &["0", "3"]),
        ("awk -F'[:=]' '{print $2 \"/\" $3}'", "a:b=c\n", &["b/c"]),
        ("awk -F, '{print $1+$2}'", "1.5,2\n", &["3.5"]),
    ]);
}

#[test]
fn what_they_do_not_understand_is_said() {
    check(&[
        ("grep", "", &["! Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.", "= 2"]),
        ("grep -Q x", "", &["! grep: invalid option -- 'Q'\nTry 'grep --help' for more information.", "= 2"]),
        ("head -n x", "", &["! head: invalid number of lines: 'x'", "= 1"]),
        ("cut x", "", &["! cut: you must specify a list of bytes, characters, or fields\nTry 'cut --help' for more information.", "= 1"]),
        ("sort nothing", "", &["! sort: cannot read: nothing: No such file or directory", "= 2"]),
    ]);
}

#[test]
fn jq_picks_json_apart() {
    let people = "{\"name\":\"ann\",\"age\":30,\"tags\":[\"a\",\"b\"]}\n{\"name\":\"bob\",\"age\":20,\"tags\":[]}\n";
    check(&[
        ("jq .age", people, &["30", "20"]),
        ("jq -r .name", people, &["ann", "bob"]),
        ("jq -c .", "{\"b\": 1, \"a\": [1, 2.5, null]}\n", &["{\"b\":1,\"a\":[1,2.5,null]}"]),
        ("jq .", "{\"a\":[1,{}],\"b\":\"x\"}", &["{", "  \"a\": [", "    1,", "    {}", "  ],", "  \"b\": \"x\"", "}"]),
        ("jq -c 'select(.age > 25) | {name, n: (.tags | length)}'", people, &["{\"name\":\"ann\",\"n\":2}"]),
        ("jq -sc 'map(.age) | add, min, max, (add / length)'", people, &["50", "20", "30", "25"]),
        ("jq -r '.tags[]'", people, &["a", "b"]),
        ("jq -r '\"\\(.name) is \\(.age)\"'", people, &["ann is 30", "bob is 20"]),
        ("jq -rs '.[] | [.name, .age] | @csv, @tsv'", people, &["\"ann\",30", "ann\t30", "\"bob\",20", "bob\t20"]),
        ("jq -nc '[range(5)] | map(. * 2) | .[1:3]'", "", &["[2,4]"]),
        ("jq -nc --arg x 1 --argjson y 2 '[$x, $y]'", "", &["[\"1\",2]"]),
        (
            "jq -c '.tags |= map(ascii_upcase) | .age += 1 | del(.name)'",
            people,
            &["{\"age\":31,\"tags\":[\"A\",\"B\"]}", "{\"age\":21,\"tags\":[]}"],
        ),
        ("jq -c 'to_entries | map(.key)'", people, &["[\"name\",\"age\",\"tags\"]", "[\"name\",\"age\",\"tags\"]"]),
        ("jq -sc 'group_by(.age > 25) | map(length)'", people, &["[1,1]"]),
        ("jq -c 'if .age > 25 then \"old\" elif .age > 10 then \"young\" else 0 end'", people, &["\"old\"", "\"young\""]),
        ("jq -nc 'reduce range(5) as $i (0; . + $i), [foreach range(3) as $i (0; . + $i)]'", "", &["10", "[0,1,3]"]),
        (
            "jq -c '.missing // \"none\", .tags[0]?, (.name | test(\"^a\"))'",
            people,
            &["\"none\"", "\"a\"", "true", "\"none\"", "null", "false"],
        ),
        ("jq -c 'def f(x): x * 2; f(.age), (.tags as [$a, $b] | $a)'", people, &["60", "\"a\"", "40", "null"]),
        (
            "jq -nc '[limit(3; repeat(1))], [1 | until(. > 100; . * 2)], [.[]?], ({} | .a.b.c = 1)'",
            "",
            &["[null,1,1]", "[128]", "[]", "{\"a\":{\"b\":{\"c\":1}}}"],
        ),
        ("jq -nc 'try error(\"x\") catch ., ([3, 1, 2] | sort, (map(select(. > 1)) | length))'", "", &["\"x\"", "[1,2,3]", "2"]),
        ("jq -c '[paths], [.. | numbers]'", "{\"a\":[1,2]}", &["[[\"a\"],[\"a\",0],[\"a\",1]]", "[1,2]"]),
        (
            "jq -nr '\"a,b\" | split(\",\") | join(\"-\"), (\"x1y22\" | [scan(\"[0-9]+\")] | @json), (\"abc\" | sub(\"b\"; \"-\"))'",
            "",
            &["a-b", "[\"1\",\"22\"]", "a-c"],
        ),
        ("jq -S -c .", "{\"b\":1,\"a\":2}", &["{\"a\":2,\"b\":1}"]),
        ("jq -e .x", "{\"x\":false}", &["false", "= 1"]),
        ("jq -R .", "a b\n", &["\"a b\""]),
        ("jq .a", "[1]\n", &["! jq: error (at <stdin>:1): Cannot index array with \"a\"", "= 5"]),
        ("jq '.['", "1", &["! jq: error: syntax error, unexpected end of file at <top-level>, line 1:\n.[\njq: 1 compile error", "= 3"]),
        ("jq -n '[recurse(. + 1)]'", "", &["! jq: error: the program takes more than 500000 steps for one input", "= 5"]),
        ("jq -n 'def f: f; f'", "", &["! jq: error: the program goes more than 120 levels deep", "= 5"]),
        ("jq -n 'last(range(1e12))'", "", &["! jq: error: the program takes more than 500000 steps for one input", "= 5"]),
        ("jq -n 'reduce range(100000) as $i (null; [.])'", "", &["! jq: error: the program goes more than 120 levels deep", "= 5"]),
    ]);
}
