//! Times as the screen writes them. They always say what they are.

use chrono::{DateTime, Local, Offset, TimeDelta, TimeZone, Utc};

use crate::runbook::timetext;

/// `03:12`, `1:03:12`; a negative length keeps its sign.
#[must_use]
pub fn clock(length: TimeDelta) -> String {
    let total = length.num_seconds();
    let sign = if total < 0 { "-" } else { "" };
    let total = total.unsigned_abs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    if hours > 0 {
        format!("{sign}{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{sign}{minutes:02}:{seconds:02}")
    }
}

/// `4m12s`, `5m`, `2h5m`, `45s`: a span of data.
#[must_use]
pub fn span(length: TimeDelta) -> String {
    crate::runbook::value::duration_text(TimeDelta::seconds(length.num_seconds()))
}

/// `02:54:00Z` on the day of `now`, the whole date otherwise.
#[must_use]
pub fn moment(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let format =
        if at.date_naive() == now.date_naive() { "%H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%SZ" };
    at.format(format).to_string()
}

/// `12 min ago`, `in 3 h`: how far `at` is from `now`.
#[must_use]
pub fn distance(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let length = now - at;
    let seconds = length.num_seconds().unsigned_abs();
    let text = match seconds {
        0..=59 => format!("{seconds} s"),
        60..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    if length < TimeDelta::zero() { format!("in {text}") } else { format!("{text} ago") }
}

/// What a typed moment means: UTC, local time, and how far from `now` it is.
#[must_use]
pub fn echo(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    timetext::echo(at, now, Local.offset_from_utc_datetime(&at.naive_utc()).fix())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_like_a_clock() {
        assert_eq!(clock(TimeDelta::seconds(192)), "03:12");
        assert_eq!(clock(TimeDelta::seconds(3792)), "1:03:12");
        assert_eq!(clock(TimeDelta::seconds(-5)), "-00:05");
        assert_eq!(span(TimeDelta::seconds(252)), "4m12s");
    }

    #[test]
    fn distances_say_which_way() {
        let now: DateTime<Utc> = "2026-11-21T03:00:00Z".parse().unwrap();
        assert_eq!(distance(now - TimeDelta::minutes(12), now), "12 min ago");
        assert_eq!(distance(now + TimeDelta::hours(3), now), "in 3 h");
        assert_eq!(moment(now, now), "03:00:00Z");
        assert_eq!(moment(now - TimeDelta::days(1), now), "2026-11-20 03:00:00Z");
    }
}
