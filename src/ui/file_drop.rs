//! Files dropped on the page: on the terminal they go into its folder; anywhere else one goes to the worker, which knows how to read a segment.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::events::{EventListener, EventListenerOptions};
use gloo::file::callbacks::{FileReader, read_as_bytes};
use gloo::utils::document;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Element, FileList, Window};

use super::hands::Hands;
use super::model::{Action, Inspected};
use crate::playground::command::Command;
use crate::playground::folder::{FileBytes, MAX_FILE_BYTES, NewFile};
use crate::wire::ToWorker;

/// More than a segment of default size is never wanted.
const MOST_BYTES: u64 = 64 << 20;
/// Files that are taken at once.
const MOST_FILES: u32 = 20;
/// Where files go into the terminals' folder.
const TERMINAL: &str = ".terminal, .files";

/// Reads that are under way: a read ends when its reader is dropped.
pub type Readers = Vec<FileReader>;

/// Listens as long as the returned listeners live. `session`: the terminal that is shown.
pub fn listen(window: &Window, hands: &Hands, session: impl Fn() -> u32 + 'static) -> [EventListener; 3] {
    let readers = Rc::new(RefCell::new(Readers::default()));
    let hands = hands.clone();
    let options = EventListenerOptions::enable_prevent_default;
    let over = EventListener::new_with_options(window, "dragover", options(), |event| {
        event.prevent_default();
        show_target(terminal_at(event).as_ref());
    });
    let leave = EventListener::new(window, "dragleave", |_| show_target(None));
    let drop = EventListener::new_with_options(window, "drop", options(), move |event| {
        event.prevent_default();
        show_target(None);
        let files = event.dyn_ref::<DragEvent>().and_then(|event| event.data_transfer()).and_then(|data| data.files());
        let Some(files) = files else { return };
        match terminal_at(event) {
            Some(_) => put(&hands, session(), &files, &readers),
            None => report(&hands, &files, &readers),
        }
    });
    [over, leave, drop]
}

/// Puts files into the terminals' folder.
pub fn put(hands: &Hands, session: u32, files: &FileList, readers: &Rc<RefCell<Readers>>) {
    readers.borrow_mut().clear();
    if files.length() > MOST_FILES {
        hands.act(Action::Notice(format!("At most {MOST_FILES} files at once go into the terminal's folder.")));
        return;
    }
    for file in (0..files.length()).filter_map(|n| files.get(n)).map(gloo::file::File::from) {
        if file.size() > MAX_FILE_BYTES as u64 {
            let said = format!(
                "{} is too large for the terminal's folder: at most {} MiB. Dropped on the stage, a segment may have 64 MiB.",
                file.name(),
                MAX_FILE_BYTES >> 20
            );
            hands.act(Action::Notice(said));
            continue;
        }
        read(hands, file, readers, move |hands, name, bytes| {
            let file = NewFile { name, bytes: FileBytes(bytes.into()) };
            hands.send(ToWorker::Do(Command::File { session, file }));
            hands.act(Action::Files(true));
        });
    }
}

/// Asks what a file holds.
fn report(hands: &Hands, files: &FileList, readers: &Rc<RefCell<Readers>>) {
    let Some(file) = files.get(0).map(gloo::file::File::from) else { return };
    if file.size() > MOST_BYTES {
        hands.act(Action::Notice(format!("{} is larger than 64 MiB.", file.name())));
        return;
    }
    readers.borrow_mut().clear();
    hands.act(Action::Inspect(Inspected::File { name: file.name(), text: String::new() }));
    read(hands, file, readers, |hands, name, bytes| hands.send(ToWorker::File { name, bytes }));
}

fn read(hands: &Hands, file: gloo::file::File, readers: &Rc<RefCell<Readers>>, then: impl FnOnce(&Hands, String, Vec<u8>) + 'static) {
    let (hands, name) = (hands.clone(), file.name());
    let reader = read_as_bytes(&file, move |bytes| match bytes {
        Ok(bytes) => then(&hands, name, bytes),
        Err(error) => hands.act(Action::Notice(format!("{name} cannot be read: {error}"))),
    });
    readers.borrow_mut().push(reader);
}

fn terminal_at(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(TERMINAL).ok()?
}

/// Shows where the files would go.
fn show_target(target: Option<&Element>) {
    let shown = document().query_selector(".drop-here").ok().flatten();
    if shown.as_ref() == target {
        return;
    }
    // Classes of an element that is there can be changed.
    if let Some(shown) = shown {
        let _ = shown.class_list().remove_1("drop-here");
    }
    if let Some(target) = target {
        let _ = target.class_list().add_1("drop-here");
    }
}
