//! Arrays: `${X[0]}`, `"${X[@]}"`, `${#X[@]}`, `${!X[@]}`, and what is assigned to them.

use super::field::Fields;
use super::state::{Items, MOST_INDEX};
use super::{Expanded, Expansion, Stop};
use crate::shell::syntax::{Assign, Assigned, Change, Index, Word};

const PIPE_STATUSES: &str = "PIPESTATUS";

impl Expansion<'_> {
    /// `${X[key]}`
    pub(super) fn element(&mut self, name: &str, key: &Word) -> Expanded<Option<String>> {
        let key = self.key(name, key)?;
        if name == PIPE_STATUSES {
            return Ok(key.parse::<usize>().ok().and_then(|key| self.pipe_statuses().into_iter().nth(key)));
        }
        let Some(variable) = self.state.variable(name) else { return Ok(None) };
        Ok(match &variable.items {
            Some(items) => items.get(&key).map(|item| item.value.to_string()),
            None => (key == "0").then(|| variable.value.to_string()),
        })
    }

    /// `${X[@]}` and `${X[*]}`, with what is done to each.
    pub(super) fn elements(&mut self, name: &str, index: &Index, change: &Change, quoted: bool, fields: &mut Fields) -> Expanded<()> {
        let (keys, values): (Vec<String>, Vec<String>) = match self.state.variable(name) {
            None if name == PIPE_STATUSES => {
                self.pipe_statuses().into_iter().enumerate().map(|(n, status)| (n.to_string(), status)).unzip()
            }
            None => (Vec::new(), Vec::new()),
            Some(variable) => match &variable.items {
                Some(items) => items.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).unzip(),
                None => (vec!["0".into()], vec![variable.value.to_string()]),
            },
        };
        self.listed(name, (keys, values), *index == Index::All, change, quoted, fields)
    }

    /// Several values with their keys, with what is done to each.
    pub(super) fn listed(
        &mut self,
        name: &str,
        (keys, values): (Vec<String>, Vec<String>),
        joined: bool,
        change: &Change,
        quoted: bool,
        fields: &mut Fields,
    ) -> Expanded<()> {
        let values = match change {
            Change::None => values,
            Change::Bang => keys,
            Change::Length => return self.put(&values.len().to_string(), quoted, fields),
            Change::Unset { or_empty, then, word } => {
                let whole = values.join(" ");
                let missing = values.is_empty() || *or_empty && whole.is_empty();
                if !missing && *then != crate::shell::syntax::Unset::Instead {
                    return self.all(&values, joined, quoted, fields);
                }
                return self.unset(name, whole, missing, *then, word, quoted, fields);
            }
            Change::Substring { offset, length } => {
                let count = values.len() as i64;
                let offset = self.number(offset)?;
                let start = if offset < 0 { count + offset } else { offset }.clamp(0, count);
                let end = match length {
                    None => count,
                    Some(length) => match self.number(length)? {
                        length if length < 0 => return Err(Stop::Error(format!("{length}: substring expression < 0"))),
                        length => start.saturating_add(length).min(count),
                    },
                };
                values[start as usize..end as usize].to_vec()
            }
            change => values.into_iter().map(|value| self.change(name, Some(value), change)).collect::<Expanded<_>>()?,
        };
        self.all(&values, joined, quoted, fields)
    }

    /// `PIPESTATUS`: the statuses of the last pipeline's commands.
    fn pipe_statuses(&self) -> Vec<String> {
        match &self.state.pipe_statuses[..] {
            [] => vec![self.state.status.to_string()],
            statuses => statuses.iter().map(i32::to_string).collect(),
        }
    }

    /// The key that stands in brackets: a word for a map, and else a number; a negative one counts from the end.
    pub fn key(&mut self, name: &str, key: &Word) -> Expanded<String> {
        let items = self.state.variable(name).and_then(|variable| variable.items.as_ref());
        if items.is_some_and(|items| items.is_map) {
            return self.text(key);
        }
        let end = items.map_or(0, Items::end);
        let number = self.number(key)?;
        let at = if number < 0 { end.saturating_add(number) } else { number };
        if (0..=MOST_INDEX).contains(&at) { Ok(at.to_string()) } else { Err(Stop::Error(format!("{name}[{number}]: bad array subscript"))) }
    }

    /// Does an assignment; of a plain one, the value.
    ///
    /// # Errors
    /// See [`Stop`].
    pub fn assign(&mut self, assign: &Assign) -> Expanded<Option<String>> {
        let Assign { name, index, value, append } = assign;
        match (value, index) {
            (Assigned::One(word), None) => {
                let mut value = self.text(word)?;
                if *append {
                    let is_number = self.state.variable(name).is_some_and(|variable| variable.is_number);
                    let before = self.state.get(name).unwrap_or_default();
                    value = if is_number { format!("{}+({value})", before.parse().unwrap_or(0_i64)) } else { before.to_owned() + &value };
                }
                self.looks_at(value.len());
                self.state.set(name, &value).map_err(Stop::Error)?;
                return Ok(Some(value));
            }
            (Assigned::One(word), Some(index)) => {
                let key = self.key(name, index)?;
                let mut value = self.text(word)?;
                if *append {
                    value = self.element(name, index)?.unwrap_or_default() + &value;
                }
                self.looks_at(value.len());
                self.state.set_element(name, &key, &value).map_err(Stop::Error)?;
            }
            (Assigned::Array(elements), _) => self.assign_array(name, elements, *append)?,
        }
        Ok(None)
    }

    fn assign_array(&mut self, name: &str, elements: &[(Option<Word>, Word)], append: bool) -> Expanded<()> {
        let old = self.state.variable(name).cloned().unwrap_or_default();
        let before = old.items.unwrap_or_default();
        let mut items = if append { before } else { Items::new(before.is_map) };
        if append && !old.value.is_empty() {
            items.set("0", &old.value);
        }
        let mut next = items.end();
        for (key, word) in elements {
            match key {
                Some(key) => {
                    let key = self.key(name, key)?;
                    next = key.parse::<i64>().map_or(next, |key| key + 1);
                    let value = self.text(word)?;
                    items.set(&key, &value);
                }
                None if items.is_map => return Err(Stop::Error(format!("{name}: must use subscript when assigning associative array"))),
                None => {
                    for value in self.words(std::slice::from_ref(word))? {
                        items.set(&next.to_string(), &value);
                        next += 1;
                    }
                }
            }
        }
        self.state.set_items(name, items).map_err(Stop::Error)
    }
}
