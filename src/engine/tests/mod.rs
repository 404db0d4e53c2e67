//! Tests of the engine: a bench that does what a driver does, without a disk.

mod approvals;
mod attacks;
mod clocks;
mod debrief;
mod live;
mod pace;
mod properties;
mod rehearsal;
mod signing;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::event::{
    AttemptId, ByHand, Ending, Fact, Mode, Objective, Outcome, Part, Pins, Resolution, ResolvedBy,
    RunStarted, Signing,
};
use super::objectives::{Basis, data_verified, passed, recovery_time, rpo};
use super::*;
use crate::runbook::expr::Expr;
use crate::runbook::model::{
    Call, Guard, Milestone, Objectives, OnFailure, OnUnknown, Probe, Requires, Retry, Runbook,
    Step, Verifies,
};
use crate::runbook::template::Template;
use crate::runbook::{Effect as Does, Value};

fn expr(text: &str) -> Expr {
    Expr::parse(text).unwrap()
}

fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn step(id: &str, effect: Does) -> Step {
    let mut step = Step::ad_hoc(id, id, "true").unwrap();
    step.action.effect = effect;
    step.on_unknown = OnUnknown::Ask;
    step.guard = match effect {
        Does::Reads => Guard::None,
        Does::Changes => Guard::Confirm,
        Does::Destroys => Guard::Type(template("loans")),
    };
    step
}

fn runbook(steps: Vec<Step>) -> Runbook {
    Runbook {
        id: "test".into(),
        title: "Test".into(),
        summary: None,
        version: None,
        owner: None,
        reviewed: None,
        system: None,
        scope: None,
        success: None,
        tags: vec![],
        drill_every: None,
        objectives: Objectives::default(),
        escalation: vec![],
        requires: Requires::default(),
        inputs: vec![],
        recovery_point: None,
        steps,
    }
}

fn wall(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn stamp(seconds: i64) -> Stamp {
    Stamp { at: wall(seconds), boot: "boot".into(), mono: 1_000_000_000 * (1000 + seconds as u64) }
}

fn start() -> Input {
    Input::Start(Box::new(RunStarted {
        run: "run".into(),
        runbook: "test".into(),
        runbook_sha256: String::new(),
        settings_sha256: None,
        included: [].into(),
        mode: Mode::Drill,
        speed: None,
        phrase: None,
        targets: None,
        environment: None,
        pins: Pins::new(),
        tool: "0".into(),
        operator: "alice@bastion".into(),
        identity: "self-declared".into(),
        incident: None,
        organisation: None,
        outage_start: wall(-60),
        inputs: BTreeMap::new(),
        secrets: BTreeMap::new(),
        env: BTreeMap::new(),
        auto: false,
        practice: false,
        seen: None,
        previous: None,
        signing: None,
        anchor: None,
    }))
}

/// A run under test: what a driver does, without a disk.
struct Bench {
    state: State,
    records: Vec<Recorded>,
    clock: i64,
}

impl Bench {
    fn new(runbook: Runbook) -> Self {
        Self::with(runbook, |_| {})
    }

    /// A run that begins otherwise.
    fn with(runbook: Runbook, otherwise: impl FnOnce(&mut RunStarted)) -> Self {
        let state = State::new(Arc::new(runbook));
        let mut bench = Self { state, records: vec![], clock: 0 };
        let Input::Start(mut started) = start() else { unreachable!() };
        otherwise(&mut started);
        bench.ok(Input::Start(started));
        bench.attach();
        bench
    }

    fn attach(&mut self) {
        self.ok(Input::Attach { pid: 1, tool: "0".into() });
    }

    fn append(&mut self, event: Event) {
        let seq = self.records.len() as u64 + 1;
        let record = Recorded { seq, stamp: stamp(self.clock), by: "alice@bastion".into(), event };
        self.state.absorb(&record);
        self.records.push(record);
    }

    fn put(&mut self, input: Input) -> Result<(), Refusal> {
        self.clock += 1;
        let event = self.state.decide(input, &stamp(self.clock))?;
        self.append(event);
        while let Some(event) = self.state.settle(&stamp(self.clock)) {
            self.append(event);
        }
        Ok(())
    }

    fn ok(&mut self, input: Input) {
        self.put(input.clone()).unwrap_or_else(|e| panic!("{input:?}: {e}"));
    }

    fn no(&mut self, input: Input) -> String {
        let before = self.records.len();
        let refusal = self.put(input.clone()).expect_err(&format!("{input:?} was accepted"));
        assert_eq!(self.records.len(), before, "a refusal records nothing");
        refusal.to_string()
    }

    fn consent(step: &str, given: Given) -> Input {
        Input::Consent { step: step.into(), part: Part::Do, given, digest: "d".into() }
    }

    fn intend(step: &str, part: Part, digest: &str) -> Input {
        let (digest, token) = (digest.to_owned(), "t".to_owned());
        Input::Intend { step: step.into(), part, request: json!({}), digest, token }
    }

    fn end(&mut self, outcome: Outcome, result: Value) {
        let attempt = self.state.running().unwrap().id.clone();
        let message = "message".to_owned();
        self.ok(Input::Ended { attempt, outcome, message, result, output: None });
    }

    fn begin(&mut self, step: &str, given: Given) {
        self.ok(Self::consent(step, given));
        self.ok(Self::intend(step, Part::Do, "d"));
    }

    fn pass(&mut self, step: &str) {
        let given = match &self.state.step(step).unwrap().step.guard {
            Guard::None => Given::Enter,
            Guard::Confirm => Given::Yes,
            Guard::Type(_) => Given::Typed("loans".into()),
        };
        self.begin(step, given);
        self.end(Outcome::Succeeded, Value::map::<String>([]));
    }

    fn status(&self, step: &str) -> String {
        let step = self.state.step(step).unwrap();
        let text = format!("{:?}", self.state.status(step));
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    fn kinds(&self) -> Vec<String> {
        let kind = |r: &Recorded| {
            let json = serde_json::to_value(&r.event.fact).unwrap();
            json["type"].as_str().unwrap().to_owned()
        };
        self.records.iter().map(kind).collect()
    }

    fn by_hand(reason: &str) -> ByHand {
        ByHand { reason: reason.into(), saved: BTreeMap::new() }
    }
}

fn three() -> Bench {
    Bench::new(runbook(vec![
        step("look", Does::Reads),
        step("change", Does::Changes),
        step("destroy", Does::Destroys),
    ]))
}
