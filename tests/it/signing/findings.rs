//! What an auditor is told of a signed run that somebody has had in hand.

use std::fs;
use std::path::Path;

use steadyhand::journal::{Checkpoint, JOURNAL, sha256_hex};

use super::{Bench, NAMESPACE, RUNBOOK, checkpoints};
use crate::services::console::text;
use crate::services::openssh;

fn lines(run: &Path) -> Vec<String> {
    text(&run.join(JOURNAL)).split_inclusive('\n').map(str::to_owned).collect()
}

/// The journal with each line's `prev` made anew, as somebody does who knows how it is made.
fn rechain(run: &Path, lines: &[String]) {
    let mut prev = sha256_hex(&fs::read(run.join("runbook.yaml")).unwrap());
    let mut whole = String::new();
    for line in lines {
        let at = line.rfind("\"prev\":\"").unwrap() + 8;
        let line = format!("{}{prev}{}", &line[..at], &line[at + 64..]);
        prev = sha256_hex(line.as_bytes());
        whole.push_str(&line);
    }
    fs::write(run.join(JOURNAL), whole).unwrap();
}

/// What somebody would rather have had happen.
fn doctored(line: &str) -> String {
    line.replace("\"outcome\":\"succeeded\"", "\"outcome\":\"failed\"")
}

fn remove_checkpoint(run: &Path, seq: u64) {
    fs::remove_file(run.join(format!("checkpoints/{seq}.txt"))).unwrap();
    fs::remove_file(run.join(format!("checkpoints/{seq}.txt.sig"))).unwrap();
}

#[test]
fn each_way_of_tampering_has_its_exit_status_and_its_sentence() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let run = bench.console.run();
    let seqs = checkpoints(&run);
    let (last, close) = (seqs[3], seqs[2]);
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let stranger = openssh::key(bench.console.file("").as_path(), "stranger", "");
    let place = |run: &Path, seq: u64| run.join(format!("checkpoints/{seq}.txt"));
    let resign = |run: &Path, seq: u64, key: &Path, namespace: &str| {
        openssh::sign(key, namespace, &place(run, seq));
    };
    type Tamper<'a> = Box<dyn Fn(&Path) + 'a>;
    let cases: Vec<(&str, Tamper<'_>, i32, String)> = vec![
        ("untouched", Box::new(|_| {}), 0, "intact: ".into()),
        (
            "the whole chain made anew after an edit",
            Box::new(|run| {
                let edited: Vec<_> = lines(run).iter().map(|line| doctored(line)).collect();
                assert_ne!(edited, lines(run));
                rechain(run, &edited);
            }),
            6,
            "modified: ".into(),
        ),
        (
            "another history that goes on for longer",
            Box::new(|run| {
                let mut longer: Vec<_> = lines(run).iter().map(|line| doctored(line)).collect();
                let next = last + 1;
                let from = format!("\"seq\":{last},");
                let again = longer.last().unwrap().replace(&from, &format!("\"seq\":{next},"));
                longer.push(again);
                rechain(run, &longer);
                // No record tells of what vouches for the end.
                for seq in &seqs[1..3] {
                    remove_checkpoint(run, *seq);
                }
            }),
            9,
            format!("forked: checkpoints/{last}.txt vouches for another history"),
        ),
        (
            "the last record edited",
            Box::new(|run| {
                let mut edited = lines(run);
                let end = edited.last_mut().unwrap();
                *end = end.replace("\"format\":\"html\"", "\"format\":\"htmx\"");
                fs::write(run.join(JOURNAL), edited.concat()).unwrap();
            }),
            6,
            format!(
                "modified: of records {} to {last} one is not as checkpoints/{last}.txt",
                close + 1
            ),
        ),
        (
            "the last record cut off",
            Box::new(|run| {
                let whole = lines(run);
                fs::write(run.join(JOURNAL), whole[..whole.len() - 1].concat()).unwrap();
            }),
            7,
            format!(
                "truncated: checkpoints/{last}.txt vouches for record {last}, but the journal ends with \
                 record {}",
                last - 1
            ),
        ),
        (
            "the end no longer vouched for",
            Box::new(|run| remove_checkpoint(run, last)),
            0,
            format!("consistent, signed up to record {close} by alice@example.org"),
        ),
        (
            "a checkpoint that a record names taken away",
            Box::new(|run| remove_checkpoint(run, close)),
            8,
            format!("incomplete: checkpoints/{close}.txt or its signature, named by record"),
        ),
        (
            "every checkpoint taken away",
            Box::new(|run| seqs.iter().for_each(|seq| remove_checkpoint(run, *seq))),
            10,
            "not signed as required: nothing of it is signed by a key of the auditor's".into(),
        ),
        (
            "a signature of a stranger's",
            Box::new(|run| resign(run, last, &stranger, NAMESPACE)),
            10,
            format!("not signed as required: checkpoints/{last}.txt: signed with SHA256:"),
        ),
        (
            "a signature that was made for something else",
            Box::new(|run| resign(run, last, &bench.key, "git")),
            10,
            format!("checkpoints/{last}.txt: it was made for something else than {NAMESPACE}"),
        ),
        (
            "the signature of another text",
            Box::new(|run| {
                let other = place(run, close).with_extension("txt.sig");
                fs::copy(other, place(run, last).with_extension("txt.sig")).unwrap();
            }),
            6,
            format!(
                "checkpoints/{last}.txt.sig is no signature of checkpoints/{last}.txt: the text was"
            ),
        ),
        (
            "a checkpoint of another run, rightly signed",
            Box::new(|run| {
                let other = Checkpoint { run: "another".into(), seq: last, head: "a3".repeat(32) };
                fs::write(place(run, last), other.text()).unwrap();
                resign(run, last, &bench.key, NAMESPACE);
            }),
            6,
            format!("modified: checkpoints/{last}.txt was made for another run, another"),
        ),
        (
            "a checkpoint under another's name",
            Box::new(|run| {
                fs::rename(place(run, last), place(run, 2)).unwrap();
                fs::rename(
                    place(run, last).with_extension("txt.sig"),
                    place(run, 2).with_extension("txt.sig"),
                )
                .unwrap();
            }),
            6,
            format!("modified: checkpoints/2.txt is the checkpoint of record {last}"),
        ),
        (
            "not the text of a checkpoint",
            Box::new(|run| {
                fs::write(place(run, last), format!("steadyhand/{id}\n{last}\n")).unwrap();
                resign(run, last, &bench.key, NAMESPACE);
            }),
            6,
            format!("modified: checkpoints/{last}.txt is not the text of a checkpoint"),
        ),
    ];
    for (number, (what, tamper, code, sentence)) in cases.iter().enumerate() {
        let copy = bench.copy(&format!("copy-{number}"));
        tamper(&copy);
        let (is, said) = bench.audit(&copy);
        assert_eq!(is, *code, "{what}: {said}");
        assert!(said.contains(sentence.as_str()), "{what}: {said}");
    }
    println!("{} ways of tampering told apart", cases.len());
}

#[test]
fn whose_signatures_count_is_for_the_auditors_file_to_say() {
    let Some(bench) = Bench::new(RUNBOOK) else { return };
    bench.drill(0);
    let run = bench.console.run();
    let stranger = openssh::key(bench.console.file("").as_path(), "stranger", "");
    for (who, key, code, sentence) in [
        ("alice@example.org", &bench.key, 0, "signed to the last by alice@example.org"),
        ("alice,bob", &bench.key, 0, "intact: "),
        ("alice", &stranger, 10, "which is not among the allowed signers"),
        ("alice namespaces=\"git\"", &bench.key, 10, "do not allow for checkpoint@steadyhand"),
        ("alice valid-before=\"20200101\"", &bench.key, 10, "after the allowed signers say"),
        ("alice valid-after=\"20990101\"", &bench.key, 10, "before the allowed signers say"),
    ] {
        bench.allow(who, key);
        let (is, said) = bench.audit(&run);
        assert_eq!(is, code, "{who}: {said}");
        assert!(said.contains(sentence), "{who}: {said}");
    }
    // The run's own word is not asked.
    fs::copy(&bench.signers, run.join("allowed_signers")).unwrap();
    for (file, said) in [
        (bench.console.file("nowhere"), "cannot read the allowed signers"),
        (run.join("runbook.yaml"), "runbook.yaml:1: not a line of allowed signers"),
    ] {
        let args = ["verify", run.to_str().unwrap(), "--allowed-signers", file.to_str().unwrap()];
        let (code, words) = bench.verify(&args);
        assert_eq!(code, 2, "{words}");
        assert!(words.contains(said) && words.contains(file.to_str().unwrap()), "{words}");
    }
    // A run that was never signed is no intact one, whatever the auditor has.
    fs::remove_file(bench.console.file("steadyhand.yaml")).unwrap();
    bench.drill(0);
    let unsigned = bench.console.runs().into_iter().find(|other| *other != run).unwrap();
    let (code, words) = bench.audit(&unsigned);
    assert_eq!(code, 10, "{words}");
    assert!(words.contains("nothing of it is signed by a key of the auditor's"), "{words}");
}
