//! What is left of a run as plain commands: never a dead end. Printed when a run stops, and by
//! `steady show --remaining RUN`.

use std::fmt::Write;

use crate::engine::{State, StepState};
use crate::runbook::render::render_plan;
use crate::runbook::{Request, Resolved};

/// The steps that are left, each with its resolved values, as commands for a shell.
#[must_use]
pub fn text(state: &State) -> String {
    let left: Vec<_> = state.steps.iter().filter(|step| step.settled.is_none()).collect();
    let mut out = String::new();
    if left.is_empty() {
        return out;
    }
    out.push_str("left to do, as plain commands:\n");
    for step in left {
        let _ = writeln!(out, "\n# {}: {}", step.id(), state.title(step));
        if step.unknown().is_some() {
            out.push_str("# UNKNOWN: it may have been done already; look before you do it again\n");
        }
        out.push_str(&commands(state, step));
    }
    out.push('\n');
    out
}

fn commands(state: &State, step: &StepState) -> String {
    match render_plan(&step.step.action, &step.step.env, &state.scope_of(&step.step, None)) {
        Ok(request) => by_hand(&request),
        Err(e) => format!("# cannot be told yet: {e}\n"),
    }
}

/// One request as a command.
fn by_hand(request: &Request) -> String {
    let (family, call) = request.action.split_once('.').unwrap_or((request.action, ""));
    match family {
        "shell" => shell(request),
        "http" => http(request),
        "rds" => rds(call, request),
        "postgres" => postgres(call, request),
        _ => {
            let shown = request.shown();
            shown.iter().map(|(key, value)| format!("# {key}: {value}\n")).collect()
        }
    }
}

fn shell(request: &Request) -> String {
    let mut out = String::new();
    for (name, value) in &request.env {
        let _ = writeln!(out, "export {name}={}", quote(&value.shown()));
    }
    if let Some(dir) = request.text("cwd") {
        let _ = writeln!(out, "cd {}", quote(dir));
    }
    match (request.arg("argv"), request.text("run")) {
        (Some(Resolved::List(words)), _) => {
            let words: Vec<_> = words.iter().map(|word| quote(&word.shown())).collect();
            let _ = writeln!(out, "{}", words.join(" "));
        }
        (_, Some(script)) => {
            let _ = writeln!(out, "{}", script.trim_end());
        }
        _ => {}
    }
    out
}

fn http(request: &Request) -> String {
    let mut words = vec!["curl".to_owned(), "--fail-with-body".into()];
    if let Some(method) = request.text("method") {
        words.extend(["-X".into(), method.to_owned()]);
    }
    if let Some(Resolved::Map(headers)) = request.arg("headers") {
        for (name, value) in headers {
            words.extend(["-H".into(), quote(&format!("{name}: {}", value.shown()))]);
        }
    }
    if let Some(token) = request.arg("bearer") {
        words.extend(["-H".into(), quote(&format!("Authorization: Bearer {}", token.shown()))]);
    }
    if let Some(Resolved::Map(basic)) = request.arg("basic") {
        let part =
            |key| basic.iter().find(|(k, _)| k == key).map_or(String::new(), |(_, v)| v.shown());
        words.extend(["-u".into(), quote(&format!("{}:{}", part("user"), part("password")))]);
    }
    if let Some(json) = request.arg("json") {
        words.extend(["--json".into(), quote(&json.masked().to_string())]);
    }
    if let Some(body) = request.arg("body") {
        words.extend(["--data-raw".into(), quote(&body.shown())]);
    }
    if let Some(file) = request.text("file") {
        words.extend(["--data-binary".into(), quote(&format!("@{file}"))]);
    }
    words.push(quote(&request.arg("url").map_or(String::new(), Resolved::shown)));
    format!("{}\n", words.join(" "))
}

/// An argument's key, and its option of the AWS command line.
type Flag = (&'static str, &'static str);

/// The AWS command line's names for the family's calls and arguments.
const RDS: [(&str, &str, &[Flag]); 8] = [
    ("describe_cluster", "describe-db-clusters", &[("cluster", "--db-cluster-identifier")]),
    ("describe_instance", "describe-db-instances", &[("instance", "--db-instance-identifier")]),
    (
        "wait_available",
        "describe-db-clusters",
        &[("cluster", "--db-cluster-identifier"), ("instance", "# instance")],
    ),
    (
        "restore_cluster_to_point_in_time",
        "restore-db-cluster-to-point-in-time",
        &[
            ("source", "--source-db-cluster-identifier"),
            ("target", "--db-cluster-identifier"),
            ("to", "--restore-to-time"),
        ],
    ),
    (
        "create_instance",
        "create-db-instance",
        &[
            ("instance", "--db-instance-identifier"),
            ("cluster", "--db-cluster-identifier"),
            ("class", "--db-instance-class"),
            ("engine", "--engine"),
        ],
    ),
    (
        "failover_cluster",
        "failover-db-cluster",
        &[("cluster", "--db-cluster-identifier"), ("target", "--target-db-instance-identifier")],
    ),
    ("delete_instance", "delete-db-instance", &[("instance", "--db-instance-identifier")]),
    ("delete_cluster", "delete-db-cluster", &[("cluster", "--db-cluster-identifier")]),
];

fn rds(call: &str, request: &Request) -> String {
    let Some((_, command, flags)) = RDS.iter().find(|(name, ..)| *name == call) else {
        return String::new();
    };
    let mut out = format!("aws rds {command}");
    let mut rest = String::new();
    for (key, value) in request.shown() {
        match flags.iter().find(|(name, _)| *name == key) {
            Some((_, flag)) => {
                let _ = write!(out, " {flag} {}", quote(&value));
            }
            None => {
                let _ = writeln!(rest, "# {key}: {value}");
            }
        }
    }
    format!("{out}\n{rest}")
}

fn postgres(call: &str, request: &Request) -> String {
    let connection = match request.arg("connection") {
        Some(Resolved::Map(keys)) => keys.as_slice(),
        _ => &[],
    };
    let part =
        |key: &str| connection.iter().find(|(name, _)| name == key).map(|(_, value)| value.shown());
    let mut to = String::new();
    for (key, flag) in [("host", "-h"), ("port", "-p"), ("user", "-U"), ("database", "-d")] {
        if let Some(value) = part(key) {
            let _ = write!(to, " {flag} {}", quote(&value));
        }
    }
    let file = request.text("file").map(quote).unwrap_or_default();
    match call {
        "query" => {
            let sql = request.text("sql").unwrap_or_default();
            let mut out = String::new();
            if let Some(params) = request.arg("params") {
                let _ = writeln!(out, "# parameters: {}", params.shown());
            }
            let _ = writeln!(out, "psql{to} -c {}", quote(sql.trim()));
            out
        }
        "wait_ready" => format!("pg_isready{to}\n"),
        "restore_dump" => format!(
            "# a plain dump (gunzip it first), or pg_restore for a custom one:\n\
             psql{to} -X -v ON_ERROR_STOP=1 --single-transaction -f {file}\n"
        ),
        _ => String::new(),
    }
}

/// Quotes a word for a shell.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in
            [("plain-1.2", "plain-1.2"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quote(word), quoted);
        }
    }
}
