//! Masks secrets in text and in streams.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError, RwLock};

use aho_corasick::AhoCorasick;

use super::forms::{forms, long_enough};

/// Knows the secrets of a run and masks them. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    /// `(name, value)`
    secrets: BTreeSet<(String, String)>,
    /// By form, the name of its secret: of the first, where several have it.
    forms: BTreeMap<String, String>,
    /// Made when it is first needed after a secret has joined.
    search: OnceLock<Option<Arc<Search>>>,
}

/// Finds every form of every secret in one pass.
struct Search {
    automaton: AhoCorasick,
    /// By pattern.
    masks: Vec<String>,
    /// The forms, in order.
    sorted: Vec<Vec<u8>>,
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
    /// The one of this process: what diagnostics and the text of a panic, which know no run, are masked
    /// with.
    #[must_use]
    pub fn of_process() -> Self {
        static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);
        REDACTOR.clone()
    }

    /// Masks `value` from now on as `«secret name»`, in every clone and in streams already open.
    pub fn register(&self, name: &str, value: &str) -> Maskable {
        if !long_enough(value.trim()) {
            return Maskable::TooShort;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if !known.secrets.insert((name.to_owned(), value.to_owned())) {
            return Maskable::Yes;
        }
        for form in forms(value) {
            known.forms.entry(form).or_insert_with(|| name.to_owned());
        }
        known.search = OnceLock::new();
        Maskable::Yes
    }

    /// Every secret that is masked, by name: for the redactor of another process.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.secrets.iter().cloned().collect()
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
        RedactStream { redactor: self.clone(), held: Vec::new(), covered: 0 }
    }

    fn search(&self) -> Option<Arc<Search>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let search = known.search.get_or_init(|| Search::new(&known.forms).map(Arc::new));
        search.clone()
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
    /// From the beginning of what may turn out to be a secret; shorter than the longest form.
    held: Vec<u8>,
    /// A mask that is out already stands for so many of the held bytes.
    covered: usize,
}

impl RedactStream {
    /// `bytes`, and what was held back before, masked; what may be the beginning of a secret is held
    /// back in turn.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.mask(bytes, false)
    }

    /// The stream has ended: what was held back, masked.
    pub fn finish(&mut self) -> Vec<u8> {
        self.mask(&[], true)
    }

    fn mask(&mut self, bytes: &[u8], is_last: bool) -> Vec<u8> {
        let Some(search) = self.redactor.search() else {
            return bytes.to_vec();
        };
        let mut joined = std::mem::take(&mut self.held);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        let open = if is_last { bytes.len() } else { search.open_tail(bytes) };
        let (out, covered) = search.mask(bytes, self.covered, open);
        self.covered = covered.saturating_sub(open);
        self.held = bytes[open..].to_vec();
        out
    }
}

impl Search {
    fn new(forms: &BTreeMap<String, String>) -> Option<Self> {
        if forms.is_empty() {
            return None;
        }
        let automaton = AhoCorasick::new(forms.keys()).ok()?;
        let sorted: Vec<_> = forms.keys().map(|form| form.clone().into_bytes()).collect();
        Some(Self {
            automaton,
            masks: forms.values().map(|name| format!("«secret {name}»")).collect(),
            longest: sorted.iter().map(Vec::len).max().unwrap_or(0),
            sorted,
        })
    }

    /// Where the earliest form begins that `bytes` may have only the beginning of; its length if none.
    fn open_tail(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from..bytes.len()).find(|&at| self.is_beginning(&bytes[at..])).unwrap_or(bytes.len())
    }

    /// Whether a form begins with `text` and goes on: the next one in order does if any does.
    fn is_beginning(&self, text: &[u8]) -> bool {
        let next = self.sorted.partition_point(|form| form.as_slice() <= text);
        self.sorted.get(next).is_some_and(|form| form.starts_with(text))
    }

    /// `bytes` up to `open`, masked, and how far masks reach; the first `covered` bytes have one
    /// already. Forms that overlap share one mask, so that the end of the second does not stand bare.
    fn mask(&self, bytes: &[u8], mut covered: usize, open: usize) -> (Vec<u8>, usize) {
        let mut out = Vec::with_capacity(open);
        for (start, end, mask) in self.found(bytes, open) {
            if start >= covered {
                out.extend_from_slice(&bytes[covered..start]);
                out.extend_from_slice(mask.as_bytes());
            }
            covered = covered.max(end);
        }
        if covered < open {
            out.extend_from_slice(&bytes[covered..open]);
        }
        (out, covered)
    }

    /// Every form that begins before `open`, in order, the longest first.
    fn found(&self, bytes: &[u8], open: usize) -> Vec<(usize, usize, &str)> {
        // Nearly always there is none, and to look for one is quicker than to look for all.
        if !self.automaton.is_match(bytes) {
            return Vec::new();
        }
        let mut found: Vec<_> = self
            .automaton
            .find_overlapping_iter(bytes)
            .filter(|found| found.start() < open)
            .filter_map(|found| {
                let mask = self.masks.get(found.pattern().as_usize())?;
                Some((found.start(), found.end(), mask.as_str()))
            })
            .collect();
        found.sort_by_key(|(start, end, _)| (*start, Reverse(*end)));
        found
    }
}
