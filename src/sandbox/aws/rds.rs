//! The RDS operations, with the refusals of the real ones; one file a kind of thing.

pub(super) mod clusters;
pub(super) mod instances;
pub(super) mod snapshots;

use chrono::{DateTime, SecondsFormat, Utc};

use super::query::{Params, Refusal};
use super::world::{Backups, Tags, World};
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
        "DescribeDBClusters" => clusters::describe(world, params, now),
        "RestoreDBClusterToPointInTime" => clusters::restore_to_point(world, params, now),
        "RestoreDBClusterFromSnapshot" => clusters::restore_from_snapshot(world, params, now),
        "FailoverDBCluster" => clusters::fail_over(world, params, now),
        "DeleteDBCluster" => clusters::delete(world, params, now),
        "DescribeDBInstances" => instances::describe(world, params, now),
        "CreateDBInstance" => instances::create(world, params, now),
        "RestoreDBInstanceToPointInTime" => instances::restore_to_point(world, params, now),
        "RestoreDBInstanceFromDBSnapshot" => instances::restore_from_snapshot(world, params, now),
        "ModifyDBInstance" => instances::modify(world, params, now),
        "PromoteReadReplica" => instances::promote(world, params, now),
        "DeleteDBInstance" => instances::delete(world, params, now),
        "DescribeDBClusterSnapshots" => snapshots::describe_of_clusters(world, params),
        "CreateDBClusterSnapshot" => snapshots::create_of_cluster(world, params, now),
        "CopyDBClusterSnapshot" => snapshots::copy_of_cluster(world, params, now),
        "DescribeDBSnapshots" => snapshots::describe_of_instances(world, params),
        "CreateDBSnapshot" => snapshots::create_of_instance(world, params, now),
        "CopyDBSnapshot" => snapshots::copy_of_instance(world, params, now),
        "ListTagsForResource" => list_tags(world, params),
        "AddTagsToResource" => add_tags(world, params),
        _ => Err(Refusal::new(
            400,
            "InvalidAction",
            format!("The practice environment does not know the action {action}."),
        )),
    }
}

/// The moment that a restore asks for, `name` being what the operation calls it.
fn restore_moment(
    backups: Backups,
    params: &Params,
    name: &str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Refusal> {
    let (earliest, latest) = backups.window(now);
    match (params.moment(name)?, params.flag("UseLatestRestorableTime")) {
        (Some(_), true) => Err(Refusal::new(
            400,
            "InvalidParameterCombination",
            format!("You can't specify both {name} and UseLatestRestorableTime."),
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
            format!("Either {name} or UseLatestRestorableTime must be specified."),
        )),
    }
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
    let World { clusters, instances, cluster_snapshots, instance_snapshots, .. } = world;
    let clusters = clusters.values_mut().map(|it| (it.arn(), &mut it.tags));
    let instances = instances.values_mut().map(|it| (it.arn(), &mut it.tags));
    let of_clusters = cluster_snapshots.values_mut().map(|it| (it.cluster_arn(), &mut it.tags));
    let of_instances = instance_snapshots.values_mut().map(|it| (it.instance_arn(), &mut it.tags));
    clusters
        .chain(instances)
        .chain(of_clusters)
        .chain(of_instances)
        .find(|(known, _)| known == arn)
        .map(|(_, tags)| tags)
        .ok_or_else(|| Refusal::new(404, "DBInstanceNotFound", format!("{arn} not found.")))
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

fn security_groups_xml(xml: &mut Xml, ids: &[String]) {
    xml.node("VpcSecurityGroups", |xml| {
        for id in ids {
            xml.node("VpcSecurityGroupMembership", |xml| {
                xml.leaf("VpcSecurityGroupId", id).leaf("Status", "active");
            });
        }
    });
}
