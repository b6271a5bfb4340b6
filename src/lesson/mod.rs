//! Lessons: their file format, their goals, and the player that proves them.
//!
//! In reading order: [`model`] is what a lesson is, [`format`] reads it from a file and finds what is wrong with it, [`catalog`] lists those that
//! come with Ottla, [`course`] is how the page gets them, [`goal`] watches a cluster and says what holds and why something does not yet, [`player`] types a [`script`], [`progress`] is what a
//! learner keeps, [`watching`] is who looks on while a run goes back and forth in time.

pub mod catalog;
pub mod course;
pub mod format;
pub mod goal;
pub mod model;
pub mod player;
pub mod progress;
pub mod script;
pub mod span;
pub mod watching;
