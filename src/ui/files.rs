//! The files of the terminals' folder: what is there, what a person puts in, and takes out.

use std::cell::RefCell;
use std::rc::Rc;

use gloo::file::callbacks::FileReader;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::file_drop::{self, Readers};
use super::hands::{Shared, use_hands};
use crate::scene::shape::bytes;
use crate::wire::{FolderFile, ToWorker};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub session: u32,
    pub folder: Shared<Vec<FolderFile>>,
}

#[component]
pub fn Files(props: &Props) -> Html {
    let hands = use_hands();
    let input = use_node_ref();
    let readers: Rc<RefCell<Vec<FileReader>>> = use_mut_ref(Readers::default);
    let choose = {
        let input = input.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                input.click();
            }
        })
    };
    let onchange = {
        let (hands, session) = (hands.clone(), props.session);
        Callback::from(move |event: Event| {
            let Some(input) = event.target_dyn_into::<HtmlInputElement>() else { return };
            if let Some(files) = input.files() {
                file_drop::put(&hands, session, &files, &readers);
            }
            // The same file can be chosen again.
            input.set_value("");
        })
    };
    html! {
        <section class="files" aria-label="Files of the terminals">
            <ul>{ for props.folder.iter().map(|file| {
                let name = file.name.clone();
                html! {
                    <li key={name.clone()}>
                        <button type="button" class="quiet file-take" aria-label={format!("Download {name}")} title={format!("Download {name}")}
                            onclick={hands.sends({ let name = name.clone(); move || ToWorker::TakeFile { name: name.clone() } })}>{ &name }</button>
                        <span class="muted">{ bytes(file.size_bytes) }</span>
                    </li>
                }
            }) }</ul>
            if props.folder.is_empty() { <p class="muted">{ "The folder of all terminals is empty. Drop files on the terminal, or write one: " }<code>{ "echo a > a.txt" }</code></p> }
            <button type="button" onclick={choose}>{ "Add files" }</button>
            <input ref={input} type="file" multiple=true class="unseen" tabindex="-1" aria-hidden="true" {onchange} />
        </section>
    }
}
