//! KIP-903: a follower that started anew after its leader saw it caught up may have lost what it had, so it is not taken into the ISR for that.

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use cluster::World;
use ottla::kafka::actor::Config;
use ottla::kafka::event::Event;
use ottla::kafka::names::{BrokerId, TopicPartition, host_of};
use ottla::sim::fault::Fault;
use ottla::sim::time::Time;

/// kafka-1 and kafka-2, the one the leader. The follower catches up while the leader does not reach the controller, which so hears the leader's
/// proposal only when the follower has lost its disk's cache and is registered anew. It does not reach its leader any more.
fn restarted_before_the_proposal_arrives() -> (World, i32) {
    let config = Config::from([("replica.lag.time.max.ms".to_owned(), "12000".to_owned())]);
    let mut world = World::of(2, &config, Time::ZERO);
    world.create("orders", 1, 2);
    world.run(1_000);
    let leader = world.leader("orders", 1);
    let (led_by, followed_by, controller) = (host_of(BrokerId(leader)), host_of(BrokerId(3 - leader)), host_of(BrokerId(100)));
    let cut = |a: &String, b: &String| Fault::Cut { a: a.clone(), b: b.clone() };
    let heal = |a: &String, b: &String| Fault::Heal { a: a.clone(), b: b.clone() };
    world.inject(cut(&led_by, &followed_by));
    world.produce(leader, "orders", "a", 1);
    world.run(20_000);
    assert_eq!(world.isr("orders", leader), [leader], "it has been behind for too long");
    // Its session ends before the leader's does, and nobody tells the leader.
    world.inject(cut(&followed_by, &controller));
    world.run(4_000);
    world.inject(cut(&led_by, &controller));
    world.inject(heal(&led_by, &followed_by));
    world.run(1_500);
    assert_eq!(world.values(3 - leader, "orders"), ["a"], "it has caught up");
    world.inject(Fault::PowerCut { host: followed_by.clone() });
    world.inject(cut(&led_by, &followed_by));
    world.inject(heal(&followed_by, &controller));
    world.inject(Fault::Start { host: followed_by });
    world.run(6_000);
    world.events.clear();
    world.inject(heal(&led_by, &controller));
    world.run(1_000);
    let fenced = |event: &Event| matches!(event, Event::BrokerFenced { .. });
    assert!(!world.events.iter().any(|event| fenced(&event.event)), "the leader came back in time");
    (world, leader)
}

#[test]
fn the_controller_does_not_take_it_in() {
    let (mut world, leader) = restarted_before_the_proposal_arrives();
    assert!(world.broker(leader).image().is_active(3 - leader), "it is registered again");
    let grew = |event: &Event| matches!(event, Event::IsrChanged { isr, .. } if isr.len() == 2);
    assert!(!world.events.iter().any(|event| grew(&event.event)), "it has nothing of what the proposal is about");
    world.inject(Fault::HealAll);
    world.run(3_000);
    assert_eq!(world.isr("orders", leader), [1, 2], "with what it fetches now it is");
    assert_eq!(world.values(3 - leader, "orders"), ["a"]);
}

#[test]
fn the_leader_does_not_wait_for_it() {
    let (mut world, leader) = restarted_before_the_proposal_arrives();
    world.produce(leader, "orders", "b", -1);
    world.run(200);
    assert_eq!(world.produce_errors(), [0, 0], "it is not one that is about to join the ISR");
}

/// Whom the controller has fenced it would not take: the leader does not even ask, though the follower has all (`Partition.isReplicaIsrEligible`).
#[test]
fn the_leader_does_not_propose_one_that_is_fenced() {
    let mut world = World::of(2, &Config::new(), Time::ZERO);
    world.create("orders", 1, 2);
    world.run(1_000);
    let leader = world.leader("orders", 1);
    let (follower, controller) = (host_of(BrokerId(3 - leader)), host_of(BrokerId(100)));
    world.inject(Fault::Cut { a: follower.clone(), b: controller.clone() });
    world.run(12_000);
    assert_eq!(world.isr("orders", leader), [leader], "it is fenced");
    world.produce(leader, "orders", "a", 1);
    for _ in 0..1_000 {
        world.run(1);
        let partition = world.broker(leader).replicas().get(&TopicPartition::new("orders", 0)).unwrap();
        assert_eq!(partition.leading.as_ref().unwrap().proposed_isr, None);
    }
    assert_eq!(world.values(3 - leader, "orders"), ["a"], "and has all");
    world.inject(Fault::Heal { a: follower, b: controller });
    world.run(5_000);
    assert_eq!(world.isr("orders", leader), [1, 2]);
}
