//! A cluster, an instance or a snapshot: its name, and what was found behind it.

use std::fmt;

use aws_sdk_rds::types::{DbCluster, DbClusterSnapshot, DbInstance, DbSnapshot, Tag};

use crate::actions::Context;

/// The tag that names the run.
pub(super) const RUN: &str = "steadyhand:run";
/// The tag that names the step.
pub(super) const STEP: &str = "steadyhand:step";
/// The tag that names the attempt.
pub(super) const ATTEMPT: &str = "steadyhand:attempt";
/// The tag that says what it was made from: an amended input asks for another thing of the same name.
pub(super) const FROM: &str = "steadyhand:from";

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Cluster(String),
    Instance(String),
    /// A snapshot of a cluster; a name or an ARN.
    ClusterSnapshot(String),
    /// A snapshot of an instance that belongs to no cluster; a name or an ARN.
    InstanceSnapshot(String),
}

impl Target {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Cluster(id)
            | Self::Instance(id)
            | Self::ClusterSnapshot(id)
            | Self::InstanceSnapshot(id) => id,
        }
    }

    /// The command that shows it without the console.
    pub(super) fn look_by_hand(&self) -> String {
        let (what, by) = match self {
            Self::Cluster(_) => ("clusters", "cluster"),
            Self::Instance(_) => ("instances", "instance"),
            Self::ClusterSnapshot(_) => ("cluster-snapshots", "cluster-snapshot"),
            Self::InstanceSnapshot(_) => ("snapshots", "snapshot"),
        };
        format!("aws rds describe-db-{what} --db-{by}-identifier {}", self.id())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(id) => write!(f, "cluster {id}"),
            Self::Instance(id) => write!(f, "instance {id}"),
            Self::ClusterSnapshot(id) | Self::InstanceSnapshot(id) => write!(f, "snapshot {id}"),
        }
    }
}

/// What was found behind a name.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Cluster(Box<DbCluster>),
    Instance(Box<DbInstance>),
    ClusterSnapshot(Box<DbClusterSnapshot>),
    InstanceSnapshot(Box<DbSnapshot>),
}

impl Thing {
    pub(super) fn status(&self) -> &str {
        match self {
            Self::Cluster(it) => it.status(),
            Self::Instance(it) => it.db_instance_status(),
            Self::ClusterSnapshot(it) => it.status(),
            Self::InstanceSnapshot(it) => it.status(),
        }
        .unwrap_or("without a status")
    }

    /// How much of a snapshot is there, of 1.
    pub(super) fn fraction(&self) -> Option<f64> {
        let percent = match self {
            Self::Cluster(_) | Self::Instance(_) => None,
            Self::ClusterSnapshot(it) => it.percent_progress(),
            Self::InstanceSnapshot(it) => it.percent_progress(),
        };
        percent.map(|it| f64::from(it) / 100.0)
    }

    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        let tags: &[Tag] = match self {
            Self::Cluster(it) => it.tag_list(),
            Self::Instance(it) => it.tag_list(),
            Self::ClusterSnapshot(it) => it.tag_list(),
            Self::InstanceSnapshot(it) => it.tag_list(),
        };
        tags.iter().find(|tag| tag.key() == Some(key)).and_then(Tag::value)
    }

    /// Whether this run made it.
    pub(super) fn of_run(&self, cx: &Context) -> bool {
        self.tag(RUN) == Some(&cx.run)
    }

    /// Whether this step of this run made it.
    pub(super) fn of_step(&self, cx: &Context) -> bool {
        self.of_run(cx) && self.tag(STEP) == Some(&cx.attempt.step)
    }

    /// The identifier of the writer, when this is a cluster that has one.
    pub(super) fn writer(&self) -> Option<&str> {
        self.instances(|is_writer| is_writer).next()
    }

    /// The identifiers of a cluster's instances.
    pub(super) fn members(&self) -> Vec<&str> {
        self.instances(|_| true).collect()
    }

    /// The identifiers of a cluster's instances that do not write.
    pub(super) fn readers(&self) -> Vec<&str> {
        self.instances(|is_writer| !is_writer).collect()
    }

    fn instances(&self, wanted: impl Fn(bool) -> bool) -> impl Iterator<Item = &str> {
        let members = match self {
            Self::Cluster(it) => it.db_cluster_members(),
            Self::Instance(_) | Self::ClusterSnapshot(_) | Self::InstanceSnapshot(_) => &[],
        };
        members
            .iter()
            .filter(move |member| wanted(member.is_cluster_writer() == Some(true)))
            .filter_map(|member| member.db_instance_identifier())
    }

    /// What an instance replicates from, when it is a read replica.
    pub(super) fn source(&self) -> Option<&str> {
        let Self::Instance(it) = self else { return None };
        it.read_replica_source_db_instance_identifier()
            .or_else(|| it.read_replica_source_db_cluster_identifier())
            .filter(|source| !source.is_empty())
    }

    /// Where it is reached, such as `host:5432`.
    pub(super) fn address(&self) -> Option<String> {
        match self {
            Self::Cluster(it) => it.endpoint().zip(it.port()),
            Self::Instance(it) => {
                it.endpoint().and_then(|endpoint| endpoint.address().zip(endpoint.port()))
            }
            Self::ClusterSnapshot(_) | Self::InstanceSnapshot(_) => None,
        }
        .map(|(host, port)| format!("{host}:{port}"))
    }
}
