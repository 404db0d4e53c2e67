//! What a drill may act on: lists of names, a list a kind of target, held against each request that acts.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::registry;
use super::request::{Request, Resolved};
use super::value::Value;

/// A kind of thing that actions act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// The host of a URL.
    Http,
    /// `host/database` of a connection.
    Postgres,
    /// The identifier of a cluster, an instance or a snapshot.
    Rds,
    /// A bucket.
    S3,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Http, Self::Postgres, Self::Rds, Self::S3];

    /// As the settings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Postgres => "postgres",
            Self::Rds => "rds",
            Self::S3 => "s3",
        }
    }

    /// What of an argument is the name that is held to the list. `Ok(None)`: it is no target of this kind.
    fn name_in(self, arg: &Resolved) -> Result<Option<String>, ()> {
        match self {
            Self::Rds => plain(arg).map(Some),
            Self::S3 => {
                // A directory of this machine may stand in its place.
                let uri = plain(arg)?;
                let rest = uri.strip_prefix("s3://");
                Ok(rest.and_then(|rest| rest.split('/').next()).map(str::to_owned))
            }
            Self::Http => {
                let url = url::Url::parse(&plain(arg)?).map_err(|_| ())?;
                url.host_str().map(|host| Some(host.to_owned())).ok_or(())
            }
            Self::Postgres => {
                let Resolved::Map(keys) = arg else { return Err(()) };
                let key = |key: &str| keys.iter().find(|(name, _)| name == key).map(|(_, v)| v);
                let host = plain(key("host").ok_or(())?)?;
                // What is left empty is what is not named.
                let database = key("database").map_or(Ok(String::new()), plain)?;
                let database = if database.is_empty() { "postgres" } else { &database };
                Ok(Some(format!("{host}/{database}")))
            }
        }
    }
}

/// Text without a secret in it.
fn plain(arg: &Resolved) -> Result<String, ()> {
    match arg {
        Resolved::Value(Value::String(text)) => Ok(text.clone()),
        Resolved::Value(_)
        | Resolved::Text(_)
        | Resolved::List(_)
        | Resolved::Map(_)
        | Resolved::Expr(_) => Err(()),
    }
}

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// Names, in which `*` stands for any text and `?` for one character.
    pub names: Vec<String>,
    /// The line of the settings that it begins on.
    pub line: usize,
}

/// What a drill may act on. A kind without a list is acted on nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Targets {
    /// By kind.
    pub lists: BTreeMap<TargetKind, Allowed>,
}

impl Targets {
    /// Holds a request to the lists. What no list can know of, such as what a script does, is let through.
    ///
    /// # Errors
    /// One line: what it would act on, and which list it is not in.
    pub fn hold(&self, request: &Request) -> Result<(), String> {
        let spec = registry::action(request.action);
        for (kind, key) in spec.map_or(&[][..], |spec| spec.acts_on) {
            let Some(arg) = request.arg(key) else { continue };
            let name = kind.name_in(arg).map_err(|()| {
                format!("`{}`: what `{key}` names cannot be held to a list", request.action)
            })?;
            if let Some(name) = name {
                self.hold_one(*kind, &name, request.action)?;
            }
        }
        Ok(())
    }

    fn hold_one(&self, kind: TargetKind, name: &str, action: &str) -> Result<(), String> {
        let list = self.lists.get(&kind);
        if list.is_some_and(|list| list.names.iter().any(|pattern| matches(pattern, name))) {
            return Ok(());
        }
        let why = match list {
            Some(Allowed { names, line }) => {
                format!("not in `{kind}: [{}]`, line {line} of the settings", names.join(", "))
            }
            None => format!("and its `targets` have no list `{kind}`"),
        };
        Err(format!("`{action}` acts on `{name}`, {why}"))
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the whole of a name is as the pattern says.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last `*` stood, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || name.get(n) == Some(c) => {
                p += 1;
                n += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                n = taken + 1;
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests;
