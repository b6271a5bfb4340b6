//! Light and dark: the system's wish, or the person's own.

use gloo::events::EventListener;
use gloo::storage::{LocalStorage, Storage};
use gloo::utils::{document_element, window};
use yew::prelude::*;

const KEY: &str = "ottla-theme";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub fn other(self) -> Theme {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// The theme that is shown, and how to choose one.
#[hook]
pub fn use_theme() -> (Theme, Callback<Theme>) {
    let chosen = use_state(|| match LocalStorage::get::<String>(KEY).as_deref() {
        Ok("light") => Some(Theme::Light),
        Ok("dark") => Some(Theme::Dark),
        _ => None,
    });
    let system = use_state(|| system_theme().0);
    {
        let system = system.setter();
        use_effect_with((), move |()| {
            let listener = system_theme().1.map(|query| EventListener::new(&query, "change", move |_| system.set(system_theme().0)));
            move || drop(listener)
        });
    }
    use_effect_with(*chosen, |chosen| match chosen {
        Some(theme) => document_element().set_attribute("data-theme", theme.name()).unwrap_or_default(),
        None => document_element().remove_attribute("data-theme").unwrap_or_default(),
    });
    let set = {
        let chosen = chosen.setter();
        use_callback((), move |theme: Theme, ()| {
            // A private window may refuse; then it lasts as long as the page.
            LocalStorage::set(KEY, theme.name()).ok();
            chosen.set(Some(theme));
        })
    };
    (chosen.unwrap_or(*system), set)
}

fn system_theme() -> (Theme, Option<web_sys::MediaQueryList>) {
    let query = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    let dark = query.as_ref().is_some_and(|q| q.matches());
    (if dark { Theme::Dark } else { Theme::Light }, query)
}
