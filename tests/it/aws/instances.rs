//! Instances that are in no cluster: restored, modified, promoted.

use std::time::Duration;

use steadyhand::actions::Found;
use steadyhand::engine::Outcome;
use steadyhand::runbook::Value;
use steadyhand::sandbox::aws::Fault;

use super::{ALONE, Place, REPLICA, SOURCE, handler, request, text};

const DELAY: Duration = Duration::from_millis(700);
const RESTORE: &str = "rds.restore_instance_to_point_in_time";

#[tokio::test]
async fn an_instance_is_restored_with_its_settings() {
    for place in Place::both(DELAY).await {
        let asked =
            || [("source", text(ALONE)), ("target", text("restored")), ("to", text("latest"))];
        let shown = place.complete(RESTORE, asked()).await.unwrap();
        assert_eq!(shown.text("class"), Some("db.r6g.large"));
        let restored = place.ok(RESTORE, asked()).await;
        let source = place.ok("rds.describe_instance", [("instance", text(ALONE))]).await;
        for setting in ["class", "security_groups", "parameter_group", "storage_gib", "encrypted"] {
            assert_eq!(restored.get(setting), source.get(setting), "{setting}");
        }
        let seen = place.client().await.describe_db_instances().send().await.unwrap();
        let seen =
            seen.db_instances().iter().find(|it| it.db_instance_identifier() == Some("restored"));
        let tags = seen.unwrap().tag_list();
        assert!(tags.iter().any(|it| it.key() == Some("steadyhand:run")), "{tags:?}");
    }
}

#[tokio::test]
async fn an_instance_of_a_cluster_is_restored_with_its_cluster() {
    for place in Place::both(Duration::ZERO).await {
        let member = || text("loanserve-prod-1");
        let asked = [("source", member()), ("target", text("new")), ("to", text("latest"))];
        let said = place.complete(RESTORE, asked).await.unwrap_err();
        assert!(said.contains("rds.restore_cluster_to_point_in_time"), "{said}");
        let asked = [("instance", member()), ("snapshot", text("new"))];
        let said = place.complete("rds.create_snapshot", asked).await.unwrap_err();
        assert!(said.contains(SOURCE) && said.contains("snapshot of the cluster"), "{said}");
    }
}

#[tokio::test]
async fn a_modification_is_waited_for_and_not_made_twice() {
    for place in Place::both(DELAY).await {
        let asked = || {
            [
                ("instance", text(ALONE)),
                ("class", text("db.r6g.xlarge")),
                ("backup_retention_days", Value::Int(30)),
            ]
        };
        let shown = place.complete("rds.modify_instance", asked()).await.unwrap();
        assert!(shown.flag("apply_immediately"), "it is said that it happens now");
        let handler = handler("rds.modify_instance");
        let before = handler.find(place.attempt().cx, shown.clone()).await;
        assert!(matches!(before, Found::CannotTell(_)), "{before:?}");

        let changed = place.ok("rds.modify_instance", asked()).await;
        assert_eq!(changed.get("class"), Some(&text("db.r6g.xlarge")));
        assert_eq!(changed.get("backup_retention_days"), Some(&Value::Int(30)));
        let after = handler.find(place.attempt().cx, shown).await;
        assert!(matches!(after, Found::Running(_)), "{after:?}");
        place.ok("rds.modify_instance", asked()).await;
        if place.sandbox.is_some() {
            assert_eq!(place.practice().calls("ModifyDBInstance"), 1);
        }
    }
}

#[tokio::test]
async fn what_may_wait_for_the_maintenance_window_is_not_waited_for() {
    let place = Place::sandbox(DELAY).await;
    let later = [
        ("instance", text(ALONE)),
        ("class", text("db.r6g.xlarge")),
        ("apply_immediately", Value::Bool(false)),
    ];
    let finish = place.run("rds.modify_instance", later).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert!(
        finish.message.contains("for the next maintenance window: class"),
        "{}",
        finish.message
    );
}

#[tokio::test]
async fn nothing_to_modify_is_said_before_anybody_is_asked() {
    let place = Place::sandbox(Duration::ZERO).await;
    let said =
        place.complete("rds.modify_instance", [("instance", text(ALONE))]).await.unwrap_err();
    assert!(said.contains("give one of class, storage_gib"), "{said}");
}

/// moto does not forget the source of a promoted replica, so only the sandbox gets to the end.
#[tokio::test]
async fn a_replica_is_promoted_once() {
    let place = Place::sandbox(DELAY).await;
    let asked = || [("instance", text(REPLICA))];
    let shown = place.complete("rds.promote_read_replica", asked()).await.unwrap();
    assert_eq!(shown.text("source"), Some(ALONE));
    place.practice().inject("PromoteReadReplica", Fault::ReplyLost, 1);
    let lost = place.attempt().run(&shown).await;
    assert_eq!(lost.outcome, Outcome::Unknown, "{}", lost.message);
    assert_eq!(place.practice().calls("PromoteReadReplica"), 1);

    let handler = handler("rds.promote_read_replica");
    let found = handler.find(place.attempt().cx, shown.clone()).await;
    assert!(matches!(found, Found::Running(_)), "{found:?}");
    let finish = handler.reattach(place.attempt().cx, shown.clone()).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(finish.result.get("source"), None);

    let again = place.complete("rds.promote_read_replica", asked()).await.unwrap_err();
    assert!(again.contains("is no read replica"), "{again}");
    // Without what was seen before it was asked for, nobody can say that this run promoted it.
    let unsure = handler.find(place.attempt().cx, request(shown.action, asked())).await;
    assert!(matches!(unsure, Found::CannotTell(_)), "{unsure:?}");
}

#[tokio::test]
async fn who_is_no_replica_is_not_promoted() {
    for place in Place::both(Duration::ZERO).await {
        let said = place.complete("rds.promote_read_replica", [("instance", text(ALONE))]).await;
        assert!(said.unwrap_err().contains("there is nothing to promote"));
        let other = [("instance", text(REPLICA)), ("source", text("somebody"))];
        let said = place.complete("rds.promote_read_replica", other).await.unwrap_err();
        assert!(said.contains("not from somebody"), "{said}");
    }
}
