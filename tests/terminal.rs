//! Does a terminal in a running cluster do what a person at it expects: typing into a producer, jobs in the background, faults?

use ottla::kafka::actor::Config;
use ottla::kafka::event::Event;
use ottla::playground::command::Command;
use ottla::playground::spec::{ClusterSpec, TopicSpec};
use ottla::playground::timeline::Replayable;
use ottla::playground::world::World;
use ottla::shell::screen::{Prompt, Stream};
use ottla::sim::fault::Occurrence;
use ottla::sim::process::Recorded;
use ottla::sim::time::Duration;

const BROKER: &str = "--bootstrap-server kafka-1:9092";

struct Terminal {
    world: World,
    seen: u64,
    events: Vec<Recorded<Event>>,
}

impl Terminal {
    fn new() -> Terminal {
        let orders = TopicSpec { name: "orders".into(), partitions: 1, replication_factor: 3, config: Config::new() };
        let spec = ClusterSpec { topics: vec![orders], ..ClusterSpec::default() };
        Terminal { world: World::build(&spec, 9).expect("a cluster"), seen: 0, events: Vec::new() }
    }

    fn apply(&mut self, command: &Command, wait: Duration) {
        self.world.apply(command).expect("a command that makes sense");
        self.world.wait(self.world.now() + wait);
        self.events.extend(self.world.take_events());
    }

    /// Enters a line, lets so many seconds pass, and gives what was shown: typed text behind `$`, notes behind `*`, errors behind `!`.
    fn enter(&mut self, line: &str, seconds: u64) -> String {
        self.apply(&Command::Line { session: 1, text: line.into() }, Duration::secs(seconds));
        self.shown()
    }

    fn shown(&mut self) -> String {
        let session = self.world.session(1).expect("the terminal");
        let mut text = String::new();
        for piece in session.output_since(self.seen) {
            let sign = match piece.stream {
                Stream::Input => "$",
                Stream::Note => "*",
                Stream::Err => "!",
                Stream::Out => "",
            };
            text += &format!("{sign}{}{}", piece.text, if piece.newline { "\n" } else { "" });
        }
        self.seen = session.screen().next();
        text
    }

    fn prompt(&self) -> Prompt {
        self.world.session(1).expect("the terminal").prompt()
    }
}

#[test]
fn typing_into_a_producer() {
    let mut terminal = Terminal::new();
    let producer = format!("kafka-console-producer.sh {BROKER} --topic orders");
    assert_eq!(terminal.enter(&producer, 1), format!("${producer}\n>"));
    assert_eq!(terminal.prompt(), Prompt::Input);
    assert_eq!(terminal.enter("one", 1), "$one\n>");
    terminal.enter("two", 0);
    terminal.apply(&Command::EndOfInput { session: 1 }, Duration::secs(1));
    assert_eq!(terminal.prompt(), Prompt::Command);
    terminal.shown();
    let shown = terminal.enter(&format!("kafka-console-consumer.sh {BROKER} --topic orders --from-beginning | head -2"), 10);
    assert!(shown.contains("\none\ntwo\n"), "{shown}");
}

/// A producer with acks=0 closes its connection as soon as it has sent; what it sent is on its way all the same.
#[test]
fn what_was_sent_before_an_orderly_end_arrives() {
    let mut terminal = Terminal::new();
    terminal.enter(&format!("echo hello | kafka-console-producer.sh {BROKER} --topic orders --command-property acks=0"), 5);
    let shown = terminal.enter(&format!("kafka-get-offsets.sh {BROKER} --topic orders"), 5);
    assert!(shown.ends_with("orders:0:1\n"), "{shown}");
}

#[test]
fn a_consumer_in_the_background() {
    let mut terminal = Terminal::new();
    let started = terminal.enter(&format!("kafka-console-consumer.sh {BROKER} --topic orders --group g 2>/dev/null &"), 6);
    assert!(started.contains("*[1] "), "{started}");
    let shown = terminal.enter(&format!("echo hello | kafka-console-producer.sh {BROKER} --topic orders"), 1);
    assert!(shown.ends_with("\nhello\n"), "{shown}");
    let members =
        terminal.enter(&format!("kafka-consumer-groups.sh {BROKER} --describe --group g --members | grep -c console-consumer"), 1);
    assert!(members.ends_with("\n1\n"), "{members}");
    let ended = terminal.enter("kill %1", 1);
    assert!(ended.contains("*[1]+  Interrupt"), "{ended}");
    let state = terminal.enter(&format!("kafka-consumer-groups.sh {BROKER} --describe --group g --state"), 1);
    assert!(state.contains("Empty                0"), "{state}");
}

#[test]
fn a_killed_broker_knows_which_line_killed_it() {
    let mut terminal = Terminal::new();
    terminal.enter("kill -9 kafka-2", 1);
    let entered = terminal.events.iter().find(|recorded| matches!(&recorded.event, Event::LineEntered { .. })).expect("a line");
    let killed = |event: &Event| matches!(event, Event::Sim(Occurrence::Killed { host }) if host == "kafka-2");
    let killed = terminal.events.iter().find(|recorded| killed(&recorded.event)).expect("a killed broker");
    assert_eq!(killed.trigger, Some(entered.id));
}

#[test]
fn a_cluster_that_is_down_is_said_after_a_minute() {
    let mut terminal = Terminal::new();
    terminal.enter("kill -9 kafka-1", 0);
    let shown = terminal.enter(&format!("kafka-topics.sh {BROKER} --list 2>/dev/null; echo $?"), 61);
    let expected = "Error while executing topic command : Timed out waiting for a node assignment. Call: listTopics\n1\n";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn a_replica_that_is_moved_away_leaves_no_log() {
    let mut terminal = Terminal::new();
    terminal.enter(&format!("seq 1 20 | kafka-console-producer.sh {BROKER} --topic orders"), 3);
    let log_dirs = format!("kafka-log-dirs.sh {BROKER} --describe --topic-list orders | tail -1 | grep -o orders-0 | wc -l");
    assert!(terminal.enter(&log_dirs, 3).contains("\n3\n"));
    terminal.enter(r#"echo '{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[2,1]}]}' > move.json"#, 1);
    let reassign = format!("kafka-reassign-partitions.sh {BROKER} --reassignment-json-file move.json");
    let refused = terminal.enter(&format!("{reassign} --execute --disallow-replication-factor-change"), 3);
    assert!(refused.contains("orders-0: The replication factor is changed from 3 to 2"), "{refused}");
    terminal.enter(&format!("{reassign} --execute"), 5);
    assert!(terminal.enter(&format!("{reassign} --verify"), 3).contains("Reassignment of partition orders-0 is completed."));
    assert!(terminal.enter(&log_dirs, 3).contains("\n2\n"));
}
