use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("{text}T12:00:00Z").parse().unwrap()
}

fn run(day: &str, actual_s: Option<i64>, passed: bool) -> PastRun {
    PastRun {
        run: format!("{day}-a"),
        runbook: Some("a".into()),
        mode: Some(Mode::Drill),
        practice: false,
        operator: Some("alice@bastion-1".into()),
        started: Some(at(day)),
        finished: Some(at(day)),
        outcome: Standing::Completed,
        passed: Some(passed),
        rto: Measured { target_s: Some(1_800), actual_s, met: None },
        rpo: Measured::default(),
        deviations: 0,
        problem: None,
        dir: "/".into(),
    }
}

#[test]
fn a_drill_is_one_against_something_real_that_is_over() {
    let drill = || run("2026-10-01", Some(600), true);
    let live = PastRun { mode: Some(Mode::Live), ..drill() };
    let practice = PastRun { practice: true, ..drill() };
    let unfinished = PastRun { outcome: Standing::Unfinished, finished: None, ..drill() };
    let other = PastRun { runbook: Some("b".into()), ..drill() };
    let of = |past: &[PastRun]| History::of(past, "a", at("2026-11-21"));
    assert_eq!(of(&[live, practice, unfinished, other]).last, None);
    let failed = PastRun { outcome: Standing::Aborted, ..run("2026-11-02", None, false) };
    // In whatever order they come.
    for past in [[failed.clone(), drill()], [drill(), failed]] {
        let history = of(&past);
        assert_eq!(history.last.unwrap().run, "2026-11-02-a");
        assert_eq!(history.last_passed.unwrap().run, "2026-10-01-a");
    }
}

#[test]
fn a_drill_is_overdue_when_none_has_passed_in_time() {
    let every = Some(TimeDelta::days(90));
    let now = at("2026-11-21");
    let of = |past: &[PastRun]| History::of(past, "a", now).is_overdue(every, now);
    assert!(of(&[]), "never");
    assert!(!History::default().is_overdue(None, now), "not asked for");
    assert!(!of(&[run("2026-08-23", Some(600), true)]), "90 days to the second");
    assert!(of(&[run("2026-08-22", Some(600), true)]));
    assert!(of(&[run("2026-08-22", Some(600), true), run("2026-11-20", Some(900), false)]));
}

#[test]
fn the_trend_shows_each_quarter_against_its_objective() {
    let past = [
        run("2024-12-31", Some(1), true), // too long ago
        run("2025-01-01", Some(60), true),
        run("2025-05-05", Some(900), true),
        run("2025-06-30", Some(1_800), true), // the last of its quarter
        run("2025-07-01", Some(1_801), false),
        run("2026-01-01", Some(9_000), false),
        run("2026-05-01", None, false),
        run("2026-11-01", Some(1_000), true),
        run("2026-11-02", None, false), // measured none: the one before stands
    ];
    let history = History::of(&past, "a", at("2026-11-21"));
    assert_eq!(history.trend(), "▁▆▇·█×·▄");
    let names: Vec<_> = history.quarters.iter().map(|q| q.quarter.as_str()).collect();
    assert_eq!((names[0], names[7]), ("2025Q1", "2026Q4"));
    assert_eq!(History::of(&[], "a", at("2026-01-01")).trend(), "········");
}

#[test]
fn without_an_objective_the_longest_is_the_measure() {
    let free = |day, s| PastRun {
        rto: Measured { target_s: None, actual_s: Some(s), met: None },
        ..run(day, None, true)
    };
    let past = [free("2026-05-01", 100), free("2026-08-01", 600), free("2026-11-01", 300)];
    assert_eq!(History::of(&past, "a", at("2026-11-21")).trend(), "·····▁▆▃");
}
