//! Inks as colours of the present theme, read once from the style sheet.

use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::scene::shape::Ink;

pub struct Palette {
    named: [String; 12],
    keys: [String; 12],
    epochs: [String; 4],
    pub sans: String,
    pub mono: String,
}

const NAMES: [&str; 12] = ["ground", "card", "strip", "lead", "line", "text", "muted", "accent", "good", "warn", "bad", "plain"];

impl Palette {
    /// Asks the browser for each token's computed colour.
    pub fn read() -> Option<Palette> {
        let probe: HtmlElement = document().create_element("span").ok()?.dyn_into().ok()?;
        document().body()?.append_child(&probe).ok()?;
        let computed = window().get_computed_style(&probe).ok()??;
        let style = probe.style();
        let ask = |property: &str, value: &str| {
            style.set_property(property, value).ok();
            computed.get_property_value(property).unwrap_or_default()
        };
        let colour = |name: &str| ask("color", &format!("var(--{name})"));
        let palette = Palette {
            named: NAMES.map(colour),
            keys: std::array::from_fn(|n| colour(&format!("key-{n}"))),
            epochs: std::array::from_fn(|n| colour(&format!("epoch-{n}"))),
            sans: ask("font-family", "var(--sans)"),
            mono: ask("font-family", "var(--mono)"),
        };
        probe.remove();
        Some(palette)
    }

    pub fn colour(&self, ink: Ink) -> &str {
        match ink {
            Ink::Ground => &self.named[0],
            Ink::Card => &self.named[1],
            Ink::Strip => &self.named[2],
            Ink::Lead => &self.named[3],
            Ink::Line => &self.named[4],
            Ink::Text => &self.named[5],
            Ink::Muted => &self.named[6],
            Ink::Accent => &self.named[7],
            Ink::Good => &self.named[8],
            Ink::Warn => &self.named[9],
            Ink::Bad => &self.named[10],
            Ink::Plain => &self.named[11],
            Ink::Key(n) => &self.keys[n as usize % 12],
            Ink::Epoch(n) => &self.epochs[n as usize % 4],
        }
    }
}
