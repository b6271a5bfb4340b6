//! A file dropped anywhere on the page goes to the worker, which knows how to read a segment.

use gloo::events::{EventListener, EventListenerOptions};
use gloo::file::callbacks::{FileReader, read_as_bytes};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Window};

use super::hands::Hands;
use crate::wire::ToWorker;

/// More than a segment of default size is never wanted.
const MOST_BYTES: u64 = 64 << 20;

/// Listens as long as the returned listeners live.
pub fn listen(window: &Window, hands: &Hands, reading: impl Fn(&Hands, String) + 'static) -> [EventListener; 2] {
    let reader: Rc<RefCell<Option<FileReader>>> = Rc::default();
    let hands = hands.clone();
    let options = EventListenerOptions::enable_prevent_default();
    let over = EventListener::new_with_options(window, "dragover", options, |event| event.prevent_default());
    let drop = EventListener::new_with_options(window, "drop", options, move |event| {
        event.prevent_default();
        let files = event.dyn_ref::<DragEvent>().and_then(|e| e.data_transfer()).and_then(|d| d.files());
        let Some(file) = files.and_then(|files| files.get(0)) else { return };
        let file = gloo::file::File::from(file);
        let name = file.name();
        if file.size() > MOST_BYTES {
            hands.act(super::model::Action::Notice(format!("{name} is larger than 64 MiB.")));
            return;
        }
        reading(&hands, name.clone());
        let hands = hands.clone();
        let read = read_as_bytes(&file, move |bytes| match bytes {
            Ok(bytes) => hands.send(ToWorker::File { name: name.clone(), bytes }),
            Err(error) => hands.act(super::model::Action::Notice(format!("{name} cannot be read: {error}"))),
        });
        *reader.borrow_mut() = Some(read);
    });
    [over, drop]
}
