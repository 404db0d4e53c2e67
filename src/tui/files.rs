//! What the screen reads from the run directory when it is asked to: the journal, and the output of
//! steps that are over.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value as Json;

use super::text;
use crate::engine::AttemptId;

/// The end of an output that is shown; the whole is in the file.
const SHOWN: u64 = 4 << 20;

/// The lines of an attempt's output.
#[must_use]
pub fn output(dir: &Path, attempt: &AttemptId) -> Vec<String> {
    let path = dir.join("output").join(format!("{}.log", attempt.file_stem()));
    match tail(&path) {
        Ok((cut, text)) => {
            let note = cut.then(|| format!("… the beginning is in {}", path.display()));
            note.into_iter().chain(text::shown(&text).lines().map(str::to_owned)).collect()
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => vec!["no output".to_owned()],
        Err(e) => vec![format!("{} cannot be read: {e}", path.display())],
    }
}

fn tail(path: &Path) -> std::io::Result<(bool, String)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(SHOWN);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(SHOWN).read_to_end(&mut bytes)?;
    Ok((start > 0, String::from_utf8_lossy(&bytes).into_owned()))
}

/// The journal, one line a record.
#[must_use]
pub fn journal(dir: &Path) -> Vec<String> {
    let path = dir.join("journal.jsonl");
    match std::fs::read_to_string(&path) {
        Ok(text) => text.lines().map(record).collect(),
        Err(e) => vec![format!("{} cannot be read: {e}", path.display())],
    }
}

fn record(line: &str) -> String {
    let Ok(record) = serde_json::from_str::<Json>(line) else {
        return format!("not a record: {}", text::one_line(line));
    };
    let get = |key: &str| match record.get(key) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    };
    let time = get("at");
    let time = time.get(11..19).unwrap_or(&time).to_owned();
    let body = record.get("body").map(Json::to_string).unwrap_or_default();
    let line = format!("{:>5} {time} {:<20} {:<16} {body}", get("seq"), get("type"), get("step"));
    text::one_line(&line)
}
