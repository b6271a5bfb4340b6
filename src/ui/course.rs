//! The lesson that the page's address asks for, and the list of all: files beside the page (`ottla::lesson::course`).

use gloo::utils::{document, window};
use js_sys::{Promise, Reflect, Uint8Array};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Response, UrlSearchParams};

use crate::lesson::course::{Index, NotOurs, Sheet, decode};

/// The property of `window` in which index.html keeps the fetch that it began beside the wasm's own.
const BEGUN: &str = "ottlaLesson";
/// What stands for the first lesson of all, wherever a slug may stand.
const FIRST: &str = "first";

/// What came of asking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    pub sheet: Option<Sheet>,
    /// What the person must know: no such lesson, no network.
    pub notice: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("there is no such file")]
    NoFile,
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    NotOurs(#[from] NotOurs),
}

/// The lesson in the address, or the first; none for `?lesson=none`.
pub async fn asked_for() -> Asked {
    let slug = param("lesson");
    if slug.as_deref() == Some("none") {
        return Asked::default();
    }
    let begun = Reflect::get(&window(), &BEGUN.into()).ok().and_then(|begun| begun.dyn_into::<Promise>().ok());
    let found = match begun {
        Some(begun) => read(begun).await,
        None => fetch(slug.as_deref().unwrap_or(FIRST)).await,
    };
    match (found, slug) {
        (Ok(sheet), _) => Asked { sheet: Some(sheet), notice: None },
        (Err(Missing::NoFile), Some(slug)) => {
            let notice = format!("There is no lesson {slug}; this is the first one.");
            Asked { sheet: fetch(FIRST).await.ok(), notice: Some(notice) }
        }
        (Err(why), _) => {
            Asked { sheet: None, notice: Some(format!("The lesson could not be loaded ({why}). The cluster runs without it.")) }
        }
    }
}

/// All lessons, for the list of them.
///
/// # Errors
/// What the person can be told.
pub async fn index() -> Result<Index, String> {
    fetch("index").await.map_err(|why| format!("The list could not be loaded ({why})."))
}

/// A parameter of the page's address.
pub fn param(name: &str) -> Option<String> {
    let search = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

async fn fetch<T: DeserializeOwned>(name: &str) -> Result<T, Missing> {
    let digest = document().query_selector("meta[name=ottla-engine]").ok().flatten().and_then(|meta| meta.get_attribute("content"));
    read(window().fetch_with_str(&format!("lessons/{name}.bin?v={}", digest.unwrap_or_default()))).await
}

async fn read<T: DeserializeOwned>(begun: Promise) -> Result<T, Missing> {
    let refused =
        |error: JsValue| Missing::Refused(error.dyn_into::<js_sys::Error>().map_or("no answer".into(), |error| error.message().into()));
    let response: Response = JsFuture::from(begun).await.map_err(refused)?.unchecked_into();
    if !response.ok() {
        return Err(Missing::NoFile);
    }
    let body = JsFuture::from(response.array_buffer().map_err(refused)?).await.map_err(refused)?;
    Ok(decode(&Uint8Array::new(&body).to_vec())?)
}
