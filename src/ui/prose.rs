//! A lesson's prose and commands as elements.

use yew::prelude::*;

use super::hands::Hands;
use super::lessons::address;
use super::model::Action;
use crate::lesson::model::{Inline, Prose};
use crate::lesson::script::{Act, Script};

pub fn prose(parts: &[Prose]) -> Html {
    parts.iter().map(part).collect()
}

fn part(part: &Prose) -> Html {
    match part {
        Prose::Paragraph(text) => html! { <p>{ inline(text) }</p> },
        Prose::Heading(text) => html! { <h3>{ inline(text) }</h3> },
        Prose::List { ordered, items } => {
            let items = items.iter().map(|item| html! { <li>{ prose(item) }</li> });
            if *ordered {
                html! { <ol>{ for items }</ol> }
            } else {
                html! { <ul>{ for items }</ul> }
            }
        }
        Prose::Quote(parts) => html! { <blockquote>{ prose(parts) }</blockquote> },
        Prose::Code { text, .. } => html! { <pre><code>{ text }</code></pre> },
        Prose::Table(rows) => {
            let row = |cells: &Vec<Vec<Inline>>, head: bool| {
                let cells = cells.iter().map(|c| {
                    if head {
                        html! { <th>{ inline(c) }</th> }
                    } else {
                        html! { <td>{ inline(c) }</td> }
                    }
                });
                html! { <tr>{ for cells }</tr> }
            };
            html! { <table>{ for rows.iter().enumerate().map(|(n, cells)| row(cells, n == 0)) }</table> }
        }
    }
}

fn inline(parts: &[Inline]) -> Html {
    let one = |part: &Inline| match part {
        Inline::Text(text) => html! { { text } },
        Inline::Code(text) => html! { <code>{ text }</code> },
        Inline::Emphasis(inner) => html! { <em>{ inline(inner) }</em> },
        Inline::Strong(inner) => html! { <strong>{ inline(inner) }</strong> },
        Inline::Link { to, text } if to.starts_with("https://") => {
            html! { <a href={to.clone()} target="_blank" rel="noopener">{ inline(text) }</a> }
        }
        Inline::Link { to, text } => html! { <a href={address(to)}>{ inline(text) }</a> },
        Inline::Break => html! { <br /> },
    };
    parts.iter().map(one).collect()
}

/// A command line with a button that enters it in the terminal.
pub fn command(hands: &Hands, line: &str) -> Html {
    let onclick = {
        let (hands, line) = (hands.clone(), line.to_owned());
        Callback::from(move |_: MouseEvent| hands.act(Action::Run(line.clone())))
    };
    html! {
        <div class="command" key={line.to_owned()}>
            <code>{ line }</code>
            <button type="button" class="run" {onclick} aria-label={format!("Run {line}")}>{ "Run" }</button>
        </div>
    }
}

/// What a solution does, line by line.
pub fn script(hands: &Hands, script: &Script) -> Html {
    let act = |act: &Act| match act {
        Act::Line(line) => command(hands, line),
        Act::Input(line) => html! { <p class="muted">{ "type " }<code>{ line }</code></p> },
        Act::Sleep(time) => html! { <p class="muted">{ format!("wait {time}") }</p> },
        Act::Interrupt(_) => html! { <p class="muted">{ "press " }<kbd>{ "Ctrl-C" }</kbd></p> },
        Act::EndOfInput(_) => html! { <p class="muted">{ "press " }<kbd>{ "Ctrl-D" }</kbd></p> },
    };
    html! { <div class="commands">{ for script.0.iter().map(act) }</div> }
}
