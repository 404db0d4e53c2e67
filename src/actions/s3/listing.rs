//! What lies below a prefix.

use aws_sdk_s3::types::Object as Listed;
use chrono::{DateTime, TimeDelta, Utc};
use regex::Regex;

use super::{Place, given};
use crate::actions::meter::size;
use crate::actions::{Context, Progress};
use crate::aws::s3::{S3, moment};
use crate::runbook::Request;

/// One object of a listing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub key: String,
    pub size: u64,
    pub modified: Option<DateTime<Utc>>,
    pub etag: String,
}

impl Item {
    fn of(listed: &Listed) -> Option<Self> {
        Some(Self {
            key: listed.key()?.to_owned(),
            size: listed.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            modified: listed.last_modified().and_then(moment),
            etag: listed.e_tag().unwrap_or_default().to_owned(),
        })
    }
}

/// Everything below `place`; the marks that some tools leave for directories are not objects.
///
/// # Errors
/// One line: what S3 said.
pub(super) async fn below(cx: &Context, s3: &S3, place: &Place) -> Result<Vec<Item>, String> {
    let mut items = Vec::new();
    let mut pages = s3
        .client
        .list_objects_v2()
        .bucket(&place.bucket)
        .prefix(&place.key)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| s3.failure("s3:ListBucket", &error).message)?;
        items.extend(
            page.contents().iter().filter_map(Item::of).filter(|it| !it.key.ends_with('/')),
        );
        if page.is_truncated() == Some(true) {
            let message = cx.redactor.clean(format!("listing {place}: {} so far", items.len()));
            let _ = cx.progress.try_send(Progress::Status { message, fraction: None });
        }
    }
    Ok(items)
}

/// The regular expression in `pattern`.
///
/// # Errors
/// One line: it is none.
pub(super) fn pattern(request: &Request) -> Result<Option<Regex>, String> {
    let wrong = |e: &regex::Error| {
        let why = e.to_string();
        format!("`pattern`: {}", why.lines().last().unwrap_or_default().trim())
    };
    given(request, "pattern").map(|text| Regex::new(text).map_err(|e| wrong(&e))).transpose()
}

/// The line that a person chooses by: `name  1.2 GiB  8 h old`.
pub(super) fn label(
    name: &str,
    bytes: u64,
    modified: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> String {
    let age = modified.map(|at| format!("  {} old", age(now - at))).unwrap_or_default();
    format!("{name}  {}{age}", size(bytes))
}

/// A span as people say it: `5 min`, `8 h`, `3 d`.
pub(super) fn age(span: TimeDelta) -> String {
    let minutes = span.num_minutes().max(0);
    match minutes {
        0 => format!("{} s", span.num_seconds().max(0)),
        1..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_tells_name_size_and_age() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let label =
            |seconds| label("a.gz", 1_300_000_000, Some(now - TimeDelta::seconds(seconds)), now);
        assert_eq!(label(8 * 3600 + 5), "a.gz  1.2 GiB  8 h old");
        assert_eq!(
            [3, 300, 119 * 60, 7200, 86_400, 200_000]
                .map(|s| age(TimeDelta::seconds(s)))
                .join(", "),
            "3 s, 5 min, 119 min, 2 h, 24 h, 2 d"
        );
    }
}
