//! The `postgres` family as PostgreSQL's own programs.

use std::fmt::Write;

use super::words::{has_secret, quote, word};
use crate::runbook::{Effect, Request, Resolved, Value};

/// One call of the family.
pub(super) fn commands(call: &str, request: &Request) -> String {
    match call {
        "query" => query(request),
        "wait_ready" => wait_ready(request),
        "restore_dump" => restore_dump(request),
        _ => String::new(),
    }
}

/// Where and as whom: variables for what must not stand in an argument, options for the rest.
struct To {
    env: String,
    options: String,
}

fn to(request: &Request) -> To {
    let keys = match request.arg("connection") {
        Some(Resolved::Map(keys)) => keys.as_slice(),
        _ => &[],
    };
    let part = |key: &str| keys.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let mut to = To { env: String::new(), options: String::new() };
    for (key, variable) in
        [("password", "PGPASSWORD"), ("sslmode", "PGSSLMODE"), ("ca", "PGSSLROOTCERT")]
    {
        if let Some(value) = part(key) {
            let _ = write!(to.env, "{variable}={} ", word(value));
        }
    }
    for (key, flag) in [("host", "-h"), ("port", "-p"), ("user", "-U"), ("database", "-d")] {
        if let Some(value) = part(key) {
            let _ = write!(to.options, " {flag} {}", word(value));
        }
    }
    if part("database").is_none() {
        to.options.push_str(" -d postgres");
    }
    to
}

fn query(request: &Request) -> String {
    let To { mut env, mut options } = to(request);
    let sql = request.text("sql").unwrap_or_default().trim().trim_end_matches(';').to_owned();
    if request.effect == Effect::Reads {
        env.push_str("PGOPTIONS='-c default_transaction_read_only=on' ");
    }
    if let Some(Resolved::Map(names)) = request.arg("names") {
        for (name, value) in names {
            let _ = write!(options, " -v {name}={}", word(value));
        }
    }
    // Several statements are one transaction; one alone may be what no transaction may hold.
    if sql.contains(';') {
        options.push_str(" -1");
    }
    let text = match params(request) {
        Some(values) => format!("PREPARE step AS {sql};\nEXECUTE step({});", values.join(", ")),
        None => format!("{sql};"),
    };
    let mut end = "SQL".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    let warning = request
        .arg("params")
        .filter(|params| has_secret(params))
        .map_or("", |_| "# a parameter is a secret: put it in by hand, where its mask stands\n");
    format!("{warning}{env}psql -X -v ON_ERROR_STOP=1{options} <<'{end}'\n{text}\n{end}\n")
}

/// The parameters as SQL text; the server reads each as the type it expects.
fn params(request: &Request) -> Option<Vec<String>> {
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let value = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        other => literal(&other.to_string()),
    };
    let values: Vec<_> = match request.arg("params")? {
        Resolved::List(items) => items
            .iter()
            .map(|item| match item {
                Resolved::Value(one) => value(one),
                other => literal(&other.shown()),
            })
            .collect(),
        Resolved::Value(Value::List(items)) => items.iter().map(value).collect(),
        Resolved::Value(one) => vec![value(one)],
        Resolved::Text(_) | Resolved::Map(_) | Resolved::Expr(_) => return None,
    };
    (!values.is_empty()).then_some(values)
}

fn wait_ready(request: &Request) -> String {
    let To { env, options } = to(request);
    let seconds =
        |key: &str, default: u64| request.duration(key).map_or(default, |d| d.as_secs().max(1));
    let (every, length) = (seconds("every", 2), seconds("for", 300));
    let question = match request.text("until") {
        Some("primary") => "SELECT 1 / (NOT pg_is_in_recovery())::int",
        _ => "SELECT 1",
    };
    format!(
        "end=$(( $(date +%s) + {length} ))\n\
         until {env}psql -X -q{options} -c {} >/dev/null\ndo\n  \
         if [ \"$(date +%s)\" -ge \"$end\" ]; then echo 'not ready in time' >&2; false; break; fi\n  \
         sleep {every}\ndone\n",
        quote(question)
    )
}

/// The database must be empty: a dump is never loaded on top of something.
fn restore_dump(request: &Request) -> String {
    let To { env, options } = to(request);
    let file = request.text("file").unwrap_or_default();
    let mut out = String::new();
    let read = if file.starts_with("s3://") {
        format!("aws s3 cp {} -", quote(file))
    } else {
        format!("cat {}", quote(file))
    };
    let _ = writeln!(
        out,
        "[ \"$({env}psql -X -q -A -t{options} -c \"SELECT count(*) FROM pg_class c JOIN pg_namespace n \
         ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'm') AND nspname NOT IN ('pg_catalog', \
         'information_schema') AND nspname NOT LIKE 'pg_toast%'\")\" = 0 ] # it must be empty"
    );
    match request.text("sha256").filter(|sum| !sum.is_empty()) {
        Some(sum) => {
            let _ =
                writeln!(out, "[ \"$({read} | sha256sum)\" = {} ]", quote(&format!("{sum}  -")));
        }
        None => out.push_str("# hold it to its manifest first: sha256sum of the file\n"),
    }
    let _ = write!(
        out,
        "plain() {{ if {read} | head -c 2 | od -An -tx1 | grep -q '1f 8b'; then {read} | gzip -dc; else {read}; fi; }}\n\
         if [ \"$(plain | head -c 5)\" = PGDMP ]; then\n  \
         plain | {env}pg_restore --exit-on-error --single-transaction{options}\nelse\n  \
         plain | {env}psql -X -q -v ON_ERROR_STOP=1 -1{options}\nfi\n"
    );
    out
}
