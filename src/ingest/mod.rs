//! Redact secrets and defuse control sequences, once, where bytes enter.
//!
//! Everything that a child, a server or a library says passes through here before it is kept, shown or
//! sent on. Redaction stops accidents, not a command that is set on printing a secret in pieces.

mod forms;
mod lines;
mod redact;
mod sanitise;

#[cfg(test)]
mod tests;

pub use lines::Lines;
pub use redact::{Maskable, RedactStream, Redactor};
pub use sanitise::{Sanitiser, sanitise};

use serde_json::Value as Json;

/// A stream of bytes on its way in: redacted, sanitised, and redacted again.
///
/// The first pass sees a secret that itself holds control characters; the second one sees a secret that
/// was torn apart by an escape sequence.
pub struct Ingest {
    raw: RedactStream,
    sanitiser: Sanitiser,
    text: RedactStream,
}

impl Ingest {
    /// A stream that masks what `redactor` knows, now and later.
    #[must_use]
    pub fn new(redactor: &Redactor) -> Self {
        Self { raw: redactor.stream(), sanitiser: Sanitiser::default(), text: redactor.stream() }
    }

    /// The clean text of `bytes` and of what was held back before; what may be the beginning of a
    /// secret is held back in turn.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let masked = self.raw.push(bytes);
        let safe = self.sanitiser.push(&masked);
        text(self.text.push(safe.as_bytes()))
    }

    /// The stream has ended: whatever was held back.
    pub fn finish(&mut self) -> String {
        let masked = self.raw.finish();
        let mut safe = self.sanitiser.push(&masked);
        safe.push_str(&self.sanitiser.finish());
        let mut out = self.text.push(safe.as_bytes());
        out.extend(self.text.finish());
        text(out)
    }
}

/// Forms are text, so masking them in text leaves text; the lossy branch is never needed.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

impl Redactor {
    /// All of `bytes` as clean text.
    #[must_use]
    pub fn clean(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut ingest = Ingest::new(self);
        let mut out = ingest.push(bytes.as_ref());
        out.push_str(&ingest.finish());
        out
    }

    /// JSON with every key and text clean, and every number that is a secret masked.
    #[must_use]
    pub fn clean_json(&self, json: Json) -> Json {
        match json {
            Json::String(s) => Json::String(self.clean(s)),
            Json::Array(items) => items.into_iter().map(|item| self.clean_json(item)).collect(),
            Json::Object(map) => map
                .into_iter()
                .map(|(key, item)| (self.clean(key), self.clean_json(item)))
                .collect(),
            Json::Number(n) => {
                let plain = n.to_string();
                let masked = self.redact(&plain);
                if masked == plain { Json::Number(n) } else { Json::String(masked) }
            }
            Json::Null | Json::Bool(_) => json,
        }
    }
}
