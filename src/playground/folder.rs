//! The terminals' working folder: one for all of them, as the tabs of one person's terminal on one machine. What a person puts into it from
//! outside is a command, so that a run with files is played again like any other.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::world::{CommandError, World};
use crate::shell::files::FOLDER_MARK;
use crate::sim::disk::File;

/// The host that all terminals run on.
pub const TERMINAL_HOST: &str = "terminal";
/// A file that is put into the folder is at most this large.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// All that is put into the folder in one run: the journal keeps it.
pub const MAX_PUT_BYTES: u64 = 16 << 20;
/// As file systems have it.
const MAX_NAME_BYTES: usize = 255;

/// A file as it comes from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewFile {
    pub name: String,
    pub bytes: FileBytes,
}

/// The bytes of a file; in a run saved as text, hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileBytes(pub Bytes);

impl World {
    /// The files of the folder, by name.
    pub fn folder(&self) -> impl Iterator<Item = (&str, &File)> {
        let files = self.sim().host(TERMINAL_HOST).into_iter().flat_map(|host| host.disk.files());
        // An empty folder in it has a mark, which is no file of anybody's.
        let is_mark = |path: &str| path.rsplit('/').next() == Some(FOLDER_MARK);
        files.map(|(path, file)| (&**path, &**file)).filter(move |(path, _)| !is_mark(path))
    }

    /// Whether a file can be put into the folder.
    pub(super) fn check_file(&self, file: &NewFile) -> Result<(), CommandError> {
        let (name, size_bytes) = (&file.name, file.bytes.0.len());
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.contains(['/', '\0']) || name == "." || name == ".." {
            return Err(CommandError::BadFileName(name.clone()));
        }
        if size_bytes > MAX_FILE_BYTES {
            return Err(CommandError::FileTooLarge(name.clone()));
        }
        if self.put_bytes + size_bytes as u64 > MAX_PUT_BYTES {
            return Err(CommandError::FolderFull(name.clone()));
        }
        Ok(())
    }
}

impl Serialize for FileBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            return serializer.serialize_str(&digits);
        }
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FileBytes, D::Error> {
        if deserializer.is_human_readable() {
            let digits = String::deserialize(deserializer)?;
            let bytes = of_hex(&digits).ok_or_else(|| serde::de::Error::custom("a file's bytes are pairs of hexadecimal digits"))?;
            return Ok(FileBytes(bytes.into()));
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

struct Visitor;

impl serde::de::Visitor<'_> for Visitor {
    type Value = FileBytes;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes of a file")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<FileBytes, E> {
        Ok(FileBytes(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<FileBytes, E> {
        Ok(FileBytes(bytes.into()))
    }
}

fn of_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::command::Command;
    use crate::playground::journal::Journal;
    use crate::playground::spec::ClusterSpec;
    use crate::playground::stored::Cut;
    use crate::playground::timeline::Replayable;
    use crate::sim::time::Duration;

    fn file(name: &str, bytes: &[u8]) -> Command {
        Command::File { session: 1, file: NewFile { name: name.into(), bytes: FileBytes(Bytes::copy_from_slice(bytes)) } }
    }

    fn screen(world: &World, session: u32) -> Vec<String> {
        world.session(session).unwrap().screen().since(0).map(|piece| piece.text.to_string()).collect()
    }

    #[test]
    fn a_file_that_was_put_there_is_read_in_every_terminal() {
        let mut world = World::build(&ClusterSpec::default(), 1).unwrap();
        world.apply(&file("a.txt", b"one\ntwo\n")).unwrap();
        world.apply(&Command::Line { session: 2, text: "cat a.txt; echo three > b.txt".into() }).unwrap();
        world.wait(world.now() + Duration::secs(1));
        world.apply(&Command::Line { session: 1, text: "cat b.txt".into() }).unwrap();
        world.wait(world.now() + Duration::secs(1));
        assert_eq!(screen(&world, 2)[1..], ["one", "two"]);
        assert_eq!(screen(&world, 1)[1..], ["three"]);
        let folder: Vec<(&str, u64)> = world.folder().map(|(name, file)| (name, file.len())).collect();
        assert_eq!(folder, [("a.txt", 8), ("b.txt", 6)]);
    }

    #[test]
    fn the_folder_is_there_again_where_a_run_starts_from_its_disks() {
        let spec = ClusterSpec::default();
        let mut world = World::build(&spec, 1).unwrap();
        world.apply(&file("a.txt", b"one\n")).unwrap();
        world.wait(world.now() + Duration::secs(1));
        let files = |host: &crate::sim::engine::Host| host.disk.files().map(|(path, file)| (path.clone(), (**file).clone())).collect();
        let disks = world.sim().hosts().map(|host| (host.name.as_str().into(), files(host))).collect();
        let cut = Cut { at_us: world.now().0, ..Cut::default() };
        let mut again = World::reopen(&spec, 1, cut, disks, &Journal::default()).unwrap();
        again.apply(&Command::Line { session: 1, text: "cat a.txt".into() }).unwrap();
        again.wait(again.now() + Duration::secs(1));
        assert_eq!(screen(&again, 1)[1..], ["one"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut world = World::build(&ClusterSpec::default(), 1).unwrap();
        for name in ["", "..", "a/b", &"x".repeat(256)] {
            assert_eq!(world.apply(&file(name, b"")), Err(CommandError::BadFileName(name.into())));
        }
        let most = vec![7; MAX_FILE_BYTES];
        assert_eq!(world.apply(&file("a", &[&most[..], b"x"].concat())), Err(CommandError::FileTooLarge("a".into())));
        for _ in 0..16 {
            world.apply(&file("a", &most)).unwrap();
        }
        assert_eq!(world.apply(&file("a", b"x")), Err(CommandError::FolderFull("a".into())));
    }

    #[test]
    fn is_stored_as_bytes_and_as_text() {
        let command = file("a", b"\x00\xffz");
        let text = serde_json::to_string(&command).unwrap();
        assert!(text.contains("00ff7a"), "{text}");
        assert_eq!(serde_json::from_str::<Command>(&text).unwrap(), command);
        assert_eq!(bincode::deserialize::<Command>(&bincode::serialize(&command).unwrap()).unwrap(), command);
        assert!(serde_json::from_str::<FileBytes>("\"0\"").is_err() && serde_json::from_str::<FileBytes>("\"0é\"").is_err());
    }
}
