//! `http` as curl.

use std::fmt::Write;

use super::words::{has_secret, quote, text, word};
use crate::runbook::{Request, Resolved, Value};

/// The request, asked again until its answer is good where the step polls.
pub(super) fn commands(request: &Request) -> String {
    let ask = ask(request);
    let mut out = String::new();
    if let Some(expected) = part(request, "expect", "json") {
        let _ = writeln!(out, "# a good answer holds: {}", expected.shown());
    }
    let Some(length) = part(request, "poll", "for").and_then(seconds) else {
        out.push_str(&ask);
        return out;
    };
    let every = part(request, "poll", "every").and_then(seconds).unwrap_or(1);
    let _ = write!(
        out,
        "end=$(( $(date +%s) + {length} ))\n\
         until\n{ask}do\n  \
         if [ \"$(date +%s)\" -ge \"$end\" ]; then echo 'no good answer in time' >&2; false; break; fi\n  \
         sleep {every}\ndone\n"
    );
    out
}

fn part<'r>(request: &'r Request, group: &str, key: &str) -> Option<&'r Resolved> {
    let Some(Resolved::Map(entries)) = request.arg(group) else { return None };
    entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

fn seconds(value: &Resolved) -> Option<i64> {
    match value {
        Resolved::Value(Value::Duration(length)) => Some(length.num_seconds().max(1)),
        _ => None,
    }
}

fn map<'r>(request: &'r Request, key: &str) -> &'r [(String, Resolved)] {
    match request.arg(key) {
        Some(Resolved::Map(entries)) => entries,
        _ => &[],
    }
}

/// One call of curl. What holds a secret comes by a here-document, not as an argument.
fn ask(request: &Request) -> String {
    let mut words = vec!["curl".to_owned(), "-sS".into()];
    match request.text("method") {
        None | Some("GET") => {}
        Some("HEAD") => words.push("--head".into()),
        Some(method) => words.extend(["-X".into(), method.to_owned()]),
    }
    if request.flag("follow") {
        words.push("-L".into());
    }
    let mut hidden = String::new();
    for (name, value) in map(request, "headers") {
        if has_secret(value) {
            let _ = writeln!(hidden, "{name}: {}", text(value));
        } else {
            words.extend(["-H".into(), quote(&format!("{name}: {}", value.shown()))]);
        }
    }
    if let Some(token) = request.arg("bearer") {
        let _ = writeln!(hidden, "Authorization: Bearer {}", text(token));
    }
    if let (Some(user), Some(password)) =
        (part(request, "basic", "user"), part(request, "basic", "password"))
    {
        let pair = format!("{}:{}", word(user), word(password));
        let _ = writeln!(hidden, "Authorization: Basic $(printf %s {pair} | base64 | tr -d '\\n')");
    }
    let mut body = None;
    if let Some(json) = request.arg("json") {
        words.extend(["-H".into(), "'Content-Type: application/json'".into()]);
        if has_secret(json) {
            body = Some(text(json));
            words.extend(["--data-binary".into(), "@-".into()]);
        } else {
            words.extend(["--data-binary".into(), quote(&json.masked().to_string())]);
        }
    }
    if let Some(plain) = request.arg("body") {
        if has_secret(plain) {
            body = Some(text(plain));
            words.extend(["--data-binary".into(), "@-".into()]);
        } else {
            words.extend(["--data-binary".into(), quote(&plain.shown())]);
        }
    }
    for (name, value) in map(request, "form") {
        words.extend(["--data-urlencode".into(), format!("{name}={}", word(value))]);
    }
    if let Some(file) = request.text("file") {
        words.extend(["--data-binary".into(), quote(&format!("@{file}"))]);
    }
    if let Some(to) = request.text("to") {
        words.extend(["-o".into(), quote(to)]);
    }
    finished(request, words, &hidden, body.as_deref())
}

/// With what makes an answer good, and the here-documents behind the line.
fn finished(request: &Request, mut words: Vec<String>, hidden: &str, body: Option<&str>) -> String {
    let statuses = statuses(request);
    let to_file = request.text("to").is_some();
    if statuses.is_empty() {
        words.push("--fail-with-body".into());
    } else {
        if !to_file {
            words.extend(["-o".into(), "/dev/stderr".into()]);
        }
        words.extend(["-w".into(), "'%{http_code}'".into()]);
    }
    let mut documents = String::new();
    if !hidden.is_empty() {
        words.extend(["-H".into(), "@/dev/fd/3".into()]);
        documents.push_str(&format!("{hidden}HEADERS\n"));
    }
    words.push(url(request));
    if !hidden.is_empty() {
        words.push("3<<HEADERS".into());
    }
    if let Some(body) = body {
        words.push("<<BODY".into());
        documents.push_str(&format!("{body}\nBODY\n"));
    }
    let curl = words.join(" ");
    if statuses.is_empty() {
        return format!("{curl}\n{documents}");
    }
    let good = statuses.join("|");
    format!("status=$({curl}\n{documents})\ncase \"$status\" in {good}) ;; *) false ;; esac\n")
}

fn statuses(request: &Request) -> Vec<String> {
    match part(request, "expect", "status") {
        Some(Resolved::Value(Value::List(items))) => items.iter().map(Value::to_string).collect(),
        Some(Resolved::List(items)) => items.iter().map(Resolved::shown).collect(),
        Some(one) => vec![one.shown()],
        None => Vec::new(),
    }
}

fn url(request: &Request) -> String {
    let shown = request.arg("url").map_or(String::new(), Resolved::shown);
    let query = match request.arg("query") {
        Some(Resolved::Map(entries)) => {
            entries.iter().map(|(name, value)| (name.clone(), value.shown())).collect()
        }
        Some(Resolved::Value(Value::Map(entries))) => {
            entries.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
        }
        _ => Vec::new(),
    };
    match url::Url::parse(&shown) {
        Ok(mut url) if !query.is_empty() => {
            url.query_pairs_mut().extend_pairs(query);
            quote(url.as_str())
        }
        Ok(_) | Err(_) => quote(&shown),
    }
}
