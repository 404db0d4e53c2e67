//! The after-action report of one fixed journal, in every format.

mod chromium;
mod fields;
mod hostile;
mod page;
pub mod schema;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value as Json;

pub const RUN: &str = "20261121T030410Z-loans-pitr-k3f9";
const FORMATS: [(&str, &str); 6] = [
    ("md", "md"),
    ("html", "html"),
    ("json", "json"),
    ("csv", "csv"),
    ("test-log", "test-log.txt"),
    ("backup-audit", "backup-audit.csv"),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/report")
}

/// A directory of runs with the run of the story in it, to be written into.
fn story() -> tempfile::TempDir {
    let runs = tempfile::tempdir().unwrap();
    copy(&fixtures().join("run").join(RUN), &runs.path().join(RUN));
    runs
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn export(runs: &Path, args: &[&str]) -> Output {
    let out = Command::new(env!("CARGO_BIN_EXE_steady"))
        .args(["export", RUN, "--operator", "dana@desk"])
        .args(args)
        .env("STEADYHAND_RUNS", runs)
        .current_dir(runs)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out
}

/// The report in each format, by the ending of its file.
fn reports(runs: &Path) -> Vec<(&'static str, String)> {
    let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
    export(runs, &["--format", &names.join(",")]);
    let read = |ending: &str| {
        fs::read_to_string(runs.join(RUN).join(format!("reports/{RUN}.{ending}"))).unwrap()
    };
    FORMATS.map(|(_, ending)| (ending, read(ending))).to_vec()
}

fn report(runs: &Path) -> Json {
    let reports = reports(runs);
    let (_, text) = reports.iter().find(|(ending, _)| *ending == "json").unwrap();
    serde_json::from_str(text).unwrap()
}

/// `UPDATE=1 cargo test --test it report` writes them anew.
#[test]
fn the_reports_of_a_fixed_journal_are_the_golden_ones() {
    let golden = fixtures().join("golden");
    let mut differ = Vec::new();
    for (ending, is) in reports(story().path()) {
        let path = golden.join(format!("report.{ending}"));
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&path, &is).unwrap();
        }
        let should = fs::read_to_string(&path).unwrap_or_default();
        if let Some((n, (is, should))) =
            is.lines().zip(should.lines()).enumerate().find(|(_, (is, should))| is != should)
        {
            differ.push(format!("{ending}, line {}:\n  {should}\n  became\n  {is}", n + 1));
        } else if is != should {
            differ.push(format!("{ending}: its length is another"));
        }
    }
    assert!(differ.is_empty(), "UPDATE=1 writes them anew.\n{}", differ.join("\n"));
}

#[test]
fn a_test_log_and_a_backup_audit_stand_as_such_logs_are_kept() {
    let reports = reports(story().path());
    let text = |wanted: &str| &reports.iter().find(|(ending, _)| *ending == wanted).unwrap().1;
    let names: Vec<&str> =
        text("test-log.txt").lines().map(|line| line.split_once(": ").unwrap().0).collect();
    let log = [
        "Date",
        "Test",
        "Operator",
        "Start Time",
        "End Time",
        "Actual RTO",
        "Actual RPO",
        "Result",
        "Notes",
    ];
    assert_eq!(names, log);
    assert!(text("test-log.txt").contains("\nResult: FAIL\n"));
    assert!(text("md").contains(text("test-log.txt").as_str()), "the block is in the Markdown too");
    let audit = text("backup-audit.csv");
    assert!(audit.starts_with("DATE,SNAPSHOT_ID,TYPE,STATUS,SIZE_GB,VERIFIED,NOTES\n"), "{audit}");
    assert!(audit.contains("\n2026-11-21,loanserve@2026-11-21T03:03:30Z,"), "{audit}");
}

#[test]
fn a_missing_run_before_it_shows_and_so_does_one_that_was_cut() {
    let runs = story();
    let previous = &report(runs.path())["integrity"]["previous_run"];
    assert_eq!(previous["found"], "missing");
    let before = previous["run"].as_str().unwrap();
    fs::create_dir(runs.path().join(before)).unwrap();
    fs::write(runs.path().join(before).join("journal.jsonl"), "{}\n").unwrap();
    let report = report(runs.path());
    assert_eq!(report["integrity"]["previous_run"]["found"], "head_differs");
    let notices = report["integrity"]["notices"].to_string();
    assert!(notices.contains("written anew or cut since"), "{notices}");
}

#[test]
fn the_report_of_a_run_in_progress_is_marked_as_such() {
    let runs = story();
    let journal = runs.path().join(RUN).join("journal.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    let unfinished: String = lines.split_inclusive('\n').take(40).collect();
    fs::write(&journal, unfinished).unwrap();
    let reports = reports(runs.path());
    let text = |wanted: &str| &reports.iter().find(|(ending, _)| *ending == wanted).unwrap().1;
    let report: Json = serde_json::from_str(text("json")).unwrap();
    assert_eq!(report["interim"], true);
    assert_eq!(report["verdicts"]["passed"], Json::Null);
    let as_of = report["as_of"].as_str().unwrap();
    assert!(text("md").contains(&format!("The run had not finished at {as_of}")));
    assert!(text("html").contains("Not finished."));
    assert!(text("test-log.txt").contains("\nResult: not finished\n"));
}

#[test]
fn files_of_a_report_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let runs = story();
    let dir = runs.path().join("elsewhere");
    export(runs.path(), &["-o", "elsewhere"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
