//! Markdown into the small tree of [`Prose`]; what has no place in a lesson (HTML, images, footnotes) is a fault.

use std::iter::Peekable;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::problem::Fault;
use crate::lesson::model::{Inline, Prose};

/// Markdown events with their bytes in the text.
pub type Events<'a> = Peekable<Box<dyn Iterator<Item = (Event<'a>, Range<usize>)> + 'a>>;

/// The events of a Markdown text; offsets count from its start.
pub fn events(text: &str) -> Events<'_> {
    let events: Box<dyn Iterator<Item = _>> = Box::new(Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter());
    events.peekable()
}

/// Reads a whole Markdown text as prose (the inside of a hint).
pub fn read(text: &str, base: usize, faults: &mut Vec<(usize, Fault)>) -> Vec<Prose> {
    let mut events = events(text);
    let mut found = Vec::new();
    while let Some((event, at)) = events.next() {
        let mut reader = Reader { events: &mut events, base, faults };
        found.extend(reader.block(event, at));
    }
    found
}

/// Takes one block off a stream of events.
pub struct Reader<'r, 'a> {
    pub events: &'r mut Events<'a>,
    /// Added to every offset of a fault.
    pub base: usize,
    pub faults: &'r mut Vec<(usize, Fault)>,
}

impl<'a> Reader<'_, 'a> {
    /// The block that begins with `event`; `None` where it was a fault.
    pub fn block(&mut self, event: Event<'a>, at: Range<usize>) -> Option<Prose> {
        match event {
            Event::Start(Tag::Paragraph) => Some(Prose::Paragraph(self.line(TagEnd::Paragraph))),
            Event::Start(Tag::Heading { level, .. }) => Some(Prose::Heading(self.line(TagEnd::Heading(level)))),
            Event::Start(Tag::BlockQuote(kind)) => Some(Prose::Quote(self.blocks(TagEnd::BlockQuote(kind)))),
            Event::Start(Tag::List(first)) => Some(self.list(first.is_some())),
            Event::Start(Tag::CodeBlock(kind)) => Some(self.code(kind, at)),
            Event::Start(Tag::Table(_)) => Some(Prose::Table(self.table())),
            Event::Start(Tag::HtmlBlock) => {
                self.fault(&at, Fault::Markup("HTML"));
                self.skip(TagEnd::HtmlBlock);
                None
            }
            Event::Rule => {
                self.fault(&at, Fault::Markup("a rule"));
                None
            }
            other => {
                // Loose inline content: the text of a tight list's item.
                let mut line = Vec::new();
                self.inline(other, at, &mut line);
                while matches!(self.events.peek(), Some((event, _)) if is_inline(event)) {
                    if let Some((event, at)) = self.events.next() {
                        self.inline(event, at, &mut line);
                    }
                }
                (!line.is_empty()).then_some(Prose::Paragraph(line))
            }
        }
    }

    /// The text of everything up to `end`.
    pub fn line(&mut self, end: TagEnd) -> Vec<Inline> {
        let mut line = Vec::new();
        while let Some((event, at)) = self.events.next() {
            if event == Event::End(end) {
                break;
            }
            self.inline(event, at, &mut line);
        }
        line
    }

    fn inline(&mut self, event: Event<'a>, at: Range<usize>, line: &mut Vec<Inline>) {
        match event {
            Event::Text(text) => push_text(line, &text),
            Event::Code(code) => line.push(Inline::Code(code.into_string())),
            Event::SoftBreak => push_text(line, " "),
            Event::HardBreak => line.push(Inline::Break),
            Event::Start(Tag::Emphasis) => line.push(Inline::Emphasis(self.line(TagEnd::Emphasis))),
            Event::Start(Tag::Strong) => line.push(Inline::Strong(self.line(TagEnd::Strong))),
            Event::Start(Tag::Link { dest_url, .. }) => {
                let text = self.line(TagEnd::Link);
                if !(dest_url.starts_with("https://") || is_slug(&dest_url)) {
                    self.fault(&at, Fault::Link(dest_url.to_string()));
                }
                line.push(Inline::Link { to: dest_url.into_string(), text });
            }
            Event::Start(Tag::Image { .. }) => {
                self.fault(&at, Fault::Markup("an image"));
                self.skip(TagEnd::Image);
            }
            Event::InlineHtml(_) | Event::Html(_) => self.fault(&at, Fault::Markup("HTML")),
            _ => self.fault(&at, Fault::Markup("this")),
        }
    }

    fn blocks(&mut self, end: TagEnd) -> Vec<Prose> {
        let mut found = Vec::new();
        while let Some((event, at)) = self.events.next() {
            if event == Event::End(end) {
                break;
            }
            found.extend(self.block(event, at));
        }
        found
    }

    fn list(&mut self, ordered: bool) -> Prose {
        let mut items = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::Item) => items.push(self.blocks(TagEnd::Item)),
                _ => break,
            }
        }
        Prose::List { ordered, items }
    }

    fn code(&mut self, kind: CodeBlockKind, at: Range<usize>) -> Prose {
        let language = match kind {
            CodeBlockKind::Fenced(language) => language.into_string(),
            CodeBlockKind::Indented => String::new(),
        };
        if super::blocks::Kind::parse(&language).is_some() {
            self.fault(&at, Fault::NestedBlock(language.clone()));
        }
        let mut text = String::new();
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Text(part) => text.push_str(&part),
                _ => break,
            }
        }
        Prose::Code { language, text }
    }

    fn table(&mut self) -> Vec<Vec<Vec<Inline>>> {
        let mut rows: Vec<Vec<Vec<Inline>>> = Vec::new();
        while let Some((event, _)) = self.events.next() {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => {
                    let cell = self.line(TagEnd::TableCell);
                    if let Some(row) = rows.last_mut() {
                        row.push(cell);
                    }
                }
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        rows
    }

    fn skip(&mut self, end: TagEnd) {
        for (event, _) in self.events.by_ref() {
            if event == Event::End(end) {
                break;
            }
        }
    }

    fn fault(&mut self, at: &Range<usize>, fault: Fault) {
        self.faults.push((self.base + at.start, fault));
    }
}

/// `track/nn-name`: what another lesson is called.
pub fn is_slug(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part = |part: &str| !part.is_empty() && part.chars().all(legal);
    matches!(text.split_once('/'), Some((track, name)) if part(track) && part(name))
}

fn is_inline(event: &Event) -> bool {
    match event {
        Event::Start(tag) => matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Link { .. } | Tag::Image { .. }),
        Event::Text(_) | Event::Code(_) | Event::SoftBreak | Event::HardBreak | Event::InlineHtml(_) => true,
        _ => false,
    }
}

fn push_text(line: &mut Vec<Inline>, text: &str) {
    match line.last_mut() {
        Some(Inline::Text(before)) => before.push_str(text),
        _ => line.push(Inline::Text(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_prose() {
        let mut faults = Vec::new();
        let prose =
            read("A *b* **c** `d`\ne [f](https://x.y).\n\n- one\n- two `2`\n\n1. a\n\n   b\n\n|x|y|\n|-|-|\n|1|2|\n", 0, &mut faults);
        assert_eq!(faults, []);
        insta::assert_debug_snapshot!(prose);
    }

    #[test]
    fn refuses_what_a_lesson_has_no_place_for() {
        let mut faults = Vec::new();
        read("a <b>b</b> ![c](https://d)\n\n<script>x</script>\n\n[e](javascript:f)\n\n---\n\n- a\n\n  ```goal\n  ```\n", 100, &mut faults);
        let found: Vec<(usize, String)> = faults.into_iter().map(|(at, fault)| (at, fault.to_string())).collect();
        insta::assert_debug_snapshot!(found);
    }
}
