//! Each action where everything goes as it should, and where the world is in the way.

use std::time::Duration;

use steadyhand::actions::Found;
use steadyhand::engine::Outcome;
use steadyhand::runbook::Value;

use super::{Place, RUN, SOURCE, handler, request, restore, text};

const TARGET: &str = "loanserve-restored";
const DELAY: Duration = Duration::from_millis(700);

/// A restore, its writer, a second instance, a failover, and everything deleted again.
#[tokio::test]
async fn a_cluster_is_restored_used_and_deleted() {
    for place in Place::both(DELAY).await {
        let source = place.ok("rds.describe_cluster", [("cluster", text(SOURCE))]).await;
        assert_eq!(source.get("writer"), Some(&text("loanserve-prod-1")));

        let restored = place
            .ok(
                "rds.restore_cluster_to_point_in_time",
                [("source", text(SOURCE)), ("target", text(TARGET)), ("to", text("latest"))],
            )
            .await;
        assert_eq!(restored.get("status"), Some(&text("available")));
        // Not the defaults of a new cluster: what the source has.
        for setting in ["security_groups", "parameter_group", "subnet_group", "kms_key", "port"] {
            assert_eq!(restored.get(setting), source.get(setting), "{setting}");
        }
        assert_eq!(restored.get("writer"), None);
        let tags = place.tags(TARGET).await;
        assert_eq!(tags.get("steadyhand:run").map(String::as_str), Some(RUN));
        assert_eq!(tags.get("steadyhand:step").map(String::as_str), Some("restore"));
        assert_eq!(tags.get("steadyhand:attempt").map(String::as_str), Some("restore.1-a3f9"));

        for name in ["writer", "reader"] {
            let instance = format!("{TARGET}-{name}");
            let made = place
                .ok(
                    "rds.create_instance",
                    [
                        ("instance", text(&instance)),
                        ("cluster", text(TARGET)),
                        ("like", text("loanserve-prod-1")),
                    ],
                )
                .await;
            assert_eq!(made.get("class"), Some(&text("db.r6g.large")));
            assert_eq!(made.get("status"), Some(&text("available")));
        }
        let writer = format!("{TARGET}-writer");
        place.ok("rds.describe_instance", [("instance", text(&writer))]).await;
        place.ok("rds.wait_available", [("instance", text(&writer))]).await;

        let after = place.ok("rds.failover_cluster", [("cluster", text(TARGET))]).await;
        assert_eq!(after.get("writer"), Some(&text("loanserve-restored-reader")));

        let skip = || ("skip_final_snapshot", Value::Bool(true));
        let wait = || ("wait", Value::Bool(true));
        let early = place.run("rds.delete_cluster", [("cluster", text(TARGET)), skip()]).await;
        assert_eq!(early.outcome, Outcome::Failed);
        assert!(early.message.contains("delete them first"), "{}", early.message);
        for name in ["writer", "reader"] {
            let instance = format!("{TARGET}-{name}");
            let gone = [("instance", text(&instance)), skip(), wait()];
            let gone = place.ok("rds.delete_instance", gone).await;
            assert_eq!(gone.get("status"), Some(&text("deleted")));
        }
        place.ok("rds.delete_cluster", [("cluster", text(TARGET)), skip(), wait()]).await;
        let gone = place.run("rds.describe_cluster", [("cluster", text(TARGET))]).await;
        assert_eq!(gone.outcome, Outcome::Failed);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_with_the_remedy() {
    for place in Place::both(Duration::ZERO).await {
        let nowhere = || text("nowhere");
        for finish in [
            place.run("rds.describe_cluster", [("cluster", nowhere())]).await,
            place.run("rds.describe_instance", [("instance", nowhere())]).await,
            place.run("rds.wait_available", [("cluster", nowhere())]).await,
            place.run("rds.failover_cluster", [("cluster", nowhere())]).await,
            place
                .run(
                    "rds.delete_cluster",
                    [("cluster", nowhere()), ("skip_final_snapshot", Value::Bool(true))],
                )
                .await,
            place
                .run(
                    "rds.restore_cluster_to_point_in_time",
                    [("source", nowhere()), ("target", text(TARGET)), ("to", text("latest"))],
                )
                .await,
        ] {
            assert_eq!(finish.outcome, Outcome::Failed);
            let said = &finish.message;
            assert!(said.contains("nowhere") && said.contains("check the name"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_name_taken_by_somebody_else_is_left_alone() {
    for place in Place::both(Duration::ZERO).await {
        let somebody = place.attempt().step("rehearse");
        let first = somebody.run(&restore(TARGET)).await;
        assert_eq!(first.outcome, Outcome::Succeeded, "{}", first.message);

        let ours = place.attempt().run(&restore(TARGET)).await;
        assert_eq!(ours.outcome, Outcome::Failed);
        assert!(ours.message.contains("name is taken"), "{}", ours.message);
        let tags = place.tags(TARGET).await;
        assert_eq!(tags.get("steadyhand:step").map(String::as_str), Some("rehearse"));
    }
}

/// The console died after it had asked; the next one finds what it made, and makes no second one.
#[tokio::test]
async fn after_a_crash_what_was_created_is_adopted() {
    for place in Place::both(DELAY).await {
        let handler = handler("rds.restore_cluster_to_point_in_time");
        let mut lost = place.attempt();
        let running = tokio::spawn(handler.run(lost.cx.clone(), restore(TARGET)));
        lost.hears("creating").await;
        running.abort();

        let found = handler.find(place.attempt().cx, restore(TARGET)).await;
        assert!(matches!(&found, Found::Running(seen) if seen.contains(TARGET)), "{found:?}");
        let reattached = handler.reattach(place.attempt().cx, restore(TARGET)).await;
        assert_eq!(reattached.outcome, Outcome::Succeeded, "{}", reattached.message);

        let mut again = place.attempt();
        let finish = again.run(&restore(TARGET)).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
        again.hears("was created by this step already").await;
        if let Some(sandbox) = &place.sandbox {
            assert_eq!(sandbox.aws().calls("RestoreDBClusterToPointInTime"), 1);
        }
    }
}

/// What the console looks for after a crash is the request of the runbook, without what was copied.
#[tokio::test]
async fn an_instance_is_found_without_what_completing_adds() {
    let place = Place::sandbox(Duration::ZERO).await;
    let asked = request(
        "rds.create_instance",
        [
            ("instance", text("loanserve-prod-3")),
            ("cluster", text(SOURCE)),
            ("like", text("loanserve-prod-1")),
        ],
    );
    let handler = handler("rds.create_instance");
    let complete = handler.complete(place.attempt().cx, asked.clone()).await.unwrap();
    assert_eq!(place.attempt().run(&complete).await.outcome, Outcome::Succeeded);
    let found = handler.find(place.attempt().cx, asked.clone()).await;
    assert!(matches!(found, Found::Running(_)), "{found:?}");
    let finish = handler.reattach(place.attempt().cx, asked).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
}

#[tokio::test]
async fn what_was_never_created_is_not_taken_for_certain() {
    for place in Place::both(Duration::ZERO).await {
        let handler = handler("rds.restore_cluster_to_point_in_time");
        let found = handler.find(place.attempt().cx, restore(TARGET)).await;
        let Found::CannotTell(seen) = found else { panic!("{found:?}") };
        assert!(seen.contains("never creates a second one"), "{seen}");
    }
}

/// The confirmation shows what will be copied, and the attempt uses what was shown.
#[tokio::test]
async fn completing_shows_what_will_be_copied_and_keeps_what_was_said() {
    for place in Place::both(Duration::ZERO).await {
        let asked = request(
            "rds.restore_cluster_to_point_in_time",
            [
                ("source", text(SOURCE)),
                ("target", text(TARGET)),
                ("to", text("latest")),
                ("parameter_group", text("another")),
            ],
        );
        let handler = handler("rds.restore_cluster_to_point_in_time");
        let shown = handler.complete(place.attempt().cx, asked).await.unwrap();
        let source = place.ok("rds.describe_cluster", [("cluster", text(SOURCE))]).await;
        assert_eq!(shown.value("security_groups"), source.get("security_groups"));
        assert_eq!(shown.value("kms_key"), source.get("kms_key"));
        assert_eq!(shown.text("parameter_group"), Some("another"));
    }
}

/// An undo deletes only what its own run made.
#[tokio::test]
async fn an_undo_touches_nothing_that_the_run_did_not_make() {
    for place in Place::both(Duration::ZERO).await {
        let undo = |cluster: &str| {
            request(
                "rds.delete_cluster",
                [
                    ("cluster", text(cluster)),
                    ("skip_final_snapshot", Value::Bool(true)),
                    ("wait", Value::Bool(true)),
                ],
            )
        };
        let attempt = place.attempt().undo();
        let refused = attempt.run(&undo(SOURCE)).await;
        assert_eq!(refused.outcome, Outcome::Failed);
        assert!(refused.message.contains("carries the tag of no run"), "{}", refused.message);

        place.attempt().run(&restore(TARGET)).await;
        let undone = attempt.run(&undo(TARGET)).await;
        assert_eq!(undone.outcome, Outcome::Succeeded, "{}", undone.message);
        let again = attempt.run(&undo(TARGET)).await;
        assert_eq!(again.outcome, Outcome::Succeeded, "an undo twice: {}", again.message);
    }
}

#[tokio::test]
async fn a_failover_says_whose_place_is_taken_and_refuses_when_that_changed() {
    for place in Place::both(Duration::ZERO).await {
        let handler = handler("rds.failover_cluster");
        let asked = request("rds.failover_cluster", [("cluster", text(SOURCE))]);
        let shown = handler.complete(place.attempt().cx, asked).await.unwrap();
        assert_eq!(shown.text("from"), Some("loanserve-prod-1"));
        let first = place.attempt().run(&shown).await;
        assert_eq!(first.outcome, Outcome::Succeeded, "{}", first.message);
        let found = handler.find(place.attempt().cx, shown.clone()).await;
        assert!(matches!(found, Found::Running(_)), "{found:?}");

        let second = place.attempt().run(&shown).await;
        assert_eq!(second.outcome, Outcome::Failed);
        assert!(second.message.contains("not loanserve-prod-1"), "{}", second.message);
    }
}
