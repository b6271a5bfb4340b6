//! What lies over the page: the browser's own modal dialog, which keeps the focus and gives it back.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub title: AttrValue,
    /// Asked to close by Esc, by a click beside it or by its button; without it the person must choose.
    #[prop_or_default]
    pub close: Option<Callback<()>>,
    pub children: Html,
}

#[component]
pub fn Dialog(props: &Props) -> Html {
    let dialog = use_node_ref();
    use_effect_with(dialog.clone(), |dialog| {
        if let Some(dialog) = dialog.cast::<HtmlElement>() {
            // A browser without modal dialogs shows it in its place, which the style sheet allows for.
            show_modal(&dialog).or_else(|_| dialog.set_attribute("open", "")).ok();
        }
    });
    let oncancel = {
        let close = props.close.clone();
        Callback::from(move |event: Event| {
            event.prevent_default();
            close.iter().for_each(|close| close.emit(()));
        })
    };
    let onclick = {
        let (close, dialog) = (props.close.clone(), dialog.clone());
        Callback::from(move |event: MouseEvent| {
            // Beside it is on the dialog's own backdrop.
            let beside = event.target().is_some_and(|target| dialog.get().is_some_and(|own| JsValue::from(own) == JsValue::from(target)));
            close.iter().filter(|_| beside).for_each(|close| close.emit(()));
        })
    };
    html! {
        <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" {oncancel} {onclick}>
            <div class="dialog-in">
                <header class="dialog-head">
                    <h2 id="dialog-title">{ &props.title }</h2>
                    if let Some(close) = &props.close {
                        <button type="button" class="quiet" onclick={close.reform(|_: MouseEvent| ())}>{ "Close" }</button>
                    }
                </header>
                { props.children.clone() }
            </div>
        </dialog>
    }
}

fn show_modal(dialog: &HtmlElement) -> Result<(), JsValue> {
    let show: js_sys::Function = js_sys::Reflect::get(dialog, &"showModal".into())?.dyn_into()?;
    show.call0(dialog).map(|_| ())
}
