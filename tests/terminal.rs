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

/// What one host sends to the other is lost, what comes back is not: either way no connection opens.
#[test]
fn links_that_are_cut_one_way() {
    let mut terminal = Terminal::new();
    let open = "Connection to kafka-1 9092 port [tcp/*] succeeded!";
    let late = "nc: connect to kafka-1 port 9092 (tcp) failed: Connection timed out";
    let look = "nc -zv -w 2 kafka-1 9092";
    assert_eq!(terminal.enter(look, 1), format!("${look}\n!{open}\n"));
    for cut in ["cut client kafka-1 --one-way", "cut kafka-1 client --one-way", "ssh kafka-1 iptables -A OUTPUT -d client -j DROP"] {
        terminal.enter(cut, 1);
        assert_eq!(terminal.enter(look, 3), format!("${cut}\n${look}\n!{late}\n").split_once('\n').expect("two lines").1, "{cut}");
        terminal.enter("heal", 1);
        terminal.shown();
        assert_eq!(terminal.enter(look, 1), format!("${look}\n!{open}\n"), "{cut}");
    }
    // What was on its way when the way back was cut comes when it is mended.
    terminal.enter("cut kafka-1 client --one-way", 0);
    let listing = format!("kafka-topics.sh {BROKER} --list");
    assert_eq!(terminal.enter(&listing, 5), format!("${listing}\n"));
}

/// The follower hears nothing of its leader, though the leader hears the follower: it falls out of the ISR, and comes back.
#[test]
fn a_follower_that_hears_nothing_leaves_the_isr() {
    let mut terminal = Terminal::new();
    let describe = format!("kafka-topics.sh {BROKER} --describe --topic orders | grep -o 'Leader: .'");
    let leader = terminal.enter(&describe, 3).trim_end().chars().last().expect("a leader").to_string();
    let follower = if leader == "3" { "2" } else { "3" };
    let isr = format!("kafka-topics.sh --bootstrap-server kafka-{leader}:9092 --describe --topic orders | grep -o 'Isr: [0-9,]*'");
    terminal.enter(&format!("ssh kafka-{follower} iptables -A INPUT -s kafka-{leader} -j DROP"), 1);
    assert!(
        terminal.enter(&format!("ssh kafka-{follower} iptables -L INPUT"), 1).contains(&format!("DROP       all  --  kafka-{leader} "))
    );
    terminal.enter(&format!("echo x | kafka-console-producer.sh --bootstrap-server kafka-{leader}:9092 --topic orders"), 60);
    let cut = terminal.enter(&isr, 5);
    assert!(!cut.lines().last().expect("a line").contains(follower), "{cut}");
    terminal.enter(&format!("ssh kafka-{follower} iptables -F"), 30);
    let mended = terminal.enter(&isr, 5);
    assert!(mended.lines().last().expect("a line").contains(follower), "{mended}");
}

#[test]
fn what_is_slowed_takes_its_time() {
    let mut terminal = Terminal::new();
    let sets = "ssh kafka-1 tc qdisc add dev eth0 root netem delay 300ms";
    terminal.enter(sets, 1);
    let shown = terminal.enter("ssh kafka-1 tc qdisc show dev eth0", 1);
    assert!(shown.ends_with("qdisc netem 8001: dev eth0 root refcnt 2 limit 1000 delay 300ms\n"), "{shown}");
    let timed = terminal.enter("time nc -z kafka-1 9092", 2);
    assert!(timed.contains("real\t0m0.300s") || timed.contains("real\t0m0.301s"), "{timed}");
    terminal.enter("ssh kafka-1 tc qdisc change dev eth0 root netem loss 100%", 1);
    assert!(terminal.enter("nc -zv -w 2 kafka-1 9092", 3).ends_with("Connection timed out\n"));
    // Nobody can log in there any more either.
    assert!(terminal.enter("ssh kafka-1 tc qdisc del dev eth0 root", 11).ends_with("port 22: Connection timed out\n"));
    terminal.enter("heal", 1);
    assert!(terminal.enter("nc -zv -w 2 kafka-1 9092", 3).ends_with("succeeded!\n"));
    let pinged = terminal.enter("ping -c 2 kafka-1", 3);
    assert!(
        pinged.contains("icmp_seq=2 ttl=64 time=0.") && pinged.contains("2 packets transmitted, 2 received, 0% packet loss"),
        "{pinged}"
    );
    terminal.enter("poweroff kafka-1", 1);
    let pinged = terminal.enter("ping -c 1 kafka-1 || echo lost", 12);
    assert!(pinged.ends_with("1 packets transmitted, 0 received, 100% packet loss, time 10000ms\nlost\n"), "{pinged}");
}

#[test]
fn units_say_how_they_are() {
    let mut terminal = Terminal::new();
    let status = |terminal: &mut Terminal| terminal.enter("systemctl status kafka-2 | grep Active; systemctl is-active kafka-2", 1);
    let shown = status(&mut terminal);
    assert!(shown.contains("Active: active (running) since Thu 2026-01-01 00:00:0") && shown.ends_with("\nactive\n"), "{shown}");
    terminal.enter("kill -9 kafka-2", 1);
    let shown = status(&mut terminal);
    assert!(shown.contains("Active: failed (Result: signal) since") && shown.ends_with("\nfailed\n"), "{shown}");
    let shown = terminal.enter("systemctl start kafka-2; systemctl is-active kafka-2", 1);
    assert!(shown.ends_with("\nactivating\n"), "{shown}");
    terminal.enter("sleep 20", 21);
    // A restart waits for the broker's orderly end.
    terminal.enter("systemctl restart kafka-2", 10);
    let down =
        terminal.events.iter().rposition(|event| matches!(&event.event, Event::Sim(Occurrence::Exited { host, .. }) if host == "kafka-2"));
    let up =
        terminal.events.iter().rposition(|event| matches!(&event.event, Event::Sim(Occurrence::Started { host }) if host == "kafka-2"));
    assert!(down.is_some() && down < up, "{down:?} {up:?}");
    let listed = terminal.enter("systemctl list-units --failed | tail -1", 20);
    assert!(listed.contains("0 loaded units listed."), "{listed}");
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
