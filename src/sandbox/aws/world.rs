//! What there is in the sandbox, and how it changes as time passes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{ACCOUNT, CLUSTER, REGION};

/// How far behind the present a cluster's latest restorable time is: the good moment is inside.
const RESTORE_LAG: TimeDelta = TimeDelta::seconds(45);

/// Everything in the sandbox.
pub(super) struct World {
    state_delay: TimeDelta,
    damaged_at: DateTime<Utc>,
    calls: BTreeMap<String, usize>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) app: App,
}

/// The application in front of the database.
pub(super) struct App {
    /// The host name it is configured with.
    pub(super) database: String,
    /// Whether its writers run.
    pub(super) writers: bool,
    /// When they were stopped.
    pub(super) writers_since: DateTime<Utc>,
}

/// Something that takes its time: what it is called until when, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Becomes available at the moment.
    Creating(DateTime<Utc>),
    /// Is there.
    Available,
    /// Becomes available at the moment, with another writer.
    FailingOver(DateTime<Utc>),
    /// Is gone at the moment.
    Deleting(DateTime<Utc>),
}

impl App {
    pub(super) fn switch_writers(&mut self, on: bool, now: DateTime<Utc>) {
        if self.writers != on {
            self.writers = on;
            self.writers_since = now;
        }
    }
}

impl Life {
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Creating(_) => "creating",
            Self::Available => "available",
            Self::FailingOver(_) => "failing-over",
            Self::Deleting(_) => "deleting",
        }
    }

    fn settled(self, now: DateTime<Utc>) -> Option<Self> {
        match self {
            Self::Creating(until) | Self::FailingOver(until) if until <= now => {
                Some(Self::Available)
            }
            Self::Deleting(until) if until <= now => None,
            life => Some(life),
        }
    }
}

/// Keys and values, as given.
pub(super) type Tags = Vec<(String, String)>;

/// An Aurora cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) id: String,
    pub(super) life: Life,
    pub(super) created: DateTime<Utc>,
    pub(super) engine: String,
    pub(super) engine_version: String,
    pub(super) port: String,
    pub(super) subnet_group: String,
    pub(super) security_groups: Vec<String>,
    pub(super) parameter_group: String,
    pub(super) kms_key: String,
    pub(super) deletion_protection: bool,
    pub(super) writer: Option<String>,
    pub(super) tags: Tags,
    /// The moment whose data it holds; `None` for the damaged original.
    pub(super) restored_to: Option<DateTime<Utc>>,
    backups_since: DateTime<Utc>,
}

/// A database instance.
#[derive(Clone)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) cluster: String,
    pub(super) life: Life,
    pub(super) created: DateTime<Utc>,
    pub(super) class: String,
    pub(super) parameter_group: String,
    pub(super) publicly_accessible: bool,
    pub(super) tags: Tags,
}

impl World {
    /// The scene that the operator finds.
    pub(super) fn damaged(state_delay: Duration, now: DateTime<Utc>) -> Self {
        let born = now - TimeDelta::days(400);
        let original = Cluster {
            id: CLUSTER.into(),
            life: Life::Available,
            created: born,
            engine: "aurora-postgresql".into(),
            engine_version: "15.4".into(),
            port: "5432".into(),
            subnet_group: "loanserve-private".into(),
            security_groups: vec!["sg-0a1b2c3d4e5f60001".into(), "sg-0a1b2c3d4e5f60002".into()],
            parameter_group: "loanserve-aurora-postgresql15".into(),
            kms_key: format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/loanserve"),
            deletion_protection: true,
            writer: Some("loanserve-prod-1".into()),
            tags: vec![("service".into(), "loanserve".into())],
            restored_to: None,
            backups_since: now - TimeDelta::days(7),
        };
        let instance = |id: &str| Instance {
            id: id.into(),
            cluster: CLUSTER.into(),
            life: Life::Available,
            created: born,
            class: "db.r6g.large".into(),
            parameter_group: "loanserve-aurora-postgresql15-db".into(),
            publicly_accessible: false,
            tags: Tags::new(),
        };
        let instances = ["loanserve-prod-1", "loanserve-prod-2"];
        let database = original.endpoint();
        Self {
            state_delay: TimeDelta::from_std(state_delay).unwrap_or(TimeDelta::seconds(3)),
            damaged_at: now - TimeDelta::seconds(60),
            calls: BTreeMap::new(),
            clusters: BTreeMap::from([(original.id.clone(), original)]),
            instances: instances.into_iter().map(|id| (id.to_owned(), instance(id))).collect(),
            app: App { database, writers: true, writers_since: born },
        }
    }

    pub(super) fn damaged_at(&self) -> DateTime<Utc> {
        self.damaged_at
    }

    pub(super) fn good_moment(&self) -> DateTime<Utc> {
        self.damaged_at - TimeDelta::seconds(30)
    }

    /// When a state that is entered now is over.
    pub(super) fn later(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.state_delay
    }

    /// Brings everything to the moment.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        self.instances.retain(|_, it| it.life.settled(now).map(|life| it.life = life).is_some());
        self.clusters.retain(|_, it| it.life.settled(now).map(|life| it.life = life).is_some());
        for cluster in self.clusters.values_mut() {
            if cluster.writer.as_ref().is_some_and(|id| !self.instances.contains_key(id)) {
                let heir = self.instances.values().find(|it| it.cluster == cluster.id);
                cluster.writer = heir.map(|it| it.id.clone());
            }
        }
    }

    pub(super) fn members(&self, cluster: &str) -> impl Iterator<Item = &Instance> {
        self.instances.values().filter(move |it| it.cluster == cluster)
    }

    pub(super) fn count(&mut self, action: &str) {
        *self.calls.entry(action.to_owned()).or_default() += 1;
    }

    pub(super) fn calls(&self, action: &str) -> usize {
        self.calls.get(action).copied().unwrap_or_default()
    }

    /// The cluster behind a host name, when its writer answers.
    pub(super) fn answering(&self, host: &str) -> Option<&Cluster> {
        let cluster = self.clusters.values().find(|it| it.endpoint() == host)?;
        let writer = self.instances.get(cluster.writer.as_ref()?)?;
        (cluster.life == Life::Available && writer.life == Life::Available).then_some(cluster)
    }
}

impl Cluster {
    /// A new one with this one's data as it was at `to`, and its settings but for protection and tags.
    pub(super) fn restored(&self, id: &str, to: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            id: id.to_owned(),
            life: Life::Available,
            created: now,
            deletion_protection: false,
            writer: None,
            tags: Tags::new(),
            restored_to: Some(to),
            backups_since: now,
            ..self.clone()
        }
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{}", self.id)
    }

    pub(super) fn endpoint(&self) -> String {
        format!("{}.cluster-practice.{REGION}.rds.example.com", self.id)
    }

    pub(super) fn reader_endpoint(&self) -> String {
        format!("{}.cluster-ro-practice.{REGION}.rds.example.com", self.id)
    }

    /// The restorable window.
    pub(super) fn window(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.backups_since, (now - RESTORE_LAG).max(self.backups_since))
    }
}

impl Instance {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:db:{}", self.id)
    }

    pub(super) fn endpoint(&self) -> String {
        format!("{}.practice.{REGION}.rds.example.com", self.id)
    }
}
