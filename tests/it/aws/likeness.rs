//! The sandbox answers as moto does: the same calls, the same refusals, the same fields.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};

use super::{Place, SOURCE, text};
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

/// moto tells the first of an Aurora instance, which has no window of its own, and forgets the second;
/// what the sandbox does not tell of an instance yet.
const UNLIKE: [&str; 7] = [
    "latest_restorable_time",
    "publicly_accessible",
    "encrypted",
    "kms_key",
    "storage_gib",
    "multi_az",
    "backup_retention_days",
];

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
    assert_eq!(life(&sandbox).await, life(&moto).await);
}
