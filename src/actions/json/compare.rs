//! Comparing two documents. Fields are named, and values are not: they may be password hashes.

use std::collections::{BTreeMap, BTreeSet};

use crate::runbook::Value;

/// What is compared.
pub(super) struct Plan {
    /// Each list with the fields that tell its items apart.
    pub lists: Vec<(String, Vec<String>)>,
    /// Fields of a list that are not compared.
    pub ignore: Vec<(String, Vec<String>)>,
    /// See [`Refers`].
    pub refers: Vec<Refers>,
}

/// The values of one field name values of another: a queue's vhost is the name of a vhost.
pub(super) struct Refers {
    /// List and field of `want`.
    pub from: (String, String),
    /// List and field of either document.
    pub to: (String, String),
}

/// What differs; each item in words.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub same: usize,
    pub missing: Vec<String>,
    pub different: Vec<String>,
    pub extra: Vec<String>,
    pub dangling: Vec<String>,
}

/// The items of one list, by their keys in words.
type Items<'d> = BTreeMap<String, &'d BTreeMap<String, Value>>;

impl Plan {
    /// Holds `have` against `want`.
    ///
    /// # Errors
    /// One line: a list that neither has, or that cannot be compared by its fields.
    pub fn compare(&self, have: &Value, want: &Value) -> Result<Difference, String> {
        let mut difference = Difference::default();
        for (list, keys) in &self.lists {
            if have.get(list).is_none() && want.get(list).is_none() {
                return Err(format!("neither file has a list `{list}`: check `lists`"));
            }
            let (have, want) = (items(have, "have", list, keys)?, items(want, "want", list, keys)?);
            let ignore = self.ignore.iter().find(|(of, _)| of == list).map(|(_, fields)| fields);
            difference.list(&have, &want, |field| ignore.is_some_and(|i| i.contains(field)));
        }
        for refers in &self.refers {
            difference.dangling.extend(refers.dangling(have, want)?);
        }
        Ok(difference)
    }
}

impl Difference {
    fn list(&mut self, have: &Items<'_>, want: &Items<'_>, ignored: impl Fn(&String) -> bool) {
        for (key, wanted) in want {
            let Some(had) = have.get(key) else {
                self.missing.push(key.clone());
                continue;
            };
            let unlike = wanted
                .iter()
                .filter(|(field, value)| !ignored(field) && had.get(*field) != Some(*value));
            let unlike: Vec<&str> = unlike.map(|(field, _)| field.as_str()).collect();
            if unlike.is_empty() {
                self.same += 1;
            } else {
                self.different.push(format!("{key}: {}", unlike.join(", ")));
            }
        }
        self.extra.extend(have.keys().filter(|key| !want.contains_key(*key)).cloned());
    }

    pub fn is_equal(&self) -> bool {
        self.missing.is_empty() && self.different.is_empty() && self.extra.is_empty()
    }

    /// One line.
    pub fn summary(&self) -> String {
        let mut summary = format!(
            "{} missing, {} different, {} the same, {} only there",
            self.missing.len(),
            self.different.len(),
            self.same,
            self.extra.len()
        );
        if !self.dangling.is_empty() {
            summary.push_str(&format!(", {} named that neither file has", self.dangling.len()));
        }
        summary
    }

    /// A line for each.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let each = |word: &'static str, items: &[String]| {
            items.iter().map(move |item| format!("{word:<9} {item}")).collect::<Vec<_>>()
        };
        [
            each("dangling", &self.dangling),
            each("missing", &self.missing),
            each("different", &self.different),
            each("extra", &self.extra),
        ]
        .into_iter()
        .flatten()
    }
}

impl Refers {
    /// What is named and is not there.
    fn dangling(&self, have: &Value, want: &Value) -> Result<Vec<String>, String> {
        let (list, field) = &self.to;
        let mut known = BTreeSet::new();
        for (document, which) in [(have, "have"), (want, "want")] {
            known.extend(
                maps(document, which, list)?.filter_map(|item| Some(item.get(field)?.to_string())),
            );
        }
        let (from, by) = &self.from;
        let named: BTreeSet<String> =
            maps(want, "want", from)?.filter_map(|item| Some(item.get(by)?.to_string())).collect();
        let unknown = named.into_iter().filter(|name| !known.contains(name));
        Ok(unknown.map(|name| format!("{list} {field}={name}, named by {from}")).collect())
    }
}

/// The maps of a list; none when the document has no such list.
fn maps<'d>(
    document: &'d Value,
    which: &str,
    list: &str,
) -> Result<impl Iterator<Item = &'d BTreeMap<String, Value>>, String> {
    let items = match document.get(list) {
        Some(Value::List(items)) => items.as_slice(),
        None | Some(Value::Null) => &[],
        Some(other) => {
            return Err(format!("`{list}` of `{which}` is no list but: {}", other.kind()));
        }
    };
    let maps: Option<Vec<_>> = items
        .iter()
        .map(|item| match item {
            Value::Map(map) => Some(map),
            _ => None,
        })
        .collect();
    let maps = maps.ok_or_else(|| format!("`{list}` of `{which}` holds items without fields"))?;
    Ok(maps.into_iter())
}

fn items<'d>(
    document: &'d Value,
    which: &str,
    list: &str,
    keys: &[String],
) -> Result<Items<'d>, String> {
    let mut items = Items::new();
    for (index, item) in maps(document, which, list)?.enumerate() {
        let place = || format!("item {} of `{list}` of `{which}`", index + 1);
        let told: Vec<String> = keys
            .iter()
            .filter_map(|key| item.get(key).map(|value| format!("{key}={value}")))
            .collect();
        if told.is_empty() {
            return Err(format!("{} has none of the fields {}", place(), keys.join(", ")));
        }
        let key = format!("{list} {}", told.join(" "));
        if items.insert(key.clone(), item).is_some() {
            return Err(format!("{} is like another: {key}; add a field to `lists`", place()));
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(json: serde_json::Value) -> Value {
        Value::from_json(json)
    }

    fn plan() -> Plan {
        let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Plan {
            lists: vec![
                ("queues".into(), text(&["vhost", "name"])),
                ("users".into(), text(&["name"])),
            ],
            ignore: vec![("users".into(), text(&["limits"]))],
            refers: vec![Refers {
                from: ("queues".into(), "vhost".into()),
                to: ("vhosts".into(), "name".into()),
            }],
        }
    }

    #[test]
    fn items_are_missing_different_the_same_or_extra() {
        let have = value(json!({
            "vhosts": [{"name": "/"}],
            "queues": [
                {"vhost": "/", "name": "a", "durable": true, "arguments": {"x": 1, "y": [2]}, "more": 1},
                {"vhost": "/", "name": "b", "durable": false, "arguments": {}},
                {"vhost": "/", "name": "old"},
            ],
            "users": [{"name": "alice", "hash": "1", "limits": {}}],
        }));
        let want = value(json!({
            "vhosts": [{"name": "new"}],
            "queues": [
                {"vhost": "/", "name": "a", "durable": true, "arguments": {"y": [2], "x": 1}},
                {"vhost": "/", "name": "b", "durable": true, "arguments": {"z": 1}},
                {"vhost": "new", "name": "a"},
                {"vhost": "nowhere", "name": "a"},
            ],
            "users": [{"name": "alice", "hash": "1", "limits": {"max": 1}}],
        }));
        let difference = plan().compare(&have, &want).unwrap();
        assert_eq!(
            difference,
            Difference {
                same: 2,
                missing: vec![
                    "queues vhost=new name=a".into(),
                    "queues vhost=nowhere name=a".into(),
                ],
                different: vec!["queues vhost=/ name=b: arguments, durable".into()],
                extra: vec!["queues vhost=/ name=old".into()],
                dangling: vec!["vhosts name=nowhere, named by queues".into()],
            }
        );
        assert!(!difference.is_equal());
        assert_eq!(difference.lines().count(), 5);
        let same = plan().compare(&want, &want).unwrap();
        assert!(same.is_equal() && same.same == 5, "{same:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_refused_and_never_equal() {
        let good = json!({"queues": [], "users": []});
        for (bad, said) in [
            (json!({"queues": []}), "neither file has a list `users`"),
            (json!({"queues": 3, "users": []}), "`queues` of `want` is no list but: integer"),
            (json!({"queues": ["a"], "users": []}), "holds items without fields"),
            (
                json!({"queues": [{"durable": true}], "users": []}),
                "has none of the fields vhost, name",
            ),
            (json!({"queues": [{"name": "a"}, {"name": "a"}], "users": []}), "is like another"),
        ] {
            let have = if bad.get("users").is_some() { good.clone() } else { json!({}) };
            let why = plan().compare(&value(have), &value(bad)).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
    }
}
