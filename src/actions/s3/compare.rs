//! `s3.compare`

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;

use super::listing::{Item, below};
use super::{Place, int, reach, reading, text};
use crate::actions::{Action, Context, Finish};
use crate::runbook::{Request, Value};

/// So many names are told of.
const NAMES: usize = 20;

/// `s3.compare`
pub(super) struct Compare;

impl Action for Compare {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move { reading(&cx, compare(&cx, &request)).await })
    }
}

async fn compare(cx: &Context, request: &Request) -> Result<Finish, String> {
    let (source, target) =
        (Place::of_prefix(request, "source")?, Place::of_prefix(request, "target")?);
    let (far, near) = tokio::join!(reach(cx, &source), reach(cx, &target));
    let (there, here) = tokio::try_join!(below(cx, &far, &source), below(cx, &near, &target))?;
    if there.is_empty() {
        return Err(format!("there is nothing below {source} to compare with: check the prefix"));
    }
    let (there, here) = (by_name(&there, &source), by_name(&here, &target));
    let missing: Vec<&str> = there.keys().filter(|it| !here.contains_key(*it)).copied().collect();
    let differs = |(name, size): &(&&str, &u64)| here.get(**name).is_some_and(|it| it != *size);
    let different: Vec<&str> = there.iter().filter(differs).map(|(name, _)| *name).collect();
    let extra = here.keys().filter(|it| !there.contains_key(*it)).count();
    let alike = there.len() - missing.len() - different.len();
    let ratio = alike as f64 / there.len() as f64;
    let names = |names: &[&str]| {
        let first = names.iter().take(NAMES).map(|it| text(cx.redactor.clean(*it)));
        Value::List(first.collect())
    };
    let result = Value::map([
        ("count_source", int(there.len() as u64)),
        ("count_target", int(here.len() as u64)),
        ("bytes_source", int(there.values().sum())),
        ("bytes_target", int(here.values().sum())),
        ("ratio", Value::Float(ratio)),
        ("missing", names(&missing)),
        ("count_missing", int(missing.len() as u64)),
        ("different", names(&different)),
        ("count_different", int(different.len() as u64)),
        ("count_extra", int(extra as u64)),
    ]);
    // Rounded down: 99.99 % is not all.
    let percent = (ratio * 1000.0).floor() / 10.0;
    let message = format!(
        "{target} has {alike} of the {} objects below {source} ({percent:.1} %): {} missing, {} of \
         another size, {extra} of its own",
        there.len(),
        missing.len(),
        different.len(),
    );
    Ok(Finish::succeeded(message, result))
}

/// Sizes by the part of the key after the prefix.
fn by_name<'a>(items: &'a [Item], place: &Place) -> BTreeMap<&'a str, u64> {
    items.iter().filter_map(|it| Some((it.key.strip_prefix(&place.key)?, it.size))).collect()
}
