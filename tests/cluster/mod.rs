//! A cluster of brokers and one controller apart, without clients of its own: one process asks, the test looks at what the cluster did.

mod topics;

use ottla::kafka::actor::{Config, Input, Outbox};
use ottla::kafka::broker::BrokerSpec;
use ottla::kafka::broker::process::Broker;
use ottla::kafka::controller::ControllerSpec;
use ottla::kafka::controller::process::Controller;
use ottla::kafka::event::Event;
use ottla::kafka::names::{BROKER_PORT, BrokerId, host_of};
use ottla::kafka::protocol::api::{Request, Response};
use ottla::kafka::protocol::frame::{Batches, Body, Frame};
use ottla::sim::engine::{Settings, Sim};
use ottla::sim::fault::Fault;
use ottla::sim::process::{Boot, ConnId, Model, Process, ProcessId, Recorded};
use ottla::sim::time::{Duration, Time};

#[derive(Clone, Debug)]
pub struct Cluster;

#[derive(Clone, Debug)]
pub enum Spec {
    Broker(BrokerSpec),
    Controller(ControllerSpec),
    Asker,
}

#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Role {
    Broker(Broker),
    Controller(Controller),
    Asker(Asker),
}

/// Sends what the test tells it, to the host the test names, over a connection for each request.
#[derive(Clone, Debug, Default)]
pub struct Asker {
    asking: Vec<(ConnId, Request, Vec<Batches>)>,
    answers: Vec<(Time, Response)>,
}

#[derive(Clone, Debug)]
pub struct Ask(i32, Request, Vec<Batches>);

impl Model for Cluster {
    type Frame = Frame;
    type Event = Event;
    type Tell = Ask;
    type Spec = Spec;
    type Process = Role;

    fn boot(spec: &Spec, boot: &Boot) -> Role {
        match spec {
            Spec::Broker(spec) => Role::Broker(Broker::new(spec, boot)),
            Spec::Controller(spec) => Role::Controller(Controller::new(spec, boot)),
            Spec::Asker => Role::Asker(Asker::default()),
        }
    }

    fn start_up(_: &Spec) -> Duration {
        Duration::secs(3)
    }
}

impl Process<Cluster> for Role {
    fn step(&mut self, now: Time, input: ottla::sim::process::Input<Frame, Ask>, out: &mut Outbox) {
        use ottla::sim::process::Input as In;
        let plain = match input {
            In::Told(Ask(broker, request, batches)) => {
                if let Role::Asker(asker) = self {
                    let conn = out.connect(&host_of(BrokerId(broker)), BROKER_PORT);
                    asker.asking.push((conn, request, batches));
                }
                return;
            }
            In::Start => Input::Start,
            In::Wake => Input::Wake,
            In::Connected(conn) => Input::Connected(conn),
            In::Accepted { conn, port, from } => Input::Accepted { conn, port, from },
            In::Frame(conn, frame) => Input::Frame(conn, frame),
            In::Closed(conn, why) => Input::Closed(conn, why),
            In::Read(id, file) => Input::Read(id, file),
            In::Terminate => Input::Terminate,
        };
        match self {
            Role::Broker(broker) => broker.step(now, plain, out),
            Role::Controller(controller) => controller.step(now, plain, out),
            Role::Asker(asker) => match plain {
                Input::Connected(conn) => {
                    let Some(i) = asker.asking.iter().position(|(asking, ..)| *asking == conn) else { return };
                    let (_, request, batches) = asker.asking.remove(i);
                    out.send(conn, Frame::with_batches(1, "asker", request, batches));
                }
                Input::Frame(conn, frame) => {
                    if let Body::Response(response) = frame.body {
                        asker.answers.push((now, response));
                    }
                    out.close(conn);
                }
                _ => {}
            },
        }
    }

    fn next_wake(&self) -> Option<Time> {
        match self {
            Role::Broker(broker) => broker.next_wake(),
            Role::Controller(controller) => controller.next_wake(),
            Role::Asker(_) => None,
        }
    }
}

pub struct World {
    pub sim: Sim<Cluster>,
    pub asker: ProcessId,
    pub brokers: Vec<ProcessId>,
    pub chunks: u64,
    pub events: Vec<Recorded<Event>>,
}

impl World {
    /// With the defaults, from time zero on.
    pub fn new(brokers: i32) -> World {
        World::of(brokers, &Config::new(), Time::ZERO)
    }

    /// Brokers with this server.properties, started at that time.
    pub fn of(brokers: i32, config: &Config, at: Time) -> World {
        World::configured(brokers, config, &|_| Vec::new(), at)
    }

    /// With what stands in each broker's server.properties besides.
    pub fn configured(brokers: i32, config: &Config, own: &dyn Fn(i32) -> Vec<(&'static str, String)>, at: Time) -> World {
        let mut sim = Sim::new(Settings { seed: 7, ..Settings::default() });
        sim.run_until(at);
        let controller = BrokerId(100);
        let (cluster_id, controllers) = ("ottla".to_owned(), vec![controller]);
        let spec = ControllerSpec {
            id: controller,
            config: config.clone(),
            cluster_id: cluster_id.clone(),
            controllers: controllers.clone(),
            features: Default::default(),
            is_broker: false,
        };
        sim.spawn(&host_of(controller), "kafka-100", Spec::Controller(spec), Duration::ZERO);
        let spawn = |id: i32, sim: &mut Sim<Cluster>| {
            let (cluster_id, controllers) = (cluster_id.clone(), controllers.clone());
            let own = own(id).into_iter().map(|(name, value)| (name.to_owned(), value));
            let config = config.clone().into_iter().chain(own).collect();
            let spec = BrokerSpec { id: BrokerId(id), config, controllers, cluster_id, ..BrokerSpec::default() };
            sim.spawn(&host_of(BrokerId(id)), &format!("kafka-{id}"), Spec::Broker(spec), Duration::ZERO)
        };
        let brokers = (1..=brokers).map(|id| spawn(id, &mut sim)).collect();
        let asker = sim.spawn("client", "asker", Spec::Asker, Duration::ZERO);
        let mut world = World { sim, asker, brokers, chunks: 0, events: Vec::new() };
        world.run(5_000);
        world
    }

    pub fn run(&mut self, ms: u64) {
        let until = self.sim.now() + Duration::ms(ms);
        self.sim.run_until(until);
        self.events.extend(self.sim.take_events());
    }

    pub fn ask(&mut self, broker: i32, request: impl Into<Request>, batches: Vec<Batches>) {
        self.sim.tell(self.asker, Ask(broker, request.into(), batches));
    }

    pub fn answers(&self) -> Vec<(Time, Response)> {
        match self.sim.process(self.asker) {
            Some(Role::Asker(asker)) => asker.answers.clone(),
            _ => Vec::new(),
        }
    }

    pub fn broker(&self, id: i32) -> &Broker {
        match self.sim.process(self.brokers[id as usize - 1]) {
            Some(Role::Broker(broker)) => broker,
            _ => panic!("kafka-{id} does not run"),
        }
    }

    pub fn inject(&mut self, fault: Fault) {
        self.sim.inject(&fault, None).unwrap();
    }
}
