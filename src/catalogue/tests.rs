use std::fs;

use super::*;

fn runbook(id: &str) -> String {
    format!(
        "steadyhand: 1\nid: {id}\ntitle: T\nsteps:\n  - {{id: a, title: A, do: {{wait: {{for: 1s}}}}}}\n"
    )
}

fn directory(files: &[(&str, String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    dir
}

#[test]
fn a_directory_is_read_whole_and_the_broken_ones_are_shown() {
    let dir = directory(&[
        ("one.yaml", runbook("one")),
        ("deeper/two.yml", runbook("two")),
        ("broken.yaml", runbook("three").replace("title: T", "tilte: T")),
        ("README.md", "not a runbook".into()),
    ]);
    let catalogue = Catalogue::open(Some(dir.path())).unwrap();
    let seen: Vec<_> = catalogue.entries.iter().map(|e| (e.id(), e.broken())).collect();
    assert_eq!(seen, [("broken", Some("2 problems".to_owned())), ("two", None), ("one", None)]);
    let error = catalogue.find("broken").unwrap().runbook().unwrap_err();
    assert!(error.contains("did you mean `title`?"), "{error}");
    assert!(catalogue.find("one").unwrap().runbook().is_ok());
}

#[test]
fn an_id_that_is_there_twice_is_no_id() {
    let dir = directory(&[("a.yaml", runbook("same")), ("b.yaml", runbook("same"))]);
    let catalogue = Catalogue::open(Some(dir.path())).unwrap();
    assert!(catalogue.entries[0].broken().unwrap().contains("b.yaml"));
    let error = catalogue.find("same").unwrap_err();
    assert!(error.contains("a.yaml") && error.contains("b.yaml"), "{error}");
}

#[test]
fn a_name_is_an_id_or_a_path() {
    let dir = directory(&[("a.yaml", runbook("restore"))]);
    let at = Some(dir.path());
    assert_eq!(find("restore", at).unwrap().id(), "restore");
    let path = dir.path().join("a.yaml").display().to_string();
    assert_eq!(find(&path, None).unwrap().id(), "restore");
    assert!(find("restroe", at).unwrap_err().ends_with("did you mean `restore`?"));
    assert!(find("./no-such.yaml", at).unwrap_err().starts_with("cannot read ./no-such.yaml"));
    assert!(Catalogue::open(Some(&dir.path().join("none"))).is_err());
}
