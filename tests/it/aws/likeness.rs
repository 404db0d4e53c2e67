//! The sandbox answers as moto does: the same calls, the same refusals, the same fields.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};

use super::{ALONE, Place, REPLICA, SOURCE, text};
use steadyhand::runbook::Value;

/// The code and the status of a refusal; "ok" for anything else.
fn told<T, E>(answer: Result<T, SdkError<E>>) -> String
where
    E: ProvideErrorMetadata + Debug,
{
    match answer {
        Ok(_) => "ok".into(),
        Err(SdkError::ServiceError(refusal)) => {
            let code = refusal.err().code().unwrap_or("no code");
            format!("{} {code}", refusal.raw().status())
        }
        Err(other) => panic!("{other:?}"),
    }
}

async fn refusals(place: &Place) -> Vec<String> {
    let client = place.client().await;
    let nowhere = "nowhere";
    vec![
        told(client.describe_db_clusters().db_cluster_identifier(nowhere).send().await),
        told(client.describe_db_instances().db_instance_identifier(nowhere).send().await),
        told(
            client
                .restore_db_cluster_to_point_in_time()
                .source_db_cluster_identifier(nowhere)
                .db_cluster_identifier("new")
                .use_latest_restorable_time(true)
                .send()
                .await,
        ),
        told(
            client
                .create_db_instance()
                .db_instance_identifier("loanserve-prod-1")
                .db_cluster_identifier(SOURCE)
                .db_instance_class("db.r6g.large")
                .engine("aurora-postgresql")
                .send()
                .await,
        ),
        told(
            client
                .create_db_instance()
                .db_instance_identifier("new")
                .db_cluster_identifier(nowhere)
                .db_instance_class("db.r6g.large")
                .engine("aurora-postgresql")
                .send()
                .await,
        ),
        told(client.failover_db_cluster().db_cluster_identifier(nowhere).send().await),
        told(
            client
                .failover_db_cluster()
                .db_cluster_identifier(SOURCE)
                .target_db_instance_identifier(nowhere)
                .send()
                .await,
        ),
        told(
            client
                .delete_db_cluster()
                .db_cluster_identifier(nowhere)
                .skip_final_snapshot(true)
                .send()
                .await,
        ),
        told(
            client
                .delete_db_instance()
                .db_instance_identifier(nowhere)
                .skip_final_snapshot(true)
                .send()
                .await,
        ),
    ]
}

/// What is refused about snapshots and about instances on their own.
async fn more_refusals(place: &Place) -> Vec<String> {
    let client = place.client().await;
    let nowhere = "nowhere";
    let describe = client.describe_db_cluster_snapshots();
    let snapshot = || {
        let create = client.create_db_cluster_snapshot();
        create.db_cluster_identifier(SOURCE).db_cluster_snapshot_identifier("taken")
    };
    let of_instance = || {
        client.create_db_snapshot().db_instance_identifier(ALONE).db_snapshot_identifier("taken")
    };
    vec![
        told(describe.db_cluster_snapshot_identifier(nowhere).send().await),
        told(snapshot().send().await),
        told(snapshot().send().await),
        told(snapshot().db_cluster_identifier(nowhere).send().await),
        told(of_instance().send().await),
        told(of_instance().send().await),
        told(
            of_instance()
                .db_instance_identifier(nowhere)
                .db_snapshot_identifier("new")
                .send()
                .await,
        ),
        told(
            client
                .copy_db_cluster_snapshot()
                .source_db_cluster_snapshot_identifier(nowhere)
                .target_db_cluster_snapshot_identifier("new")
                .send()
                .await,
        ),
        told(
            client
                .restore_db_cluster_from_snapshot()
                .snapshot_identifier(nowhere)
                .db_cluster_identifier("new")
                .engine("aurora-postgresql")
                .send()
                .await,
        ),
        told(
            client
                .restore_db_instance_to_point_in_time()
                .source_db_instance_identifier(nowhere)
                .target_db_instance_identifier("new")
                .use_latest_restorable_time(true)
                .send()
                .await,
        ),
        told(
            client
                .restore_db_instance_to_point_in_time()
                .source_db_instance_identifier(ALONE)
                .target_db_instance_identifier(REPLICA)
                .use_latest_restorable_time(true)
                .send()
                .await,
        ),
        told(client.modify_db_instance().db_instance_identifier(nowhere).send().await),
    ]
}

/// A snapshot of each kind, what is restored from it, and a modification: the fields that are told.
async fn copies(place: &Place) -> Vec<String> {
    let cluster = place
        .ok("rds.create_snapshot", [("cluster", text(SOURCE)), ("snapshot", text("of-cluster"))]);
    let instance = place
        .ok("rds.create_snapshot", [("instance", text(ALONE)), ("snapshot", text("of-instance"))]);
    let (cluster, instance) = (cluster.await, instance.await);
    let restored = place.ok(
        "rds.restore_cluster_from_snapshot",
        [("snapshot", text("of-cluster")), ("target", text("from-snapshot"))],
    );
    let alone = place.ok(
        "rds.restore_instance_from_snapshot",
        [("snapshot", text("of-instance")), ("target", text("alone-from-snapshot"))],
    );
    let (restored, alone) = (restored.await, alone.await);
    let modified = [("instance", text("alone-from-snapshot")), ("multi_az", Value::Bool(true))];
    let modified = place.ok("rds.modify_instance", modified).await;
    let replica = place.ok("rds.describe_instance", [("instance", text(REPLICA))]).await;
    let mut seen = Vec::new();
    for (name, value) in [
        ("cluster snapshot", &cluster),
        ("instance snapshot", &instance),
        ("cluster", &restored),
        ("instance", &alone),
        ("modified", &modified),
        ("replica", &replica),
    ] {
        let Value::Map(fields) = value else { panic!("{value}") };
        let fields = fields.keys().filter(|field| !UNLIKE.contains(&field.as_str()));
        seen.extend(fields.map(|field| format!("{name} {field}")));
        for field in ["status", "engine", "engine_version", "cluster", "instance", "source"] {
            if let Some(value) = value.get(field) {
                seen.push(format!("{name} {field} = {value}"));
            }
        }
    }
    seen
}

/// What moto does not copy to a restored instance, tells of an Aurora instance, has not without an EC2, or
/// forgets.
const UNLIKE: [&str; 4] =
    ["latest_restorable_time", "publicly_accessible", "kms_key", "subnet_group"];

/// A cluster that is restored, gets one instance, cannot fail over, and cannot be deleted with it.
async fn life(place: &Place) -> Vec<String> {
    let client = place.client().await;
    let mut seen = Vec::new();
    let restored = client
        .restore_db_cluster_to_point_in_time()
        .source_db_cluster_identifier(SOURCE)
        .db_cluster_identifier("new")
        .use_latest_restorable_time(true)
        .send()
        .await;
    seen.push(told(restored));
    place.ok("rds.wait_available", [("cluster", text("new"))]).await;
    let instance = client
        .create_db_instance()
        .db_instance_identifier("new-1")
        .db_cluster_identifier("new")
        .db_instance_class("db.r6g.large")
        .engine("aurora-postgresql")
        .send()
        .await;
    seen.push(told(instance));
    place.ok("rds.wait_available", [("instance", text("new-1"))]).await;
    seen.push(told(client.failover_db_cluster().db_cluster_identifier("new").send().await));
    let delete = client.delete_db_cluster().db_cluster_identifier("new").skip_final_snapshot(true);
    seen.push(told(delete.clone().send().await));
    let cluster = place.ok("rds.describe_cluster", [("cluster", text("new"))]).await;
    let instance = place.ok("rds.describe_instance", [("instance", text("new-1"))]).await;
    for (name, value) in [("cluster", &cluster), ("instance", &instance)] {
        let Value::Map(fields) = value else { panic!("{value}") };
        let fields = fields.keys().filter(|field| !UNLIKE.contains(&field.as_str()));
        seen.extend(fields.map(|field| format!("{name} {field}")));
    }
    for field in ["earliest_restorable_time", "latest_restorable_time"] {
        assert!(cluster.get(field).is_some(), "{field}");
    }
    for field in ["status", "engine", "engine_version", "port", "writer", "members"] {
        seen.push(format!("cluster {field} = {}", cluster.get(field).unwrap()));
    }
    for field in ["status", "class", "cluster", "engine"] {
        seen.push(format!("instance {field} = {}", instance.get(field).unwrap()));
    }
    seen
}

#[tokio::test]
async fn the_sandbox_answers_as_moto_does() {
    let Some(moto) = Place::moto(Duration::ZERO).await else { return };
    let sandbox = Place::sandbox(Duration::ZERO).await;
    assert_eq!(refusals(&sandbox).await, refusals(&moto).await);
    assert_eq!(more_refusals(&sandbox).await, more_refusals(&moto).await);
    assert_eq!(copies(&sandbox).await, copies(&moto).await);
    assert_eq!(life(&sandbox).await, life(&moto).await);
}
