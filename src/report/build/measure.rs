//! When, objective against actual, and what may be concluded.

use super::super::model::{
    Amendment, Basis, Objective, Objectives, Split, Time, Verdict, Verdicts,
};
use crate::engine::clock::Certainty;
use crate::engine::event::Ending;
use crate::engine::objectives::{
    self as engine, data_verified, passed, recovery_time, recovery_time_from, rpo, rpo_from,
};
use crate::engine::{Fact, Outcome, Recorded, Stamp, State};
use crate::runbook::Milestone;
use crate::runbook::model::Verifies;

pub(super) fn time(state: &State, started: &Stamp, now: &Stamp, records: &[Recorded]) -> Time {
    let milestone = |m| state.milestones.get(&m).map(|reached| reached.at.at);
    let certainty = recovery_time(state, now).map_or(Certainty::Verified, |clock| clock.certainty);
    Time {
        outage_start: state.outage.as_ref().map(|outage| outage.start),
        outage_start_amendments: amendments(state, now),
        split: split(state, now),
        declared: state.outage.as_ref().map(|outage| outage.declared.at),
        started: started.at,
        writes_stopped: milestone(Milestone::WritesStopped),
        service_restored: milestone(Milestone::ServiceRestored),
        closed: state.finished.as_ref().map(|(stamp, ..)| stamp.at),
        clock: certainty.words(),
        clock_steps_ms: records
            .iter()
            .filter_map(|r| match r.event.fact {
                Fact::ClockStep { by_ms } => Some(by_ms),
                _ => None,
            })
            .collect(),
    }
}

/// Each time that the start of the outage was told anew, and what would be measured from the earlier one.
fn amendments(state: &State, now: &Stamp) -> Vec<Amendment> {
    let in_force = state.outage.as_ref().map(|outage| outage.start);
    let later = state.outage_amendments.iter().skip(1).map(|amended| Some(amended.was.start));
    let amended = state.outage_amendments.iter().zip(later.chain([in_force]));
    amended
        .map(|(amended, to)| Amendment {
            record: amended.seq,
            at: amended.at.at,
            by: amended.by.clone(),
            from: amended.was.start,
            to: to.unwrap_or(amended.was.start),
            rto_s: recovery_time_from(state, &amended.was, now).elapsed.num_seconds(),
            rpo_s: rpo_from(state, &amended.was).map(|point| point.actual.num_seconds()),
            reason: amended.reason.clone(),
        })
        .collect()
}

fn split(state: &State, now: &Stamp) -> Option<Split> {
    let split = engine::split(state, now)?;
    Some(Split {
        before_s: split.before.num_seconds(),
        machine_s: split.machine.num_seconds(),
        person_s: split.person.num_seconds(),
        approval_s: split.approval.num_seconds(),
    })
}

pub(super) fn objectives(state: &State, now: &Stamp) -> Objectives {
    let clock = recovery_time(state, now);
    let point = rpo(state);
    let targets = &state.runbook.objectives;
    Objectives {
        rto: Objective {
            target_s: targets.rto.map(|d| d.num_seconds()),
            // Until the service is restored the clock only says how long it has been down.
            actual_s: clock.as_ref().filter(|c| c.stopped).map(|c| c.elapsed.num_seconds()),
            met: clock.as_ref().and_then(engine::RecoveryTime::met),
        },
        rpo: Objective {
            target_s: targets.rpo.map(|d| d.num_seconds()),
            actual_s: point.as_ref().map(|p| p.actual.num_seconds()),
            met: point.as_ref().and_then(engine::RecoveryPoint::met),
        },
        recovery_point: point.as_ref().map(|p| p.point),
        basis: match point.as_ref().map(|p| p.basis) {
            Some(engine::Basis::Achieved) => Basis::Achieved,
            Some(engine::Basis::Stated) => Basis::Stated,
            Some(engine::Basis::Requested) => Basis::Requested,
            None => Basis::NotMeasured,
        },
        source: point.as_ref().map(|p| p.source.clone()),
        loss_clock: point.as_ref().map(|p| p.certainty.words()),
        loss_counted_to: point.as_ref().map(|p| p.until),
    }
}

pub(super) fn verdicts(state: &State, now: &Stamp) -> Verdicts {
    let objectives = objectives(state, now);
    let of = |objective: &Objective| match (objective.target_s, objective.met) {
        (None, _) => Verdict::NotAsked,
        (Some(_), None) => Verdict::NotMeasured,
        (Some(_), Some(true)) => Verdict::Met,
        (Some(_), Some(false)) => Verdict::NotMet,
    };
    Verdicts {
        ending: state.finished.as_ref().map(|(_, ending, _)| *ending),
        reason: state.finished.as_ref().and_then(|(.., reason)| reason.clone()),
        recovery_time: of(&objectives.rto),
        data_loss: of(&objectives.rpo),
        data_integrity: data_integrity(state),
        passed: passed(state),
        not_judged: (state.finished.is_some() && state.is_rehearsal())
            .then_some("a rehearsal executes nothing"),
        not_passed_because: if passed(state) == Some(false) {
            shortcomings(state, &objectives)
        } else {
            Vec::new()
        },
    }
}

/// What [`passed`] asks for and is not there.
fn shortcomings(state: &State, measured: &Objectives) -> Vec<String> {
    let mut found = Vec::new();
    if state.finished.as_ref().is_some_and(|(_, ending, _)| *ending == Ending::Aborted) {
        found.push("the run was aborted".to_owned());
    }
    for step in &state.steps {
        let what = match step.settled.as_ref().map(|settled| settled.outcome) {
            Some(Outcome::Succeeded | Outcome::NotApplicable) => continue,
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Unknown) => "is unknown",
            Some(Outcome::Skipped) => "was skipped",
            Some(Outcome::Overridden) => "was marked done",
            None => "has no outcome",
        };
        found.push(format!("step `{}` {what}", step.id()));
    }
    for (name, objective) in [("time", &measured.rto), ("point", &measured.rpo)] {
        match (objective.target_s, objective.met) {
            (None, _) | (_, Some(true)) => {}
            (Some(_), Some(false)) => {
                found.push(format!("the recovery {name} objective was missed"))
            }
            (Some(_), None) => found.push(format!("the recovery {name} was not measured")),
        }
    }
    found
}

/// A verification that did not run says nothing; one that failed, or was passed by, says no.
fn data_integrity(state: &State) -> Verdict {
    let mut verifying = state.steps.iter().filter(|s| s.step.verifies == Some(Verifies::Data));
    match data_verified(state) {
        None => Verdict::NotAsked,
        Some(true) => Verdict::Met,
        Some(false) if verifying.any(|s| s.settled.is_some()) || state.finished.is_some() => {
            Verdict::NotMet
        }
        Some(false) => Verdict::NotMeasured,
    }
}
