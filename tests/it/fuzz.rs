//! What the fuzz targets hold to, over the cases that are kept: `fuzz/seeds`, every runbook there is, and
//! each of them cut short. `tests/run fuzz` looks for new ones.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/properties/mod.rs"]
mod properties;

/// The files of a folder of the repository and of those below it.
fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds no case");
    found
}

/// Holds every case, and `cuts` beginnings of each, to a property.
fn replay(cases: &[(PathBuf, Vec<u8>)], cuts: usize, holds: fn(&[u8])) {
    for (path, bytes) in cases {
        let ends = (1..=cuts).map(|n| bytes.len() * n / cuts);
        for end in ends {
            let held = catch_unwind(|| holds(&bytes[..end]));
            assert!(held.is_ok(), "{} up to byte {end}", path.display());
        }
    }
    println!("{} cases, {} beginnings of each", cases.len(), cuts);
}

#[test]
fn the_yaml_loader_holds_to_its_properties() {
    replay(&files("fuzz/seeds/yaml"), 40, properties::yaml::holds);
    replay(&files("runbooks"), 4, properties::yaml::holds);
    replay(&files("tests/runbooks"), 1, properties::yaml::holds);
}

#[test]
fn the_redactor_holds_to_its_properties() {
    replay(&files("fuzz/seeds/redactor"), 8, properties::redactor::holds);
}

#[test]
fn the_sanitiser_holds_to_its_properties() {
    replay(&files("fuzz/seeds/sanitiser"), 40, properties::sanitiser::holds);
}

#[test]
fn expressions_hold_to_their_properties() {
    replay(&files("fuzz/seeds/expression"), 40, properties::expression::holds);
}

#[test]
fn the_journals_reader_holds_to_its_properties() {
    replay(&files("fuzz/seeds/journal"), 12, properties::journal::holds);
}
