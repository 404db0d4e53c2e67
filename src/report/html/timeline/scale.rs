//! From seconds after the start of the outage to a place in the chart.

use super::super::super::model::Timeline;

/// The chart's width, in units of its own.
pub(super) const WIDTH: f64 = 900.0;
/// Where time begins, right of the steps' names.
pub(super) const LEFT: f64 = 240.0;
/// Where it ends, left of what each step took.
pub(super) const RIGHT: f64 = 770.0;

/// At most so many ticks: their words must not touch.
const TICKS: f64 = 7.0;
/// The distances between ticks that people count in, in seconds.
const STEPS: [f64; 21] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1_800.0,
    3_600.0,
    7_200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    2_592_000.0,
];
/// What lies before or after the run for longer than this many times its length is left out: the run itself
/// would be a stroke.
const FAR: f64 = 3.0;

/// The scale of the charts of one run.
pub(super) struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    pub(super) fn new(timeline: &Timeline) -> Self {
        let (started, ended) = (timeline.started_s, timeline.ended_s.max(timeline.started_s));
        let length = (ended - started).max(1.0);
        let outage_is_near = started <= FAR * length;
        let from = if outage_is_near { started.min(0.0) } else { started };
        let end = ended.max(started + length).max(if outage_is_near { 0.0 } else { ended });
        #[expect(
            clippy::cast_precision_loss,
            reason = "an objective is far shorter than 2^53 seconds"
        )]
        let objective = timeline.objective_s.map(|s| s as f64);
        let near = objective.filter(|s| *s >= from && *s - end <= FAR * (end - from));
        let to = near.map_or(end, |s| s.max(end));
        // What stands at the very end is still seen.
        Self { from, to: to + (to - from) * 0.02 }
    }

    /// Whether a moment is in the chart.
    pub(super) fn holds(&self, s: f64) -> bool {
        (self.from..=self.to).contains(&s)
    }

    /// Its place; at the edge when it is outside.
    pub(super) fn x(&self, s: f64) -> f64 {
        let share = (s - self.from) / (self.to - self.from);
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// The moments with a tick.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let length = self.to - self.from;
        let fits = |step: &&f64| length / **step <= TICKS;
        let step = STEPS.iter().find(fits).copied().unwrap_or(length / TICKS);
        let first = (self.from / step).ceil() * step;
        let ticks = std::iter::successors(Some(first), |tick| Some(tick + step));
        ticks.take_while(|tick| *tick <= self.to).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(started_s: f64, ended_s: f64, objective_s: Option<i64>) -> Timeline {
        Timeline { started_s, ended_s, objective_s, marks: Vec::new() }
    }

    #[test]
    fn every_run_has_a_scale() {
        // What, and whether the outage and the objective are in the chart.
        let cases = [
            (timeline(600.0, 1_500.0, Some(1_800)), true, true),
            (timeline(0.0, 0.0, None), true, false),
            (timeline(0.0, 0.001, Some(0)), true, true),
            (timeline(0.0, 259_200.0, Some(1_800)), true, true),
            (timeline(259_200.0, 259_260.0, Some(1_800)), false, false),
            (timeline(0.0, 10.0, Some(14_400)), true, false),
            (timeline(-60.0, 30.0, Some(60)), true, true),
            (timeline(-60.0, -30.0, None), true, false),
            // A clock that was set back between two boots.
            (timeline(100.0, 20.0, Some(60)), false, false),
        ];
        for (timeline, outage, objective) in cases {
            let scale = Scale::new(&timeline);
            assert!(scale.from < scale.to, "{timeline:?}");
            assert_eq!(scale.holds(0.0), outage, "{timeline:?}");
            let holds = timeline
                .objective_s
                .is_some_and(|s| scale.holds(f64::from(i32::try_from(s).unwrap())));
            assert_eq!(holds, objective, "{timeline:?}");
            let ticks = scale.ticks();
            assert!((2..=8).contains(&ticks.len()), "{timeline:?}: {ticks:?}");
            for s in [timeline.started_s, timeline.ended_s, 1e12, -1e12, 0.0] {
                assert!((LEFT..=RIGHT).contains(&scale.x(s)), "{timeline:?}: {s}");
            }
        }
    }

    #[test]
    fn lengths_are_to_scale() {
        let scale = Scale::new(&timeline(0.0, 1_000.0, None));
        let minute = scale.x(60.0) - scale.x(0.0);
        assert!((scale.x(660.0) - scale.x(600.0) - minute).abs() < 1e-9);
        assert!((scale.x(600.0) - scale.x(0.0) - 10.0 * minute).abs() < 1e-9);
    }
}
