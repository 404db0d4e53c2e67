//! What reviewers ask for, against where the report has it: the table of docs/report.md.

use serde_json::Value as Json;

use super::{report, story};

/// What standards ask a record of a recovery test for.
const ASKED_FOR: &[(&str, &[&str])] = &[
    (
        "identity",
        &[
            "run",
            "mode",
            "scenario",
            "ticket",
            "organisation",
            "system",
            "environment",
            "account",
            "region",
        ],
    ),
    (
        "plan",
        &[
            "runbook title",
            "version",
            "SHA-256",
            "owner",
            "last reviewed",
            "scope",
            "success criteria",
        ],
    ),
    ("people", &["operator", "approvers", "observers", "roles", "requester is not approver"]),
    ("time", &["declared", "started", "service restored", "closed", "UTC", "clock state"]),
    (
        "objectives",
        &[
            "RTO target",
            "RTO actual",
            "RTO pass or fail",
            "RPO target",
            "RPO actual",
            "RPO pass or fail",
            "what the RPO was computed from",
        ],
    ),
    (
        "each step",
        &[
            "expected",
            "resolved request",
            "who",
            "approval",
            "start",
            "end",
            "outcome",
            "evidence hash",
            "attempts",
            "deviation and reason",
        ],
    ),
    (
        "outcome",
        &[
            "deviations",
            "unknowns and how resolved",
            "integrity checks",
            "issues with owner and due date",
            "lessons",
        ],
    ),
    (
        "integrity",
        &["head", "signatures", "anchors", "tool version", "redaction and degraded-mode notices"],
    ),
    ("sign-off", &["reviewer", "date", "decision"]),
];

/// The rows of the table: group, what is asked for, paths.
fn table() -> Vec<(String, String, Vec<String>)> {
    let doc = include_str!("../../../docs/report.md");
    let (_, doc) = doc.split_once("## What a reviewer asks for").unwrap();
    let rows =
        doc.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2);
    rows.filter_map(|row| {
        let mut cells = row.trim_matches('|').split(" | ").map(str::trim);
        let (group, asked, found) = (cells.next()?, cells.next()?, cells.next()?);
        let paths: Vec<String> = found.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (!paths.is_empty()).then(|| (group.to_owned(), asked.to_owned(), paths))
    })
    .collect()
}

/// Everything at a path such as `steps[].attempts[].request`.
fn at<'a>(json: &'a Json, path: &str) -> Vec<&'a Json> {
    let mut found = vec![json];
    for part in path.split('.') {
        let (name, each) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        found = found.into_iter().filter_map(|json| json.get(name)).collect();
        if each {
            found = found.into_iter().filter_map(Json::as_array).flatten().collect();
        }
    }
    found
}

fn says_something(json: &Json) -> bool {
    match json {
        Json::Null => false,
        Json::Bool(_) | Json::Number(_) => true,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

#[test]
fn every_field_that_a_reviewer_asks_for_is_in_the_report_where_the_table_says() {
    let (report, table) = (report(story().path()), table());
    let mut missing = Vec::new();
    for (group, asked) in ASKED_FOR {
        for one in *asked {
            match table.iter().find(|(in_group, field, _)| in_group == group && field == one) {
                None => missing.push(format!("{group}: {one} is not in the table")),
                Some((.., paths)) => missing.extend(
                    paths
                        .iter()
                        .filter(|path| !at(&report, path).into_iter().any(says_something))
                        .map(|path| format!("{group}: {one}: the report has nothing at {path}")),
                ),
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let asked: usize = ASKED_FOR.iter().map(|(_, fields)| fields.len()).sum();
    assert_eq!(table.len(), asked, "a row that nobody asks for, or one that stands twice");
    println!("{asked} fields asked for, all found");
}

#[test]
fn a_path_to_nothing_is_seen() {
    let report = report(story().path());
    assert!(at(&report, "identity.nobody").is_empty());
    assert!(at(&report, "steps[].attempts[].nothing").is_empty());
    assert!(at(&report, "steps[].attempts[].request").into_iter().all(says_something));
}
