//! Rules of Kafka that a test may switch off, to show that the checks of a run notice. All are on unless `ottla.rules.off` in
//! server.properties names them, which nothing but the fuzzer does.

use super::actor::Config;

/// A rule that replicas' logs depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A follower cuts its log where its history parts from the leader's (KIP-101, KIP-279). Off: at its high watermark, as before 0.11.
    TruncationByEpoch,
    /// Below min.insync.replicas acks=all is refused and the high watermark stands still.
    MinIsr,
    /// Only who is in the ISR (or ELR) may lead.
    CleanElection,
    /// A batch whose checksum is wrong is refused, and cut off in recovery.
    CrcCheck,
    /// Who joins the ISR has all up to the high watermark.
    CaughtUp,
    /// A batch that is in the log already is not appended again, and none is left out.
    SequenceCheck,
    /// Who speaks in an old leader epoch is refused.
    FencingByEpoch,
    /// The recovery point moves only after a flush.
    FlushOrder,
}

impl Rule {
    pub const ALL: [Rule; 8] = [
        Rule::TruncationByEpoch,
        Rule::MinIsr,
        Rule::CleanElection,
        Rule::CrcCheck,
        Rule::CaughtUp,
        Rule::SequenceCheck,
        Rule::FencingByEpoch,
        Rule::FlushOrder,
    ];

    /// As in `ottla.rules.off`.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::TruncationByEpoch => "truncation-by-epoch",
            Rule::MinIsr => "min-isr",
            Rule::CleanElection => "clean-election",
            Rule::CrcCheck => "crc-check",
            Rule::CaughtUp => "caught-up",
            Rule::SequenceCheck => "sequence-check",
            Rule::FencingByEpoch => "fencing-by-epoch",
            Rule::FlushOrder => "flush-order",
        }
    }
}

/// The name of the setting: rules that are off, with commas between them.
pub const RULES_OFF: &str = "ottla.rules.off";

/// Which rules hold.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    off: u8,
}

impl Rules {
    /// From server.properties.
    pub fn parse(config: &Config) -> Rules {
        let Some(names) = config.get(RULES_OFF) else { return Rules::default() };
        let named = |rule: &Rule| names.split(',').any(|name| name.trim() == rule.name());
        Rules { off: Rule::ALL.into_iter().filter(named).map(Rules::bit).sum() }
    }

    #[inline]
    pub const fn holds(self, rule: Rule) -> bool {
        self.off & Rules::bit(rule) == 0
    }

    const fn bit(rule: Rule) -> u8 {
        1 << rule as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hold_but_those_named() {
        let rules = Rules::parse(&Config::from([(RULES_OFF.to_owned(), "min-isr, flush-order".to_owned())]));
        let off: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| !rules.holds(*rule)).collect();
        assert_eq!(off, [Rule::MinIsr, Rule::FlushOrder]);
        assert_eq!(Rules::parse(&Config::new()), Rules::default());
        assert!(Rule::ALL.into_iter().all(|rule| Rules::default().holds(rule)));
    }
}
