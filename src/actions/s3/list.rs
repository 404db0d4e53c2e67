//! `s3.list`

use chrono::Utc;
use futures_util::future::BoxFuture;

use super::listing::{Item, below, label, pattern};
use super::{Place, int, reach, reading, text};
use crate::actions::meter::size;
use crate::actions::{Action, Context, Finish};
use crate::runbook::{Request, Value};

/// So many are told of by default; a result is kept in the journal.
const NEWEST: i64 = 100;

/// `s3.list`
pub(super) struct List;

impl Action for List {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move { reading(&cx, list(&cx, &request)).await })
    }
}

async fn list(cx: &Context, request: &Request) -> Result<Finish, String> {
    let place = Place::of(request, "uri")?;
    let pattern = pattern(request)?;
    let newest = request.int("newest").unwrap_or(NEWEST);
    let newest = usize::try_from(newest)
        .ok()
        .filter(|it| (1..=1000).contains(it))
        .ok_or(format!("`newest` is {newest}, not 1 to 1000"))?;
    let mut items = below(cx, &reach(cx, &place).await, &place).await?;
    items.retain(|it| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&it.key)));
    items.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.key.cmp(&b.key)));
    let (count, bytes) = (items.len(), items.iter().map(|it| it.size).sum::<u64>());
    items.truncate(newest);
    let now = Utc::now();
    let objects = items.iter().map(|it| {
        let clean = |it: &str| text(cx.redactor.clean(it));
        let mut fields = vec![
            ("value", clean(&format!("s3://{}/{}", place.bucket, it.key))),
            ("label", clean(&label(&it.key, it.size, it.modified, now))),
            ("key", clean(&it.key)),
            ("size", int(it.size)),
            ("etag", clean(&it.etag)),
        ];
        fields.extend(it.modified.map(|at| ("modified", Value::Timestamp(at))));
        Value::map(fields)
    });
    let keys = items.iter().map(|it| text(cx.redactor.clean(&it.key)));
    let mut fields = vec![
        ("objects", Value::List(objects.collect())),
        ("keys", Value::List(keys.collect())),
        ("count", int(count as u64)),
        ("bytes", int(bytes)),
    ];
    fields.extend(items.first().and_then(newest_at).map(|at| ("newest", at)));
    let of = if count > items.len() {
        format!(", the newest {} told of", items.len())
    } else {
        String::new()
    };
    Ok(Finish::succeeded(
        format!("{count} objects below {place}, {}{of}", size(bytes)),
        Value::map(fields),
    ))
}

fn newest_at(item: &Item) -> Option<Value> {
    item.modified.map(Value::Timestamp)
}
