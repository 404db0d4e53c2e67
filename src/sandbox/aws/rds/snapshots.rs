//! Snapshots of clusters, and of instances that are in no cluster.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::clusters::{self, Cluster};
use super::instances::{self, Instance};
use super::{Inside, moment, one, tags_xml};
use crate::sandbox::aws::query::{Params, Refusal};
use crate::sandbox::aws::world::{Life, Tags, World};
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::aws::{ACCOUNT, REGION};

/// Something as it was, settings and data.
#[derive(Clone)]
pub(in crate::sandbox::aws) struct Snapshot<T> {
    id: String,
    pub(super) of: T,
    pub(in crate::sandbox::aws) life: Life,
    taken: DateTime<Utc>,
    pub(super) kms_key: String,
    pub(in crate::sandbox::aws) tags: Tags,
}

impl<T: Clone> Snapshot<T> {
    /// Whether it can be used yet; `what` and `code` are AWS's words for that it cannot.
    pub(super) fn ready(&self, what: &str, code: &'static str) -> Result<(), Refusal> {
        if self.life == Life::Available {
            return Ok(());
        }
        let message = format!("{what} {} is in {} state", self.id, self.life.status());
        Err(Refusal::new(400, code, message))
    }

    /// A copy, with the request's key and tags.
    fn copied(&self, id: &str, world: &World, params: &Params, now: DateTime<Utc>) -> Self {
        let mut copy = Self {
            id: id.to_owned(),
            life: world.begin(now),
            taken: now,
            tags: params.tags(),
            ..self.clone()
        };
        params.set(&mut copy.kms_key, "KmsKeyId");
        copy
    }

    fn percent(&self) -> &'static str {
        if self.life == Life::Available { "100" } else { "40" }
    }

    fn arn(&self, kind: &str) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{}", self.id)
    }
}

impl Snapshot<Cluster> {
    pub(super) fn cluster_arn(&self) -> String {
        self.arn("cluster-snapshot")
    }
}

impl Snapshot<Instance> {
    pub(super) fn instance_arn(&self) -> String {
        self.arn("snapshot")
    }
}

/// The name that an ARN ends with; a name is its own.
fn name(id: &str) -> &str {
    id.rsplit(':').next().unwrap_or(id)
}

/// The cluster snapshot of this name or ARN.
pub(super) fn cluster_snapshot<'a>(
    world: &'a World,
    id: &str,
) -> Result<&'a Snapshot<Cluster>, Refusal> {
    world.cluster_snapshots.get(name(id)).ok_or_else(|| {
        let message = format!("DBClusterSnapshot {id} not found.");
        Refusal::new(404, "DBClusterSnapshotNotFoundFault", message)
    })
}

/// The instance snapshot of this name or ARN.
pub(super) fn instance_snapshot<'a>(
    world: &'a World,
    id: &str,
) -> Result<&'a Snapshot<Instance>, Refusal> {
    world.instance_snapshots.get(name(id)).ok_or_else(|| {
        Refusal::new(404, "DBSnapshotNotFound", format!("DBSnapshot {id} not found."))
    })
}

fn free<T>(
    snapshots: &BTreeMap<String, Snapshot<T>>,
    id: &str,
    code: &'static str,
) -> Result<(), Refusal> {
    if !snapshots.contains_key(id) {
        return Ok(());
    }
    let message = format!(
        "Cannot create the snapshot because a snapshot with the identifier {id} already exists."
    );
    Err(Refusal::new(400, code, message))
}

const CLUSTER_TAKEN: &str = "DBClusterSnapshotAlreadyExistsFault";
const INSTANCE_TAKEN: &str = "DBSnapshotAlreadyExists";

pub(super) fn create_of_cluster(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBClusterSnapshotIdentifier")?;
    free(&world.cluster_snapshots, id, CLUSTER_TAKEN)?;
    let of = clusters::find(world, params.required("DBClusterIdentifier")?)?.clone();
    if of.life != Life::Available {
        let message = format!("DbCluster {} is in {} state", of.id, of.life.status());
        return Err(Refusal::new(400, "InvalidDBClusterStateFault", message));
    }
    let made = Snapshot {
        id: id.to_owned(),
        kms_key: of.kms_key.clone(),
        of,
        life: world.begin(now),
        taken: now,
        tags: params.tags(),
    };
    Ok(keep_of_cluster(world, made))
}

pub(super) fn create_of_instance(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBSnapshotIdentifier")?;
    let of = instances::find(world, params.required("DBInstanceIdentifier")?)?.clone();
    free(&world.instance_snapshots, id, INSTANCE_TAKEN)?;
    let made = Snapshot {
        id: id.to_owned(),
        kms_key: of.kms_key.clone(),
        of,
        life: world.begin(now),
        taken: now,
        tags: params.tags(),
    };
    Ok(keep_of_instance(world, made))
}

pub(super) fn copy_of_cluster(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("TargetDBClusterSnapshotIdentifier")?;
    free(&world.cluster_snapshots, id, CLUSTER_TAKEN)?;
    let source = params.required("SourceDBClusterSnapshotIdentifier")?;
    let made = cluster_snapshot(world, source)?.copied(id, world, params, now);
    Ok(keep_of_cluster(world, made))
}

pub(super) fn copy_of_instance(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("TargetDBSnapshotIdentifier")?;
    free(&world.instance_snapshots, id, INSTANCE_TAKEN)?;
    let source = params.required("SourceDBSnapshotIdentifier")?;
    let made = instance_snapshot(world, source)?.copied(id, world, params, now);
    Ok(keep_of_instance(world, made))
}

fn keep_of_cluster(world: &mut World, made: Snapshot<Cluster>) -> Inside {
    let told = xml_of_cluster(&made);
    world.cluster_snapshots.insert(made.id.clone(), made);
    one("DBClusterSnapshot", told)
}

fn keep_of_instance(world: &mut World, made: Snapshot<Instance>) -> Inside {
    let told = xml_of_instance(&made);
    world.instance_snapshots.insert(made.id.clone(), made);
    one("DBSnapshot", told)
}

pub(super) fn describe_of_clusters(world: &World, params: &Params) -> Result<Inside, Refusal> {
    let asked = match params.get("DBClusterSnapshotIdentifier") {
        Some(id) => vec![cluster_snapshot(world, id)?],
        None => world.cluster_snapshots.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(xml_of_cluster).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBClusterSnapshots", |xml| {
            for inside in told {
                xml.node("DBClusterSnapshot", inside);
            }
        });
    }))
}

pub(super) fn describe_of_instances(world: &World, params: &Params) -> Result<Inside, Refusal> {
    let asked = match params.get("DBSnapshotIdentifier") {
        Some(id) => vec![instance_snapshot(world, id)?],
        None => world.instance_snapshots.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(xml_of_instance).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBSnapshots", |xml| {
            for inside in told {
                xml.node("DBSnapshot", inside);
            }
        });
    }))
}

fn xml_of_cluster(it: &Snapshot<Cluster>) -> Inside {
    let it = it.clone();
    Box::new(move |xml: &mut Xml| {
        xml.leaf("DBClusterSnapshotIdentifier", &it.id)
            .leaf("DBClusterSnapshotArn", it.cluster_arn())
            .leaf("DBClusterIdentifier", &it.of.id)
            .leaf("Status", it.life.status())
            .leaf("PercentProgress", it.percent())
            .leaf("SnapshotType", "manual")
            .leaf("SnapshotCreateTime", moment(it.taken))
            .leaf("Engine", &it.of.engine)
            .leaf("EngineVersion", &it.of.engine_version)
            .leaf("StorageEncrypted", "true")
            .leaf("KmsKeyId", &it.kms_key);
        tags_xml(xml, &it.tags);
    })
}

fn xml_of_instance(it: &Snapshot<Instance>) -> Inside {
    let it = it.clone();
    Box::new(move |xml: &mut Xml| {
        xml.leaf("DBSnapshotIdentifier", &it.id)
            .leaf("DBSnapshotArn", it.instance_arn())
            .leaf("DBInstanceIdentifier", &it.of.id)
            .leaf("Status", it.life.status())
            .leaf("PercentProgress", it.percent())
            .leaf("SnapshotType", "manual")
            .leaf("SnapshotCreateTime", moment(it.taken))
            .leaf("Engine", &it.of.engine)
            .leaf("EngineVersion", &it.of.engine_version)
            .leaf("Encrypted", "true")
            .leaf("KmsKeyId", &it.kms_key);
        tags_xml(xml, &it.tags);
    })
}
