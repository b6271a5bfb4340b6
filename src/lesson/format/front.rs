//! The front matter: TOML between two lines `+++`.

use serde::Deserialize;

use super::Found;
use super::problem::Fault;
use super::prose::is_slug;
use super::table;
use crate::playground::spec::ClusterSpec;

/// What the front matter says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    pub title: String,
    pub minutes: u32,
    #[serde(default)]
    pub after: Vec<String>,
    #[serde(default = "default_seed")]
    pub seed: u64,
    #[serde(default)]
    pub cluster: ClusterSpec,
}

fn default_seed() -> u64 {
    1
}

const FENCE: &str = "+++";

/// A part of the file, and at which byte of it it begins.
pub type Part<'a> = (usize, &'a str);

/// Cuts a lesson into front matter and body.
pub fn split(text: &str) -> Result<(Part<'_>, Part<'_>), Fault> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != FENCE {
        return Err(Fault::NoFrontMatter);
    }
    let start = first.len();
    let mut at = start;
    for line in lines {
        let after = at + line.len();
        if line.trim_end() == FENCE {
            return Ok(((start, &text[start..at]), (after, &text[after..])));
        }
        at = after;
    }
    Err(Fault::FrontMatterOpen)
}

/// Reads the front matter that stands at `base`; `None` if it is not well-formed.
pub(super) fn read(text: &str, base: usize, found: &mut Found) -> Option<Front> {
    let (front, problems, spans) = table::read::<Front>(text);
    for problem in problems {
        found.fault(base + problem.at.start, Fault::Toml(problem.message));
    }
    let front = front?;
    for problem in front.cluster.problems() {
        let at = spans.find(std::iter::once("cluster").chain(problem.path.split('.'))).start;
        found.fault(base + at, Fault::Cluster(problem));
    }
    for (i, slug) in front.after.iter().enumerate() {
        let at = base + spans.find(["after", &i.to_string()]).start;
        found.after.push((at, slug.clone()));
        if !is_slug(slug) {
            found.fault(at, Fault::BadSlug(slug.clone()));
        }
    }
    Some(front)
}
