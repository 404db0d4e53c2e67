//! Clean text cut into lines of bounded length, for the screen.

/// Collects text and gives out whole lines; one longer than the limit is cut into several, so that a
/// stream without newlines costs no memory.
pub struct Lines {
    limit: usize,
    open: String,
}

impl Lines {
    /// Lines of at most `limit` bytes (and a character's rest).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, open: String::new() }
    }

    /// Calls `each` for every line that `text` completes.
    pub fn push(&mut self, text: &str, mut each: impl FnMut(String)) {
        for piece in text.split_inclusive('\n') {
            let (mut line, ended) = match piece.strip_suffix('\n') {
                Some(line) => (line, true),
                None => (piece, false),
            };
            while self.open.len() + line.len() > self.limit {
                let at = line.ceil_char_boundary(self.limit.saturating_sub(self.open.len()));
                let (head, tail) = line.split_at(at);
                self.open.push_str(head);
                each(std::mem::take(&mut self.open));
                line = tail;
            }
            self.open.push_str(line);
            if ended {
                each(std::mem::take(&mut self.open));
            }
        }
    }

    /// The last line, when it had no newline.
    pub fn finish(&mut self) -> Option<String> {
        (!self.open.is_empty()).then(|| std::mem::take(&mut self.open))
    }
}
