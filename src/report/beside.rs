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
const HEAD: u64 = 1024;
const TAIL: u64 = 3 * 1024;
/// And at most so many lines.
const HEAD_LINES: usize = 8;
const TAIL_LINES: usize = 24;

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
    let whole = ends.left_out == 0;
    let is_end = |b: &&u8| **b == b'\n';
    if whole && ends.head.iter().filter(is_end).count() <= HEAD_LINES + TAIL_LINES {
        return Excerpt { head: sanitise(&ends.head), left_out: 0, tail: String::new() };
    }
    let end_of_first = ends.tail.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
    let tail = if whole { &ends.head } else { ends.tail.get(end_of_first..).unwrap_or(&ends.tail) };
    let lines = ends.head.split_inclusive(|b| *b == b'\n');
    let complete = lines.take_while(|line| line.ends_with(b"\n")).take(HEAD_LINES);
    let first = match complete.map(<[u8]>::len).sum() {
        0 => ends.head.len(),
        length => length,
    };
    let lines = tail.split_inclusive(|b| *b == b'\n').rev().take(TAIL_LINES);
    let last = lines.map(<[u8]>::len).sum::<usize>();
    let length = ends.head.len() as u64 + ends.left_out + ends.tail.len() as u64;
    Excerpt {
        head: sanitise(ends.head.get(..first).unwrap_or_default()),
        left_out: length - first as u64 - last as u64,
        tail: sanitise(tail.get(tail.len() - last..).unwrap_or_default()),
    }
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
        let long: String = (0..100).map(|n| format!("{n}\n")).collect();
        let lines = excerpt(&ends(&long, 0, ""));
        assert_eq!(lines.head, "0\n1\n2\n3\n4\n5\n6\n7\n");
        assert!(lines.tail.starts_with("76\n") && lines.tail.ends_with("99\n"), "{lines:?}");
        let shown = (lines.head.len() + lines.tail.len()) as u64;
        assert_eq!(shown + lines.left_out, long.len() as u64);
        let one_line = excerpt(&ends("aaa", 5, "zzz"));
        assert_eq!(one_line, Excerpt { head: "aaa".into(), left_out: 5, tail: "zzz".into() });
    }
}
