//! The RDS operations, with the refusals of the real ones.

use chrono::{DateTime, SecondsFormat, Utc};

use super::query::{Params, Refusal};
use super::world::{Cluster, Instance, Life, Tags, World};
use super::xml::Xml;

/// Writes the inside of an answer's `…Result`.
pub(super) type Inside = Box<dyn FnOnce(&mut Xml)>;

/// Carries out one operation.
pub(super) fn answer(
    world: &mut World,
    action: &str,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    match action {
        "DescribeDBClusters" => describe_clusters(world, params, now),
        "DescribeDBInstances" => describe_instances(world, params),
        "RestoreDBClusterToPointInTime" => restore_cluster(world, params, now),
        "CreateDBInstance" => create_instance(world, params, now),
        "FailoverDBCluster" => fail_over(world, params, now),
        "DeleteDBInstance" => delete_instance(world, params, now),
        "DeleteDBCluster" => delete_cluster(world, params, now),
        "ListTagsForResource" => list_tags(world, params),
        "AddTagsToResource" => add_tags(world, params),
        _ => Err(Refusal::new(
            400,
            "InvalidAction",
            format!("The practice environment does not know the action {action}."),
        )),
    }
}

fn describe_clusters(
    world: &World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let asked = match params.get("DBClusterIdentifier") {
        Some(id) => vec![cluster(world, id)?],
        None => world.clusters.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(|it| cluster_xml(world, it, now)).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBClusters", |xml| {
            for inside in told {
                xml.node("DBCluster", inside);
            }
        });
    }))
}

fn describe_instances(world: &World, params: &Params) -> Result<Inside, Refusal> {
    let asked = match params.get("DBInstanceIdentifier") {
        Some(id) => vec![instance(world, id)?],
        None => world.instances.values().collect(),
    };
    let told: Vec<_> = asked.into_iter().map(|it| instance_xml(world, it)).collect();
    Ok(Box::new(move |xml| {
        xml.node("DBInstances", |xml| {
            for inside in told {
                xml.node("DBInstance", inside);
            }
        });
    }))
}

fn restore_cluster(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBClusterIdentifier")?;
    let source = cluster(world, params.required("SourceDBClusterIdentifier")?)?;
    if world.clusters.contains_key(id) {
        let message = format!("DB Cluster {id} already exists");
        return Err(Refusal::new(400, "DBClusterAlreadyExistsFault", message));
    }
    let to = restore_moment(source, params, now)?;
    let mut made = source.restored(id, to, now);
    let set = |field: &mut String, name: &str| {
        if let Some(text) = params.get(name) {
            text.clone_into(field);
        }
    };
    set(&mut made.subnet_group, "DBSubnetGroupName");
    set(&mut made.parameter_group, "DBClusterParameterGroupName");
    set(&mut made.kms_key, "KmsKeyId");
    set(&mut made.port, "Port");
    // AWS does not copy security groups: a restore without them lands in the default group.
    made.security_groups = params.list("VpcSecurityGroupIds", "VpcSecurityGroupId");
    if made.security_groups.is_empty() {
        made.security_groups.push("sg-default".into());
    }
    made.deletion_protection = params.flag("DeletionProtection");
    made.tags = params.tags();
    made.life = Life::Creating(world.later(now));
    let told = cluster_xml(world, &made, now);
    world.clusters.insert(made.id.clone(), made);
    Ok(one("DBCluster", told))
}

fn restore_moment(
    source: &Cluster,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Refusal> {
    let (earliest, latest) = source.window(now);
    match (params.moment("RestoreToTime")?, params.flag("UseLatestRestorableTime")) {
        (Some(_), true) => Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            "You can't specify both RestoreToTime and UseLatestRestorableTime.",
        )),
        (None, true) => Ok(latest),
        (Some(to), false) if (earliest..=latest).contains(&to) => Ok(to),
        (Some(to), false) => {
            let text = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
            Err(Refusal::invalid(format!(
                "The specified instance cannot be restored to a time earlier than {} or later \
                 than {} because its backups only reach so far; asked for {}.",
                text(earliest),
                text(latest),
                text(to)
            )))
        }
        (None, false) => Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            "Either RestoreToTime or UseLatestRestorableTime must be specified.",
        )),
    }
}

fn create_instance(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = params.required("DBInstanceIdentifier")?;
    let class = params.required("DBInstanceClass")?;
    let engine = params.required("Engine")?;
    if world.instances.contains_key(id) {
        return Err(Refusal::new(400, "DBInstanceAlreadyExists", "DB instance already exists"));
    }
    let joined = cluster(world, params.required("DBClusterIdentifier")?)?;
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
    let made = Instance {
        id: id.to_owned(),
        cluster: joined.id.clone(),
        life: Life::Creating(world.later(now)),
        created: now,
        class: class.to_owned(),
        parameter_group: params
            .get("DBParameterGroupName")
            .unwrap_or("default.aurora-postgresql15")
            .to_owned(),
        publicly_accessible: params.flag("PubliclyAccessible"),
        tags: params.tags(),
    };
    if let Some(joined) = world.clusters.get_mut(&made.cluster) {
        joined.writer.get_or_insert_with(|| made.id.clone());
    }
    let told = instance_xml(world, &made);
    world.instances.insert(made.id.clone(), made);
    Ok(one("DBInstance", told))
}

fn fail_over(world: &mut World, params: &Params, now: DateTime<Utc>) -> Result<Inside, Refusal> {
    let found = cluster(world, params.required("DBClusterIdentifier")?)?;
    let id = found.id.clone();
    let wrong = |message: String| Refusal::new(400, "InvalidDBClusterStateFault", message);
    if found.life != Life::Available {
        return Err(wrong(format!("DbCluster {id} is in {} state", found.life.status())));
    }
    let heirs =
        |it: &&Instance| it.life == Life::Available && found.writer.as_ref() != Some(&it.id);
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
        found.writer = Some(heir);
    }
    let told = cluster_xml(world, cluster(world, &id)?, now);
    Ok(one("DBCluster", told))
}

fn delete_instance(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let id = instance(world, params.required("DBInstanceIdentifier")?)?.id.clone();
    let until = world.later(now);
    if let Some(found) = world.instances.get_mut(&id) {
        if matches!(found.life, Life::Deleting(_)) {
            let message = format!("Instance {id} is already being deleted.");
            return Err(Refusal::new(400, "InvalidDBInstanceState", message));
        }
        found.life = Life::Deleting(until);
    }
    let told = instance_xml(world, instance(world, &id)?);
    Ok(one("DBInstance", told))
}

fn delete_cluster(
    world: &mut World,
    params: &Params,
    now: DateTime<Utc>,
) -> Result<Inside, Refusal> {
    let found = cluster(world, params.required("DBClusterIdentifier")?)?;
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
    let told = cluster_xml(world, cluster(world, &id)?, now);
    Ok(one("DBCluster", told))
}

fn list_tags(world: &mut World, params: &Params) -> Result<Inside, Refusal> {
    let tags = tags_of(world, params.required("ResourceName")?)?.clone();
    Ok(Box::new(move |xml| {
        tags_xml(xml, &tags);
    }))
}

fn add_tags(world: &mut World, params: &Params) -> Result<Inside, Refusal> {
    let given = params.tags();
    let tags = tags_of(world, params.required("ResourceName")?)?;
    tags.retain(|(key, _)| given.iter().all(|(new, _)| new != key));
    tags.extend(given);
    Ok(Box::new(|_| ()))
}

fn tags_of<'a>(world: &'a mut World, arn: &str) -> Result<&'a mut Tags, Refusal> {
    let World { clusters, instances, .. } = world;
    let cluster = clusters.values_mut().find(|it| it.arn() == arn).map(|it| &mut it.tags);
    cluster
        .or_else(|| instances.values_mut().find(|it| it.arn() == arn).map(|it| &mut it.tags))
        .ok_or_else(|| Refusal::new(404, "DBInstanceNotFound", format!("{arn} not found.")))
}

fn cluster<'a>(world: &'a World, id: &str) -> Result<&'a Cluster, Refusal> {
    world.clusters.get(id).ok_or_else(|| {
        Refusal::new(404, "DBClusterNotFoundFault", format!("DBCluster {id} not found."))
    })
}

fn instance<'a>(world: &'a World, id: &str) -> Result<&'a Instance, Refusal> {
    world.instances.get(id).ok_or_else(|| {
        Refusal::new(404, "DBInstanceNotFound", format!("DBInstance {id} not found."))
    })
}

fn one(name: &'static str, inside: Inside) -> Inside {
    Box::new(move |xml| {
        xml.node(name, inside);
    })
}

fn truth(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn tags_xml(xml: &mut Xml, tags: &Tags) {
    xml.node("TagList", |xml| {
        for (key, value) in tags {
            xml.node("Tag", |xml| {
                xml.leaf("Key", key).leaf("Value", value);
            });
        }
    });
}

fn cluster_xml(world: &World, it: &Cluster, now: DateTime<Utc>) -> Inside {
    let it = it.clone();
    let members: Vec<String> = world.members(&it.id).map(|member| member.id.clone()).collect();
    let (earliest, latest) = it.window(now);
    Box::new(move |xml| {
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
        xml.node("VpcSecurityGroups", |xml| {
            for id in &it.security_groups {
                xml.node("VpcSecurityGroupMembership", |xml| {
                    xml.leaf("VpcSecurityGroupId", id).leaf("Status", "active");
                });
            }
        });
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

fn instance_xml(world: &World, it: &Instance) -> Inside {
    let it = it.clone();
    let cluster = world.clusters.get(&it.cluster).cloned();
    Box::new(move |xml| {
        xml.leaf("DBInstanceIdentifier", &it.id)
            .leaf("DBInstanceArn", it.arn())
            .leaf("DBInstanceStatus", it.life.status())
            .leaf("DBInstanceClass", &it.class)
            .leaf("DBClusterIdentifier", &it.cluster)
            .maybe("Engine", cluster.as_ref().map(|it| &it.engine))
            .maybe("EngineVersion", cluster.as_ref().map(|it| &it.engine_version))
            .leaf("InstanceCreateTime", moment(it.created))
            .leaf("PubliclyAccessible", truth(it.publicly_accessible))
            .leaf("DeletionProtection", "false");
        // An instance has an address only once it is there.
        if it.life == Life::Available {
            xml.node("Endpoint", |xml| {
                xml.leaf("Address", it.endpoint())
                    .maybe("Port", cluster.as_ref().map(|it| &it.port));
            });
        }
        xml.node("DBParameterGroups", |xml| {
            xml.node("DBParameterGroup", |xml| {
                xml.leaf("DBParameterGroupName", &it.parameter_group);
            });
        });
        tags_xml(xml, &it.tags);
    })
}
