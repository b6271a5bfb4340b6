//! The lessons that come with Ottla, in the order of their tracks, as they stand in `lessons/`.
//!
//! For whoever builds the page, checks lessons or plays them: the page itself fetches what [`super::course`] makes of them.

use super::course::{Index, IndexTrack, Listed, Sheet};
use super::format::{self, Parsed};

/// A group of lessons on one subject.
#[derive(Clone, Copy, Debug)]
pub struct Track {
    /// The folder below `lessons/`.
    pub name: &'static str,
    pub title: &'static str,
    pub lessons: &'static [Entry],
}

/// A lesson of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub slug: &'static str,
    /// The whole file.
    pub text: &'static str,
}

macro_rules! lessons {
    ($($slug:literal),* $(,)?) => {
        &[$(Entry { slug: $slug, text: include_str!(concat!("../../lessons/", $slug, ".md")) }),*]
    };
}

/// Every track, in the order a learner meets them.
pub const TRACKS: &[Track] = &[
    Track { name: "basics", title: "The log", lessons: lessons!["basics/01-topic-and-console", "basics/02-competing-consumers"] },
    Track { name: "replication", title: "Replication", lessons: lessons!["replication/01-kill-a-node"] },
];

impl Entry {
    /// Reads the lesson. Those of the catalogue are good: tests/lessons.rs plays them all.
    pub fn parse(&self) -> Parsed {
        format::parse(self.slug, self.text, &slugs().collect::<Vec<_>>())
    }

    /// Title and minutes, for an index.
    pub fn title(&self) -> Option<(String, u32)> {
        format::parse_title(self.text)
    }

    fn listed(&self) -> Option<Listed> {
        let (title, minutes) = self.title()?;
        Some(Listed { slug: self.slug.into(), title, minutes })
    }
}

/// Every lesson, track after track.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    TRACKS.iter().flat_map(|track| track.lessons)
}

/// The slugs of every lesson.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    entries().map(|entry| entry.slug)
}

/// The list of all of them.
pub fn index() -> Index {
    let lessons = |track: &Track| track.lessons.iter().filter_map(Entry::listed).collect();
    Index(TRACKS.iter().map(|track| IndexTrack { title: track.title.into(), lessons: lessons(track) }).collect())
}

/// Every lesson with where it stands.
///
/// # Errors
/// The slug of one that cannot be read.
pub fn sheets() -> Result<Vec<Sheet>, &'static str> {
    let after = entries().skip(1).map(Entry::listed).chain([None]);
    let tracks = TRACKS.iter().flat_map(|track| track.lessons.iter().map(|_| track.title));
    let sheet = |((entry, track), next): ((&'static Entry, &str), _)| {
        let lesson = entry.parse().lesson.ok_or(entry.slug)?;
        Ok(Sheet { lesson, track: track.into(), next })
    };
    entries().zip(tracks).zip(after).map(sheet).collect()
}

/// The lesson with this slug.
pub fn find(slug: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::super::course::{decode, encode};
    use super::*;

    #[test]
    fn every_lesson_is_good_and_has_a_title() {
        for entry in entries() {
            let parsed = entry.parse();
            assert!(parsed.problems.is_empty(), "{}: {:#?}", entry.slug, parsed.problems);
            let lesson = parsed.lesson.unwrap();
            assert_eq!(entry.title(), Some((lesson.title, lesson.minutes)));
        }
    }

    #[test]
    fn what_the_page_fetches_reads_back() {
        let sheets = sheets().unwrap();
        assert_eq!(sheets.len(), entries().count());
        for (sheet, next) in sheets.iter().zip(entries().skip(1).map(|entry| Some(entry.slug)).chain([None])) {
            assert_eq!(sheet.next.as_ref().map(|listed| listed.slug.as_str()), next);
            let bytes = encode(sheet).unwrap();
            assert_eq!(decode::<Sheet>(&bytes).unwrap(), *sheet);
            assert!(decode::<Sheet>(&bytes[..bytes.len() / 2]).is_err());
        }
        let listed = index().0.iter().map(|track| track.lessons.len()).sum::<usize>();
        assert_eq!(listed, sheets.len());
    }

    #[test]
    fn no_lesson_is_left_out() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
        for track in std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
            for file in std::fs::read_dir(track).unwrap().map(|entry| entry.unwrap().path()) {
                let slug = file.strip_prefix(&root).unwrap().with_extension("");
                assert!(find(&slug.to_string_lossy()).is_some(), "{} is not in the catalogue", file.display());
            }
        }
    }
}
