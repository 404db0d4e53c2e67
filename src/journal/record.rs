//! One record, one line of JSON:
//!
//! `{"v":1,"seq":17,"at":"…Z","boot":"…","mono":"…","type":"…","by":"…","step":"…","attempt":1,"of":"do","body":{…},"prev":"…"}`
//!
//! `mono` is text because nanoseconds exceed 2^53. `step`, `attempt` and `of` are absent where they
//! do not apply. A line of another `v`, of a `type` or with a key that this version does not know is
//! refused by name: an older console must not act on half of what a newer one wrote.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use super::strict_json::Strict;
use crate::engine::{AttemptId, Event, Fact, Part, Recorded, Stamp, Subject};
use crate::ingest::sanitise;

/// The version of the journal's format that this binary reads and writes.
const VERSION: u64 = 1;

/// Why a line is not a record that this version reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The line has no end: it was being written when something stopped.
    #[error("it has no end")]
    NoEnd,
    /// Not JSON at all, as damaged bytes are.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// JSON, but not a record of this version.
    #[error(
        "this steady ({version}) does not know it: {0}; if a newer steady wrote it, go on with that one",
        version = env!("CARGO_PKG_VERSION")
    )]
    NotKnown(String),
    /// A record as a newer steady may have written it: of a later version, a type or a key unknown here.
    #[error(
        "this steady ({version}) does not know it: {0}; if a newer steady wrote it, go on with that one",
        version = env!("CARGO_PKG_VERSION")
    )]
    Newer(String),
    /// The place in the order is wrong.
    #[error("it says seq {0}")]
    WrongSeq(u64),
    /// The hash of the line before is wrong.
    #[error("its `prev` is not the SHA-256 of what stands before it")]
    WrongPrev,
}

/// The line of a record, newline included.
///
/// # Errors
/// Why the event cannot be written so that it reads back.
pub fn encode(recorded: &Recorded, prev: &str) -> Result<Vec<u8>, String> {
    let fact = serde_json::to_value(&recorded.event.fact).map_err(|e| e.to_string())?;
    let Json::Object(mut fact) = fact else { return Err("a fact is a JSON object".into()) };
    let mut line = Map::new();
    line.insert("v".into(), VERSION.into());
    line.insert("seq".into(), recorded.seq.into());
    line.insert("at".into(), millis_text(recorded.stamp.at).into());
    line.insert("boot".into(), recorded.stamp.boot.as_str().into());
    line.insert("mono".into(), recorded.stamp.mono.to_string().into());
    line.insert("type".into(), fact.remove("type").unwrap_or_default());
    line.insert("by".into(), recorded.by.as_str().into());
    match &recorded.event.of {
        Subject::Run => {}
        Subject::Step(step) => {
            line.insert("step".into(), step.as_str().into());
        }
        Subject::Attempt(AttemptId { step, number, of }) => {
            line.insert("step".into(), step.as_str().into());
            line.insert("attempt".into(), (*number).into());
            line.insert("of".into(), serde_json::to_value(of).map_err(|e| e.to_string())?);
        }
    }
    line.insert("body".into(), fact.remove("body").unwrap_or_default());
    line.insert("prev".into(), prev.into());
    let mut bytes = serde_json::to_vec(&line).map_err(|e| e.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn millis_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A line as it is written. A key that stands twice, or that is not known, is an error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    v: u64,
    seq: u64,
    #[serde(borrow)]
    at: Cow<'a, str>,
    boot: String,
    #[serde(borrow)]
    mono: Cow<'a, str>,
    #[expect(dead_code, reason = "read by the fact")]
    r#type: IgnoredAny,
    by: String,
    step: Option<String>,
    attempt: Option<u32>,
    of: Option<Part>,
    #[expect(dead_code, reason = "looked at here, read by the fact")]
    body: Strict,
    #[serde(borrow)]
    prev: Cow<'a, str>,
}

/// The record of a line (without or with its newline), and its `prev`.
pub(super) fn decode(line: &[u8]) -> Result<(Recorded, Cow<'_, str>), Fault> {
    let unknown = |why: String| Fault::NotKnown(short(&why));
    let read: Line<'_> = serde_json::from_slice(line).map_err(|e| fault(line, &e))?;
    if read.v > VERSION {
        return Err(Fault::Newer(format!("version {}", read.v)));
    }
    if read.v != VERSION {
        return Err(unknown(format!("version {}", read.v)));
    }
    let at = DateTime::parse_from_rfc3339(&read.at)
        .map_err(|_| unknown(format!("`at` is {}", read.at)))?;
    let mono = read.mono.parse().map_err(|_| unknown(format!("`mono` is {}", read.mono)))?;
    let stamp = Stamp { at: at.with_timezone(&Utc), boot: read.boot, mono };
    let of = match (read.step, read.attempt, read.of) {
        (None, None, None) => Subject::Run,
        (Some(step), None, None) => Subject::Step(step),
        (Some(step), Some(number), Some(of)) => Subject::Attempt(AttemptId { step, number, of }),
        (None | Some(_), _, _) => {
            return Err(unknown("`step`, `attempt` and `of` do not fit together".into()));
        }
    };
    // Of the line it takes `type` and `body`, and passes over the rest.
    let fact: Fact = serde_json::from_slice(line).map_err(|e| not_known(line, &e))?;
    let event = Event { of, fact };
    Ok((Recorded { seq: read.seq, stamp, by: read.by, event }, read.prev))
}

/// What is no JSON may be a damaged end; JSON that is no record never is.
fn fault(line: &[u8], error: &serde_json::Error) -> Fault {
    match serde_json::from_slice::<IgnoredAny>(line) {
        Err(e) => Fault::NotJson(short(&e.to_string())),
        Ok(_) => not_known(line, error),
    }
}

fn not_known(line: &[u8], error: &serde_json::Error) -> Fault {
    let message = short(&error.to_string());
    let version = Link::of(line).map_or(0, |link| link.v);
    if version > VERSION {
        Fault::Newer(format!("version {version}"))
    } else if ["unknown variant", "unknown field"].iter().any(|it| message.starts_with(it)) {
        Fault::Newer(message)
    } else {
        Fault::NotKnown(message)
    }
}

/// What every version's line has: its place in the chain.
#[derive(Deserialize)]
pub(super) struct Link {
    v: u64,
    pub(super) seq: u64,
    pub(super) prev: String,
}

impl Link {
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// The first part of a message of serde's, which goes on to list every name it knows. It quotes what stands
/// in a line that nobody vouches for.
fn short(message: &str) -> String {
    let message = message.split(", expected").next().unwrap_or(message);
    sanitise(message).replace('\n', " ").chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixture;
    use super::*;

    const PREV: &str = "00";

    #[test]
    fn the_line_is_as_the_design_shows_it() {
        let recorded = Recorded {
            seq: 17,
            stamp: Stamp {
                at: "2026-11-21T03:14:02.118Z".parse().unwrap(),
                boot: "b00t".into(),
                mono: u64::MAX,
            },
            by: "alice@bastion-1".into(),
            event: Event::attempt(
                &AttemptId { step: "restore".into(), number: 1, of: Part::Do },
                Fact::AttemptStarted { pid: Some(7) },
            ),
        };
        let line = String::from_utf8(encode(&recorded, PREV).unwrap()).unwrap();
        assert_eq!(
            line,
            concat!(
                r#"{"v":1,"seq":17,"at":"2026-11-21T03:14:02.118Z","boot":"b00t","#,
                r#""mono":"18446744073709551615","type":"attempt_started","by":"alice@bastion-1","#,
                r#""step":"restore","attempt":1,"of":"do","body":{"pid":7},"prev":"00"}"#,
                "\n"
            )
        );
        assert_eq!(decode(line.as_bytes()).unwrap(), (recorded, PREV.into()));
    }

    #[test]
    fn every_fact_of_the_fixture_reads_back() {
        let afterwards = fixture::afterwards().into_iter().map(|event| Recorded {
            seq: 1,
            stamp: fixture::stamp(1),
            by: fixture::BY.into(),
            event,
        });
        for recorded in fixture::records().into_iter().chain(afterwards) {
            let line = encode(&recorded, PREV).unwrap();
            assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
            assert_eq!(decode(&line).unwrap().0, recorded);
        }
    }

    #[test]
    fn what_this_version_does_not_know_is_refused_by_name() {
        let line = encode(&fixture::records()[1], PREV).unwrap();
        let line = String::from_utf8(line).unwrap();
        for (from, to, said) in [
            (r#""v":1"#, r#""v":2"#, "version 2"),
            ("console_attached", "teleported", "unknown variant `teleported`"),
            (r#""prev""#, r#""sig":"x","prev""#, "unknown field `sig`"),
            (r#""boot""#, r#""boof""#, "unknown field `boof`"),
            (r#""seq":2"#, r#""seq":-2"#, "invalid value: integer `-2`"),
            (r#""seq":2"#, r#""seq":2,"seq":2"#, "duplicate field `seq`"),
            (r#""pid":7"#, r#""pid":7,"pid":8"#, "`pid` stands twice"),
            (r#""by""#, r#""of":"do","by""#, "do not fit together"),
            (r#""mono":"9"#, r#""mono":"-9"#, "`mono` is -9"),
        ] {
            assert!(line.contains(from), "{line}");
            let error = decode(line.replace(from, to).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_and_any_time_reads_back(text in ".*", seq in 1u64.., ms in 0i64..4_102_444_800_000) {
            let recorded = Recorded {
                seq,
                stamp: Stamp {
                    at: DateTime::from_timestamp_millis(ms).unwrap(),
                    boot: text.clone(),
                    mono: seq,
                },
                by: text.clone(),
                event: Event::step(&text, Fact::NoteAdded { text: text.clone() }),
            };
            let line = encode(&recorded, &text).unwrap();
            prop_assert_eq!(line.iter().filter(|b| **b == b'\n').count(), 1);
            prop_assert_eq!(decode(&line).unwrap(), (recorded, text.into()));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes);
        }
    }
}
