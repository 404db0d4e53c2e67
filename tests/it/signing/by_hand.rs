//! `VERIFY.txt`, followed to the letter, without Steadyhand.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{Bench, RUNBOOK, checkpoints};
use crate::services::console::{said, text};

/// The commands of the text: its indented lines.
fn commands(run: &Path) -> String {
    let text = text(&run.join("VERIFY.txt"));
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(|line| format!("{line}\n")).collect()
}

fn follow(run: &Path, signers: &Path) -> Output {
    let script = commands(run);
    assert!(!script.contains("steady "), "{script}");
    let mut sh = Command::new("sh");
    sh.args(["-c", &script]).current_dir(run).env("SIGNERS", signers);
    sh.output().unwrap()
}

#[test]
fn openssh_and_sha256sum_alone_verify_a_run_as_its_text_says() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let run = bench.console.run();
    let output = follow(&run, &bench.signers);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let last = bench.console.lines().len();
    assert!(words.contains(&format!("signed up to record {last} of {last}\n")), "{words}");
    assert_eq!(words.matches("Good \"checkpoint@steadyhand\" signature for alice").count(), 4);

    let seqs = checkpoints(&run);
    let sig = format!("checkpoints/{}.txt.sig", seqs[3]);
    let close = format!("checkpoints/{}.txt", seqs[2]);
    let changes: [(&str, &str, &str); 7] = [
        ("journal.jsonl", "\"outcome\":\"succeeded\"", "\"outcome\":\"failed\""),
        ("journal.jsonl", "\"format\":\"json\"", "\"format\":\"jsox\""),
        ("runbook.yaml", "Drop", "Keep"),
        ("settings.yaml", "id", "ip"),
        ("output/drop_old.1.log", "dropped", "kept"),
        (&close, "steadyhand/", "steadyhandy/"),
        (&sig, "\n-----END", "AAAA\n-----END"),
    ];
    for (number, (file, from, to)) in changes.into_iter().enumerate() {
        let copy = bench.copy(&format!("copy-{number}"));
        let whole = text(&copy.join(file));
        assert!(whole.contains(from), "{file}: {whole}");
        fs::write(copy.join(file), whole.replacen(from, to, 1)).unwrap();
        let output = follow(&copy, &bench.signers);
        assert_ne!(output.status.code(), Some(0), "{file}: {}", said(&output));
    }
    // Cut off between two records, and in one.
    let whole = text(&run.join("journal.jsonl"));
    let end = whole[..whole.len() - 1].rfind('\n').unwrap() + 1;
    for length in [end, whole.len() - 1] {
        let copy = bench.copy(&format!("cut-{length}"));
        fs::write(copy.join("journal.jsonl"), &whole[..length]).unwrap();
        let output = follow(&copy, &bench.signers);
        assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    }
    // A key that the auditor does not know.
    let stranger = crate::services::openssh::key(&bench.console.file(""), "stranger", "");
    bench.allow("mallory", &stranger);
    let output = follow(&run, &bench.signers);
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));

    // What is not signed says so.
    fs::remove_file(bench.console.file("steadyhand.yaml")).unwrap();
    bench.drill(0);
    let unsigned = bench.console.runs().into_iter().find(|other| *other != run).unwrap();
    let output = follow(&unsigned, &bench.signers);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.contains("nothing is signed\nsigned up to record 0 of "), "{words}");
}
