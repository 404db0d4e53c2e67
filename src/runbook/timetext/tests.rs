use chrono::Offset;
use proptest::prelude::*;

use super::super::value::{duration_text, timestamp_text};
use super::*;

fn at(text: &str) -> DateTime<Utc> {
    parse_timestamp(text).unwrap()
}

#[test]
fn a_moment_is_written_in_many_ways_but_always_with_its_zone() {
    let moment = at("2026-11-21T03:14:00Z");
    for text in [
        "2026-11-21 03:14Z",
        "2026-11-21 03:14 UTC",
        "2026-11-21T04:14:00+01:00",
        "2026-11-21 04:14+0100",
        "2026-11-20T22:14:00-05:00",
        " 2026-11-21t03:14:00.000z ".to_uppercase().as_str(),
    ] {
        assert_eq!(parse_timestamp(text), Ok(moment), "{text}");
    }
    let error = parse_timestamp("2026-11-21 03:14").unwrap_err();
    assert_eq!(error.message, "`2026-11-21 03:14` does not say its zone");
    for text in [
        "",
        "2026-11-21",
        "2026-13-01T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T23:59:60Z",
        "12026-11-21T03:14:00Z",
        "2026-11-21T03:14:00+99:00",
        "٢٠٢٦-11-21T03:14:00Z",
        "03:14Z",
    ] {
        assert!(parse_timestamp(text).is_err(), "{text}");
    }
}

#[test]
fn a_relative_moment_is_counted_from_now() {
    let now = at("2026-11-21T03:14:00.123456789Z");
    assert_eq!(parse_moment("14m ago", now), Ok(at("2026-11-21T03:00:00Z")));
    assert_eq!(parse_moment("now", now), Ok(at("2026-11-21T03:14:00Z")));
    assert!(parse_moment("m ago", now).is_err());
    assert!(parse_moment("999999999999d ago", now).is_err());
}

#[test]
fn the_echo_says_both_clocks_and_the_distance() {
    let now = at("2026-11-21T03:06:00Z");
    let cet = FixedOffset::east_opt(3600).unwrap();
    assert_eq!(
        echo(at("2026-11-21T02:54:00Z"), now, cet),
        "2026-11-21 02:54:00 UTC · 03:54 local · 12 min ago"
    );
    assert_eq!(
        echo(at("2026-11-20T23:30:00Z"), now, cet),
        "2026-11-20 23:30:00 UTC · 2026-11-21 00:30 local · 3 h 36 min ago"
    );
    assert_eq!(
        echo(at("2026-11-21T03:06:30Z"), now, Utc.fix()),
        "2026-11-21 03:06:30 UTC · 03:06 local · in 30 s"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([0-9:TZ+. -]|[a-z]|\\PC){0,30}") {
        let _ = parse_timestamp(&text);
        let _ = parse_span(&text);
        let _ = parse_moment(&text, DateTime::<Utc>::MIN_UTC);
    }

    #[test]
    fn moments_and_lengths_survive_being_written(
        seconds in -62_000_000_000_i64..250_000_000_000,
        nanos in 0_u32..1_000_000_000,
        length in -1_000_000_000_000_i64..1_000_000_000_000,
    ) {
        let moment = DateTime::from_timestamp(seconds, nanos).unwrap();
        prop_assert_eq!(parse_timestamp(&timestamp_text(moment)), Ok(moment));
        let length = TimeDelta::microseconds(length) * 90 + TimeDelta::nanoseconds(7);
        prop_assert_eq!(parse_span(&duration_text(length)), Ok(length));
    }
}
