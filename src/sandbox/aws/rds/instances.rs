//! Instances: those of a cluster, those on their own, and replicas of these.

use chrono::{DateTime, Utc};

use super::{Inside, clusters, moment, one, restore_moment, security_groups_xml, tags_xml, truth};
use crate::sandbox::aws::query::{Params, Refusal};
use crate::sandbox::aws::world::{Backups, Life, Tags, World};
use crate::sandbox::aws::xml::Xml;
use crate::sandbox::aws::{ACCOUNT, REGION};

/// A database instance.
#[derive(Clone)]
pub(in crate::sandbox::aws) struct Instance {
    pub(in crate::sandbox::aws) id: String,
    /// The cluster whose data it serves; without one it has its own.
    pub(in crate::sandbox::aws) cluster: Option<String>,
    /// What it replicates from.
    pub(in crate::sandbox::aws) source: Option<String>,
    pub(in crate::sandbox::aws) life: Life,
    pub(in crate::sandbox::aws) created: DateTime<Utc>,
    pub(in crate::sandbox::aws) engine: String,
    pub(in crate::sandbox::aws) engine_version: String,
    pub(in crate::sandbox::aws) port: String,
    pub(in crate::sandbox::aws) class: String,
    pub(in crate::sandbox::aws) subnet_group: String,
    pub(in crate::sandbox::aws) security_groups: Vec<String>,
    pub(in crate::sandbox::aws) parameter_group: String,
    pub(in crate::sandbox::aws) kms_key: String,
    pub(in crate::sandbox::aws) storage_gib: String,
    pub(in crate::sandbox::aws) storage_type: String,
    pub(in crate::sandbox::aws) backup_retention_days: String,
    pub(in crate::sandbox::aws) multi_az: bool,
    pub(in crate::sandbox::aws) publicly_accessible: bool,
    pub(in crate::sandbox::aws) deletion_protection: bool,
    /// It takes connections and answers none.
    pub(in crate::sandbox::aws) hung: bool,
    pub(in crate::sandbox::aws) tags: Tags,
    pub(in crate::sandbox::aws) backups: Backups,
}

impl Instance {
    pub(super) fn arn(&self) -> String {
        format!("arn:aws:rds:{REGION}:{ACCOUNT}:db:{}", self.id)
    }

    fn endpoint(&self) -> String {
        format!("{}.practice.{REGION}.rds.example.com", self.id)
    }

    /// A new one with this one's engine, data and storage, and AWS's defaults for the rest.
    fn restored(
        &self,
        id: &str,
        world: &World,
        params: &Params,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        if world.instances.contains_key(id) {
            return Err(taken());
        }
        let mut made = Self {
            id: id.to_owned(),
            source: None,
            life: world.begin(now),
            created: now,
            subnet_group: "default".into(),
            security_groups: vec!["sg-default".into()],
            parameter_group: format!("default.{}15", self.engine),
            multi_az: false,
            publicly_accessible: false,
            deletion_protection: false,
            tags: params.tags(),
            backups: Backups::since(now),
            ..self.clone()
        };
        made.change(params);
        params.set(&mut made.port, "Port");
        Ok(made)
    }

    /// The settings that a request may give.
    fn change(&mut self, params: &Params) {
        params.set(&mut self.class, "DBInstanceClass");
        params.set(&mut self.subnet_group, "DBSubnetGroupName");
        params.set(&mut self.parameter_group, "DBParameterGroupName");
        params.set(&mut self.storage_gib, "AllocatedStorage");
        params.set(&mut self.storage_type, "StorageType");
        params.set(&mut self.backup_retention_days, "BackupRetentionPeriod");
        params.set_flag(&mut self.multi_az, "MultiAZ");
        params.set_flag(&mut self.publicly_accessible, "PubliclyAccessible");
        params.set_flag(&mut self.deletion_protection, "DeletionProtection");
        let groups = params.list("VpcSecurityGroupIds", "VpcSecurityGroupId");
        if !groups.is_empty() {
            self.security_groups = groups;
        }
    }
}

fn taken() -> Refusal {
    Refusal::new(400, "DBInstanceAlreadyExists", "DB instance already exists")
}

fn busy(it: &Instance) -> Result<(), Refusal> {
    if it.life == Life::Available {
        return Ok(());
    }
    let message =
        format!("Database instance is not in available state: {} ({})", it.id, it.life.status());
    Err(Refusal::new(400, "InvalidDBInstanceState", message))
}

/// The instance of this name.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Result<&'a Instance, Refusal> {
    world.instances.get(id).ok_or_else(|| {
        Refusal::new(404, "DBInstanceNotFound", format!("DBInstance {id} not found."))
    })
}

pub(super) fn describe(
    world: &World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let asked = match params.get("DBInstanceIdentifier") {
        Some(id) => vec![find(world, id)?],
        None => world.instances.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(|it| xml(it, now)).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBInstances", |xml| {
            for inside in told {
                xml.node("DBInstance", inside);
            }
        });
    }))
}

/// An instance of a cluster: nobody needs another kind to be created here.
pub(super) fn create(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBInstanceIdentifier")?;
    let class = params.required("DBInstanceClass")?;
    let engine = params.required("Engine")?;
    if world.instances.contains_key(id) {
        return Err(taken());
    }
    let joined = clusters::find(world, params.required("DBClusterIdentifier")?)?;
    if joined.engine != engine {
        return Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            format!("The engine {engine} is not that of the cluster, {}.", joined.engine),
        ));
    }
    if joined.life != Life::Available {
        let message = format!("DbCluster {} is in {} state", joined.id, joined.life.status());
        return Err(Refusal::new(400, "InvalidDBClusterStateFault", message));
    }
    let mut made = Instance {
        id: id.to_owned(),
        cluster: Some(joined.id.clone()),
        source: None,
        life: world.begin(now),
        created: now,
        engine: engine.to_owned(),
        engine_version: joined.engine_version.clone(),
        port: joined.port.clone(),
        class: class.to_owned(),
        subnet_group: joined.subnet_group.clone(),
        security_groups: joined.security_groups.clone(),
        parameter_group: "default.aurora-postgresql15".into(),
        kms_key: joined.kms_key.clone(),
        storage_gib: "1".into(),
        storage_type: "aurora".into(),
        backup_retention_days: "7".into(),
        multi_az: false,
        publicly_accessible: false,
        deletion_protection: false,
        hung: false,
        tags: params.tags(),
        backups: joined.backups,
    };
    made.change(params);
    let joined = joined.id.clone();
    if let Some(joined) = world.clusters.get_mut(&joined) {
        joined.writer.get_or_insert_with(|| made.id.clone());
    }
    Ok(keep(world, made, now))
}

pub(super) fn restore_to_point(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("TargetDBInstanceIdentifier")?;
    let source = find(world, params.required("SourceDBInstanceIdentifier")?)?;
    restore_moment(source.backups, params, "RestoreTime", now)?;
    let made = source.restored(id, world, params, now)?;
    Ok(keep(world, made, now))
}

pub(super) fn restore_from_snapshot(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBInstanceIdentifier")?;
    let name = params.required("DBSnapshotIdentifier")?;
    let snapshot = super::snapshots::instance_snapshot(world, name)?;
    snapshot.ready("DBSnapshot", "InvalidDBSnapshotState")?;
    let mut made = snapshot.of.restored(id, world, params, now)?;
    made.kms_key.clone_from(&snapshot.kms_key);
    Ok(keep(world, made, now))
}

fn keep(world: &mut World, made: Instance, now: DateTime<Utc>) -> Inside {
    let told = xml(&made, now);
    world.instances.insert(made.id.clone(), made);
    one("DBInstance", told)
}

/// What is not to be applied at once waits for a maintenance window, which never comes here.
pub(super) fn modify(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let mut changed = find(world, params.required("DBInstanceIdentifier")?)?.clone();
    busy(&changed)?;
    if params.flag("ApplyImmediately") {
        changed.change(params);
        changed.life = Life::Modifying(world.later(now));
    }
    Ok(keep(world, changed, now))
}

pub(super) fn promote(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let mut promoted = find(world, params.required("DBInstanceIdentifier")?)?.clone();
    busy(&promoted)?;
    if promoted.source.take().is_none() {
        let message = format!("DB Instance {} is not a read replica.", promoted.id);
        return Err(Refusal::new(400, "InvalidDBInstanceState", message));
    }
    params.set(&mut promoted.backup_retention_days, "BackupRetentionPeriod");
    promoted.life = Life::Modifying(world.later(now));
    Ok(keep(world, promoted, now))
}

pub(super) fn delete(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let mut doomed = find(world, params.required("DBInstanceIdentifier")?)?.clone();
    if matches!(doomed.life, Life::Deleting(_)) {
        let message = format!("Instance {} is already being deleted.", doomed.id);
        return Err(Refusal::new(400, "InvalidDBInstanceState", message));
    }
    if doomed.deletion_protection {
        return Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        ));
    }
    doomed.life = Life::Deleting(world.later(now));
    Ok(keep(world, doomed, now))
}

fn xml(it: &Instance, now: DateTime<Utc>) -> Inside {
    let it = it.clone();
    let (_, latest) = it.backups.window(now);
    Box::new(move |xml: &mut Xml| {
        xml.leaf("DBInstanceIdentifier", &it.id)
            .leaf("DBInstanceArn", it.arn())
            .leaf("DBInstanceStatus", it.life.status())
            .leaf("DBInstanceClass", &it.class)
            .maybe("DBClusterIdentifier", it.cluster.as_ref())
            .maybe("ReadReplicaSourceDBInstanceIdentifier", it.source.as_ref())
            .leaf("Engine", &it.engine)
            .leaf("EngineVersion", &it.engine_version)
            .leaf("InstanceCreateTime", moment(it.created))
            .leaf("AllocatedStorage", &it.storage_gib)
            .leaf("StorageType", &it.storage_type)
            .leaf("StorageEncrypted", "true")
            .leaf("KmsKeyId", &it.kms_key)
            .leaf("MultiAZ", truth(it.multi_az))
            .leaf("BackupRetentionPeriod", &it.backup_retention_days)
            .leaf("PubliclyAccessible", truth(it.publicly_accessible))
            .leaf("DeletionProtection", truth(it.deletion_protection));
        // The window of an instance of a cluster is the cluster's.
        if it.cluster.is_none() {
            xml.leaf("LatestRestorableTime", moment(latest));
        }
        // An instance has an address only once it is there.
        if !matches!(it.life, Life::Creating(_) | Life::Stuck) {
            xml.node("Endpoint", |xml| {
                xml.leaf("Address", it.endpoint()).leaf("Port", &it.port);
            });
        }
        xml.node("DBSubnetGroup", |xml| {
            xml.leaf("DBSubnetGroupName", &it.subnet_group);
        });
        security_groups_xml(xml, &it.security_groups);
        xml.node("DBParameterGroups", |xml| {
            xml.node("DBParameterGroup", |xml| {
                xml.leaf("DBParameterGroupName", &it.parameter_group);
            });
        });
        tags_xml(xml, &it.tags);
    })
}
