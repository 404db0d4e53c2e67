//! Names against lists, and what of a request is a name.

use super::*;
use crate::runbook::Effect;
use crate::runbook::request::Piece;

fn targets(lists: &[(TargetKind, &[&str])]) -> Targets {
    let list = |names: &[&str]| Allowed {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        line: 7,
    };
    Targets { lists: lists.iter().map(|(kind, names)| (*kind, list(names))).collect() }
}

fn text(text: &str) -> Resolved {
    Resolved::Value(Value::String(text.to_owned()))
}

fn request(action: &str, args: Vec<(&str, Resolved)>) -> Request {
    let spec = registry::action(action).unwrap();
    let args = args.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Request::new(spec.name, Effect::Changes, args, Vec::new())
}

#[test]
fn a_star_stands_for_any_text_and_the_whole_name_counts() {
    for (pattern, name, matched) in [
        ("dr-loans", "dr-loans", true),
        ("dr-loans", "dr-loans-2", false),
        ("dr-loans", "prod-dr-loans", false),
        ("dr-*", "dr-", true),
        ("dr-*", "dr-loans", true),
        ("dr-*", "prod-dr-loans", false),
        ("*-dr", "loans-dr", true),
        ("*-dr", "loans-dr-old", false),
        ("dr-?", "dr-1", true),
        ("dr-?", "dr-", false),
        ("dr-?", "dr-12", false),
        ("*a*b*", "xxaxxbxx", true),
        ("*a*b", "abab", true),
        ("*a*b", "aba", false),
        ("*", "anything/at.all", true),
        ("", "x", false),
        ("DR-*", "dr-1", false),
        ("dr.*", "drx", false),
    ] {
        assert_eq!(matches(pattern, name), matched, "{pattern} {name}");
    }
}

#[test]
fn each_kind_of_request_is_held_by_what_it_acts_on() {
    let allowed = targets(&[
        (TargetKind::Rds, &["dr-*"]),
        (TargetKind::S3, &["dr-backups"]),
        (TargetKind::Http, &["*.dr.example"]),
        (TargetKind::Postgres, &["dr-db/loans*"]),
    ]);
    let connection = |host: &str, database: Option<&str>| {
        let database = database.map(|name| ("database".to_owned(), text(name)));
        let keys = std::iter::once(("host".to_owned(), text(host))).chain(database);
        vec![("connection", Resolved::Map(keys.collect()))]
    };
    for (request, refused) in [
        (request("rds.delete_cluster", vec![("cluster", text("dr-loans"))]), None),
        (request("rds.delete_cluster", vec![("cluster", text("loans"))]), Some("`loans`")),
        // What it restores from is not touched.
        (
            request(
                "rds.restore_cluster_to_point_in_time",
                vec![("source", text("loans")), ("target", text("dr-loans"))],
            ),
            None,
        ),
        (
            request(
                "rds.create_instance",
                vec![("instance", text("dr-1")), ("cluster", text("loans"))],
            ),
            Some("`loans`"),
        ),
        (request("s3.upload", vec![("uri", text("s3://dr-backups/a"))]), None),
        (request("s3.upload", vec![("uri", text("s3://backups/dr-backups"))]), Some("`backups`")),
        (request("s3.sync", vec![("from", text("s3://a/")), ("to", text("/srv/a"))]), None),
        (request("s3.sync", vec![("from", text("s3://a/")), ("to", text("s3://b/"))]), Some("`b`")),
        (request("http", vec![("url", text("https://api.dr.example/x"))]), None),
        (
            request("http", vec![("url", text("https://prod.example/api.dr.example"))]),
            Some("`prod.example`"),
        ),
        (
            request("http", vec![("url", text("https://prod.example#.dr.example"))]),
            Some("`prod.example`"),
        ),
        (request("postgres.query", connection("dr-db", Some("loans_restored"))), None),
        (request("postgres.query", connection("dr-db", None)), Some("`dr-db/postgres`")),
        (request("postgres.query", connection("dr-db", Some(""))), Some("`dr-db/postgres`")),
        (request("postgres.query", connection("db", Some("loans"))), Some("`db/loans`")),
        (request("shell", vec![("run", text("kubectl delete"))]), None),
    ] {
        let held = allowed.hold(&request);
        match refused {
            None => assert_eq!(held, Ok(()), "{request:?}"),
            Some(named) => {
                let why = held.unwrap_err();
                assert!(why.contains(named) && why.contains("line 7"), "{why}");
            }
        }
    }
}

#[test]
fn a_kind_without_a_list_is_acted_on_nowhere() {
    let request = request("s3.upload", vec![("uri", text("s3://dr-backups/a"))]);
    let why = targets(&[(TargetKind::Rds, &["*"])]).hold(&request).unwrap_err();
    assert_eq!(why, "`s3.upload` acts on `dr-backups`, and its `targets` have no list `s3`");
}

#[test]
fn a_name_with_a_secret_in_it_cannot_be_held_to_a_list() {
    let hidden = Resolved::Text(vec![Piece::Text("dr-".into()), Piece::Secret("token".into())]);
    let request = request("rds.delete_cluster", vec![("cluster", hidden)]);
    let why = targets(&[(TargetKind::Rds, &["*"])]).hold(&request).unwrap_err();
    assert!(why.contains("cannot be held to a list"), "{why}");
}

#[test]
fn every_action_that_acts_says_on_what_or_is_known_not_to_say() {
    use crate::runbook::registry::{EffectRule, actions};
    for spec in actions().filter(|spec| spec.effect != EffectRule::Fixed(Effect::Reads)) {
        // What a script does cannot be told; a download writes a file of this machine.
        let untold = matches!(spec.name, "shell" | "s3.download");
        assert_eq!(spec.acts_on.is_empty(), untold, "{}", spec.name);
        for (_, key) in spec.acts_on {
            assert!(spec.keys.iter().any(|known| known.name == *key), "{}: {key}", spec.name);
        }
    }
}
