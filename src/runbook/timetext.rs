//! Moments and lengths of time as people write and read them. The clock is always passed in.

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Timelike, Utc};

/// Text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TextError {
    /// One line.
    pub message: String,
    /// What to write instead, where that can be told.
    pub help: Option<String>,
}

impl TextError {
    /// An error without a remedy.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// The same with its remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

const FORMS: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];

/// Reads a moment: RFC 3339, also with a space for the `T`, without seconds, or with ` UTC` at its end.
///
/// # Errors
/// It is no moment, or it does not say its zone.
pub fn parse_timestamp(text: &str) -> Result<DateTime<Utc>, TextError> {
    let trimmed = text.trim();
    let bad = || {
        TextError::new(format!("`{}` is not a timestamp", text.escape_debug()))
            .with_help("write it like 2026-11-21T03:14:00Z")
    };
    // `%Y` alone would read years of five digits, which no file format that we meet can hold.
    if !trimmed.is_ascii() || trimmed.as_bytes().get(4) != Some(&b'-') {
        return Err(bad());
    }
    let (local, offset) = split_zone(trimmed);
    let local = FORMS.iter().find_map(|form| NaiveDateTime::parse_from_str(local, form).ok());
    let local = local.filter(|at| at.nanosecond() < 1_000_000_000).ok_or_else(bad)?;
    let Some(offset) = offset else {
        return Err(TextError::new(format!("`{trimmed}` does not say its zone"))
            .with_help(format!("add Z for UTC, or an offset: {trimmed}Z")));
    };
    let offset = FixedOffset::east_opt(offset).ok_or_else(bad)?;
    let at = local.and_local_timezone(offset).single().ok_or_else(bad)?;
    Ok(at.with_timezone(&Utc))
}

/// The moment without its zone, and the zone in seconds east.
fn split_zone(text: &str) -> (&str, Option<i32>) {
    for utc in [" UTC", " utc", "Z", "z"] {
        if let Some(local) = text.strip_suffix(utc) {
            return (local.trim_end(), Some(0));
        }
    }
    // The date has hyphens of its own: an offset can only follow the time.
    let Some(colon) = text.find(':') else { return (text, None) };
    let Some(sign) = text[colon..].find(['+', '-']).map(|i| colon + i) else { return (text, None) };
    let digits: String = text[sign + 1..].chars().filter(|c| *c != ':').collect();
    let (4, Ok(number)) = (digits.len(), digits.parse::<i32>()) else { return (text, None) };
    let (hours, minutes) = (number / 100, number % 100);
    if hours > 23 || minutes > 59 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return (text, None);
    }
    let east = hours * 3600 + minutes * 60;
    (text[..sign].trim_end(), Some(if text.as_bytes()[sign] == b'-' { -east } else { east }))
}

/// Reads a moment, or one relative to `now`, in whole seconds: `30m ago`, `now`.
///
/// # Errors
/// As [`parse_timestamp`] and [`parse_duration`]; `latest` needs something that it is the latest of.
pub fn parse_moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, TextError> {
    let trimmed = text.trim();
    let now = now.with_nanosecond(0).unwrap_or(now);
    if trimmed == "now" {
        return Ok(now);
    }
    if let Some(length) = trimmed.strip_suffix(" ago") {
        return now.checked_sub_signed(parse_duration(length)?).ok_or_else(|| {
            TextError::new(format!("`{trimmed}` is too long ago to be a timestamp"))
        });
    }
    if trimmed == LATEST {
        return Err(TextError::new("`latest` is not a timestamp here")
            .with_help("give the moment itself, or a relative one such as `5m ago`"));
    }
    parse_timestamp(trimmed)
}

/// Where an action restores to a moment, this word says: as late as can be.
pub const LATEST: &str = "latest";

/// Reads a length of time such as `30m`, `1h30m` or `90d`; never zero.
///
/// # Errors
/// It is none, is zero, or is counted in months or years, whose length is not fixed.
pub fn parse_duration(text: &str) -> Result<TimeDelta, TextError> {
    let length = parse_span(text)?;
    if length <= TimeDelta::zero() {
        return Err(TextError::new(format!("`{text}` must be longer than zero")));
    }
    Ok(length)
}

/// Reads a length of time that may be zero or negative, as [`duration_text`](super::value::duration_text) writes it.
///
/// # Errors
/// As [`parse_duration`].
pub fn parse_span(text: &str) -> Result<TimeDelta, TextError> {
    let trimmed = text.trim();
    let bad = || {
        TextError::new(format!("`{}` is not a duration", text.escape_debug()))
            .with_help("write it like 90s, 5m, 1h30m or 7d")
    };
    let (negative, body) = match trimmed.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, trimmed),
    };
    let units = body.split(|c: char| !c.is_ascii_alphabetic()).filter(|unit| !unit.is_empty());
    if units.into_iter().any(|unit| unit.starts_with(['M', 'y']) || unit.starts_with("mon")) {
        return Err(TextError::new(format!("`{trimmed}`: months and years have no fixed length"))
            .with_help("write days: 90d"));
    }
    let length = humantime::parse_duration(body).map_err(|_| bad())?;
    let length = TimeDelta::from_std(length).map_err(|_| bad())?;
    Ok(if negative { -length } else { length })
}

/// What the form echoes below a moment: UTC, local time, and how far from `now` it is.
///
/// `2026-11-21 02:54:00 UTC · 03:54 local · 12 min ago`
#[must_use]
pub fn echo(at: DateTime<Utc>, now: DateTime<Utc>, local: FixedOffset) -> String {
    let there = at.with_timezone(&local);
    // The date is said again only where it is another one.
    let form = if there.date_naive() == at.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    format!(
        "{} UTC · {} local · {}",
        at.format("%Y-%m-%d %H:%M:%S"),
        there.format(form),
        distance(at, now)
    )
}

fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let apart = (now - at).abs();
    let text = match apart.num_minutes() {
        0 => format!("{} s", apart.num_seconds()),
        minutes @ 1..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h {} min", apart.num_hours(), apart.num_minutes() % 60),
        _ => format!("{} days", apart.num_days()),
    };
    if apart < TimeDelta::seconds(1) {
        "now".into()
    } else if at < now {
        format!("{text} ago")
    } else {
        format!("in {text}")
    }
}

#[cfg(test)]
mod tests;
