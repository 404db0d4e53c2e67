//! An unattended run of a runbook that this operator does not know: a new one is named with its hash, a
//! changed one is shown and run only when its hash was given.

use crate::catalogue::{Change, Entry, Familiar};
use crate::engine::event::{Accepted, Seen};
use crate::journal::sha256_hex;
use crate::tui::text;

/// Says what the operator does not know of it. Nobody is there to be asked.
///
/// # Errors
/// One line: it changed, and what accepts it.
pub(super) fn unattended(
    entry: &Entry,
    familiar: Familiar,
    operator: &str,
    accepted: &[String],
) -> Result<Seen, String> {
    match &familiar {
        Familiar::BuiltIn | Familiar::Unchanged { .. } => {}
        Familiar::New => {
            eprintln!("{} is new to {operator}: SHA-256 {}", entry.path, sha256_hex(&entry.bytes));
        }
        Familiar::Changed(change) => {
            eprintln!("{}", shown(entry, change, operator));
            if !change.is_accepted(accepted) {
                return Err(refusal(entry, change));
            }
        }
    }
    Ok(familiar.seen(Accepted::Hash))
}

fn shown(entry: &Entry, change: &Change, operator: &str) -> String {
    let run = &change.run;
    let mut lines = vec![format!("{} has changed since {operator} ran it as {run}:", entry.path)];
    lines.extend(
        change.diff().iter().map(|line| format!("{}{}", line.mark.sign(), text::shown(&line.text))),
    );
    lines.join("\n")
}

fn refusal(entry: &Entry, change: &Change) -> String {
    let options: Vec<_> = change
        .hashes()
        .iter()
        .map(|hash| format!("--accept-runbook {}", hash.get(..12).unwrap_or(hash)))
        .collect();
    format!(
        "{} is not what you last ran, and nobody is there to be asked: read the change above; {} runs it as it is now",
        entry.path,
        options.join(" ")
    )
}
