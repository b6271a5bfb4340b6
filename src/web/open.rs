//! From what the page asks for to a run: begun, played again, or started from its stored disks.

use super::now_ms;
use super::run::Run;
use super::store::{Store, StoreError, lock};
use crate::lesson::model::Lesson;
use crate::lesson::progress::Earned;
use crate::lesson::watching::Watching;
use crate::playground::branch::End;
use crate::playground::spec::ClusterSpec;
use crate::playground::stored::Stored;
use crate::playground::timeline::Timeline;
use crate::playground::world::World;
use crate::sim::time::Time;
use crate::wire::{Open, Restored};

/// The seed of a cluster without a lesson, unless one is given.
const SEED: u64 = 1;
/// Playing a stored run again may take so many real milliseconds.
const PATIENCE_MS: f64 = 2_000.0;
/// Steps between two looks at the clock meanwhile.
const STEPS: u64 = 2_000;

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub lesson: Option<Lesson>,
    pub spec: ClusterSpec,
    pub seed: u64,
    /// Begin anew even if something is stored.
    pub fresh: bool,
    pub memory_only: bool,
}

/// What was found in IndexedDB.
#[derive(Debug)]
pub enum Found {
    /// The store to keep the run in, and what is in it.
    Open(Store, Option<Box<Stored>>),
    /// Another tab writes it.
    OtherTab,
    /// It cannot simply be opened, and must not be touched: the person chooses.
    Strange(String),
    /// IndexedDB is not to be had.
    Refused(String),
}

impl Plan {
    pub fn of(open: Open) -> Plan {
        let lesson = open.lesson.map(|lesson| *lesson);
        let spec = match &lesson {
            Some(lesson) => lesson.cluster.clone(),
            None => open.cluster.unwrap_or_default(),
        };
        let seed = open.seed.or(lesson.as_ref().map(|lesson| lesson.seed)).unwrap_or(SEED);
        Plan { lesson, spec, seed, fresh: open.fresh, memory_only: open.memory_only }
    }

    /// Under which its run is stored, and locked.
    pub fn name(&self) -> String {
        format!("ottla {} {}", self.lesson.as_ref().map_or("cluster", |lesson| &lesson.slug), self.seed)
    }

    /// Looks for a stored run. Changes nothing that is stored.
    pub async fn find(&self) -> Found {
        let name = self.name();
        if !lock::take(&name).await {
            return Found::OtherTab;
        }
        let store = match Store::open(&name).await {
            Ok(store) => store,
            Err(error @ (StoreError::UnknownFormat | StoreError::Damaged(_))) => return Found::Strange(error.to_string()),
            Err(error) => return Found::Refused(error.to_string()),
        };
        if self.fresh {
            return Found::Open(store, None);
        }
        match store.load().await {
            Ok(stored) => Found::Open(store, stored.map(Box::new)),
            Err(StoreError::Refused(why)) => Found::Refused(why),
            Err(error) => Found::Strange(error.to_string()),
        }
    }

    /// Begins the run at its beginning.
    ///
    /// # Errors
    /// If no cluster comes of the description.
    pub fn begin(&self, earned: Earned) -> Result<Run, String> {
        let timeline = Timeline::new(self.build()?, Watching::new(self.lesson.as_ref()));
        Ok(Run::new(timeline, self.lesson.clone(), earned, true))
    }

    /// Goes on with a stored run: by playing it again, or, where that takes too long or leads elsewhere, from its disks.
    ///
    /// # Errors
    /// If neither can be done; nothing that is stored has been touched.
    pub fn go_on(&self, stored: &Stored) -> Result<(Run, Restored), String> {
        // What was earned by another version of the lesson may not be readable; it is little to lose.
        let earned: Earned = bincode::deserialize(&stored.earned).unwrap_or_default();
        match self.replay(stored) {
            Ok(timeline) => {
                let run = Run::new(timeline, self.lesson.clone(), earned, true);
                Ok((run, Restored::Replayed { to_us: stored.cut.at_us }))
            }
            Err(because) => {
                let disks = stored.disks().map_err(|damaged| damaged.to_string())?;
                let world = World::reopen(&self.spec, self.seed, stored.cut, disks, &stored.journal());
                let world = world.map_err(|error| error.to_string())?;
                let mut watching = Watching::new(self.lesson.as_ref());
                if let Some(goals) = &mut watching.goals {
                    goals.grant(world.now().0, earned.goals.keys().map(String::as_str));
                }
                let timeline = Timeline::new(world, watching);
                Ok((Run::new(timeline, self.lesson.clone(), earned, false), Restored::FromDisks { because }))
            }
        }
    }

    fn build(&self) -> Result<World, String> {
        World::build(&self.spec, self.seed).map_err(|error| error.to_string())
    }

    /// Plays a stored run again up to where it was stored; why that cannot be done, if it cannot.
    fn replay(&self, stored: &Stored) -> Result<Timeline<World, Watching>, String> {
        let cut = stored.cut;
        if !cut.can_be_replayed {
            return Err("it was started from its disks before".into());
        }
        let began_ms = now_ms();
        let end = End { at: Time(cut.at_us), steps: cut.steps };
        let mut timeline = Timeline::replay(self.build()?, Watching::new(self.lesson.as_ref()), stored.journal(), end);
        while !timeline.run(end.at, STEPS) {
            if now_ms() - began_ms > PATIENCE_MS {
                return Err("it is too long to be played again".into());
            }
        }
        match timeline.world().digest() == cut.digest && timeline.end() == end {
            true => Ok(timeline),
            false => Err("this version of Ottla plays it differently".into()),
        }
    }
}
