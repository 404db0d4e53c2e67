//! The `rds` and `s3` families as the AWS command line.

use std::fmt::Write;

use super::words::quote;
use crate::runbook::{Request, Resolved, Value};

/// An argument's key, and its option of the AWS command line; what is a list or a switch there.
type Flag = (&'static str, &'static str);

/// Options that mean the same in every call.
const COMMON: &[Flag] = &[
    ("class", "--db-instance-class"),
    ("engine", "--engine"),
    ("subnet_group", "--db-subnet-group-name"),
    ("security_groups", "--vpc-security-group-ids"),
    ("kms_key", "--kms-key-id"),
    ("port", "--port"),
    ("option_group", "--option-group-name"),
    ("storage_type", "--storage-type"),
    ("storage_gib", "--allocated-storage"),
    ("iops", "--iops"),
    ("promotion_tier", "--promotion-tier"),
    ("backup_retention_days", "--backup-retention-period"),
    ("log_exports", "--enable-cloudwatch-logs-exports"),
    ("final_snapshot", "--final-db-snapshot-identifier"),
];

/// Switches: on with the name, off with `no-` before it.
const SWITCHES: &[Flag] = &[
    ("multi_az", "multi-az"),
    ("publicly_accessible", "publicly-accessible"),
    ("iam_authentication", "enable-iam-database-authentication"),
    ("deletion_protection", "deletion-protection"),
    ("skip_final_snapshot", "skip-final-snapshot"),
    ("apply_immediately", "apply-immediately"),
];

/// A call of the family: the command, its own options, and what is waited for afterwards.
struct Call {
    command: &'static str,
    flags: &'static [Flag],
    wait: Option<(&'static str, &'static str)>,
}

const CLUSTER: Flag = ("cluster", "--db-cluster-identifier");
const INSTANCE: Flag = ("instance", "--db-instance-identifier");
const CLUSTER_THERE: Option<(&str, &str)> =
    Some(("db-cluster-available", "--db-cluster-identifier"));
const INSTANCE_THERE: Option<(&str, &str)> =
    Some(("db-instance-available", "--db-instance-identifier"));

fn call(name: &str, request: &Request) -> Option<Call> {
    let of_cluster = request.arg("cluster").is_some() || request.arg("cluster_snapshot").is_some();
    let (command, flags, wait): (_, &'static [Flag], _) = match (name, of_cluster) {
        ("describe_cluster", _) => ("describe-db-clusters", &[CLUSTER], None),
        ("describe_instance", _) => ("describe-db-instances", &[INSTANCE], None),
        ("wait_available", _) => return None,
        ("restore_cluster_to_point_in_time", _) => (
            "restore-db-cluster-to-point-in-time",
            &[
                ("source", "--source-db-cluster-identifier"),
                ("target", "--db-cluster-identifier"),
                ("to", "--restore-to-time"),
                ("parameter_group", "--db-cluster-parameter-group-name"),
            ],
            CLUSTER_THERE,
        ),
        ("restore_cluster_from_snapshot", _) => (
            "restore-db-cluster-from-snapshot",
            &[
                ("snapshot", "--snapshot-identifier"),
                ("target", "--db-cluster-identifier"),
                ("parameter_group", "--db-cluster-parameter-group-name"),
            ],
            CLUSTER_THERE,
        ),
        ("restore_instance_to_point_in_time", _) => (
            "restore-db-instance-to-point-in-time",
            &[
                ("source", "--source-db-instance-identifier"),
                ("target", "--target-db-instance-identifier"),
                ("to", "--restore-time"),
                ("parameter_group", "--db-parameter-group-name"),
            ],
            INSTANCE_THERE,
        ),
        ("restore_instance_from_snapshot", _) => (
            "restore-db-instance-from-db-snapshot",
            &[
                ("snapshot", "--db-snapshot-identifier"),
                ("target", "--db-instance-identifier"),
                ("parameter_group", "--db-parameter-group-name"),
            ],
            INSTANCE_THERE,
        ),
        ("create_instance", _) => (
            "create-db-instance",
            &[INSTANCE, CLUSTER, ("parameter_group", "--db-parameter-group-name")],
            INSTANCE_THERE,
        ),
        ("create_snapshot", true) => (
            "create-db-cluster-snapshot",
            &[CLUSTER, ("snapshot", "--db-cluster-snapshot-identifier")],
            Some(("db-cluster-snapshot-available", "--db-cluster-snapshot-identifier")),
        ),
        ("create_snapshot", false) => (
            "create-db-snapshot",
            &[INSTANCE, ("snapshot", "--db-snapshot-identifier")],
            Some(("db-snapshot-available", "--db-snapshot-identifier")),
        ),
        ("copy_snapshot", true) => (
            "copy-db-cluster-snapshot",
            &[
                ("cluster_snapshot", "--source-db-cluster-snapshot-identifier"),
                ("target", "--target-db-cluster-snapshot-identifier"),
            ],
            Some(("db-cluster-snapshot-available", "--db-cluster-snapshot-identifier")),
        ),
        ("copy_snapshot", false) => (
            "copy-db-snapshot",
            &[
                ("instance_snapshot", "--source-db-snapshot-identifier"),
                ("target", "--target-db-snapshot-identifier"),
            ],
            Some(("db-snapshot-available", "--db-snapshot-identifier")),
        ),
        ("modify_instance", _) => (
            "modify-db-instance",
            &[INSTANCE, ("parameter_group", "--db-parameter-group-name")],
            INSTANCE_THERE,
        ),
        ("failover_cluster", _) => (
            "failover-db-cluster",
            &[CLUSTER, ("target", "--target-db-instance-identifier")],
            CLUSTER_THERE,
        ),
        ("promote_read_replica", _) => ("promote-read-replica", &[INSTANCE], INSTANCE_THERE),
        ("delete_instance", _) => ("delete-db-instance", &[INSTANCE], None),
        ("delete_cluster", _) => ("delete-db-cluster", &[CLUSTER], None),
        _ => return None,
    };
    Some(Call { command, flags, wait })
}

/// A call of the `rds` family.
pub(super) fn rds(name: &str, request: &Request) -> String {
    if name == "wait_available" {
        return wait_available(request);
    }
    let Some(call) = call(name, request) else { return String::new() };
    let mut out = format!("aws rds {}", call.command);
    let mut rest = String::new();
    let mut made = None;
    for (key, value) in &request.args {
        let flag = call.flags.iter().chain(COMMON).find(|(name, _)| name == key);
        let switch = SWITCHES.iter().find(|(name, _)| name == key);
        match (key.as_str(), flag, switch) {
            ("to", ..) if value.shown() == "latest" => {
                out.push_str(" --use-latest-restorable-time");
            }
            ("serverless_capacity", ..) => {
                let shown = value.shown();
                let (least, most) = shown.split_once('-').unwrap_or((&shown, &shown));
                let _ = write!(
                    out,
                    " --serverless-v2-scaling-configuration MinCapacity={least},MaxCapacity={most}"
                );
            }
            (_, Some((_, flag)), _) => {
                let words: Vec<_> = items(value).iter().map(|word| quote(word)).collect();
                let _ = write!(out, " {flag} {}", words.join(" "));
            }
            (key, None, Some((_, switch))) => {
                let on = request.flag(key);
                // To keep a last snapshot is the default, and has no switch that says so.
                if on || *switch != "skip-final-snapshot" {
                    let _ = write!(out, " --{}{switch}", if on { "" } else { "no-" });
                }
            }
            ("every", None, None) => {}
            (key, None, None) => {
                let _ = writeln!(rest, "# {key}: {}", value.shown());
            }
        }
        if matches!(key.as_str(), "target" | "snapshot" | "instance" | "cluster") {
            // What is made has the name that comes first in this order.
            let rank = |key: &str| match (name, key) {
                ("failover_cluster", "cluster") => 0,
                ("create_snapshot", "snapshot") => 0,
                ("create_instance", "instance") => 0,
                (_, "target") => 1,
                _ => 2,
            };
            let better = made.as_ref().is_none_or(|(old, _)| rank(key) < *old);
            if better {
                made = Some((rank(key), value.shown()));
            }
        }
    }
    if name == "modify_instance" && request.arg("apply_immediately").is_none() {
        out.push_str(" --apply-immediately");
    }
    out.push('\n');
    if let (Some((what, flag)), Some((_, made))) = (call.wait, made) {
        let _ = writeln!(out, "aws rds wait {what} {flag} {}", quote(&made));
    }
    format!("{rest}{out}")
}

fn wait_available(request: &Request) -> String {
    let known = [
        ("cluster", "db-cluster-available", "--db-cluster-identifier"),
        ("instance", "db-instance-available", "--db-instance-identifier"),
        ("cluster_snapshot", "db-cluster-snapshot-available", "--db-cluster-snapshot-identifier"),
        ("instance_snapshot", "db-snapshot-available", "--db-snapshot-identifier"),
    ];
    let named = known.iter().filter_map(|(key, what, flag)| {
        let name = request.arg(key)?.shown();
        Some(format!("aws rds wait {what} {flag} {}\n", quote(&name)))
    });
    named.collect()
}

fn items(value: &Resolved) -> Vec<String> {
    match value {
        Resolved::Value(Value::List(items)) => items.iter().map(Value::to_string).collect(),
        Resolved::List(items) => items.iter().map(Resolved::shown).collect(),
        one => vec![one.shown()],
    }
}

/// A call of the `s3` family.
pub(super) fn s3(name: &str, request: &Request) -> String {
    let arg = |key: &str| request.arg(key).map_or(String::new(), |value| quote(&value.shown()));
    let uri = request.arg("uri").map_or(String::new(), Resolved::shown);
    let (bucket, key) = object(&uri);
    let place = format!("--bucket {} --key {}", quote(bucket), quote(key));
    let version = request.text("version").filter(|version| !version.is_empty());
    let overwrite = request.flag("overwrite");
    let body = match name {
        "list" | "latest" => format!("aws s3 ls --recursive {}\n", quote(&uri)),
        "list_versions" => format!(
            "aws s3api list-object-versions --bucket {} --prefix {}\n",
            quote(bucket),
            quote(key)
        ),
        "compare" => format!(
            "aws s3 sync --dryrun --size-only {} {} # prints what is missing\n",
            arg("source"),
            arg("target")
        ),
        "download" => {
            let to = arg("to");
            let guard = if overwrite {
                String::new()
            } else {
                format!("[ ! -e {to} ] # it is not replaced\n")
            };
            let fetch = match version {
                Some(version) => {
                    format!("aws s3api get-object {place} --version-id {} {to}\n", quote(version))
                }
                None => format!("aws s3 cp {} {to}\n", quote(&uri)),
            };
            let sum = request.text("sha256").filter(|sum| !sum.is_empty());
            let sum =
                sum.map_or(String::new(), |sum| format!("echo '{sum}  '{to} | sha256sum -c -\n"));
            format!("{guard}{fetch}{sum}")
        }
        "upload" if overwrite => format!("aws s3 cp {} {}\n", arg("from"), quote(&uri)),
        "upload" => {
            format!("aws s3api put-object --if-none-match '*' {place} --body {}\n", arg("from"))
        }
        "restore_version" => match version {
            Some(version) => format!(
                "aws s3api copy-object {place} --copy-source {}\n",
                quote(&format!("{bucket}/{key}?versionId={version}"))
            ),
            None => format!(
                "# take the mark of its deletion away: look for it, then delete that version\n\
                 aws s3api list-object-versions --bucket {} --prefix {} --query 'DeleteMarkers[?IsLatest]'\n",
                quote(bucket),
                quote(key)
            ),
        },
        "sync" => {
            let delete = if request.flag("delete") { " --delete" } else { "" };
            format!("aws s3 sync{delete} {} {}\n", arg("from"), arg("to"))
        }
        _ => String::new(),
    };
    let notes = ["pattern", "deletes", "max_age", "manifest"].into_iter().filter_map(|key| {
        let value = request.arg(key)?;
        Some(format!("# {key}: {}\n", value.shown()))
    });
    notes.collect::<String>() + &body
}

fn object(uri: &str) -> (&str, &str) {
    uri.trim_start_matches("s3://").split_once('/').unwrap_or((uri.trim_start_matches("s3://"), ""))
}
