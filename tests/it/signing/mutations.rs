//! Every byte of a signed journal cut and flipped, and of its checkpoints and their signatures.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use chrono::{DateTime, Utc};
use steadyhand::journal::checkpoint::Found;
use steadyhand::journal::{self, Auditor, Finding, JOURNAL, Signature};
use steadyhand::signing::AllowedSigners;

use super::{Bench, RUNBOOK, checkpoints};
use crate::services::mutation::{self, Mutation};

/// An auditor who has looked at the signatures before. What is signed is the text of a checkpoint, not
/// the journal: a journal that was tampered with is compared with what is known.
struct Remembers(BTreeMap<Vec<u8>, Signature>);

impl Remembers {
    fn of(run: &Path, signers: &Path) -> Self {
        let auditor = AllowedSigners::open(signers, run).unwrap();
        let mut known = BTreeMap::new();
        for seq in checkpoints(run) {
            let file = format!("{seq}.txt");
            let text = fs::read(run.join("checkpoints").join(&file)).unwrap();
            let signature = fs::read(run.join(format!("checkpoints/{file}.sig"))).ok();
            let found = Found { file, text: text.clone(), signature };
            let judged = auditor.judge(&found, None).unwrap();
            assert!(matches!(judged, Signature::Good { .. }), "{judged:?}");
            known.insert(text, judged);
        }
        Self(known)
    }
}

impl Auditor for Remembers {
    fn judge(&self, found: &Found, _at: Option<DateTime<Utc>>) -> io::Result<Signature> {
        Ok(self.0[&found.text].clone())
    }

    fn judge_text(
        &self,
        _namespace: &str,
        _file: &str,
        _text: &[u8],
        _at: DateTime<Utc>,
    ) -> io::Result<Signature> {
        unreachable!("nothing is approved here")
    }
}

/// A copy for one thread to mutate.
fn bench_of(run: &Path, under: &Path) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir_in(under).unwrap();
    let copy = home.path().join("run");
    assert!(Command::new("cp").arg("-a").args([run, &copy]).status().unwrap().success());
    (home, copy)
}

#[test]
fn no_cut_and_no_flip_of_a_signed_journal_is_called_intact() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let run = bench.console.run();
    let auditor = Remembers::of(&run, &bench.signers);
    assert_eq!(journal::verify(&run, Some(&auditor)).unwrap().result, Finding::Intact);
    let whole = fs::read(run.join(JOURNAL)).unwrap();
    let mutations = mutation::all(&whole);
    let (cuts, flips) = (AtomicU64::new(0), AtomicU64::new(0));
    let under = bench.console.file("");
    mutation::each(
        &mutations,
        || bench_of(&run, &under),
        |(_home, copy), mutation| {
            fs::write(copy.join(JOURNAL), mutation.of(&whole)).unwrap();
            let verdict = journal::verify(copy, Some(&auditor)).unwrap();
            let expected: &[Finding] = match mutation {
                // What stands before the cut fits together: a checkpoint says that there was more.
                Mutation::Cut(_) => &[Finding::Truncated],
                Mutation::Flip(..) => &[Finding::Modified, Finding::Truncated],
            };
            assert!(expected.contains(&verdict.result), "{mutation:?}: {}", verdict.sentence());
            let count = if matches!(mutation, Mutation::Cut(_)) { &cuts } else { &flips };
            count.fetch_add(1, SeqCst);
        },
    );
    let (cuts, flips) = (cuts.into_inner(), flips.into_inner());
    println!(
        "{} bytes, {} checkpoints: {cuts} cuts and {flips} flips, none called intact or consistent",
        whole.len(),
        auditor.0.len()
    );
    assert_eq!(cuts + flips, mutations.len() as u64);
}

#[test]
fn the_command_tells_mutations_of_journal_checkpoints_and_signatures_apart() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let run = bench.console.run();
    let asked: u64 = std::env::var("MUTATE_COMMANDS").map_or(120, |asked| asked.parse().unwrap());
    let mut files = vec![JOURNAL.to_owned()];
    for seq in checkpoints(&run) {
        files.extend(["", ".sig"].map(|end| format!("checkpoints/{seq}.txt{end}")));
    }
    let mut tried = 0;
    for file in &files {
        let whole = fs::read(run.join(file)).unwrap();
        let mutations = mutation::all(&whole);
        // Some of them, from the whole length.
        let step = (mutations.len() * files.len() / usize::try_from(asked).unwrap()).max(1);
        let some: Vec<_> = mutations.into_iter().step_by(step).collect();
        mutation::each(
            &some,
            || bench_of(&run, &bench.console.file("")),
            |(_home, copy), mutation| {
                fs::write(copy.join(file), mutation.of(&whole)).unwrap();
                let (code, said) = bench.audit(copy);
                // 10: what is left of a signature may still be one, of something else.
                assert!([6, 7, 10].contains(&code), "{file}: {mutation:?}: {code} {said}");
            },
        );
        tried += some.len();
    }
    println!("{tried} mutations of {} files told apart by steady verify", files.len());
}
