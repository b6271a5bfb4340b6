//! What differs from run to run and is not compared: ids, times, ports, stack frames, help tables.

use std::collections::BTreeMap;

use regex_lite::Regex;

/// What is replaced in a line, and by what.
const RULES: &[(&str, &str)] = &[
    // Log lines and record timestamps.
    (r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]", "[TIME]"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: ", "TIME: "),
    (r"(CreateTime|LogAppendTime):( ?)\d+", "$1:${2}T"),
    (r#"("(?:commit|currentState|transactionLastUpdate|transactionStart)?[tT]imestamp(?:Ms)?"):\d+"#, "$1:T"),
    (r"([tT]imestamp: )\d{13}", "${1}T"),
    (r"((?:deadlineMs|nextAllowedTryMs)=)\d{13}", "${1}T"),
    (r"(timed out at )\d{13}", "${1}T"),
    (r" crc: \d+ ", " crc: N "),
    (r"(The timestamp should be within )\[-?\d+, -?\d+\]", "${1}[T, T]"),
    (r"(deleteHorizonMs: OptionalLong)\[\d+\]", "${1}[T]"),
    // What kafka-*-perf-test and kafka-verifiable-* measure. How many records fall into a window of five seconds is measured too.
    (r"\d+ records sent, [\d.]+ records/sec \([\d.]+ MB/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency\.$", "N records sent so far"),
    (
        r"( records sent), [\d.]+ records/sec \([\d.]+ MB/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99.9th\.$",
        "$1, measured",
    ),
    (r"^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, ){2}([\d.]+), [\d.]+, (\d+), [\d., -]+$", "TIME, TIME, $1, $2, measured"),
    (r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, 0, ([\d.]+), [\d.]+, (\d+), [\d., -]+$", "TIME, 0, $1, $2, measured"),
    (r"^(producer(?:-node|-topic)?-metrics:\S*(?:byte-rate|throttle-time-avg|throttle-time-max):\{[^}]*\} *: )[\d.]+$", "${1}measured"),
    (r#""avg_throughput":[\d.E]+"#, r#""avg_throughput":N"#),
    // A broker's name for a request: its processor, port, session.
    (r"Request Request\(.*\) needs", "Request R needs"),
    // Ids that are drawn.
    (r"TopicId: [A-Za-z0-9_-]{22}", "TopicId: ID"),
    (r#""topicId":"[A-Za-z0-9_-]{22}""#, r#""topicId":"ID""#),
    (r"^[A-Za-z0-9_-]{22}$", "ID"),
    (r"directory\.id=[A-Za-z0-9_-]{22}", "directory.id=ID"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"(console|perf)-consumer-\d+", "$1-consumer-N"),
    (r"Member [A-Za-z0-9_-]{22} with", "Member ID with"),
    // Members of the consumer protocol name themselves.
    (r"^(\S+ +)[A-Za-z0-9_-]{22} ", "${1}-UUID "),
    // Addresses: a resolved one, and the column HOST with its padding.
    (r"(kafka-\d+)/[0-9.]+:", "$1/IP:"),
    (r"/(?:10\.77\.0\.100|client|terminal) *", "/HOST "),
    // How long something took; in a table its column has no padding then.
    (r"\d+ ms ago *", "N ms ago"),
    (r":\d+ ms has passed since batch creation", ":N ms has passed since batch creation"),
    // Of the quorum and of features: ids of the cluster and of directories, and offsets of a metadata log that grows by itself.
    (r"^(Cluster ID: |ClusterId: +)[A-Za-z0-9_-]{22}$", "${1}ID"),
    (r#"("directoryId": |directoryId=)"?[A-Za-z0-9_-]{22}"?"#, "${1}ID"),
    (r"^(HighWatermark: +)\d+$", "${1}N"),
    // Of a voter that has not been seen, the lag is the leader's whole log.
    (r"^(MaxFollowerLag: +)\d\d+$", "${1}N"),
    (r"^(MaxFollowerLagTimeMs: +)\d+$", "${1}N"),
    (r#"("brokerEpoch"):\d+"#, "$1:N"),
    (r#"([\[,])"[A-Za-z0-9_-]{22}""#, "$1ID"),
    (r"^(\d+ *\t)[A-Za-z0-9_-]{22}", "${1}ID"),
    (r"^(\d+ *\tID\t)\d+ *\t(\d+) *\t", "${1}N\t$2\t"),
    (r"^(\d+ *\tID\t)-1 *\t\d+ *\t", "${1}-1\tN\t"),
    (r"\t\d{13} *\t\d{13} *\t", "\tT\tT\t"),
    // Of a producer's state: LastTimestamp.
    (r"^(\d+ *\t\d+ *\t-?\d+ *\t\d+ *\t)\d{13} *\t", "${1}T\t"),
    (r"(FinalizedVersionLevel: \S+\s+Epoch: )\d+$", "${1}N"),
];

/// Of what a person cannot compare by eye from run to run: cuts it out of what was printed.
#[derive(Clone, Debug)]
pub struct Normaliser {
    rules: Vec<(Regex, &'static str)>,
    frame: Regex,
    table: Regex,
    digits: Regex,
    unlucky: Regex,
}

impl Default for Normaliser {
    fn default() -> Normaliser {
        let regex = |pattern: &str| Regex::new(pattern).expect("a pattern of this file");
        Normaliser {
            rules: RULES.iter().map(|(pattern, text)| (regex(pattern), *text)).collect(),
            frame: regex(r"^(! )?(\tat |\t\.\.\. \d+ |Caused by: |Suppressed: )"),
            table: regex(r"^! Option( \(\* = required\))?\s+Description"),
            digits: regex(r"\d"),
            unlucky: regex(r"Connection to node \d+ \(\S+ could not be established"),
        }
    }
}

impl Normaliser {
    /// The lines that are compared.
    pub fn lines(&self, lines: &[String]) -> Vec<String> {
        let mut kept: Vec<String> = Vec::new();
        let mut warnings: BTreeMap<String, u32> = BTreeMap::new();
        let (mut in_table, mut left_out) = (false, false);
        for line in lines {
            if self.table.is_match(line) {
                in_table = true;
                kept.push("! (usage)".into());
                continue;
            }
            in_table &= line.starts_with("! -") || line.starts_with("!  ");
            // A recording keeps two of each run of one warning, and no empty line of standard error.
            let warning = line.starts_with("! [") && line.contains("WARN");
            let seen = if warning { warnings.entry(self.digits.replace_all(line, "").into_owned()).or_default() } else { &mut 0 };
            *seen += 1;
            // The exception that a warning brought along goes with it.
            left_out = if line.starts_with("! java.net.") { left_out } else { *seen > 2 };
            if left_out {
                continue;
            }
            // A client asks nodes at random, and so finds those that are down, or not.
            let unlucky = warning && self.unlucky.is_match(line);
            if in_table || unlucky || *seen > 2 || self.frame.is_match(line) || (line.starts_with('!') && line[1..].trim().is_empty()) {
                continue;
            }
            let replaced = self.rules.iter().fold(line.clone(), |line, (rule, text)| rule.replace_all(&line, *text).into_owned());
            // Nor does it keep two empty lines in a row.
            if !(replaced.is_empty() && kept.last().is_some_and(String::is_empty)) {
                kept.push(replaced);
            }
        }
        while kept.last().is_some_and(String::is_empty) {
            kept.pop();
        }
        // Members come in the order of their generated ids.
        kept.chunk_by_mut(|a, b| is_member(a) && is_member(b)).for_each(<[String]>::sort);
        kept
    }
}

/// A line of a table that names a member of a group.
fn is_member(line: &str) -> bool {
    line.contains("-UUID ") && line.contains("/HOST ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(Normaliser::default().lines(&lines), expected);
    }

    #[test]
    fn what_is_left_to_compare() {
        check(
            &[
                "! [2026-11-21 07:09:27,191] ERROR java.lang.X: no",
                "! \tat a.B.c(D.java:1)",
                "! Caused by: x",
                "! \t... 10 more",
                "!  (a.B)",
            ],
            &["! [TIME] ERROR java.lang.X: no", "!  (a.B)"],
        );
        check(
            &["! Missing", "! Option      Description", "! ------  ---", "! --a   b", "!         c", "= 1"],
            &["! Missing", "! (usage)", "= 1"],
        );
        check(&["Topic: a\tTopicId: JNMgInzDQuuqe5ohAcxbrQ\tPartitionCount: 1"], &["Topic: a\tTopicId: ID\tPartitionCount: 1"]);
        check(&["x console-consumer-59c066e0-f92d-4ca5-9c33-e6b7d75b1775 /10.77.0.100    c"], &["x console-consumer-UUID /HOST c"]);
        let warning = "! [2026-11-21 07:59:54,754] WARN no (x)";
        check(&[warning, warning, warning, "!"], &["! [TIME] WARN no (x)"; 2]);
        check(&["", "", "a", ""], &["", "a"]);
        let member = |name: &str| format!("g {name}-59c066e0-f92d-4ca5-9c33-e6b7d75b1775 /10.77.0.100 {name}");
        check(&["G M", &member("c2"), &member("c1"), "z", "a"], &["G M", "g c1-UUID /HOST c1", "g c2-UUID /HOST c2", "z", "a"]);
    }
}
