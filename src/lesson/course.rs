//! Lessons as the page fetches them: read and checked when the page is built, one file each, so that a learner waits for one lesson only
//! and neither page nor engine carries what reads them.
//!
//! `ottla lessons` writes them; the encoding is bincode's, and page and lessons are always of one build.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model::Lesson;

/// A lesson, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    pub lesson: Lesson,
    /// The title of its track.
    pub track: String,
    /// The lesson after it, track after track.
    pub next: Option<Listed>,
}

/// A lesson in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub slug: String,
    pub title: String,
    pub minutes: u32,
}

/// Every track, in the order a learner meets them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index(pub Vec<IndexTrack>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexTrack {
    pub title: String,
    pub lessons: Vec<Listed>,
}

/// Why a fetched file is none.
#[derive(Debug, thiserror::Error)]
#[error("this is no lesson of this version of Ottla ({0}): reload the page")]
pub struct NotOurs(String);

/// The bytes of a [`Sheet`] or an [`Index`].
///
/// # Errors
/// If it is larger than bincode can tell.
pub fn encode<T: Serialize>(what: &T) -> Result<Vec<u8>, NotOurs> {
    bincode::serialize(what).map_err(|error| NotOurs(error.to_string()))
}

/// # Errors
/// If the bytes are something else, or another version's.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotOurs> {
    bincode::deserialize(bytes).map_err(|error| NotOurs(error.to_string()))
}
