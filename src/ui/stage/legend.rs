//! What the marks between the boxes are; each kind can be switched off.

use yew::prelude::*;

use crate::scene::build::Options;
use crate::scene::frame::{KINDS, sign};
use crate::scene::shape::{Glyph, Ink};
use crate::ui::hands::use_hands;

#[component]
pub fn Legend() -> Html {
    let hands = use_hands();
    let hidden = use_state(|| hands.store.options().hidden);
    let kind = |(kind, word): &(_, &'static str)| {
        let (glyph, ink) = sign(*kind);
        let shown = !hidden.has(*kind);
        let onclick = {
            let (hands, hidden, kind) = (hands.clone(), hidden.clone(), *kind);
            Callback::from(move |_: MouseEvent| {
                let toggled = hidden.toggle(kind);
                hands.store.set_options(Options { hidden: toggled, ..hands.store.options() });
                hidden.set(toggled);
            })
        };
        html! {
            <button type="button" class="kind" aria-pressed={shown.to_string()} {onclick}>
                <svg viewBox="-6 -6 12 12" aria-hidden="true" class={ink_class(ink)}>{ picture(glyph) }</svg>
                { *word }
            </button>
        }
    };
    html! {
        <details class="legend">
            <summary>{ "Legend" }</summary>
            <div class="legend-kinds" role="group" aria-label="Frames on their way; press to hide or show">
                { for KINDS.iter().map(kind) }
                <p>{ "Filled: committed. Outlined: not yet. Thick line: high watermark. Band below: leader epoch. Tinted with an edge: leader. Dashed: out of sync. Wedge above: read. Triangle below: offset committed by a group. A request takes a third of a millisecond: slow down to 0.001× to see it travel." }</p>
            </div>
        </details>
    }
}

fn ink_class(ink: Ink) -> &'static str {
    match ink {
        Ink::Good => "ink-good",
        Ink::Warn => "ink-warn",
        Ink::Bad => "ink-bad",
        Ink::Accent => "ink-accent",
        Ink::Text => "ink-text",
        Ink::Plain => "ink-plain",
        _ => "ink-muted",
    }
}

fn picture(glyph: Glyph) -> Html {
    match glyph {
        Glyph::Disc => html! { <circle r="4.5" /> },
        Glyph::Ring => html! { <circle r="3.7" class="hollow" /> },
        Glyph::Square => html! { <rect x="-4" y="-4" width="8" height="8" /> },
        Glyph::Diamond => html! { <path d="M0-5 4.4 0 0 5-4.4 0z" /> },
        Glyph::Triangle => html! { <path d="M0-4.5 4.5 4-4.5 4z" /> },
        Glyph::Wedge => html! { <path d="M0 4.5 4.5-4-4.5-4z" /> },
        Glyph::Cross => html! { <path class="hollow" d="M-4-4 4 4M4-4-4 4" /> },
        Glyph::Plus => html! { <path class="hollow" d="M-4.5 0h9M0-4.5v9" /> },
        Glyph::Pause => html! { <path d="M-4-4h3v8h-3zM1-4h3v8h-3z" /> },
        Glyph::Bar => html! { <path d="M-5-2h10v4h-10z" /> },
    }
}
