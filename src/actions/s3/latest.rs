//! `s3.latest`

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use regex::Regex;

use super::listing::{age, below, pattern};
use super::{Place, int, reach, reading, text};
use crate::actions::manifest::beside;
use crate::actions::meter::size;
use crate::actions::{Action, Context, Finish};
use crate::runbook::{Request, Value};

/// `s3.latest`
pub(super) struct Latest;

impl Action for Latest {
    fn run(&self, cx: Context, request: Request) -> BoxFuture<'static, Finish> {
        Box::pin(async move { reading(&cx, latest(&cx, &request)).await })
    }
}

async fn latest(cx: &Context, request: &Request) -> Result<Finish, String> {
    let place = Place::of(request, "uri")?;
    let pattern = pattern(request)?;
    let by_date = request.text("by") == Some("date");
    let s3 = reach(cx, &place).await;
    let all = below(cx, &s3, &place).await?;
    let newest = all
        .iter()
        .filter(|it| !it.key.ends_with(".manifest.json"))
        .filter(|it| pattern.as_ref().is_none_or(|pattern| pattern.is_match(&it.key)))
        .filter_map(|it| Some((if by_date { date_in(&it.key) } else { it.modified }?, it)))
        .max_by_key(|(at, it)| (*at, it.modified));
    let Some((at, item)) = newest else {
        let what = match (&pattern, by_date) {
            (Some(pattern), _) => format!(" whose key matches `{pattern}`"),
            (None, true) => " with a date in its key".to_owned(),
            (None, false) => String::new(),
        };
        return Err(format!(
            "there is no object{what} below {place} (of {} there): check the prefix, and whether \
             backups are being made",
            all.len()
        ));
    };
    // The listing does not tell the version.
    let object = s3.head(&place.bucket, &item.key, None).await.map_err(|it| it.message)?;
    let old = Utc::now() - at;
    let rpo = request.duration("rpo").and_then(|rpo| TimeDelta::from_std(rpo).ok());
    let manifest = beside(&item.key).into_iter().find(|key| all.iter().any(|it| it.key == *key));
    let manifest = manifest.map(|key| format!("s3://{}/{key}", place.bucket)).unwrap_or_default();
    let within = match rpo {
        Some(rpo) if old <= rpo => format!(", within the RPO of {}", age(rpo)),
        Some(rpo) => format!(", OLDER than the RPO of {}", age(rpo)),
        None => String::new(),
    };
    let without = if manifest.is_empty() { "; no manifest lies beside it" } else { "" };
    let message = format!("{object} is {} old{within}; {}{without}", age(old), size(object.size));
    let clean = |it: &str| text(cx.redactor.clean(it));
    let mut fields = vec![
        ("uri", clean(&object.to_string())),
        ("key", clean(&item.key)),
        ("size", int(object.size)),
        ("at", Value::Timestamp(at)),
        ("age", Value::Duration(old)),
        ("version", clean(object.version.as_deref().unwrap_or_default())),
        ("etag", clean(&object.etag)),
        ("manifest", clean(&manifest)),
    ];
    fields.extend(object.modified.map(|at| ("modified", Value::Timestamp(at))));
    fields.extend(rpo.map(|rpo| ("within_rpo", Value::Bool(old <= rpo))));
    Ok(Finish::succeeded(message, Value::map(fields)))
}

/// The last moment that a key names: a day, and perhaps a time of day.
fn date_in(key: &str) -> Option<DateTime<Utc>> {
    static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x) (?:^|[^0-9]) (20\d\d) [-_/.]? (\d\d) [-_/.]? (\d\d)
              (?: [T_.\-/]? ([01]\d|2[0-3]) [-_:.h]? ([0-5]\d) (?: [-_:.]? ([0-5]\d) )? )? (?:[^0-9]|$)",
        )
        .ok()
    });
    DATE.as_ref()?
        .captures_iter(key)
        .filter_map(|found| {
            let number = |i| found.get(i).map_or(Some(0), |it| it.as_str().parse::<u32>().ok());
            let year = found.get(1)?.as_str().parse().ok()?;
            let day = NaiveDate::from_ymd_opt(year, number(2)?, number(3)?)?;
            Some(day.and_hms_opt(number(4)?, number(5)?, number(6)?)?.and_utc())
        })
        .last()
}

#[cfg(test)]
mod tests {
    use super::date_in;

    #[test]
    fn the_date_in_a_key_is_found_however_it_is_written() {
        for (key, at) in [
            ("pg/shop-2026-11-20.sql.gz", "2026-11-20T00:00:00+00:00"),
            ("pg/2026/11/20/shop.dump", "2026-11-20T00:00:00+00:00"),
            ("pg/shop_20261120.sql", "2026-11-20T00:00:00+00:00"),
            ("pg/shop-20261120T031005Z.dump", "2026-11-20T03:10:05+00:00"),
            ("pg/shop-2026-11-20T03:10:05Z.dump", "2026-11-20T03:10:05+00:00"),
            ("pg/shop-2026-11-20_03-10.dump", "2026-11-20T03:10:00+00:00"),
            ("2025-01-01/shop-2026-11-20.sql", "2026-11-20T00:00:00+00:00"),
        ] {
            assert_eq!(date_in(key).map(|it| it.to_rfc3339()).as_deref(), Some(at), "{key}");
        }
        for key in ["pg/shop.sql", "pg/v1.2026", "pg/2026-13-40.sql", "a120261120"] {
            assert_eq!(date_in(key), None, "{key}");
        }
    }
}
