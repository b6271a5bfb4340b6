//! Files of the terminal's working folder, as a tool sees them: read when its pipeline starts.

use std::collections::BTreeMap;

/// Contents by path; a path that is not there is no file.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, String>);

impl Files {
    pub fn insert(&mut self, path: &str, text: String) {
        self.0.insert(path.to_owned(), text);
    }

    /// The text of a file, if there is such a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}
