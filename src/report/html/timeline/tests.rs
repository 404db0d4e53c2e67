use proptest::prelude::*;

use super::super::super::model::Timeline;
use super::*;
use crate::report::tests::eventful;

/// The report of a run of so many steps; each waits for `wait` and works for `work` seconds.
fn of(steps: usize, wait: f64, work: f64, objective_s: Option<i64>) -> Report {
    let mut report = eventful().report();
    let one = report.steps.remove(0);
    report.steps.clear();
    let mut at = 60.0;
    for n in 0..steps {
        let mut step = one.clone();
        step.title =
            format!("Step {n} & a title <that> is much longer than the room beside its bar");
        let (from_s, to_s) = (at, at + wait);
        at = to_s + work;
        step.spans = vec![
            Span { activity: Activity::Person, from_s, to_s },
            Span { activity: Activity::Machine, from_s: to_s, to_s: at },
        ];
        step.budget_s = Some(90);
        report.steps.push(step);
    }
    let marks = report.timeline.marks.clone();
    report.timeline = Timeline { started_s: 60.0, ended_s: at, objective_s, marks };
    report
}

/// Every number that places something, by the name of its attribute.
fn numbers<'a>(page: &'a str, name: &str) -> Vec<(f64, &'a str)> {
    let mark = format!(" {name}=\"");
    let values = page.split(&mark).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|text| (text.parse().unwrap(), text)).collect()
}

/// It is drawn whole, inside its frame, and every tag is closed.
fn is_sane(report: &Report) {
    let page = timeline(report).into_string();
    for name in ["x", "x1", "x2", "y", "y1", "y2", "width", "height"] {
        for (value, text) in numbers(&page, name) {
            assert!(value.is_finite() && value >= 0.0, "{name}={text}");
            let high = if name.starts_with('y') { f64::MAX } else { WIDTH };
            assert!(value <= high, "{name}={text}");
        }
    }
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    for tag in ["svg", "g", "text", "tspan", "title", "desc"] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let rows = page.matches("<g class=\"row\">").count();
    assert_eq!(rows, report.steps.len());
    let charts = page.matches("<svg class=\"timeline\"").count();
    assert_eq!(charts, report.steps.len().div_ceil(ROWS));
}

#[test]
fn one_step_two_hundred_none_that_takes_time_and_three_days_are_drawn() {
    is_sane(&of(1, 3.0, 10.0, Some(1_800)));
    is_sane(&of(200, 3.0, 10.0, Some(1_800)));
    is_sane(&of(9, 0.0, 0.0, Some(0)));
    is_sane(&of(9, 0.0, 0.0, None));
    is_sane(&of(5, 40_000.0, 11_840.0, Some(1_800)));
    is_sane(&of(0, 0.0, 0.0, None));
}

#[test]
fn bars_are_to_scale_and_targets_stand_beside_them() {
    let page = timeline(&of(2, 100.0, 300.0, None)).into_string();
    let widths: Vec<f64> =
        numbers(&page, "width").into_iter().map(|(width, _)| width).skip(3).collect();
    let [wait, work, ..] = widths.as_slice() else { panic!("{widths:?}") };
    assert!((work / wait - 3.0).abs() < 0.05, "{widths:?}");
    assert_eq!(page.matches("class=\"budget\"").count(), 3, "the legend's and one a step");
}

#[test]
fn what_lies_far_outside_is_said_below() {
    let mut report = of(2, 1.0, 2.0, Some(14_400));
    assert!(
        timeline(&report).into_string().contains("4h after the start of the outage, lies outside")
    );
    report.timeline.started_s = 259_200.0;
    report.timeline.ended_s = 259_210.0;
    assert!(timeline(&report).into_string().contains("The outage began 3d before the run did"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]
    #[test]
    fn any_run_is_drawn_inside_its_frame(
        steps in 0_usize..40,
        wait in 0.0..100_000_f64,
        work in 0.0..100_000_f64,
        objective in proptest::option::of(-10_i64..1_000_000),
        started in -100_000.0..1_000_000_f64,
    ) {
        let mut report = of(steps, wait, work, objective);
        report.timeline.started_s = started;
        is_sane(&report);
    }
}
