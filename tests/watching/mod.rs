//! What a test watches a run with: the history of what clients were told and read.

use ottla::kafka::event::Event;
use ottla::playground::history::History;
use ottla::playground::timeline::Watcher;
use ottla::playground::world::World;
use ottla::sim::process::Recorded;

#[derive(Clone, Default)]
pub struct Watch(pub History);

impl Watcher<World> for Watch {
    fn event(&mut self, recorded: &Recorded<Event>) {
        self.0.event(&recorded.event);
    }

    fn look(&mut self, _: &World) {}
}
