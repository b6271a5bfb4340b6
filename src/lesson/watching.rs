//! Who watches a run: rates are counted, and goals of the lesson looked at. It travels through time with the world.

use super::goal::GoalBoard;
use super::model::Lesson;
use crate::kafka::event::Event;
use crate::playground::metrics::Metrics;
use crate::playground::timeline::Watcher;
use crate::playground::view::{Detail, Viewer};
use crate::playground::world::World;
use crate::sim::process::Recorded;

/// What is known of a run besides the world itself.
#[derive(Clone, Debug, Default)]
pub struct Watching {
    pub metrics: Metrics,
    /// `None` without a lesson.
    pub goals: Option<GoalBoard>,
}

impl Watching {
    pub fn new(lesson: Option<&Lesson>) -> Watching {
        Watching { metrics: Metrics::default(), goals: lesson.map(GoalBoard::new) }
    }
}

impl Watcher<World> for Watching {
    fn event(&mut self, event: &Recorded<Event>) {
        self.metrics.event(event);
        if let Some(goals) = &mut self.goals {
            goals.event(event.at.0, &event.event);
        }
    }

    fn look(&mut self, world: &World) {
        self.metrics.pass(world.now());
        if let Some(goals) = &mut self.goals {
            goals.look(world.now().0, &Viewer::default().snapshot(world, &self.metrics, Detail::Goals));
        }
    }
}
