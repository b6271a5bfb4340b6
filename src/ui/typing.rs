//! What keys do at a terminal's prompt: as in bash, where the browser lets them.

use gloo::utils::window;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement, KeyboardEvent};

use super::focus;
use super::hands::{Hands, Shared};
use super::model::{Action, Completions};
use crate::playground::command::Command;
use crate::readline::{Edit, Line, Recall, Search};
use crate::wire::{Prompt, ToWorker};

/// What is remembered from key to key.
#[derive(Default)]
pub struct Typing {
    recall: Recall,
    killed: String,
    /// The line for which candidates were asked.
    asked: Option<Line>,
    /// Enter was pressed since.
    enters: bool,
}

/// The prompt at which a key was pressed.
pub struct At<'a> {
    pub hands: &'a Hands,
    pub session: u32,
    pub prompt: Prompt,
    pub room: usize,
    pub history: &'a Shared<Vec<String>>,
    pub area: &'a HtmlTextAreaElement,
}

impl At<'_> {
    pub fn line(&self) -> Line {
        Line::of_field(self.area.value(), self.area.selection_start().ok().flatten().unwrap_or(0))
    }

    pub fn put(&self, line: &Line) {
        self.area.set_value(&line.text);
        let at = line.field_cursor();
        // A field that is gone has no cursor.
        let _ = self.area.set_selection_range(at, at);
    }

    /// Enters lines, each at once: the session keeps what nobody reads yet, as a tty does.
    pub fn enter(&self, mut lines: Vec<String>) {
        let left_out = lines.len().saturating_sub(self.room);
        if left_out > 0 {
            lines.truncate(self.room);
            let room = self.room;
            self.hands.act(Action::Notice(format!(
                "Only {room} lines could be entered, {left_out} were not: nobody reads so many here. Drop a file on the terminal instead, and use it with <."
            )));
        }
        for text in &lines {
            self.hands.send(ToWorker::Do(Command::Line { session: self.session, text: text.clone() }));
        }
        self.hands.act(Action::Entered(self.session, lines));
    }

    fn send(&self, command: Command) {
        self.hands.send(ToWorker::Do(command));
    }
}

/// A key at the prompt; the search to go on with, if it was Ctrl-R.
pub fn key(at: &At, typing: &mut Typing, event: &KeyboardEvent) -> Option<Search> {
    let session = at.session;
    let line = at.line();
    let (control, alt) = modifiers(event);
    let name = name_of(event);
    match name.as_str() {
        "Enter" if event.is_composing() => return None,
        "Enter" if alt => switch(at.hands, Action::NextSession(true)),
        // The word is completed first; pressed again, it waits no longer.
        "Enter" if typing.asked.is_some() && !typing.enters => typing.enters = true,
        "Enter" => run(at, typing, line),
        "ArrowDown" if alt => switch(at.hands, Action::NextSession(false)),
        "ArrowUp" if alt => switch(at.hands, Action::SessionBefore),
        "ArrowUp" | "ArrowDown" => recall(at, typing, &line, name == "ArrowUp"),
        "p" | "n" if control => recall(at, typing, &line, name == "p"),
        "Tab" if event.shift_key() || line.text.is_empty() => return None,
        // A record's key and value may stand apart by a tab.
        "Tab" if at.prompt == Prompt::Input => edit(at, line, Edit::Yank, &mut "\t".to_owned()),
        "Tab" => {
            (typing.asked, typing.enters) = (Some(line.clone()), false);
            let (line, cursor) = (line.text, line.cursor as u32);
            at.hands.send(ToWorker::Complete { session, line, cursor });
        }
        "r" if control => {
            event.prevent_default();
            at.put(&Line::default());
            return Some(Search::new(line));
        }
        "c" if event.ctrl_key() && event.shift_key() => drop(copy()),
        "c" if control && is_selected(at.area) => return None,
        "c" if control => {
            at.put(&Line::default());
            typing.recall = Recall::default();
            at.send(Command::Interrupt { session });
        }
        "d" if control && line.text.is_empty() && at.prompt != Prompt::Command => at.send(Command::EndOfInput { session }),
        "l" if control => at.hands.act(Action::ClearTerminal(session)),
        "Escape" => at.area.blur().unwrap_or_default(),
        _ => match edit_of(&name, control, alt) {
            Some(what) => edit(at, line, what, &mut typing.killed),
            None => return None,
        },
    }
    event.prevent_default();
    None
}

/// A key while the history is searched: the search to go on with, or `None` if it is over.
pub fn search_key(at: &At, typing: &mut Typing, mut search: Search, event: &KeyboardEvent) -> Option<Search> {
    let (control, alt) = modifiers(event);
    let name = name_of(event);
    let found = search.found(at.history).map(Line::new);
    match name.as_str() {
        "Enter" if event.is_composing() => return Some(search),
        "Enter" => {
            typing.recall = Recall::default();
            at.put(&Line::default());
            at.enter(found.map(|line| line.text).into_iter().collect());
        }
        "r" if control => {
            search.older(at.history);
            event.prevent_default();
            return Some(search);
        }
        "s" if control => {
            search.newer(at.history);
            event.prevent_default();
            return Some(search);
        }
        "g" | "c" if control => at.put(&search.before),
        // As in bash, the line that was found can now be edited.
        "Escape" | "Tab" | "ArrowLeft" | "ArrowRight" | "Home" | "End" => at.put(&found.unwrap_or(search.before)),
        _ => match edit_of(&name, control, alt) {
            Some(what) => edit(at, found.unwrap_or(search.before), what, &mut typing.killed),
            None => return Some(search),
        },
    }
    event.prevent_default();
    None
}

/// Fills in what was found. What was typed since Tab was pressed comes behind it, as if it had been typed later.
pub fn complete(at: &At, typing: &mut Typing, found: &Completions) {
    let Some(mut line) = typing.asked.take_if(|asked| found.session == at.session && asked.text == found.line) else { return };
    let now = at.area.value();
    let (before, after) = line.text.split_at(line.cursor);
    let Some(since) = now.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).map(str::to_owned) else { return };
    line.complete(found.from as usize, &found.candidates);
    line.edit(Edit::Yank, &mut since.clone());
    at.put(&line);
    if typing.enters {
        run(at, typing, line);
    }
}

fn run(at: &At, typing: &mut Typing, line: Line) {
    (typing.recall, typing.asked, typing.enters) = (Recall::default(), None, false);
    at.put(&Line::default());
    at.enter(vec![line.text]);
}

fn recall(at: &At, typing: &mut Typing, line: &Line, older: bool) {
    if let Some(text) = typing.recall.step(at.history, older, &line.text) {
        at.put(&Line::new(text));
    }
}

fn edit(at: &At, mut line: Line, what: Edit, killed: &mut String) {
    line.edit(what, killed);
    at.put(&line);
    at.hands.act(Action::ForgetCompletions);
}

fn edit_of(name: &str, control: bool, alt: bool) -> Option<Edit> {
    Some(match (name, control, alt) {
        ("a", true, false) => Edit::Home,
        ("e", true, false) => Edit::End,
        ("b", true, false) => Edit::Back,
        ("f", true, false) => Edit::Forward,
        ("d", true, false) => Edit::Delete,
        ("k", true, false) => Edit::KillToEnd,
        ("u", true, false) => Edit::KillToStart,
        ("w", true, false) => Edit::KillBack,
        ("y", true, false) => Edit::Yank,
        ("b", false, true) => Edit::WordBack,
        ("f", false, true) => Edit::WordForward,
        ("d", false, true) => Edit::KillWord,
        ("Backspace", false, true) => Edit::KillWordBack,
        _ => return None,
    })
}

fn switch(hands: &Hands, action: Action) {
    hands.act(action);
    focus::terminal();
}

/// Ctrl alone, Alt alone.
fn modifiers(event: &KeyboardEvent) -> (bool, bool) {
    let (control, alt, other) = (event.ctrl_key(), event.alt_key(), event.meta_key() || event.shift_key());
    (control && !alt && !other, alt && !control && !other)
}

/// With Caps Lock or not.
fn name_of(event: &KeyboardEvent) -> String {
    let name = event.key();
    if name.chars().count() == 1 { name.to_lowercase() } else { name }
}

/// Whether something is selected, on the line or in the output: then Ctrl-C copies, and interrupts nothing.
fn is_selected(area: &HtmlTextAreaElement) -> bool {
    let in_field = area.selection_start() != area.selection_end();
    in_field || window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed())
}

/// Ctrl-Shift-C, for which the browser has another use.
fn copy() -> Option<bool> {
    let document: HtmlDocument = gloo::utils::document().dyn_into().ok()?;
    document.exec_command("copy").ok()
}
