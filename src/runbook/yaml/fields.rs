//! A map whose keys are known: unknown and missing ones are problems.

use super::super::diagnostic::{Problems, suggestion};
use super::{Entry, Kind, Node};

/// The entries of a map, checked against the keys it may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'n> {
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// Reads `node` as a map. `known` are the keys it may have, and whether they must be there; `what`
    /// says what the map is ("a step"); a missing key is reported at `at`, or at the first key.
    pub(crate) fn read<'k>(
        problems: &mut Problems<'_>,
        node: &'n Node,
        what: &str,
        known: impl Iterator<Item = (&'k str, bool)> + Clone,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            expected(problems, node, &format!("a map ({what})"));
            return None;
        };
        let fields = Self { entries };
        for entry in entries {
            if !known.clone().any(|(key, _)| key == entry.key) {
                let keys = known.clone().map(|(key, _)| key);
                problems
                    .error(
                        entry.key_span.clone(),
                        "unknown-key",
                        format!("unknown key `{}` in {what}", entry.key),
                    )
                    .help(suggestion(&entry.key, "keys", keys));
            }
        }
        for (key, _) in known.filter(|(_, required)| *required) {
            if fields.get(key).is_none() {
                problems
                    .error(node.head(), "missing-key", format!("{what} needs the key `{key}`"))
                    .help(format!("add `{key}:`"));
            }
        }
        Some(fields)
    }

    /// The value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key with its value.
    pub(crate) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// All entries, in the order of the file.
    pub(crate) fn entries(&self) -> &'n [Entry] {
        self.entries
    }
}

/// Adds "expected …, found …".
pub(crate) fn expected(problems: &mut Problems<'_>, node: &Node, wanted: &str) {
    let message = format!("expected {wanted}, found {}", node.what());
    match node.kind {
        Kind::Refused => {}
        Kind::Empty => {
            problems
                .error(node.head(), "empty-value", message)
                .help("give it a value, or leave the key out");
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            problems.error(node.head(), "wrong-type", message);
        }
    }
}
