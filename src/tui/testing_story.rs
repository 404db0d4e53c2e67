//! A run told in a few lines: inputs go through the engine, as they do in the driver.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::testing::{at, stamp};
use crate::driver::{Hearing, JournalStanding, Notice, Output, Prepared, Urgency, View};
use crate::engine::event::{ByHand, Outcome, Pins, RunStarted};
use crate::engine::{Event, Given, Input, Mode, Pace, Part, Recorded, Stamp, State};
use crate::runbook::render::render_call;
use crate::runbook::{Runbook, Value};

/// The runbook that the screens are tested with.
pub fn runbook() -> Arc<Runbook> {
    let text = include_str!("testing_runbook.yaml");
    match crate::runbook::load(text.as_bytes(), "testing_runbook.yaml") {
        Ok((runbook, _)) => Arc::new(runbook),
        Err(problems) => panic!("{problems:#?}"),
    }
}

/// What the restore says it has restored to.
const RESTORED_TO: &str = "2026-11-21T02:54:00Z";

/// A run and its time.
pub struct Story {
    pub state: State,
    /// What earlier runs tell.
    pub pace: Pace,
    seq: u64,
    now: i64,
}

impl Story {
    /// A run that began at 03:00:00Z, four minutes after the outage.
    pub fn began(mode: Mode) -> Self {
        let mut story =
            Self { state: State::new(runbook()), pace: Pace::default(), seq: 0, now: 0 };
        story.does(Input::Start(Box::new(RunStarted {
            run: "20261121T030000Z-aurora-pitr-k3f9".into(),
            runbook: "aurora-pitr".into(),
            runbook_sha256: "0".repeat(64),
            settings_sha256: None,
            included: [].into(),
            mode,
            speed: None,
            phrase: None,
            targets: None,
            environment: Some("production".into()),
            pins: pins(),
            tool: "0.1.0".into(),
            operator: "alice@bastion-1".into(),
            identity: "self-declared".into(),
            incident: Some("INC-4211".into()),
            organisation: None,
            outage_start: at(-240),
            inputs: BTreeMap::from([
                ("target_cluster".into(), Value::String("loanserve-restored".into())),
                ("restore_to".into(), Value::Timestamp(at(-360))),
            ]),
            secrets: BTreeMap::new(),
            env: BTreeMap::new(),
            auto: false,
            practice: false,
            seen: None,
            previous: None,
            signing: None,
            anchor: None,
        })));
        story.does(Input::Attach { pid: 7, tool: "0.1.0".into() });
        story.does(Input::TargetVerified { step: None, pins: pins() });
        story
    }

    /// Lets time pass.
    pub fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += seconds;
        self
    }

    /// The time.
    pub fn now(&self) -> Stamp {
        stamp(self.now)
    }

    /// An input and all its consequences.
    pub fn does(&mut self, input: Input) -> &mut Self {
        let event = self.state.decide(input, &self.now()).unwrap();
        self.records(event);
        self.settles()
    }

    /// All consequences of the time that has passed.
    pub fn settles(&mut self) -> &mut Self {
        while let Some(event) = self.state.settle(&self.now()) {
            self.records(event);
        }
        self
    }

    fn records(&mut self, event: Event) {
        self.seq += 1;
        let (stamp, by) = (self.now(), "alice@bastion-1".into());
        self.state.absorb(&Recorded { seq: self.seq, stamp, by, event });
    }

    fn current(&self) -> String {
        self.state.current().unwrap().id().to_owned()
    }

    /// Consents to the current step and begins its attempt.
    pub fn begins(&mut self) -> &mut Self {
        let step = self.current();
        let of = self.state.step(&step).unwrap();
        let given = match self.state.phrase(of, Part::Do).unwrap() {
            Some(phrase) => Given::Typed(phrase),
            None => Given::Yes,
        };
        let call = of.step.action.clone();
        let request = render_call(&call, &of.step.env, &self.state.scope(None)).unwrap().masked();
        let digest = "d1".to_owned();
        self.does(Input::Consent {
            step: step.clone(),
            part: Part::Do,
            given,
            digest: digest.clone(),
        });
        self.does(Input::Intend { step, part: Part::Do, request, digest, token: "t".into() });
        let attempt = self.state.running().unwrap().id.clone();
        self.does(Input::Began { attempt, pid: Some(99) })
    }

    /// The attempt at work comes out.
    pub fn ends(&mut self, outcome: Outcome, message: &str) -> &mut Self {
        let attempt = self.state.running().unwrap().id.clone();
        self.does(Input::Ended {
            attempt,
            outcome,
            message: message.into(),
            result: Value::map([("stdout", Value::String(RESTORED_TO.into()))]),
            output: None,
        })
    }

    /// The current step runs for so long and succeeds.
    pub fn passes(&mut self, seconds: i64) -> &mut Self {
        self.begins().wait(seconds).ends(Outcome::Succeeded, "exit 0")
    }

    /// The first step is answered.
    pub fn declares(&mut self) -> &mut Self {
        self.begins().wait(41);
        self.does(Input::Answer { choice: None, done: true, note: String::new() })
    }

    /// The current step is passed by.
    pub fn skips(&mut self, reason: &str) -> &mut Self {
        let by_hand = ByHand { reason: reason.into(), saved: BTreeMap::new() };
        self.does(Input::Skip { step: self.current(), by_hand })
    }

    /// The run up to its fourth step, which is at work for 192 seconds.
    pub fn restoring(mode: Mode) -> Self {
        let mut story = Self::began(mode);
        story.declares().passes(72).skips("no time").begins().wait(192);
        story
    }

    /// The view of it, with the current step prepared.
    pub fn view(&self) -> View {
        let prepared = self.state.current().filter(|s| s.running().is_none()).map(|of| {
            let scope = self.state.scope(None);
            Arc::new(Prepared {
                step: of.id().to_owned(),
                part: Part::Do,
                request: render_call(&of.step.action, &of.step.env, &scope)
                    .map_err(|e| e.to_string()),
                digest: "d1".into(),
                effect: of.step.action.effect,
                target: Ok(pins()),
                phrase: self.state.phrase(of, Part::Do).unwrap(),
                options: Vec::new(),
                default: None,
                wants: Vec::new(),
                rehearsed: None,
            })
        });
        View {
            state: Arc::new(self.state.clone()),
            pace: Arc::new(self.pace.clone()),
            prepared,
            busy: None,
            notice: None,
            status: None,
            output: Output::default(),
            journal: JournalStanding {
                records: self.seq,
                head: "a3f9c2e1".repeat(8),
                halted: None,
            },
            dir: "/runs/20261121T030000Z-aurora-pitr-k3f9".into(),
            wants: Vec::new(),
            hearing: Hearing::default(),
            read_only: false,
        }
    }
}

fn pins() -> Pins {
    let pin = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Pins::from([pin("aws.account", "123456789012"), pin("aws.region", "us-east-1")])
}

/// A warning of this number.
pub fn warning(number: u64, text: &str) -> Notice {
    Notice { urgency: Urgency::Warning, text: text.into(), number }
}
