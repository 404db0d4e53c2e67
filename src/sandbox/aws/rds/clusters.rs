//! Aurora clusters.

use chrono::{DateTime, Utc};

use super::{Inside, moment, one, restore_moment, security_groups_xml, tags_xml, truth};
use crate::sandbox::aws::query::{Params, Refusal};
use crate::sandbox::aws::world::{Backups, Data, Life, Tags, World};
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::aws::{ACCOUNT, REGION};

/// An Aurora cluster.
#[derive(Clone)]
pub(in crate::sandbox::aws) struct Cluster {
    pub(in crate::sandbox::aws) id: String,
    pub(in crate::sandbox::aws) life: Life,
    pub(in crate::sandbox::aws) created: DateTime<Utc>,
    pub(in crate::sandbox::aws) engine: String,
    pub(in crate::sandbox::aws) engine_version: String,
    pub(in crate::sandbox::aws) port: String,
    pub(in crate::sandbox::aws) subnet_group: String,
    pub(in crate::sandbox::aws) security_groups: Vec<String>,
    pub(in crate::sandbox::aws) parameter_group: String,
    pub(in crate::sandbox::aws) kms_key: String,
    pub(in crate::sandbox::aws) deletion_protection: bool,
    pub(in crate::sandbox::aws) writer: Option<String>,
    pub(in crate::sandbox::aws) tags: Tags,
    pub(in crate::sandbox::aws) data: Data,
    pub(in crate::sandbox::aws) backups: Backups,
}

impl Cluster {
    /// A new one with this one's settings, but for protection and tags, and with this data.
    fn restored(&self, id: &str, data: Data, now: DateTime<Utc>) -> Self {
        Self {
            id: id.to_owned(),
            life: Life::Available,
            created: now,
            deletion_protection: false,
            writer: None,
            tags: Tags::new(),
            data,
            backups: Backups::since(now),
            ..self.clone()
        }
    }

    /// What the request says of it, before it is created.
    fn asked(mut self, world: &World, params: &Params, now: DateTime<Utc>) -> Self {
        params.set(&mut self.subnet_group, "DBSubnetGroupName");
        params.set(&mut self.parameter_group, "DBClusterParameterGroupName");
        params.set(&mut self.kms_key, "KmsKeyId");
        params.set(&mut self.port, "Port");
        // AWS does not copy security groups: a restore without them lands in the default group.
        self.security_groups = params.list("VpcSecurityGroupIds", "VpcSecurityGroupId");
        if self.security_groups.is_empty() {
            self.security_groups.push("sg-default".into());
        }
        self.deletion_protection = params.flag("DeletionProtection");
        self.tags = params.tags();
        self.life = world.begin(now);
        self
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{}", self.id)
    }

    pub(in crate::sandbox::aws) fn endpoint(&self) -> String {
        format!("{}.cluster-practice.{REGION}.rds.example.com", self.id)
    }

    fn reader_endpoint(&self) -> String {
        format!("{}.cluster-ro-practice.{REGION}.rds.example.com", self.id)
    }
}

/// The cluster of this name.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Result<&'a Cluster, Refusal> {
    world.clusters.get(id).ok_or_else(|| {
        Refusal::new(404, "DBClusterNotFoundFault", format!("DBCluster {id} not found."))
    })
}

fn free(world: &World, id: &str) -> Result<(), Refusal> {
    if world.clusters.contains_key(id) {
        let message = format!("DB Cluster {id} already exists");
        return Err(Refusal::new(400, "DBClusterAlreadyExistsFault", message));
    }
    Ok(())
}

pub(super) fn describe(
    world: &World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let asked = match params.get("DBClusterIdentifier") {
        Some(id) => vec![find(world, id)?],
        None => world.clusters.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(|it| xml(world, it, now)).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBClusters", |xml| {
            for inside in told {
                xml.node("DBCluster", inside);
            }
        });
    }))
}

pub(super) fn restore_to_point(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBClusterIdentifier")?;
    let source = find(world, params.required("SourceDBClusterIdentifier")?)?;
    free(world, id)?;
    let to = restore_moment(source.backups, params, "RestoreToTime", now)?;
    let made = source.restored(id, Data::AsOf(to), now).asked(world, params, now);
    Ok(keep(world, made, now))
}

pub(super) fn restore_from_snapshot(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBClusterIdentifier")?;
    let engine = params.required("Engine")?;
    let snapshot =
        super::snapshots::cluster_snapshot(world, params.required("SnapshotIdentifier")?)?;
    free(world, id)?;
    snapshot.ready("DBClusterSnapshot", "InvalidDBClusterSnapshotStateFault")?;
    if snapshot.of.engine != engine {
        return Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            format!("The engine {engine} is not that of the snapshot, {}.", snapshot.of.engine),
        ));
    }
    let mut made = snapshot.of.restored(id, snapshot.of.data, now);
    made.kms_key.clone_from(&snapshot.kms_key);
    let made = made.asked(world, params, now);
    Ok(keep(world, made, now))
}

fn keep(world: &mut World, made: Cluster, now: DateTime<Utc>) -> Inside {
    let told = xml(world, &made, now);
    world.clusters.insert(made.id.clone(), made);
    one("DBCluster", told)
}

pub(super) fn fail_over(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let found = find(world, params.required("DBClusterIdentifier")?)?;
    let id = found.id.clone();
    let wrong = |message: String| Refusal::new(400, "InvalidDBClusterStateFault", message);
    if found.life != Life::Available {
        return Err(wrong(format!("DbCluster {id} is in {} state", found.life.status())));
    }
    let heirs = |it: &&super::instances::Instance| {
        it.life == Life::Available && found.writer.as_ref() != Some(&it.id)
    };
    let heir = match params.get("TargetDBInstanceIdentifier") {
        Some(target) => world
            .members(&id)
            .find(|it| it.id == target)
            .ok_or_else(|| Refusal::invalid(format!("Cannot find target instance: {target}")))?,
        None => world.members(&id).find(heirs).ok_or_else(|| {
            wrong(format!(
                "Database cluster:{id} should have at least two database instances for failover"
            ))
        })?,
    };
    let heir = heir.id.clone();
    let until = world.later(now);
    if let Some(found) = world.clusters.get_mut(&id) {
        found.life = Life::FailingOver(until);
        // Who wrote until now comes up again as a reader.
        let deposed = found.writer.replace(heir).and_then(|id| world.instances.get_mut(&id));
        if let Some(deposed) = deposed {
            deposed.life = Life::Rebooting(until);
            deposed.hung = false;
        }
    }
    let told = xml(world, find(world, &id)?, now);
    Ok(one("DBCluster", told))
}

pub(super) fn delete(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let found = find(world, params.required("DBClusterIdentifier")?)?;
    let id = found.id.clone();
    if found.deletion_protection {
        return Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            "Cannot delete protected Cluster, please disable deletion protection and try again.",
        ));
    }
    if world.members(&id).any(|it| !matches!(it.life, Life::Deleting(_))) {
        return Err(Refusal::new(
            400,
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        ));
    }
    if !params.flag("SkipFinalSnapshot") && params.get("FinalDBSnapshotIdentifier").is_none() {
        return Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        ));
    }
    let until = world.later(now);
    if let Some(found) = world.clusters.get_mut(&id) {
        found.life = Life::Deleting(until);
    }
    let told = xml(world, find(world, &id)?, now);
    Ok(one("DBCluster", told))
}

fn xml(world: &World, it: &Cluster, now: DateTime<Utc>) -> Inside {
    let it = it.clone();
    let members: Vec<String> = world.members(&it.id).map(|member| member.id.clone()).collect();
    let (earliest, latest) = it.backups.window(now);
    Box::new(move |xml: &mut Xml| {
        xml.leaf("DBClusterIdentifier", &it.id)
            .leaf("DBClusterArn", it.arn())
            .leaf("Status", it.life.status())
            .leaf("Engine", &it.engine)
            .leaf("EngineVersion", &it.engine_version)
            .leaf("EngineMode", "provisioned")
            .leaf("Endpoint", it.endpoint())
            .leaf("ReaderEndpoint", it.reader_endpoint())
            .leaf("Port", &it.port)
            .leaf("ClusterCreateTime", moment(it.created))
            .leaf("EarliestRestorableTime", moment(earliest))
            .leaf("LatestRestorableTime", moment(latest))
            .leaf("DBSubnetGroup", &it.subnet_group)
            .leaf("DBClusterParameterGroup", &it.parameter_group)
            .leaf("StorageEncrypted", "true")
            .leaf("KmsKeyId", &it.kms_key)
            .leaf("DeletionProtection", truth(it.deletion_protection));
        security_groups_xml(xml, &it.security_groups);
        xml.node("DBClusterMembers", |xml| {
            for id in &members {
                xml.node("DBClusterMember", |xml| {
                    xml.leaf("DBInstanceIdentifier", id)
                        .leaf("IsClusterWriter", truth(it.writer.as_ref() == Some(id)));
                });
            }
        });
        tags_xml(xml, &it.tags);
    })
}
