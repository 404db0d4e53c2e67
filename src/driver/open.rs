//! Beginning a run and opening one again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};

use super::autopilot::Auto;
use super::clock::{Clock, stepped};
use super::desk::Desk;
use super::door::{Door, Hearing};
use super::environment::{self, Held};
use super::herald::Herald;
use super::outside::Outside;
use super::rehearsal::Rehearsal;
use super::run::{Driver, Left};
use super::view::{Command, JournalStanding, Output, View};
use super::workers::Workers;
use crate::actions::secrets::Secrets;
use crate::actions::{Loan, Terminal};
use crate::aws::AwsAccess;
use crate::catalogue::{self, Past};
use crate::engine::event::{Check, Pins, Previous, RunStarted, Seen, Signing};
use crate::engine::{Event, Fact, Input, Mode, Stamp, State};
use crate::ingest::Redactor;
use crate::journal::{self, Journal, NewRun, TornTail};
use crate::runbook::targets::Targets;
use crate::runbook::{Runbook, Value, value};
use crate::signing::Signer;
use crate::supervisor::Supervisors;

/// What a new run is made of.
pub struct Order {
    /// Where runs are kept.
    pub runs: PathBuf,
    /// As checked.
    pub runbook: Arc<Runbook>,
    /// Its exact bytes.
    pub runbook_bytes: Vec<u8>,
    /// The other runbooks whose steps are this one's: the name of each and its exact bytes.
    pub included: Vec<(String, Vec<u8>)>,
    /// The exact bytes of the settings in force.
    pub settings_bytes: Option<Vec<u8>>,
    /// Live, drill or rehearsal.
    pub mode: Mode,
    /// A rehearsal: how many times as fast as planned.
    pub speed: Option<u32>,
    /// The environment's name.
    pub environment: Option<String>,
    /// What is typed before a live run acts.
    pub phrase: Option<String>,
    /// All that a drill may act on.
    pub targets: Option<Targets>,
    /// The group of the directory of runs may look on.
    pub shared: bool,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// Whose record it is.
    pub organisation: Option<String>,
    /// The declared start of the outage.
    pub outage_start: DateTime<Utc>,
    /// The inputs as resolved.
    pub inputs: BTreeMap<String, Value>,
    /// Where each secret comes from, such as `env:PGPASSWORD`: never the secret.
    pub secret_sources: BTreeMap<String, String>,
    /// The environment variables that `requires.env` names.
    pub env: BTreeMap<String, String>,
    /// What preflight found.
    pub checks: Vec<Check>,
    /// Why a live run goes on in spite of what it found.
    pub preflight_overridden: Option<String>,
    /// Live runs of the same environment that nobody has ended, one line each.
    pub unfinished: Vec<String>,
    /// Practice against the embedded sandbox.
    pub practice: bool,
    /// What the operator knows of the runbook.
    pub seen: Seen,
    /// How the checkpoints will be signed.
    pub signing: Option<Signing>,
    /// Who, and with what.
    pub hands: Hands,
}

/// Who opens a run, and with what.
pub struct Hands {
    /// `alice@bastion-1`.
    pub operator: String,
    /// The values of secret inputs.
    pub secrets: Arc<Secrets>,
    /// Knows them all.
    pub redactor: Redactor,
    /// Where and as whom to call AWS.
    pub aws: AwsAccess,
    /// What must be proven of the target.
    pub pins: Pins,
    /// Unattended, and how far that may go.
    pub auto: Option<Auto>,
    /// Signs checkpoints, when there is a key.
    pub signer: Option<Signer>,
    /// What leaves the machine.
    pub outside: Outside,
    /// Whose signatures are approvals.
    pub allowed_signers: Option<PathBuf>,
}

/// A run in this console's hands: drive it, and look at it meanwhile.
pub struct Run {
    driver: Driver,
    handle: Handle,
    loans: mpsc::Receiver<Loan>,
    earlier: u64,
}

/// How a screen, or `--auto`, looks at a run and asks for things.
#[derive(Clone)]
pub struct Handle {
    /// The latest view.
    pub views: watch::Receiver<View>,
    /// What the operator asks.
    pub commands: mpsc::Sender<Command>,
}

impl Run {
    /// Begins a run: from here on there is a directory, a journal and a record that it began.
    ///
    /// # Errors
    /// One line for the operator; nothing is left behind.
    pub fn begin(order: Order) -> Result<Self, String> {
        let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
        let now = clock.now();
        let id = journal::new_run_id(now.at, &order.runbook.id)
            .map_err(|e| format!("no random bytes for the run's id: {e}"))?;
        // It must be there to have one name, by which an environment may be held.
        journal::make_place(&order.runs, order.shared)
            .map_err(|e| format!("cannot make {}: {e}", order.runs.display()))?;
        let who = environment::who(&order.runs.join(&id), &order.hands.operator, &since(&now));
        let environment = environment::hold(
            &order.runs,
            order.mode,
            order.environment.as_deref(),
            &order.hands.pins,
            who,
        )?;
        let new = NewRun {
            runs: &order.runs,
            id: &id,
            runbook: &order.runbook_bytes,
            settings: order.settings_bytes.as_deref(),
            included: &order.included,
            shared: order.shared,
        };
        // From here to the first record: which run is the latest must not change.
        let turn = journal::turn(&new).map_err(|e| e.to_string())?;
        let first = Event::run(Fact::RunStarted(Box::new(run_started(&order, &id)?)));
        // What was found before the run is as much of its beginning: no crash comes between.
        let checked = Event::run(Fact::Preflight {
            checks: order.checks,
            overridden: order.preflight_overridden.map(|why| order.hands.redactor.clean(&why)),
        });
        let facts = vec![first, checked];
        let created = journal::create_run_in(&turn, &new, now, &order.hands.operator, facts)
            .map_err(|e| e.to_string())?;
        drop(turn);
        let state = State::new(order.runbook).apply_all(&created.records);
        let opened = (created.journal, Vec::new());
        let mut run = Self::assemble(state, 0, opened, order.hands, clock, environment);
        run.driver.warn(created.warnings);
        run.driver.warn(order.unfinished);
        Ok(run)
    }

    /// Opens a run again, from wherever it stopped.
    ///
    /// # Errors
    /// One line for the operator: another console has it, or its record is not as it was written.
    pub fn resume(dir: &Path, runbook: Arc<Runbook>, hands: Hands) -> Result<Self, String> {
        let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
        let opened = Journal::open(dir).map_err(|e| e.to_string())?;
        let state = State::new(runbook).apply_all(&opened.records);
        let Some(started) = state.run().cloned() else {
            return Err(format!("{} has no beginning: steady verify tells more", dir.display()));
        };
        let runs = dir.parent().unwrap_or(Path::new("."));
        let environment = environment::hold(
            runs,
            started.mode,
            started.environment.as_deref(),
            &started.pins,
            environment::who(dir, &hands.operator, &since(&clock.now())),
        )?;
        let (earlier, journal) = (state.records, (opened.journal, opened.torn));
        let mut run = Self::assemble(state, earlier, journal, hands, clock, environment);
        run.driver.warn(opened.warnings);
        Ok(run)
    }

    fn assemble(
        state: State,
        earlier: u64,
        (journal, torn): (Journal, Vec<TornTail>),
        hands: Hands,
        clock: Clock,
        environment: Option<Held>,
    ) -> Self {
        let (terminal, loans) = Terminal::new();
        let redactor = hands.redactor.clone();
        let runs = journal.dir().parent().unwrap_or(Path::new("."));
        // Up to forty journals are read for it: nobody looks at the pace of a run that is unattended.
        let looked_at = |run: &&RunStarted| hands.auto.is_none() || run.mode == Mode::Rehearsal;
        let past = state.run().filter(looked_at).map(|run| Past::of(runs, run, &state.runbook));
        let past = past.unwrap_or_default();
        let pace = Arc::new(past.pace.clone());
        let desk = Desk {
            run: state.run().map(|run| run.run.clone()).unwrap_or_default(),
            dir: journal.dir().to_owned(),
            secrets: hands.secrets,
            redactor: hands.redactor,
            aws: hands.aws,
            pins: hands.pins,
            signer: hands.signer,
            allowed_signers: hands.allowed_signers,
            terminal,
            rehearsal: state.run().and_then(|run| Rehearsal::of(run, past)),
            // Not the file's name: it may have been replaced by another version meanwhile.
            supervisors: Supervisors::new(PathBuf::from("/proc/self/exe")),
        };
        let state = Arc::new(state);
        let output = Output::default();
        let (views, seen) = watch::channel(View {
            state: state.clone(),
            pace: pace.clone(),
            prepared: None,
            busy: None,
            notice: None,
            status: None,
            output: output.clone(),
            journal: JournalStanding::default(),
            dir: desk.dir.clone(),
            wants: Vec::new(),
            hearing: Hearing::default(),
            read_only: false,
        });
        let (asks, commands) = mpsc::channel(64);
        let mut driver = Driver {
            durable: state.clone(),
            state,
            journal,
            desk: Arc::new(desk),
            clock,
            pace,
            by: hands.operator,
            auto: hands.auto,
            commands,
            views,
            workers: Workers::new(),
            door: Door::new(),
            prepared: None,
            undo_of: None,
            looked: BTreeSet::new(),
            retry: None,
            notice: None,
            notices: 0,
            halted: None,
            status: None,
            output,
            herald: Herald::new(hands.outside.hooks.clone(), redactor),
            outside: hands.outside,
            _environment: environment,
        };
        for tail in torn {
            driver.note(Input::Recovered {
                bytes: tail.bytes,
                sha256: tail.sha256,
                kept_as: tail.kept_as,
            });
        }
        // A wall clock that was set while no console looked.
        let stepped =
            driver.state.last.as_ref().and_then(|last| stepped(last, &driver.clock.now()));
        if let Some(by_ms) = stepped {
            driver.note(Input::ClockStepped { by_ms });
        }
        let tool = env!("CARGO_PKG_VERSION").to_owned();
        driver.note(Input::Attach { pid: std::process::id(), tool });
        Self { driver, handle: Handle { views: seen, commands: asks }, loans, earlier }
    }

    /// To look at the run and to ask for things.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// How many records earlier consoles wrote.
    #[must_use]
    pub fn earlier(&self) -> u64 {
        self.earlier
    }

    /// Nothing is executed in it.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.driver.state.is_rehearsal()
    }

    /// The run directory.
    #[must_use]
    pub fn dir(&self) -> PathBuf {
        self.driver.desk.dir.clone()
    }

    /// Something the operator should know from the start.
    pub fn warn(&mut self, warning: String) {
        self.driver.warn(vec![warning]);
    }

    /// What signs the end of the journal, when this run is signed and there is a key.
    #[must_use]
    pub fn signer(&self) -> Option<Signer> {
        let signed = self.driver.state.run().is_some_and(|run| run.signing.is_some());
        self.driver.desk.signer.clone().filter(|_| signed)
    }

    /// Runs the loop to its end, and says where the terminal is asked for: who shows the run lends it.
    pub fn drive(self) -> (impl Future<Output = (Arc<State>, Left)> + Send, mpsc::Receiver<Loan>) {
        // The loop ends when nobody can ask any more: this end must not keep it alive.
        drop(self.handle);
        (self.driver.run(), self.loans)
    }
}

fn since(now: &Stamp) -> String {
    value::timestamp_text(now.at)
}

fn run_started(order: &Order, id: &str) -> Result<RunStarted, String> {
    Ok(RunStarted {
        run: id.to_owned(),
        runbook: order.runbook.id.clone(),
        runbook_sha256: journal::sha256_hex(&order.runbook_bytes),
        settings_sha256: order.settings_bytes.as_deref().map(journal::sha256_hex),
        included: order
            .included
            .iter()
            .map(|(name, bytes)| (name.clone(), journal::sha256_hex(bytes)))
            .collect(),
        mode: order.mode,
        speed: order.speed,
        environment: order.environment.clone(),
        phrase: order.phrase.clone(),
        targets: order.targets.clone(),
        pins: order.hands.pins.clone(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        operator: order.hands.operator.clone(),
        identity: match order.signing.as_ref().and_then(|signing| signing.key.as_ref()) {
            Some(key) => format!("key {key}"),
            None => "self-declared".to_owned(),
        },
        incident: order.incident.clone(),
        organisation: order.organisation.clone(),
        outage_start: order.outage_start,
        inputs: order.inputs.clone(),
        secrets: order.secret_sources.clone(),
        env: order.env.clone(),
        auto: order.hands.auto.is_some(),
        practice: order.practice,
        seen: Some(order.seen.clone()),
        previous: previous(&order.runs)?,
        signing: order.signing.clone(),
        anchor: order.hands.outside.anchor(),
    })
}

/// The run before this one, and its head: a run that is removed later is missed.
fn previous(runs: &Path) -> Result<Option<Previous>, String> {
    catalogue::latest(runs)
        .map_err(|e| format!("cannot read the directory of runs {}: {e}", runs.display()))
}
