//! Snapshots, and what is restored from them.

use std::time::Duration;

use aws_sdk_rds::types::DbClusterSnapshot;
use steadyhand::actions::{Found, Progress};
use steadyhand::engine::Outcome;
use steadyhand::runbook::Value;

use super::{ALONE, Attempt, Place, RUN, SOURCE, handler, request, text};

const DELAY: Duration = Duration::from_millis(700);
const KEPT: &str = "loanserve-damaged";

fn of_cluster(name: &str) -> [(&'static str, Value); 2] {
    [("cluster", text(SOURCE)), ("snapshot", text(name))]
}

#[tokio::test]
async fn a_cluster_is_restored_from_a_copy_of_its_snapshot() {
    for place in Place::both(DELAY).await {
        let kept = place.ok("rds.create_snapshot", of_cluster(KEPT)).await;
        assert_eq!(kept.get("status"), Some(&text("available")));
        assert_eq!(kept.get("cluster"), Some(&text(SOURCE)));

        let copy = [("cluster_snapshot", text(KEPT)), ("target", text("copy"))];
        let copy = place.ok("rds.copy_snapshot", copy).await;
        assert_eq!(copy.get("kms_key"), kept.get("kms_key"));
        // The AWS API's own word, not the action's.
        let client = place.client().await;
        let seen = client.describe_db_cluster_snapshots();
        let seen = seen.db_cluster_snapshot_identifier("copy").send().await.unwrap();
        let seen = &seen.db_cluster_snapshots()[0];
        let run = seen.tag_list().iter().find(|tag| tag.key() == Some("steadyhand:run"));
        assert_eq!(run.and_then(|tag| tag.value()), Some(RUN));

        let restore = [("snapshot", text("copy")), ("target", text("restored"))];
        let restored = place.ok("rds.restore_cluster_from_snapshot", restore).await;
        let source = place.ok("rds.describe_cluster", [("cluster", text(SOURCE))]).await;
        for setting in ["security_groups", "parameter_group", "subnet_group", "kms_key", "port"] {
            assert_eq!(restored.get(setting), source.get(setting), "{setting}");
        }
        assert_eq!(place.tags("restored").await.get("steadyhand:from").unwrap(), "copy");
    }
}

#[tokio::test]
async fn an_instance_is_restored_from_a_copy_of_its_snapshot() {
    for place in Place::both(DELAY).await {
        let kept = [("instance", text(ALONE)), ("snapshot", text(KEPT))];
        let kept = place.ok("rds.create_snapshot", kept).await;
        assert_eq!(kept.get("instance"), Some(&text(ALONE)));
        place.ok("rds.wait_available", [("instance_snapshot", text(KEPT))]).await;
        let copy = [("instance_snapshot", text(KEPT)), ("target", text("copy"))];
        place.ok("rds.copy_snapshot", copy).await;

        let restore = [("snapshot", text("copy")), ("target", text("restored"))];
        let restored = place.ok("rds.restore_instance_from_snapshot", restore).await;
        let source = place.ok("rds.describe_instance", [("instance", text(ALONE))]).await;
        for setting in ["class", "security_groups", "parameter_group", "storage_gib", "encrypted"] {
            assert_eq!(restored.get(setting), source.get(setting), "{setting}");
        }
    }
}

/// The evidence is being taken, and the restore does not wait for it.
#[tokio::test]
async fn a_snapshot_is_waited_for_only_as_long_as_wanted() {
    for place in Place::both(DELAY).await {
        let [cluster, snapshot] = of_cluster(KEPT);
        let asked = [cluster, snapshot, ("wait", Value::Bool(false))];
        let begun = place.ok("rds.create_snapshot", asked).await;
        assert_eq!(begun.get("status"), Some(&text("creating")));
        let there = place.ok("rds.wait_available", [("cluster_snapshot", text(KEPT))]).await;
        assert_eq!(there.get("status"), Some(&text("available")));
    }
}

#[tokio::test]
async fn a_snapshot_that_a_lost_console_asked_for_is_found_and_adopted() {
    for place in Place::both(DELAY).await {
        let handler = handler("rds.create_snapshot");
        let asked = || request("rds.create_snapshot", of_cluster(KEPT));
        let mut lost = place.attempt();
        let running = tokio::spawn(handler.run(lost.cx.clone(), asked()));
        lost.hears("creating").await;
        running.abort();

        let found = handler.find(place.attempt().cx, asked()).await;
        assert!(matches!(&found, Found::Running(seen) if seen.contains(KEPT)), "{found:?}");
        let reattached = handler.reattach(place.attempt().cx, asked()).await;
        assert_eq!(reattached.outcome, Outcome::Succeeded, "{}", reattached.message);

        let somebody = place.attempt().step("another");
        let taken = somebody.run(&asked()).await;
        assert_eq!(taken.outcome, Outcome::Failed);
        assert!(taken.message.contains("another step of this run made it"), "{}", taken.message);
        let seen = place.client().await.describe_db_cluster_snapshots().send().await.unwrap();
        let manual = |it: &&DbClusterSnapshot| it.snapshot_type() == Some("manual");
        assert_eq!(seen.db_cluster_snapshots().iter().filter(manual).count(), 1);
    }
}

/// Its way is kept: what the screen showed is in the output file, and how far it was.
#[tokio::test]
async fn the_output_keeps_what_was_said() {
    let place = Place::sandbox(DELAY).await;
    let mut attempt: Attempt = place.attempt();
    let finish = attempt.run(&request("rds.create_snapshot", of_cluster(KEPT))).await;
    let output = finish.output.expect("an output");
    let file = attempt.cx.run_dir.join("output").join(&output.file);
    let text = std::fs::read_to_string(file).unwrap();
    for part in ["AWS creates snapshot loanserve-damaged", "creating", "is available"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut fractions = Vec::new();
    while let Ok(progress) = attempt.said.try_recv() {
        if let Progress::Status { fraction: Some(fraction), .. } = progress {
            fractions.push(fraction);
        }
    }
    assert_eq!((fractions.first(), fractions.last()), (Some(&0.4), Some(&1.0)), "{fractions:?}");
}

/// The settings cannot be copied from what is gone: the network must be said, or be like another's.
#[tokio::test]
async fn a_snapshot_whose_cluster_is_gone_needs_a_network() {
    let place = Place::sandbox(Duration::ZERO).await;
    place.ok("rds.create_snapshot", of_cluster(KEPT)).await;
    let other = [("snapshot", text(KEPT)), ("target", text("other"))];
    place.ok("rds.restore_cluster_from_snapshot", other).await;
    let of_other = [("cluster", text("other")), ("snapshot", text("of-other"))];
    place.ok("rds.create_snapshot", of_other).await;
    let gone = [
        ("cluster", text("other")),
        ("skip_final_snapshot", Value::Bool(true)),
        ("wait", Value::Bool(true)),
    ];
    place.ok("rds.delete_cluster", gone).await;

    let restore = "rds.restore_cluster_from_snapshot";
    let asked = || [("snapshot", text("of-other")), ("target", text("again"))];
    let said = place.complete(restore, asked()).await.unwrap_err();
    assert!(said.contains("cluster other") && said.contains("give `like`"), "{said}");
    let [snapshot, target] = asked();
    let like = [snapshot, target, ("like", text(SOURCE))];
    let restored = place.ok(restore, like).await;
    let source = place.ok("rds.describe_cluster", [("cluster", text(SOURCE))]).await;
    assert_eq!(restored.get("security_groups"), source.get("security_groups"));
}
