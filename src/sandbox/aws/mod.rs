//! The AWS stand-in: the part of Amazon RDS that a restore needs, who the caller is, and the application in
//! front of the database. It speaks the same protocol (form in, XML out), refuses what AWS refuses with the
//! same codes, and its states take seconds.

mod app;
mod fault;
mod query;
mod rds;
mod world;
mod xml;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

pub use fault::Fault;
use fault::Faults;
use world::World;

use super::{Blow, Lesson, SandboxOptions};

/// The damaged cluster.
pub const CLUSTER: &str = "loanserve-prod";

pub(super) const ACCOUNT: &str = "000000000042";
pub(super) const REGION: &str = "practice-1";

/// What every request sees, and a handle for who set it up.
#[derive(Clone)]
pub struct Aws {
    world: Arc<Mutex<World>>,
    faults: Arc<Mutex<Faults>>,
    /// What happens once an operation has been accepted.
    blow: Arc<Mutex<Option<(&'static str, Blow)>>>,
}

impl Aws {
    /// The scene that an operator finds: the cluster [`CLUSTER`] is there, its table is empty, and a good
    /// moment lies inside the restorable window.
    #[must_use]
    pub fn damaged(options: SandboxOptions) -> Self {
        let world = World::damaged(options.state_delay, Utc::now());
        Self { world: Arc::new(Mutex::new(world)), faults: Arc::default(), blow: Arc::default() }
    }

    /// Prepares a lesson; `decisive` is the operation that the runbook is about.
    pub(super) fn teach(&self, lesson: Option<Lesson>, decisive: &'static str, blow: &Blow) {
        match lesson {
            Some(Lesson::RestoreStuck) => self.inject(decisive, Fault::Stuck, 1),
            Some(Lesson::AccessDenied) => {
                let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
                faults.add_to_first_change(Fault::Denied);
            }
            Some(Lesson::ConsoleKilled) => {
                let mut waiting = self.blow.lock().unwrap_or_else(PoisonError::into_inner);
                *waiting = Some((decisive, blow.clone()));
            }
            // That is in the settings.
            Some(Lesson::WrongTarget) | None => {}
        }
    }

    /// An operation was accepted: the blow falls if it waited for this one.
    fn strike_at(&self, action: &str) {
        let mut waiting = self.blow.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, blow)) = waiting.take_if(|(decisive, _)| *decisive == action) {
            blow.strike();
        }
    }

    /// Another scene: nothing is lost, and the writer of [`CLUSTER`] takes connections and answers none; its
    /// reader is well.
    pub(super) fn hang_writer(&self) {
        self.with(World::hang_writer);
    }

    /// Its routes: the AWS endpoint at `/`, the application below `/app`.
    pub(super) fn router(&self) -> Router {
        Router::new()
            .route("/", post(query::handle))
            .route("/app/health", get(app::health))
            .route("/app/rows", get(app::rows))
            .route("/app/writer", get(app::writer))
            .route("/app/lag", get(app::lag))
            .route("/app/config", get(app::config).put(app::configure))
            .route("/app/writers", get(app::writers).put(app::set_writers))
            .with_state(self.clone())
    }

    /// Runs `f` on the world of this moment.
    fn with<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(Utc::now());
        f(&mut world)
    }

    fn next_fault(&self, action: &str) -> Option<Fault> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).next(action)
    }

    /// The account that `GetCallerIdentity` tells.
    #[must_use]
    pub fn account(&self) -> &'static str {
        ACCOUNT
    }

    /// The region of everything in it.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// When the damage was done: the start of the outage.
    #[must_use]
    pub fn damaged_at(&self) -> DateTime<Utc> {
        self.with(|world| world.damaged_at())
    }

    /// The last good moment, as an operator would give it.
    #[must_use]
    pub fn good_moment(&self) -> DateTime<Utc> {
        self.with(|world| world.good_moment())
    }

    /// The next `times` calls of the operation `action` (such as `DescribeDBClusters`) come out as `fault`
    /// says.
    pub fn inject(&self, action: &str, fault: Fault, times: u32) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.add(action, fault, times);
    }

    /// How often the operation `action` was carried out (not: asked for).
    #[must_use]
    pub fn calls(&self, action: &str) -> usize {
        self.with(|world| world.calls(action))
    }

    /// The identifiers of the clusters that are there, sorted.
    #[must_use]
    pub fn clusters(&self) -> Vec<String> {
        self.with(|world| world.clusters.keys().cloned().collect())
    }
}
