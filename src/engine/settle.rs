//! `settle`: the next consequence of what already happened, asked until there is none after every
//! record and on resume, so that a crash between any two records loses none.

use super::clock::Certainty;
use super::event::{
    Ending, Event, Fact, Objective, Outcome, Part, Resolution, ResolvedBy, Stamp, UnknownResolved,
};
use super::judge::saved_from;
use super::objectives::{recovery_time, rpo};
use super::state::{Attempt, Standing, State, Status, StepState};
use crate::runbook::{Effect, Value};

impl State {
    /// The next consequence, if any.
    #[must_use]
    pub fn settle(&self, now: &Stamp) -> Option<Event> {
        self.started.as_ref()?;
        if self.finished.is_some() {
            return None;
        }
        self.due_milestone()
            .or_else(|| self.due_breach(now))
            .or_else(|| self.due_escalation(now))
            .or_else(|| self.due_resolution())
            .or_else(|| self.due_approval())
            .or_else(|| self.due_refusal())
            .or_else(|| self.due_not_applicable())
            .or_else(|| self.due_finish())
    }

    fn due_milestone(&self) -> Option<Event> {
        self.steps.iter().find_map(|step| {
            let milestone = step.step.milestone?;
            let settled = step.settled.as_ref().filter(|s| s.outcome == Outcome::Succeeded)?;
            let withdrawn = self.withdrawn.get(&milestone).is_some_and(|seq| *seq > settled.seq);
            (!withdrawn && !self.milestones.contains_key(&milestone))
                .then(|| Event::step(step.id(), Fact::MilestoneReached { milestone, reason: None }))
        })
    }

    fn due_breach(&self, now: &Stamp) -> Option<Event> {
        // What the clocks contradict each other about is no breach.
        let time = recovery_time(self, now)
            .filter(|clock| clock.certainty != Certainty::Uncertain)
            .and_then(|clock| Some((Objective::Rto, clock.target?, clock.elapsed)));
        let point = rpo(self).and_then(|rpo| Some((Objective::Rpo, rpo.target?, rpo.actual)));
        [time, point].into_iter().flatten().find_map(|(objective, target, actual)| {
            (actual > target && !self.breaches.contains(&objective)).then(|| {
                Event::run(Fact::ObjectiveBreached {
                    objective,
                    target_s: target.num_seconds(),
                    actual_s: actual.num_seconds(),
                })
            })
        })
    }

    /// A consent that may not be acted on, because what vouches for it cannot be signed.
    fn due_refusal(&self) -> Option<Event> {
        let step = self.current()?;
        let part = step.consent.as_ref()?.part;
        let reason = self.refused_unsigned(step, part)?;
        Some(Event::step(step.id(), Fact::GuardRefused { part, reason }))
    }

    /// An unknown outcome that needs no person: the attempt only read or was only rehearsed, or the probe has answered.
    fn due_resolution(&self) -> Option<Event> {
        self.steps.iter().find_map(|step| {
            let attempt = step.lost_probe().or_else(|| step.unknown())?;
            let reads = Self::effect_of(&step.step, attempt.id.of) == Effect::Reads;
            let resolved = if reads || self.is_rehearsal() {
                let reason = match self.is_rehearsal() {
                    true => "a rehearsal executes nothing: it may be begun again",
                    false => "it only reads: it may run again",
                };
                UnknownResolved {
                    as_: Resolution::NotDone,
                    resolved_by: ResolvedBy::Reads,
                    reason: reason.into(),
                    result: Value::Null,
                    saved: [].into(),
                }
            } else {
                self.probe_answer(step, attempt)?
            };
            let fact = Fact::UnknownResolved(Box::new(resolved));
            Some(Event::attempt(&attempt.id, fact))
        })
    }

    fn probe_answer(&self, step: &StepState, unknown: &Attempt) -> Option<UnknownResolved> {
        let probe = step.step.probe.as_ref()?;
        let asked = step
            .attempts
            .iter()
            .rev()
            .find(|a| a.id.of == Part::Probe && !a.stale && a.id.number > unknown.id.number)?;
        if asked.standing() != Standing::Succeeded {
            return None;
        }
        let result = &asked.finished.as_ref()?.1.result;
        let scope = self.scope_of(&step.step, Some(result));
        let says = |expr: &Option<crate::runbook::expr::Expr>| {
            expr.as_ref().is_some_and(|expr| expr.eval_bool(&scope).unwrap_or(false))
        };
        let (as_, answer, saved) = if says(&probe.done) {
            // A `save` that the probe's result cannot feed leaves the decision to a person.
            let saved = if unknown.id.of == Part::Do {
                saved_from(&step.step, &scope).ok()?
            } else {
                [].into()
            };
            (Resolution::Succeeded, "done", saved)
        } else if says(&probe.not_done) {
            (Resolution::NotDone, "not done", [].into())
        } else {
            return None;
        };
        Some(UnknownResolved {
            as_,
            resolved_by: ResolvedBy::Probe,
            reason: format!("the probe (attempt {}) says: {answer}", asked.id.number),
            result: result.clone(),
            saved,
        })
    }

    fn due_not_applicable(&self) -> Option<Event> {
        let step = self.current()?;
        let untouched = matches!(self.status(step), Status::Ready) && step.attempts.is_empty();
        if !untouched || !step.step.is_conditional() {
            return None;
        }
        // A `when` that cannot be evaluated is neither true nor false: the step is refused, not passed by.
        let when = step.step.unmet(&self.scope(None)).ok()??.source().to_owned();
        Some(Event::step(step.id(), Fact::StepNotApplicable { when }))
    }

    fn due_finish(&self) -> Option<Event> {
        let idle = self
            .steps
            .iter()
            .all(|s| s.settled.is_some() && s.running().is_none() && s.unknown().is_none());
        (idle && self.attached)
            .then(|| Event::run(Fact::RunFinished { ending: Ending::Completed, reason: None }))
    }
}
