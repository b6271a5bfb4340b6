//! Here-documents: what they hold is known only behind the line that names them, and is put in place then.

use std::sync::Arc;

use super::{Chain, Kind, List, Pipeline, Redirect, Target, Word};

/// Puts the texts of here-documents where their numbers stand.
pub(super) fn fill_chain(mut chain: Chain, here: &[Word]) -> Chain {
    let fill = |pipeline: &mut Arc<Pipeline>| {
        for stage in &mut Arc::make_mut(pipeline).stages {
            let command = Arc::make_mut(stage);
            fill_redirects(&mut command.redirects, here);
            fill_kind(&mut command.kind, here);
        }
    };
    fill(&mut chain.first);
    chain.rest.iter_mut().for_each(|(_, pipeline)| fill(pipeline));
    chain
}

fn fill_redirects(redirects: &mut [Redirect], here: &[Word]) {
    for redirect in redirects {
        if let Target::Text(word) = &mut redirect.target {
            // Only a here-document's place is one bare number: a here-string ends in a quoted line break.
            let slot = word.bare().and_then(|number| number.parse::<usize>().ok());
            if let Some(text) = slot.and_then(|slot| here.get(slot)) {
                *word = text.clone();
            }
        }
    }
}

fn fill_kind(kind: &mut Kind, here: &[Word]) {
    let fill = |list: &mut Arc<List>| {
        for item in &mut Arc::make_mut(list).0 {
            item.chain = Arc::new(fill_chain((*item.chain).clone(), here));
        }
    };
    match kind {
        Kind::Group(list) | Kind::Subshell(list) => fill(list),
        Kind::If { branches, otherwise } => {
            for (condition, body) in branches {
                fill(condition);
                fill(body);
            }
            otherwise.iter_mut().for_each(fill);
        }
        Kind::Loop { condition, body, .. } => {
            fill(condition);
            fill(body);
        }
        Kind::For { body, .. } => fill(body),
        Kind::Case { arms, .. } => arms.iter_mut().for_each(|(_, body)| fill(body)),
        Kind::Function { body, .. } => {
            let body = Arc::make_mut(body);
            fill_redirects(&mut body.redirects, here);
            fill_kind(&mut body.kind, here);
        }
        Kind::Simple { .. } | Kind::Test(_) | Kind::Arithmetic(_) => {}
    }
}
