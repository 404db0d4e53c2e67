//! What there is in the sandbox, and how it changes as time passes.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::rds::clusters::Cluster;
use super::rds::instances::Instance;
use super::rds::snapshots::Snapshot;
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
    pub(super) cluster_snapshots: BTreeMap<String, Snapshot<Cluster>>,
    pub(super) instance_snapshots: BTreeMap<String, Snapshot<Instance>>,
    pub(super) app: App,
    /// What is created now never becomes available.
    pub(super) stuck: bool,
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
    /// Never becomes available; it can be deleted.
    Stuck,
    /// Is there.
    Available,
    /// Becomes available at the moment, with another writer.
    FailingOver(DateTime<Utc>),
    /// Becomes available at the moment, with other settings.
    Modifying(DateTime<Utc>),
    /// Becomes available at the moment.
    Rebooting(DateTime<Utc>),
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
            Self::Creating(_) | Self::Stuck => "creating",
            Self::Available => "available",
            Self::FailingOver(_) => "failing-over",
            Self::Modifying(_) => "modifying",
            Self::Rebooting(_) => "rebooting",
            Self::Deleting(_) => "deleting",
        }
    }

    fn settled(self, now: DateTime<Utc>) -> Option<Self> {
        match self {
            Self::Creating(until)
            | Self::FailingOver(until)
            | Self::Modifying(until)
            | Self::Rebooting(until)
                if until <= now =>
            {
                Some(Self::Available)
            }
            Self::Deleting(until) if until <= now => None,
            life => Some(life),
        }
    }
}

/// Keys and values, as given.
pub(super) type Tags = Vec<(String, String)>;

/// What a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// Everything up to now.
    Live,
    /// Somebody emptied its table.
    Emptied,
    /// Everything up to the moment.
    AsOf(DateTime<Utc>),
}

/// How far back something can be restored.
#[derive(Clone, Copy)]
pub(super) struct Backups(DateTime<Utc>);

impl Backups {
    pub(super) fn since(begin: DateTime<Utc>) -> Self {
        Self(begin)
    }

    /// The restorable window.
    pub(super) fn window(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.0, (now - RESTORE_LAG).max(self.0))
    }
}

impl World {
    /// The scene that the operator finds: a cluster with a writer and a reader whose table was emptied a
    /// minute ago, and an instance on its own with a replica.
    pub(super) fn damaged(state_delay: Duration, now: DateTime<Utc>) -> Self {
        let born = now - TimeDelta::days(400);
        let backups = Backups::since(now - TimeDelta::days(7));
        let groups = || vec!["sg-0a1b2c3d4e5f60001".into(), "sg-0a1b2c3d4e5f60002".into()];
        let key = || format!("arn:aws:kms:{REGION}:{ACCOUNT}:key/loanserve");
        let writer = "loanserve-prod-1";
        let original = Cluster {
            id: CLUSTER.into(),
            life: Life::Available,
            created: born,
            engine: "aurora-postgresql".into(),
            engine_version: "15.4".into(),
            port: "5432".into(),
            subnet_group: "loanserve-private".into(),
            security_groups: groups(),
            parameter_group: "loanserve-aurora-postgresql15".into(),
            kms_key: key(),
            deletion_protection: true,
            writer: Some(writer.into()),
            tags: vec![("service".into(), "loanserve".into())],
            data: Data::Emptied,
            backups,
        };
        let member = |id: &str| Instance {
            id: id.into(),
            cluster: Some(CLUSTER.into()),
            source: None,
            life: Life::Available,
            created: born,
            engine: "aurora-postgresql".into(),
            engine_version: "15.4".into(),
            port: "5432".into(),
            class: "db.r6g.large".into(),
            subnet_group: "loanserve-private".into(),
            security_groups: groups(),
            parameter_group: "loanserve-aurora-postgresql15-db".into(),
            kms_key: key(),
            storage_gib: "1".into(),
            storage_type: "aurora".into(),
            backup_retention_days: "7".into(),
            multi_az: false,
            publicly_accessible: false,
            deletion_protection: false,
            hung: false,
            tags: Tags::new(),
            backups,
        };
        let alone = |id: &str, source: Option<&str>| Instance {
            cluster: None,
            source: source.map(str::to_owned),
            engine: "postgres".into(),
            parameter_group: "loanserve-postgres15".into(),
            storage_gib: "100".into(),
            storage_type: "gp3".into(),
            ..member(id)
        };
        let instances = [
            member(writer),
            member("loanserve-prod-2"),
            alone("loanserve-reports", None),
            alone("loanserve-reports-replica", Some("loanserve-reports")),
        ];
        let database = original.endpoint();
        Self {
            state_delay: TimeDelta::from_std(state_delay).unwrap_or(TimeDelta::seconds(3)),
            damaged_at: now - TimeDelta::seconds(60),
            calls: BTreeMap::new(),
            clusters: BTreeMap::from([(original.id.clone(), original)]),
            instances: instances.into_iter().map(|it| (it.id.clone(), it)).collect(),
            cluster_snapshots: BTreeMap::new(),
            instance_snapshots: BTreeMap::new(),
            app: App { database, writers: true, writers_since: born },
            stuck: false,
        }
    }

    /// Another scene: nothing is lost, and the cluster's writer has hung since then.
    pub(super) fn hang_writer(&mut self) {
        let Some(cluster) = self.clusters.get_mut(CLUSTER) else { return };
        cluster.data = Data::Live;
        if let Some(writer) = cluster.writer.as_ref().and_then(|id| self.instances.get_mut(id)) {
            writer.hung = true;
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

    /// The state of what is created now.
    pub(super) fn begin(&self, now: DateTime<Utc>) -> Life {
        if self.stuck { Life::Stuck } else { Life::Creating(self.later(now)) }
    }

    /// Brings everything to the moment.
    pub(super) fn settle(&mut self, now: DateTime<Utc>) {
        self.instances.retain(|_, it| it.life.settled(now).map(|life| it.life = life).is_some());
        self.clusters.retain(|_, it| it.life.settled(now).map(|life| it.life = life).is_some());
        for snapshot in self.cluster_snapshots.values_mut() {
            snapshot.life = snapshot.life.settled(now).unwrap_or(snapshot.life);
        }
        for snapshot in self.instance_snapshots.values_mut() {
            snapshot.life = snapshot.life.settled(now).unwrap_or(snapshot.life);
        }
        for cluster in self.clusters.values_mut() {
            if cluster.writer.as_ref().is_some_and(|id| !self.instances.contains_key(id)) {
                let heir =
                    self.instances.values().find(|it| it.cluster.as_ref() == Some(&cluster.id));
                cluster.writer = heir.map(|it| it.id.clone());
            }
        }
    }

    pub(super) fn members(&self, cluster: &str) -> impl Iterator<Item = &Instance> {
        self.instances.values().filter(move |it| it.cluster.as_deref() == Some(cluster))
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
        let there = cluster.life == Life::Available && writer.life == Life::Available;
        (there && !writer.hung).then_some(cluster)
    }
}
