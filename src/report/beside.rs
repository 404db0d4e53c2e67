//! What lies beside the journal of a run directory and goes into its report. Only reads.

use std::collections::BTreeMap;
use std::path::Path;

use super::build::Beside;
use super::model::{Before, Excerpt, PreviousRun};
use crate::engine::State;
use crate::engine::event::Previous;
use crate::ingest::sanitise;
use crate::journal::{self, Ends, ReadError, Trace, output_ends, trace};

/// So much of an output stands in a report: what failed says so at its end.
const HEAD: u64 = 2 * 1024;
const TAIL: u64 = 4 * 1024;

/// Looks at the run directory `dir`; at what attempts printed only when `excerpts` are wanted.
///
/// # Errors
/// The record cannot be checked.
pub(super) fn look(dir: &Path, state: &State, excerpts: bool) -> Result<Beside, ReadError> {
    let previous = state.run().and_then(|run| run.previous.as_ref());
    Ok(Beside {
        verdict: journal::verify(dir, None)?,
        excerpts: if excerpts { printed(dir, state) } else { BTreeMap::new() },
        previous: previous.map(|previous| before(dir, previous)),
    })
}

fn printed(dir: &Path, state: &State) -> BTreeMap<String, Excerpt> {
    let attempts = state.steps.iter().flat_map(|step| &step.attempts);
    let outputs = attempts.filter_map(|attempt| attempt.finished.as_ref()?.1.output.as_ref());
    // What cannot be read is among the findings of `verify`.
    let read = outputs.filter_map(|output| {
        let ends = output_ends(dir, &output.file, HEAD, TAIL).ok()?;
        Some((output.file.clone(), excerpt(&ends)))
    });
    read.collect()
}

/// Whole lines, where there are any: half a line may mislead.
fn excerpt(ends: &Ends) -> Excerpt {
    let (mut head, mut tail) = (ends.head.as_slice(), ends.tail.as_slice());
    let mut left_out = ends.left_out;
    if left_out > 0 {
        let end = head.iter().rposition(|b| *b == b'\n').map_or(head.len(), |at| at + 1);
        let start = tail.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
        left_out += (head.len() - end) as u64 + start as u64;
        head = head.get(..end).unwrap_or(head);
        tail = tail.get(start..).unwrap_or(tail);
    }
    Excerpt { head: sanitise(head), left_out, tail: sanitise(tail) }
}

fn before(dir: &Path, previous: &Previous) -> PreviousRun {
    PreviousRun {
        run: previous.run.clone(),
        head: previous.head.clone(),
        found: match trace(dir, previous) {
            Trace::Present => Before::Present,
            Trace::Missing => Before::Missing,
            Trace::HeadDiffers => Before::HeadDiffers,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_begins_and_ends_with_whole_lines() {
        let ends = |head: &str, left_out, tail: &str| Ends {
            head: head.into(),
            left_out,
            tail: tail.into(),
        };
        let all = excerpt(&ends("a\nb", 0, ""));
        assert_eq!(all, Excerpt { head: "a\nb".into(), left_out: 0, tail: String::new() });
        let cut = excerpt(&ends("a\nhal", 5, "lf\nz\n"));
        assert_eq!(cut, Excerpt { head: "a\n".into(), left_out: 11, tail: "z\n".into() });
        let one_line = excerpt(&ends("aaa", 5, "zzz"));
        assert_eq!(one_line, Excerpt { head: "aaa".into(), left_out: 5, tail: "zzz".into() });
    }
}
