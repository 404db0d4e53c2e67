//! What AWS and the network do on a bad night.

use std::time::{Duration, Instant};

use steadyhand::aws::{self, AwsAccess};
use steadyhand::engine::Outcome;
use steadyhand::runbook::Value;
use steadyhand::sandbox::aws::Fault;

use super::{Place, SOURCE, handler, request, restore, text};

const TARGET: &str = "loanserve-restored";
const RESTORE: &str = "RestoreDBClusterToPointInTime";
const LONG: Duration = Duration::from_secs(3600);

const EXPIRED: Fault = Fault::Refused {
    status: 403,
    code: "ExpiredToken",
    message: "The security token included in the request is expired",
};
const DENIED: Fault = Fault::Refused {
    status: 403,
    code: "AccessDenied",
    message: "User: arn:aws:iam::000000000042:user/practice is not authorized",
};

#[tokio::test]
async fn a_lost_reply_is_looked_after_and_adopted() {
    let place = Place::sandbox(Duration::ZERO).await;
    place.practice().inject(RESTORE, Fault::ReplyLost, 1);
    let finish = place.attempt().run(&restore(TARGET)).await;
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
    assert_eq!(place.practice().calls(RESTORE), 1);
}

#[tokio::test]
async fn a_request_that_may_have_been_lost_is_unknown() {
    let place = Place::sandbox(Duration::ZERO).await;
    place.practice().inject(RESTORE, Fault::RequestLost, 1);
    let finish = place.attempt().run(&restore(TARGET)).await;
    assert_eq!(finish.outcome, Outcome::Unknown, "{}", finish.message);
    assert!(finish.message.contains("aws rds describe-db-clusters"), "{}", finish.message);
}

#[tokio::test]
async fn a_refusal_failed_and_names_the_permission() {
    let place = Place::sandbox(Duration::ZERO).await;
    place.practice().inject(RESTORE, DENIED, 1);
    let finish = place.attempt().run(&restore(TARGET)).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    let said = finish.message;
    assert!(said.contains("needs the permission rds:RestoreDBClusterToPointInTime"), "{said}");
    assert_eq!(place.practice().clusters(), [SOURCE]);
}

#[tokio::test]
async fn expired_credentials_during_a_wait_are_no_failure() {
    let place = Place::sandbox(Duration::from_millis(800)).await;
    let mut attempt = place.attempt();
    let restore = restore(TARGET);
    let run = tokio::spawn(handler(restore.action).run(attempt.cx.clone(), restore));
    attempt.hears("creating").await;
    place.practice().inject("DescribeDBClusters", EXPIRED, 3);
    let line = attempt.hears("cannot see").await;
    assert!(line.contains("aws sso login"), "{line}");
    let finish = run.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Succeeded, "{}", finish.message);
}

#[tokio::test]
async fn to_stop_waiting_is_not_to_stop_aws() {
    let place = Place::sandbox(LONG).await;
    let mut attempt = place.attempt();
    let restore = restore(TARGET);
    let run = tokio::spawn(handler(restore.action).run(attempt.cx.clone(), restore));
    attempt.hears("creating").await;
    attempt.cx.cancel.cancel();
    let finish = run.await.unwrap();
    assert_eq!(finish.outcome, Outcome::Unknown);
    assert!(finish.message.contains("AWS goes on creating"), "{}", finish.message);
    assert_eq!(place.practice().clusters(), [SOURCE, TARGET]);
}

#[tokio::test]
async fn what_was_cancelled_before_it_was_sent_failed() {
    let place = Place::sandbox(Duration::ZERO).await;
    let attempt = place.attempt();
    attempt.cx.cancel.cancel();
    let finish = attempt.run(&restore(TARGET)).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert_eq!(place.practice().clusters(), [SOURCE]);
}

/// Another moment is another cluster: what the first attempt made is not passed off as it.
#[tokio::test]
async fn an_amended_request_does_not_adopt_what_the_old_one_made() {
    let place = Place::sandbox(Duration::ZERO).await;
    place.attempt().run(&restore(TARGET)).await;
    let amended = request(
        "rds.restore_cluster_to_point_in_time",
        [
            ("source", text(SOURCE)),
            ("target", text(TARGET)),
            ("to", Value::Timestamp(place.practice().good_moment())),
        ],
    );
    let finish = place.attempt().run(&amended).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("at latest, and now"), "{}", finish.message);
}

#[tokio::test]
async fn a_moment_outside_the_window_is_refused_by_aws() {
    let place = Place::sandbox(Duration::ZERO).await;
    let hours = chrono::TimeDelta::hours;
    for moment in [place.practice().good_moment() - hours(24 * 8), chrono::Utc::now() + hours(1)] {
        let asked =
            [("source", text(SOURCE)), ("target", text(TARGET)), ("to", Value::Timestamp(moment))];
        let finish = place.run("rds.restore_cluster_to_point_in_time", asked).await;
        assert_eq!(finish.outcome, Outcome::Failed);
        assert!(finish.message.contains("InvalidParameterValue"), "{}", finish.message);
        assert!(finish.message.contains("nothing was created"), "{}", finish.message);
    }
}

/// A failover or a deletion is sent once, whatever becomes of the answer.
#[tokio::test]
async fn a_destroying_call_is_never_repeated_by_itself() {
    let place = Place::sandbox(Duration::ZERO).await;
    let practice = place.practice();
    practice.inject("FailoverDBCluster", Fault::ReplyLost, 1);
    let finish = place.run("rds.failover_cluster", [("cluster", text(SOURCE))]).await;
    assert_eq!(finish.outcome, Outcome::Unknown, "{}", finish.message);
    assert_eq!(practice.calls("FailoverDBCluster"), 1);

    practice.inject("DeleteDBInstance", Fault::ReplyLost, 1);
    let doomed = request(
        "rds.delete_instance",
        [("instance", text("loanserve-prod-2")), ("skip_final_snapshot", Value::Bool(true))],
    );
    let finish = place.attempt().run(&doomed).await;
    assert_eq!(finish.outcome, Outcome::Unknown, "{}", finish.message);
    assert_eq!(practice.calls("DeleteDBInstance"), 1);
}

#[tokio::test]
async fn a_deletion_must_say_what_becomes_of_the_data() {
    let place = Place::sandbox(Duration::ZERO).await;
    let finish = place.run("rds.delete_cluster", [("cluster", text(SOURCE))]).await;
    assert_eq!(finish.outcome, Outcome::Failed);
    assert!(finish.message.contains("final_snapshot"), "{}", finish.message);
}

#[tokio::test]
async fn the_identity_is_proven_by_sts() {
    let place = Place::sandbox(Duration::ZERO).await;
    let identity = aws::identity(&place.access).await.unwrap();
    assert_eq!(identity.account, place.practice().account());
    assert_eq!(identity.region, place.practice().region());

    let stranger = AwsAccess {
        practice_credentials: Some(("SOMEBODY".into(), "else-altogether".into())),
        ..place.access.clone()
    };
    let said = aws::identity(&stranger).await.unwrap_err();
    assert!(said.contains("AWS does not know these credentials"), "{said}");
}

/// Nothing listens: certainly nothing happened, and it is said at once.
#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut place = Place::sandbox(Duration::ZERO).await;
    place.access.endpoint = Some(format!("http://{free}"));
    let begun = Instant::now();
    let finish = place.attempt().run(&restore(TARGET)).await;
    assert_eq!(finish.outcome, Outcome::Failed, "{}", finish.message);
    assert!(finish.message.contains("cannot connect to http://"), "{}", finish.message);
    assert!(begun.elapsed() < Duration::from_secs(20));
}

/// The usual chain of credentials, asked for a profile that does not exist.
#[tokio::test]
async fn missing_credentials_say_how_to_get_some() {
    let mut place = Place::sandbox(Duration::ZERO).await;
    place.access.practice_credentials = None;
    place.access.profile = Some("no-such-profile".into());
    let said = aws::identity(&place.access).await.unwrap_err();
    assert!(said.contains("aws sso login --profile no-such-profile"), "{said}");
}
