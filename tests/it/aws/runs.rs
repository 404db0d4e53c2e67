//! `aurora-pitr` from its first step to its last, by the command, against the sandbox and against moto;
//! and the console killed in the middle of the restore.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::Value as Json;
use steadyhand::runbook::Value;
use steadyhand::sandbox::CREDENTIALS;
use steadyhand::sandbox::aws::Fault;
use tempfile::TempDir;
use tokio::process::Command;

use super::{Place, SOURCE, text};

const DELAY: Duration = Duration::from_secs(2);

/// A console with its own home, settings and runs.
struct Console {
    home: TempDir,
    credentials: (String, String),
}

impl Console {
    /// One whose environment `practice` is `place`; credentials come as most people's do.
    fn new(place: &Place, credentials: (&str, &str)) -> Self {
        let home = TempDir::new().unwrap();
        let (endpoint, region) = (&place.access.endpoint, &place.access.region);
        let settings = format!(
            "steadyhand: 1\nenvironments:\n  practice:\n    mode: drill\n    aws: {{endpoint: \"{}\", region: {}}}\n",
            endpoint.as_deref().unwrap(),
            region.as_deref().unwrap(),
        );
        std::fs::write(home.path().join("steadyhand.yaml"), settings).unwrap();
        Self { home, credentials: (credentials.0.into(), credentials.1.into()) }
    }

    fn runs(&self) -> PathBuf {
        self.home.path().join("runs")
    }

    fn steady(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steady"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("STEADYHAND_RUNS", self.runs())
            .env("AWS_ACCESS_KEY_ID", &self.credentials.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.credentials.1)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .kill_on_drop(true);
        command
    }

    /// `steady run aurora-pitr`, unattended, with these inputs.
    fn run(&self, inputs: &BTreeMap<String, String>) -> Command {
        let mut command = self.steady(&["run", "aurora-pitr", "--env", "practice"]);
        command.args(["--mode", "drill", "--auto", "--allow-destructive", "--json"]);
        for (name, value) in inputs {
            command.args(["-i", &format!("{name}={value}")]);
        }
        command
    }

    fn resume(&self) -> Command {
        self.steady(&["resume", "--auto", "--allow-destructive", "--json"])
    }

    /// The directory of the only run.
    fn run_dir(&self) -> PathBuf {
        let runs = std::fs::read_dir(self.runs()).unwrap().flatten();
        let runs: Vec<_> =
            runs.map(|run| run.path()).filter(|run| run.join("journal.jsonl").exists()).collect();
        let [run] = runs.as_slice() else { panic!("{runs:?}") };
        run.clone()
    }

    /// The only run's records.
    fn journal(&self) -> Vec<Json> {
        let text = std::fs::read_to_string(self.run_dir().join("journal.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The outcomes of a step's attempts, in their order.
    fn outcomes(&self, step: &str) -> Vec<String> {
        let finished = self
            .journal()
            .into_iter()
            .filter(|record| record["type"] == "attempt_finished" && record["step"] == step);
        finished.map(|record| record["body"]["outcome"].as_str().unwrap().to_owned()).collect()
    }
}

async fn output(mut command: Command) -> Output {
    tokio::time::timeout(Duration::from_secs(120), command.output()).await.unwrap().unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}\n{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

fn of_type(journal: &[Json], wanted: &str) -> Vec<Json> {
    journal.iter().filter(|record| record["type"] == wanted).cloned().collect()
}

/// Whatever is asked, this JSON is the answer.
fn answering(json: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{json}",
                json.len()
            );
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn aurora_pitr_restores_the_service_in_the_sandbox() {
    let place = Place::sandbox(DELAY).await;
    let console = Console::new(&place, CREDENTIALS);
    let mut command = console.run(&place.inputs());
    let start = place.practice().damaged_at().to_rfc3339_opts(SecondsFormat::Millis, true);
    command.args(["--outage-start", &start]);
    let output = output(command).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let journal = console.journal();
    let milestones = of_type(&journal, "milestone_reached");
    let milestones: Vec<_> = milestones.iter().map(|it| &it["body"]["milestone"]).collect();
    assert_eq!(milestones, ["writes_stopped", "service_restored"]);
    assert_eq!(place.practice().calls("RestoreDBClusterToPointInTime"), 1);
    let source = place.ok("rds.describe_cluster", [("cluster", text(SOURCE))]).await;
    let copy =
        place.ok("rds.describe_cluster", [("cluster", text("loanserve-prod-restored"))]).await;
    assert_eq!(copy.get("security_groups"), source.get("security_groups"));
    assert_eq!(copy.get("writer"), Some(&Value::String("loanserve-prod-restored-writer".into())));
    let report = String::from_utf8_lossy(&output.stdout);
    let last: Json = serde_json::from_str(report.lines().last().unwrap()).unwrap();
    assert_eq!(last["outcome"], "completed");
    assert!(PathBuf::from(last["report"].as_str().unwrap()).exists());
}

#[tokio::test]
async fn aurora_pitr_restores_a_cluster_of_moto() {
    let Some(place) = Place::moto(DELAY).await else { return };
    let console = Console::new(&place, ("moto-access-key", "moto-secret-key"));
    // moto's window begins with the cluster.
    let moment = Utc::now();
    let newest = moment - TimeDelta::seconds(4);
    let at = |moment: chrono::DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    let application = answering(format!(r#"{{"count":48000,"newest":"{}"}}"#, at(newest)));
    let inputs = [
        ("source_cluster", SOURCE),
        ("restore_to", &at(moment)),
        ("operate", "shell"),
        ("stop_command", "echo stopped"),
        ("cutover_command", "echo \"$DB_HOST\""),
        ("rows", "http"),
        ("rows_url", &application),
        ("smoke_url", &application),
        ("drain", "1s"),
        ("poll", "1s"),
    ];
    let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = output(console.run(&inputs.into())).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for step in ["restore", "writer", "rows_http", "cutover_by_shell", "smoke"] {
        assert_eq!(console.outcomes(step), ["succeeded"], "{step}");
    }
    let tags = place.tags("loanserve-prod-restored").await;
    let run = &console.journal()[0]["body"]["run"];
    assert_eq!(tags.get("steadyhand:run").map(String::as_str), run.as_str());
}

/// Killed after AWS had said yes: the resumed console finds the cluster, waits for it, makes no second.
#[tokio::test]
async fn killed_during_the_restore_and_resumed_there_is_one_cluster() {
    let place = Place::sandbox(Duration::from_secs(4)).await;
    let console = Console::new(&place, CREDENTIALS);
    let mut command = console.run(&place.inputs());
    command.env("STEADYHAND_FAILPOINT", "fact:attempt_progress:restore");
    let killed = output(command).await;
    assert_eq!(killed.status.signal(), Some(9), "{}", said(&killed));
    assert_eq!(console.outcomes("restore"), [""; 0]);
    assert_eq!(place.practice().clusters(), [SOURCE, "loanserve-prod-restored"]);

    let resumed = output(console.resume()).await;
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    assert_eq!(place.practice().calls("RestoreDBClusterToPointInTime"), 1);
    assert_eq!(place.practice().clusters(), [SOURCE, "loanserve-prod-restored"]);
    assert_eq!(console.outcomes("restore"), ["succeeded"]);
    let resolved = of_type(&console.journal(), "unknown_resolved");
    assert_eq!(resolved.len(), 1, "{resolved:?}");
    assert_eq!(resolved[0]["step"], "restore");
    assert_eq!(resolved[0]["body"]["resolved_by"], "reattach");
    assert!(resolved[0]["body"]["reason"].as_str().unwrap().contains("created by this step"));
}

/// Killed between the intent and the call: nothing is there, which proves nothing. A person decides.
#[tokio::test]
async fn killed_before_the_restore_was_asked_for_a_person_decides() {
    let place = Place::sandbox(DELAY).await;
    let console = Console::new(&place, CREDENTIALS);
    let mut command = console.run(&place.inputs());
    command.env("STEADYHAND_FAILPOINT", "fact:attempt_intended:restore");
    let killed = output(command).await;
    assert_eq!(killed.status.signal(), Some(9), "{}", said(&killed));

    let resumed = output(console.resume()).await;
    assert_eq!(resumed.status.code(), Some(5), "{}", said(&resumed));
    assert_eq!(place.practice().clusters(), [SOURCE]);
    assert_eq!(console.outcomes("restore"), [""; 0]);
    assert!(of_type(&console.journal(), "unknown_resolved").is_empty());
}

/// The credentials expire while AWS restores: the wait goes on blind, says how to renew them, and ends well.
#[tokio::test]
async fn credentials_that_expire_during_a_restore_fail_nothing() {
    let place = Place::sandbox(Duration::from_secs(4)).await;
    let console = Console::new(&place, CREDENTIALS);
    let run = tokio::spawn(output(console.run(&place.inputs())));
    while place.practice().calls("RestoreDBClusterToPointInTime") == 0 {
        assert!(!run.is_finished());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let expired = Fault::Refused {
        status: 403,
        code: "ExpiredToken",
        message: "The security token included in the request is expired",
    };
    place.practice().inject("DescribeDBClusters", expired, 3);
    let output = run.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(console.outcomes("restore"), ["succeeded"]);
    let log = console.run_dir().join("output/restore.1.log");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("cannot see cluster loanserve-prod-restored, still waiting"), "{log}");
    assert!(log.contains("the credentials have expired: renew them"), "{log}");
}

/// Where the cluster is not: said with what to check, and nothing is stopped or created.
#[tokio::test]
async fn in_the_wrong_region_nothing_is_begun() {
    let Some(mut place) = Place::moto(Duration::ZERO).await else { return };
    let right = place.client().await;
    place.access.region = Some("us-west-2".into());
    let console = Console::new(&place, ("moto-access-key", "moto-secret-key"));
    let url = answering("{}".into());
    let moment = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let inputs = [
        ("source_cluster", SOURCE),
        ("restore_to", &moment),
        ("operate", "shell"),
        ("stop_command", "touch stopped"),
        ("cutover_command", "touch cut-over"),
        ("rows", "http"),
        ("rows_url", &url),
        ("smoke_url", &url),
        ("poll", "1s"),
    ];
    let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let output = output(console.run(&inputs.into())).await;
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(console.outcomes("window"), ["failed"]);
    let text = said(&output);
    let remedy =
        "there is no cluster loanserve-prod here: check the name, the region and the account";
    assert!(text.contains(remedy), "{text}");
    assert!(!console.home.path().join("stopped").exists());
    for client in [right, place.client().await] {
        let clusters = client.describe_db_clusters().send().await.unwrap();
        let restored = |it: &&aws_sdk_rds::types::DbCluster| {
            it.db_cluster_identifier() == Some("loanserve-prod-restored")
        };
        assert_eq!(clusters.db_clusters().iter().filter(restored).count(), 0);
    }
}

/// Nothing installed, no account: the sandbox comes with the command.
#[tokio::test]
async fn the_demo_runs_unattended() {
    let place = Place::sandbox(DELAY).await;
    let console = Console::new(&place, ("nobody", "nobody"));
    let output = output(console.steady(&["demo", "--auto"])).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    for word in ["practice", "journal:", "report:", "service_restored"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert_eq!(place.practice().clusters(), [SOURCE], "the demo has a sandbox of its own");
    assert_eq!(console.journal()[0]["body"]["practice"], true);
}
