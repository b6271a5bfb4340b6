//! Admin calls against brokers that answer from a script.

use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use kafka_protocol::messages::{DescribeClusterRequest, DescribeGroupsRequest, GroupId, ListGroupsRequest, MetadataRequest, TopicName};

use super::fanout::LATEST_TIMESTAMP;
use super::*;
use crate::kafka::actor::Tell;
use crate::kafka::client::testing::{Client, Fake, FakeBroker, bootstrap, broker, client, world};
use crate::kafka::protocol::api::Api;
use crate::sim::engine::Sim;
use crate::sim::process::ProcessId;

/// Makes one call of each kind at its start.
#[derive(Clone, Debug)]
struct Tool {
    admin: AdminClient,
    results: BTreeMap<u32, Result<Outcome, ClientError>>,
}

impl Client for Tool {
    fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        if matches!(input, Input::Start) {
            self.admin.call(now, "listTopics", Target::Any, MetadataRequest::default().with_topics(None));
            let topic = CreatableTopic::default().with_name(TopicName("payments".into())).with_num_partitions(1);
            self.admin.call(now, "createTopics", Target::Any, CreateTopicsRequest::default().with_topics(vec![topic]));
            let groups = DescribeGroupsRequest::default().with_groups(vec![GroupId("g".into())]);
            self.admin.call(now, "describeConsumerGroups", Target::Coordinator("g".into()), groups);
            self.admin.list_offsets(now, (0..3).map(|p| (TopicPartition::new("orders", p), LATEST_TIMESTAMP)), 0);
            self.admin.list_groups(now, ListGroupsRequest::default());
        }
        self.admin.handle(now, input, out);
        self.results.extend(self.admin.take_results().map(|(id, result)| (id.0, result)));
    }

    fn next_wake(&self) -> Option<Time> {
        self.admin.next_wake()
    }
}

fn start(brokers: Vec<FakeBroker>) -> (Sim<Fake<Tool>>, ProcessId) {
    let config = [("default.api.timeout.ms", "3000"), ("request.timeout.ms", "2000")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let config = AdminConfig::parse(&config.into_iter().collect()).unwrap();
    let admin = AdminClient::new("adminclient-1", bootstrap(), config);
    world(3, brokers, Tool { admin, results: BTreeMap::new() })
}

#[test]
fn calls_find_their_nodes() {
    let mut first = FakeBroker::new(3);
    // It believes to lead partition 1, as its metadata says, until the real leader is known.
    first.moved.insert(1, 1);
    let (mut sim, id) = start(vec![first, FakeBroker::new(3)]);
    sim.run_until(Time::from_ms(500));
    let results = &client(&sim, id).results;
    assert_eq!(results.len(), 5, "{results:?}");
    assert!(results.values().all(Result::is_ok), "{results:?}");
    assert!(!client(&sim, id).admin.is_busy());
    match &results[&2] {
        Ok(Outcome::Response(Response::DescribeGroups(body))) => assert_eq!(body.groups[0].group_state.as_str(), "Stable"),
        other => panic!("{other:?}"),
    }
    match &results[&3] {
        Ok(Outcome::Offsets(offsets)) => {
            let listed: Vec<i64> = offsets.values().map(|offset| offset.as_ref().map_or(-9, |o| o.offset)).collect();
            assert_eq!(listed, [0, 100, 200]);
        }
        other => panic!("{other:?}"),
    }
    match &results[&4] {
        Ok(Outcome::Groups(groups)) => {
            let mut names: Vec<&str> = groups.iter().map(|group| group.group_id.as_str()).collect();
            names.sort();
            assert_eq!(names, ["group-at-1", "group-at-2"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_controllers_the_active_one_is_asked() {
    for seed in 0..5 {
        let config = AdminConfig::parse(&Default::default()).unwrap();
        let mut admin = AdminClient::new("adminclient-1", bootstrap(), config);
        admin.set_from_controllers(true);
        let id = admin.call(Time::ZERO, "listNodes", Target::Any, DescribeClusterRequest::default());
        let controllers = [1, 2, 3].map(|_| FakeBroker { is_controller: true, ..FakeBroker::default() });
        let (mut sim, tool) = world(seed, controllers.to_vec(), Tool { admin, results: BTreeMap::new() });
        sim.run_until(Time::from_ms(500));
        let asked = [1, 2, 3].map(|node| broker(&sim, node).requests.iter().filter(|(_, api)| *api == Api::DescribeCluster).count());
        // One to know who it is.
        assert_eq!(asked, [1, 0, 1], "seed {seed}");
        let results = &client(&sim, tool).results;
        assert!(results[&id.0].is_ok());
        // What no controller answers, the client says itself.
        let said = results[&1].as_ref().expect_err("listTopics").to_string();
        assert!(said.starts_with("org.apache.kafka.common.errors.UnsupportedEndpointTypeException: This Admin API is not yet"), "{said}");
    }
}

#[test]
fn a_dead_cluster_ends_calls_by_their_time() {
    let (mut sim, id) = start(vec![FakeBroker::new(3)]);
    sim.inject(&crate::sim::fault::Fault::Kill { host: "kafka-1".into() }, None).unwrap();
    sim.run_until(Time::from_ms(4_000));
    let results = &client(&sim, id).results;
    let message = |call: u32| results[&call].as_ref().map_or_else(|error| error.message.clone(), |_| String::new());
    assert_eq!(message(0), "Timed out waiting for a node assignment. Call: listTopics");
    assert_eq!(message(2), "Timed out waiting for a node assignment. Call: describeConsumerGroups(api=FIND_COORDINATOR)");
    assert_eq!(message(4), "Failed to find brokers to send ListGroups");
    let cause = results[&4].as_ref().err().and_then(|error| error.cause.as_ref()).map(|cause| cause.to_string());
    let expected = "org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: findAllBrokers";
    assert_eq!(cause.as_deref(), Some(expected));
}

#[test]
fn a_mute_broker_is_waited_for_until_the_end() {
    let (mut sim, id) = start(vec![FakeBroker::new(3)]);
    let fault = |sim: &mut Sim<Fake<Tool>>| sim.tell(ProcessId(0), Tell::Line("mute-tools".into()));
    fault(&mut sim);
    sim.run_until(Time::from_ms(6_000));
    let error = client(&sim, id).results[&1].as_ref().expect_err("nobody answers");
    assert!(error.message.starts_with("Call(callName=createTopics, deadlineMs="), "{error}");
    // request.timeout.ms was over after two seconds, but nothing woke the client before the calls' own deadline.
    assert!(error.message.ends_with(" after 1 attempt(s)"), "{error}");
    let cause = error.cause.as_ref().expect("the last disconnect").to_string();
    assert!(cause.starts_with("org.apache.kafka.common.errors.DisconnectException: Cancelled createTopics request with"), "{cause}");
    assert!(cause.ends_with(" due to node 1 being disconnected"), "{cause}");
}
