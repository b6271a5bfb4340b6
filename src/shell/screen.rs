//! What a terminal has shown: the scroll-back of a session, cheap to clone.

use std::sync::Arc;

use imbl::Vector;

/// At most this many pieces are kept; what is older is gone, and [`Screen::first`] says so.
pub const SCROLL_BACK: usize = 5_000;
/// They hold at most this many bytes together.
pub const SCROLL_BACK_BYTES: usize = 8 << 20;
/// A piece longer than this is cut, and says so.
pub const PIECE_BYTES: usize = 64 << 10;

/// A piece of terminal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its number in the session, from 0 without gaps.
    pub seq: u64,
    /// The job that printed it.
    pub job: Option<u32>,
    pub stream: Stream,
    /// Without its line break, if it is a whole line.
    pub text: Arc<str>,
    /// Whether a line break follows.
    pub newline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What was typed.
    Input,
    Out,
    Err,
    /// The playground's own words (a bound was reached, a job ended).
    Note,
}

/// What the terminal waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    #[default]
    Command,
    /// The rest of a construct that is not closed yet (`> `).
    Continuation,
    /// A job runs in the foreground and reads no input.
    Busy,
    /// A job in the foreground reads lines (console producer).
    Input,
}

/// The scroll-back.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    pieces: Vector<Piece>,
    /// Of all their texts.
    bytes: usize,
    next: u64,
}

impl Screen {
    pub fn push(&mut self, job: Option<u32>, stream: Stream, text: &str, newline: bool) {
        let text: Arc<str> = match cut(text, PIECE_BYTES) {
            Some(head) => format!("{head}... ({} bytes in all)", text.len()).into(),
            None => text.into(),
        };
        self.bytes += text.len();
        self.pieces.push_back(Piece { seq: self.next, job, stream, text, newline });
        self.next += 1;
        while self.pieces.len() > SCROLL_BACK || self.bytes > SCROLL_BACK_BYTES {
            self.bytes -= self.pieces.pop_front().map_or(self.bytes, |oldest| oldest.text.len());
        }
    }

    /// Pieces from number `seq` on, as far as they are kept.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &Piece> {
        let skip = seq.saturating_sub(self.first());
        self.pieces.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }

    /// The number of the oldest piece that is kept: so many are gone.
    pub fn first(&self) -> u64 {
        self.next - self.pieces.len() as u64
    }

    /// The number that the next piece will get.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Forgets everything (`clear`).
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.bytes = 0;
    }
}

/// The first `limit` bytes of a text that is longer, at a character's boundary.
pub fn cut(text: &str, limit: usize) -> Option<&str> {
    (text.len() > limit).then(|| {
        let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        &text[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_bounded_past() {
        let mut screen = Screen::default();
        for n in 0..SCROLL_BACK + 10 {
            screen.push(None, Stream::Out, &n.to_string(), true);
        }
        assert_eq!(screen.first(), 10);
        assert_eq!(screen.since(0).next().unwrap().text.as_ref(), "10");
        let last: Vec<u64> = screen.since(screen.next() - 2).map(|piece| piece.seq).collect();
        assert_eq!(last, [screen.next() - 2, screen.next() - 1]);
        screen.clear();
        assert_eq!((screen.since(0).count(), screen.first()), (0, screen.next()));
    }

    #[test]
    fn long_lines_push_older_ones_out() {
        let mut screen = Screen::default();
        let most = SCROLL_BACK_BYTES / PIECE_BYTES;
        (0..most + 3).for_each(|_| screen.push(None, Stream::Out, &"x".repeat(PIECE_BYTES), true));
        assert_eq!((screen.since(0).count(), screen.first()), (most, 3));
        screen.clear();
        screen.push(None, Stream::Out, "x", true);
        assert_eq!(screen.since(0).count(), 1);
    }

    #[test]
    fn cuts_at_a_character() {
        assert_eq!(cut("aé", 2), Some("a"));
        assert_eq!(cut("aé", 3), None);
    }
}
