//! Masks secrets in text and in streams.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::forms::{forms, long_enough};

/// Knows the secrets of a run and masks them. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    /// `(form, name)`, each form once.
    forms: Vec<(String, String)>,
    search: Option<Arc<Search>>,
}

/// Finds every form of every secret in one pass.
struct Search {
    automaton: AhoCorasick,
    /// By pattern.
    masks: Vec<String>,
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

/// Whether a secret can be masked in output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maskable {
    /// It will be.
    Yes,
    /// It has fewer than 8 characters: whatever prints it must be withheld.
    TooShort,
}

impl Redactor {
    /// Masks `value` from now on as `«secret name»`, in every clone and in streams already open.
    pub fn register(&self, name: &str, value: &str) -> Maskable {
        if !long_enough(value.trim()) {
            return Maskable::TooShort;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(value) {
            if !known.forms.iter().any(|(other, _)| *other == form) {
                known.forms.push((form, name.to_owned()));
            }
        }
        known.search = Search::new(&known.forms).map(Arc::new);
        Maskable::Yes
    }

    /// `text` with every known secret masked.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut stream = self.stream();
        let mut out = stream.push(text.as_bytes());
        out.extend(stream.finish());
        super::text(out)
    }

    /// Masks a stream whose chunks may end inside a secret.
    #[must_use]
    pub fn stream(&self) -> RedactStream {
        RedactStream { redactor: self.clone(), held: Vec::new() }
    }

    fn search(&self) -> Option<Arc<Search>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).search.clone()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

/// See [`Redactor::stream`].
pub struct RedactStream {
    redactor: Redactor,
    /// The beginning of what may turn out to be a secret; shorter than the longest form.
    held: Vec<u8>,
}

impl RedactStream {
    /// `bytes`, and what was held back before, masked; what may be the beginning of a secret is held
    /// back in turn.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let Some(search) = self.redactor.search() else {
            return bytes.to_vec();
        };
        if self.held.is_empty() {
            return self.masked(&search, bytes);
        }
        let mut joined = std::mem::take(&mut self.held);
        joined.extend_from_slice(bytes);
        self.masked(&search, &joined)
    }

    /// The stream has ended: what was held back, masked.
    pub fn finish(&mut self) -> Vec<u8> {
        let held = std::mem::take(&mut self.held);
        match self.redactor.search() {
            Some(search) => search.mask(&held, held.len()).0,
            None => held,
        }
    }

    fn masked(&mut self, search: &Search, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut done = 0;
        loop {
            let rest = &bytes[done..];
            let open = search.open_tail(rest);
            let (masked, consumed) = search.mask(rest, open);
            out.extend(masked);
            done += consumed;
            // A match may have swallowed the place from which to hold back: look again behind it.
            if consumed <= open {
                break;
            }
        }
        self.held = bytes[done..].to_vec();
        out
    }
}

impl Search {
    fn new(forms: &[(String, String)]) -> Option<Self> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms.iter().map(|(form, _)| form))
            .ok()?;
        Some(Self {
            automaton,
            masks: forms.iter().map(|(_, name)| format!("«secret {name}»")).collect(),
            patterns: forms.iter().map(|(form, _)| form.clone().into_bytes()).collect(),
            longest: forms.iter().map(|(form, _)| form.len()).max().unwrap_or(0),
        })
    }

    /// Where the earliest form begins that `bytes` may have only the beginning of; its length if none.
    fn open_tail(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len())
            .find(|&at| {
                let tail = &bytes[at..];
                self.patterns.iter().any(|form| form.len() > tail.len() && form.starts_with(tail))
            })
            .unwrap_or(bytes.len())
    }

    /// Masks every match that begins before `open`, and says how many bytes that consumed.
    ///
    /// Such a match is final: a longer or an earlier one would have to reach beyond the end, and then
    /// `open` would be no later than its beginning.
    fn mask(&self, bytes: &[u8], open: usize) -> (Vec<u8>, usize) {
        let mut out = Vec::with_capacity(open);
        let mut done = 0;
        while let Some(found) = self.automaton.find(Input::new(bytes).range(done..)) {
            if found.start() >= open {
                break;
            }
            out.extend_from_slice(&bytes[done..found.start()]);
            if let Some(mask) = self.masks.get(found.pattern().as_usize()) {
                out.extend_from_slice(mask.as_bytes());
            }
            done = found.end();
        }
        if done < open {
            out.extend_from_slice(&bytes[done..open]);
            done = open;
        }
        (out, done)
    }
}
