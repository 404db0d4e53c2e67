//! The Aurora runbooks by keys alone at 80x24, on moto: an AWS that we did not write. What became of clusters,
//! instances and snapshots is asked of its API afterwards, not taken from the screen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use aws_sdk_rds::Client;
use aws_sdk_rds::types::{DbCluster, Tag};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::walk::{Turn, end, review, soon, walk, walk_until};
use super::{ENTER, Terminal, is, records};
use crate::aws::{Place, SOURCE};
use crate::services::application::{Application, Trouble};
use crate::services::aws_front::Front;
use crate::services::moto::Moto;

const RESTORED: &str = "loanserve-prod-restored";
const HONEST: Duration = Duration::from_secs(2);

/// moto with a front, an application, and a directory with settings.
struct Scene {
    dir: TempDir,
    front: Front,
    application: Application,
    aws: Client,
    moment: DateTime<Utc>,
    runtime: Runtime,
    _place: Place,
}

impl Scene {
    fn set(trouble: Trouble, stuck: &str) -> Option<Self> {
        let runtime = Runtime::new().unwrap();
        let moto = Moto::start_stuck(HONEST, stuck)?;
        let endpoint = moto.endpoint();
        let place = runtime.block_on(Place::of_moto(moto))?;
        // moto's window begins with the cluster.
        let moment = Utc::now();
        let newest = text(moment - TimeDelta::seconds(4));
        let (aws, front, application) = runtime.block_on(async {
            let aws = place.client().await;
            let source = cluster(&aws, SOURCE).await.unwrap();
            let database = source.endpoint().unwrap().to_owned();
            let application = Application::start(aws.clone(), database, trouble, newest);
            (aws.clone(), Front::of(endpoint).await, application.await)
        });
        let dir = TempDir::new().unwrap();
        let settings = format!(
            "steadyhand: 1\nenvironments:\n  practice:\n    mode: drill\n    aws: {{endpoint: \"{}\", \
             region: eu-west-1}}\n",
            front.endpoint
        );
        std::fs::write(dir.path().join("steadyhand.yaml"), settings).unwrap();
        Some(Self { dir, front, application, aws, moment, runtime, _place: place })
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn steady(&self, words: &[&str], failpoint: &str) -> Terminal {
        let mut env = vec![
            ("AWS_ACCESS_KEY_ID", "moto-access-key"),
            ("AWS_SECRET_ACCESS_KEY", "moto-secret-key"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        if !failpoint.is_empty() {
            env.push(("STEADYHAND_FAILPOINT", failpoint));
        }
        Terminal::steady(self.dir(), words, &env)
    }

    /// From the command line to the first step.
    fn begun(&self, runbook: &str, inputs: &[(&str, &str)], failpoint: &str) -> Terminal {
        let mut words = vec!["run".to_owned(), runbook.into(), "--env".into(), "practice".into()];
        for (name, value) in inputs {
            words.extend(["-i".into(), format!("{name}={value}")]);
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut terminal = self.steady(&words, failpoint);
        terminal.wait_text("Before the first step").press(ENTER);
        terminal
    }

    fn pitr(&self, failpoint: &str) -> Terminal {
        let at = |path: &str| format!("{}/{path}", self.application.url);
        let inputs = [
            ("source_cluster", SOURCE),
            ("restore_to", &text(self.moment)),
            ("operate", "http"),
            ("stop_url", &at("writers")),
            ("cutover_url", &at("config")),
            ("rows", "http"),
            ("rows_url", &at("rows")),
            ("smoke_url", &at("health")),
            ("smoke_for", "2s"),
            ("drain", "1s"),
            ("poll", "1s"),
        ];
        self.begun("aurora-pitr", &inputs, failpoint)
    }

    fn failover(&self, failpoint: &str) -> Terminal {
        let at = |path: &str| format!("{}/{path}", self.application.url);
        let inputs = [
            ("cluster", SOURCE),
            ("checks", "http"),
            ("lag_url", &at("lag")),
            ("writer_url", &at("writer")),
            ("smoke_url", &at("health")),
            ("smoke_for", "2s"),
            ("poll", "1s"),
        ];
        self.begun("aurora-failover", &inputs, failpoint)
    }

    /// What the AWS API says of a cluster.
    fn cluster(&self, id: &str) -> Option<DbCluster> {
        self.runtime.block_on(cluster(&self.aws, id))
    }

    /// The writer of a cluster and its other instances.
    fn members(&self, id: &str) -> (Option<String>, Vec<String>) {
        let cluster = self.cluster(id).unwrap();
        let (writers, readers): (Vec<_>, Vec<_>) = cluster
            .db_cluster_members()
            .iter()
            .partition(|it| it.is_cluster_writer() == Some(true));
        let id = |it: &&aws_sdk_rds::types::DbClusterMember| {
            it.db_instance_identifier().unwrap().to_owned()
        };
        (writers.first().map(id), readers.iter().map(id).collect())
    }

    /// The snapshots that somebody asked for: of which cluster, and their tags.
    fn snapshots(&self) -> Vec<(String, BTreeMap<String, String>)> {
        let answer = self.runtime.block_on(self.aws.describe_db_cluster_snapshots().send());
        let manual = answer.unwrap().db_cluster_snapshots.unwrap_or_default().into_iter();
        let manual = manual.filter(|it| it.snapshot_type() == Some("manual"));
        manual
            .map(|it| (it.db_cluster_identifier().unwrap().to_owned(), tags(it.tag_list())))
            .collect()
    }

    /// The restored cluster serves, once, with what the source was reached by; the damage is kept.
    fn is_restored(&self) {
        let run = records(self.dir())[0]["body"]["run"].as_str().unwrap().to_owned();
        let (source, restored) = (self.cluster(SOURCE).unwrap(), self.cluster(RESTORED).unwrap());
        assert_eq!(tags(restored.tag_list()).get("steadyhand:run"), Some(&run));
        assert_eq!(restored.vpc_security_groups(), source.vpc_security_groups());
        let writer = Some(format!("{RESTORED}-writer"));
        assert_eq!(self.members(RESTORED), (writer, Vec::new()));
        let (of, tags) = self.snapshots().pop().expect("a snapshot");
        assert_eq!((of.as_str(), tags.get("steadyhand:run")), (SOURCE, Some(&run)));
        assert_eq!(self.snapshots().len(), 1);
        let configured = self.application.configured();
        assert_eq!(Some(configured.database.as_str()), restored.endpoint());
        assert!(configured.writers);
        assert_eq!(self.members(SOURCE).0.as_deref(), Some("loanserve-prod-1"), "it is untouched");
    }
}

async fn cluster(aws: &Client, id: &str) -> Option<DbCluster> {
    let answer = aws.describe_db_clusters().db_cluster_identifier(id).send().await.ok()?;
    answer.db_clusters.unwrap_or_default().pop()
}

fn tags(list: &[Tag]) -> BTreeMap<String, String> {
    let pair = |tag: &Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    list.iter().filter_map(pair).collect()
}

fn text(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Opens the menu of everything that changes the run and takes this letter.
fn choose(terminal: &mut Terminal, letter: &str) {
    terminal.press(" ").wait_text("What to do?").press(letter);
}

/// Does what the menu's letter says, with the consent that it asks for.
fn choose_and_consent(terminal: &mut Terminal, letter: &str) {
    let open = |terminal: &Terminal| {
        let screen = terminal.screen();
        screen.contains("this?") && screen.contains("── the end ──")
    };
    choose(terminal, letter);
    // A letter that comes before the request was looked at does nothing, and is pressed again.
    while !soon(terminal, open) {
        choose(terminal, letter);
    }
    if terminal.screen().contains("and Enter:") {
        let screen = terminal.screen();
        let asked = screen.split("Type `").nth(1).and_then(|rest| rest.split('`').next());
        terminal.type_phrase(asked.unwrap());
    } else {
        terminal.confirm();
    }
}

/// The step failed, and the journal's reason has `part` in it.
fn failed_with(terminal: &mut Terminal, dir: &Path, step: &str, part: &str) {
    terminal.wait_text("FAILED").wait_record(dir, part, |r| {
        let said = r["body"]["message"].as_str().unwrap_or_default();
        is(r, "attempt_finished", step) && said.contains(part)
    });
}

/// Waits until an attempt of the step came out like this, and is on the screen.
fn ended(terminal: &mut Terminal, dir: &Path, step: &str, outcome: &str) {
    terminal.wait_record(dir, "of the end", |r| {
        is(r, "attempt_finished", step) && r["body"]["outcome"] == outcome
    });
    let shown = |screen: &str| screen.contains(&format!("journal ✓ {} ", records(dir).len()));
    terminal.wait_for("what was recorded", shown);
}

/// Chooses the reader and goes on.
fn to_the_failover(terminal: &mut Terminal, dir: &Path) {
    assert_eq!(walk_until(terminal, dir, None, "─ Who takes over? ─"), None);
    terminal.wait_text("Enter run").press(ENTER).wait_text("Enter answer").press(ENTER);
    terminal.wait_text("Which one?").press(ENTER);
    terminal.wait_record(dir, "of the choice", |r| is(r, "attempt_finished", "heir"));
}

#[test]
fn a_cluster_is_restored_to_a_point_in_time() {
    let Some(scene) = Scene::set(Trouble::Emptied(SOURCE.into()), "") else { return };
    let mut terminal = scene.pitr("");
    assert_eq!(walk(&mut terminal, scene.dir(), None), Turn::Over, "{}", terminal.screen());
    let report = end(&mut terminal, scene.dir());
    scene.is_restored();
    assert_eq!(report["objectives"]["basis"], "achieved", "{report}");
    let refused = records(scene.dir()).iter().filter(|r| is(r, "guard_refused", "restore")).count();
    assert_eq!(refused, 1, "the wrong name was refused first");
}

/// The console dies while AWS restores; the next one is denied the writer, and is allowed it on the second
/// try; then the application needs somebody to look after it before it answers.
#[test]
fn a_restore_survives_a_killed_console_a_refusal_and_a_smoke_test_that_stays_red() {
    let Some(scene) = Scene::set(Trouble::Emptied(SOURCE.into()), "") else { return };
    let (dir, front) = (scene.dir(), &scene.front);
    front.deny("CreateDBInstance", 1);
    scene.application.set_well(false);
    let mut terminal = scene.pitr("fact:attempt_progress:restore");
    assert_eq!(walk_until(&mut terminal, dir, None, "─ Restore loan"), None);
    review(&mut terminal, dir, None);
    assert!(!terminal.wait_exit().success());
    assert!(!records(dir).iter().any(|r| is(r, "attempt_finished", "restore")));

    let mut terminal = scene.steady(&["resume"], "");
    ended(&mut terminal, dir, "restore", "succeeded");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck, "{}", terminal.screen());
    let denied = "the identity needs the permission rds:CreateDBInstance";
    failed_with(&mut terminal, dir, "writer", denied);
    assert_eq!(scene.members(RESTORED), (None, Vec::new()));
    choose_and_consent(&mut terminal, "r");
    ended(&mut terminal, dir, "writer", "succeeded");

    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck, "{}", terminal.screen());
    failed_with(&mut terminal, dir, "smoke", "not as expected after 2s");
    terminal.wait_text("503");
    scene.application.set_well(true);
    choose(&mut terminal, "r");
    ended(&mut terminal, dir, "smoke", "succeeded");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    end(&mut terminal, dir);
    scene.is_restored();
    assert_eq!(front.passed("RestoreDBClusterToPointInTime"), 1, "nothing was asked for twice");
}

/// A restore that never ends is cancelled: UNKNOWN, until a person says that it failed. Its undo deletes what
/// hangs there, then it is done again.
#[test]
fn a_restore_that_is_stuck_is_cancelled_undone_and_done_again() {
    let Some(scene) = Scene::set(Trouble::Emptied(SOURCE.into()), RESTORED) else { return };
    let dir = scene.dir();
    let mut terminal = scene.pitr("");
    assert_eq!(walk_until(&mut terminal, dir, None, "─ Restore loan"), None);
    review(&mut terminal, dir, None);
    // Longer than any other restore here takes.
    terminal.wait_for("that it hangs", |screen| {
        screen.lines().filter(|line| line.contains("Z creating")).count() > 4
    });
    choose(&mut terminal, "x");
    terminal.wait_text("Stop what is at work").press("it hangs").press(ENTER);
    ended(&mut terminal, dir, "restore", "unknown");
    terminal.wait_text("UNKNOWN").wait_text("AWS goes on");
    assert!(scene.cluster(RESTORED).is_some());
    terminal.press(ENTER).wait_text("it failed").press("f");
    terminal.wait_text("what you saw").press("it hangs").press(ENTER);
    terminal.wait_record(dir, "of the decision", |r| is(r, "unknown_resolved", "restore"));
    terminal.wait_text("FAILED");
    choose_and_consent(&mut terminal, "u");
    ended(&mut terminal, dir, "restore", "succeeded");
    assert!(scene.cluster(RESTORED).is_none());

    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    end(&mut terminal, dir);
    scene.is_restored();
    assert_eq!(scene.front.passed("RestoreDBClusterToPointInTime"), 2);
}

#[test]
fn a_reader_takes_over() {
    let Some(scene) = Scene::set(Trouble::Hangs("loanserve-prod-1".into()), "") else { return };
    let mut terminal = scene.failover("");
    to_the_failover(&mut terminal, scene.dir());
    assert_eq!(walk(&mut terminal, scene.dir(), None), Turn::Over, "{}", terminal.screen());
    end(&mut terminal, scene.dir());
    let (writer, readers) = scene.members(SOURCE);
    assert_eq!(writer.as_deref(), Some("loanserve-prod-2"));
    assert_eq!(readers, ["loanserve-prod-1"]);
    let refused = records(scene.dir());
    assert!(refused.iter().any(|r| is(r, "guard_refused", "failover")), "a wrong name was typed");
}

/// AWS refuses the failover first; when it is asked again the console dies before it hears the answer.
#[test]
fn a_failover_survives_a_refusal_and_a_killed_console() {
    let Some(scene) = Scene::set(Trouble::Hangs("loanserve-prod-1".into()), "") else { return };
    let (dir, front) = (scene.dir(), &scene.front);
    front.deny("FailoverDBCluster", 1);
    let mut terminal = scene.failover("");
    to_the_failover(&mut terminal, dir);
    assert_eq!(walk(&mut terminal, dir, None), Turn::Stuck, "{}", terminal.screen());
    let denied = "the identity needs the permission rds:FailoverDBCluster";
    failed_with(&mut terminal, dir, "failover", denied);
    assert_eq!(scene.members(SOURCE).0.as_deref(), Some("loanserve-prod-1"));
    terminal.press("q").wait_exit();

    let mut terminal = scene.steady(&["resume"], "fact:attempt_progress:failover");
    terminal.wait_text("FAILED");
    choose_and_consent(&mut terminal, "r");
    assert!(!terminal.wait_exit().success());

    let mut terminal = scene.steady(&["resume"], "");
    ended(&mut terminal, dir, "failover", "succeeded");
    assert_eq!(walk(&mut terminal, dir, None), Turn::Over, "{}", terminal.screen());
    end(&mut terminal, dir);
    assert_eq!(front.passed("FailoverDBCluster"), 1, "it was not asked for twice");
    let (writer, readers) = scene.members(SOURCE);
    assert_eq!(writer.as_deref(), Some("loanserve-prod-2"));
    assert_eq!(readers, ["loanserve-prod-1"]);
}
