//! `steady check` and the corpus of runbooks: every planted problem at its exact place, nothing more.
//! `UPDATE=1` writes the golden diagnostics anew; the places are written by hand, in the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use steadyhand::runbook::diagnostic::{Severity, Style, render};
use steadyhand::runbook::format::{self, Shape, Word};
use steadyhand::runbook::{self, Checked, Found, registry};

/// Line, column and code.
type Place = (usize, usize, String);

fn corpus(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks").join(kind)
}

fn runbooks(kind: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(corpus(kind))
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    files
}

/// Checks a file as the command does that is started in the corpus.
fn checked(kind: &str, path: &Path) -> Checked {
    let bytes = std::fs::read(path).expect("a runbook");
    let file = format!("{kind}/{}", path.file_name().expect("a name").to_string_lossy());
    runbook::check_with(&bytes, &file, &mut |wanted| {
        let file = match wanted.name.strip_prefix("./") {
            Some(beside) => format!("{kind}/{beside}"),
            None => wanted.name.trim_start_matches("../").to_owned(),
        };
        let bytes = std::fs::read(corpus(&file));
        let bytes = bytes.map_err(|_| format!("no runbook `{}` built in", wanted.name))?;
        Ok(Found { file, bytes })
    })
}

fn name(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

/// The places that a file declares in its head (`#   7:5 unknown-key`), or its `.expect` beside it.
fn planted(path: &Path) -> Vec<Place> {
    let beside = std::fs::read_to_string(path.with_extension("expect"));
    let text = beside.unwrap_or_else(|_| {
        let bytes = std::fs::read(path).expect("a runbook");
        let text = String::from_utf8(bytes).expect("UTF-8, or an .expect file");
        let lines = text.lines().take_while(|line| line.starts_with('#')).skip(1);
        lines.map(|line| line.trim_start_matches('#').trim().to_owned() + "\n").collect()
    });
    let mut places: Vec<Place> = text
        .lines()
        .map(|line| {
            let (place, code) = line.split_once(' ').expect("a place and a code");
            let (line, column) = place.split_once(':').expect("a line and a column");
            (line.parse().expect("a line"), column.parse().expect("a column"), code.to_owned())
        })
        .collect();
    assert!(!places.is_empty(), "{} declares nothing", path.display());
    places.sort();
    places
}

fn steady(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steady"))
        .arg("check")
        .args(arguments)
        .current_dir(corpus(""))
        .output()
        .expect("steady runs")
}

#[test]
fn every_planted_problem_is_found_at_its_place_and_nothing_else_is() {
    let files = runbooks("invalid");
    assert!(files.len() >= 50, "{} invalid files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let checked = checked("invalid", &file);
        let mut found: Vec<Place> =
            checked.problems.iter().map(|p| (p.line, p.column, p.code.to_owned())).collect();
        found.sort();
        if found != planted(&file) {
            wrong.push(format!("{}:\n  {found:?}\n  {:?}", name(&file), planted(&file)));
        }
        assert!(checked.runbook.is_none(), "{}", name(&file));
        for problem in &checked.problems {
            assert_eq!(problem.severity, Severity::Error);
            if problem.help.is_none()
                && !matches!(problem.code, "wrong-type" | "type" | "expression")
            {
                wrong.push(format!("says no remedy: {problem:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "found, and planted:\n{}", wrong.join("\n"));
}

#[test]
fn the_golden_diagnostics_are_what_is_printed() {
    let golden = corpus("golden");
    let mut wrong = Vec::new();
    for file in runbooks("invalid") {
        let checked = checked("invalid", &file);
        let mut text = String::new();
        for problem in &checked.problems {
            text.push_str(&render(problem, &checked.source, Style::Plain));
            text.push_str("\n\n");
        }
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let path = golden.join(name(&file)).with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).expect("written");
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "other than the golden files (UPDATE=1):\n{}", wrong.join("\n"));
    let count = std::fs::read_dir(&golden).expect("golden").count();
    assert_eq!(count, runbooks("invalid").len(), "a golden file without its runbook");
}

#[test]
fn the_command_prints_the_same_and_exits_1() {
    let output = steady(&["invalid"]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let goldens: String = runbooks("invalid")
        .iter()
        .map(|file| corpus("golden").join(name(file)).with_extension("txt"))
        .map(|path| std::fs::read_to_string(path).expect("a golden file"))
        .collect();
    let rest = printed.strip_prefix(&goldens).expect("the golden diagnostics, in order of name");
    assert!(rest.contains(" runbooks checked: "), "{rest}");
}

#[test]
fn the_json_has_every_planted_place() {
    let output = steady(&["invalid", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    let mut found: BTreeMap<String, Vec<Place>> = BTreeMap::new();
    for problem in json["problems"].as_array().expect("a list") {
        for key in ["file", "line", "column", "severity", "code", "message", "help"] {
            assert!(problem.get(key).is_some(), "{key}: {problem}");
        }
        let number = |key: &str| usize::try_from(problem[key].as_u64().expect(key)).expect(key);
        let text = |key: &str| problem[key].as_str().expect(key).to_owned();
        let place = (number("line"), number("column"), text("code"));
        found.entry(text("file")).or_default().push(place);
    }
    for file in runbooks("invalid") {
        let mut places = found.remove(&format!("invalid/{}.yaml", name(&file))).unwrap_or_default();
        places.sort();
        assert_eq!(places, planted(&file), "{}", name(&file));
    }
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn good_runbooks_pass_and_exit_0() {
    let output = steady(&["valid"]);
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.ends_with("0 problems, 0 warnings\n"), "{printed}");
    for file in runbooks("valid") {
        assert!(checked("valid", &file).runbook.is_some(), "{}", file.display());
    }
}

#[test]
fn warnings_are_said_and_pass() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("warned.yml");
    let text = "steadyhand: 1\nid: w\ntitle: W\nobjectives: {rto: 5m}\n\
                steps: [{id: a, title: A, do: {manual: }}]\n";
    std::fs::write(&path, text).expect("written");
    let output = steady(&[&directory.path().display().to_string()]);
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("warning[rto-never-met]"), "{printed}");
}

#[test]
fn a_path_that_is_not_there_is_a_usage_error() {
    let output = steady(&["valid", "no-such-place"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "nothing half checked is printed");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(said.contains("no-such-place"), "{said}");
}

#[test]
fn five_mebibytes_are_refused_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("large.yaml");
    std::fs::write(&path, vec![b'#'; 5 << 20]).expect("written");
    let begun = Instant::now();
    let output = steady(&[&path.display().to_string(), "--json"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["problems"][0]["code"], "too-large");
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(1));
}

/// The valid files together use every word of the format, every action and every argument.
#[test]
fn the_valid_files_leave_no_word_out() {
    let text: String = runbooks("valid")
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a runbook"))
        .collect();
    let has = |word: &str| text.contains(&format!("{word}:"));
    fn names(words: &'static [Word]) -> Vec<&'static str> {
        let inner = words.iter().flat_map(|word| match word.shape {
            Shape::Map(inner) | Shape::Maps(inner) | Shape::NamedMaps(inner) => names(inner),
            _ => Vec::new(),
        });
        words.iter().map(|word| word.name).chain(inner).collect()
    }
    fn keys(list: &'static [registry::Key]) -> Vec<&'static str> {
        let inner = list.iter().flat_map(|key| match key.kind {
            registry::Kind::Group(inner) => keys(inner),
            _ => Vec::new(),
        });
        list.iter().map(|key| key.name).chain(inner).collect()
    }
    let mut missing: Vec<&str> = names(format::RUNBOOK).into_iter().filter(|w| !has(w)).collect();
    for spec in registry::actions() {
        missing.extend(Some(spec.name).filter(|name| !has(name)));
        missing.extend(keys(spec.keys).into_iter().filter(|key| !has(key)));
    }
    assert!(missing.is_empty(), "no valid file uses {missing:?}");
}

/// A check of anything a file may hold ends soon; the corpus is small, so that this is generous.
fn ends_soon(bytes: &[u8]) {
    let begun = Instant::now();
    let checked = runbook::check(bytes, "x.yaml");
    for problem in checked.problems.iter().take(3) {
        let text = render(problem, &checked.source, Style::Plain);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(problem.line >= 1 && problem.column >= 1);
    }
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_checked_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        ends_soon(&bytes);
    }

    #[test]
    fn arbitrary_yaml_like_text_is_checked_without_panic(
        text in "([a-z]{1,4}: |- |\\{|\\}|\\[|\\]|\"|'|\\$\\{\\{|\\}\\}|&|\\*|!|\\||>|#|\n|  |\t|é|\r|\\\\|x|1|,){0,80}",
    ) {
        ends_soon(text.as_bytes());
    }

    #[test]
    fn mutated_runbooks_are_checked_without_panic(
        which in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..12, ".{0,4}"), 1..6),
    ) {
        let files: Vec<_> = runbooks("valid").into_iter().chain(runbooks("invalid")).collect();
        let mut bytes = std::fs::read(which.get(&files)).expect("a runbook");
        for (at, length, put) in cuts {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, put.bytes());
        }
        ends_soon(&bytes);
    }
}
