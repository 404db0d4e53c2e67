//! `params`: each travels as text and is read by the server as the type that its `$n` has there.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::runbook::{Request, Resolved, Reveal, Value};

/// One parameter; `None` is SQL's NULL.
#[derive(Debug)]
pub(super) struct Param(Option<String>);

impl ToSql for Param {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// `params` of a request.
///
/// # Errors
/// One line: which parameter cannot be sent, and what to do.
pub(super) fn params(request: &Request, secrets: &dyn Reveal) -> Result<Vec<Param>, String> {
    let items = match request.arg("params") {
        None => return Ok(Vec::new()),
        Some(Resolved::List(items)) => items,
        Some(_) => return Err("`params` is not a list".into()),
    };
    items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let wrong = |why: &str| format!("`params[{at}]` (${}) {why}", at + 1);
            match item {
                Resolved::Value(Value::Null) => Ok(Param(None)),
                Resolved::Value(Value::List(_) | Value::Map(_))
                | Resolved::List(_)
                | Resolved::Map(_)
                | Resolved::Expr(_) => Err(wrong(
                    "is not a scalar: send text and use string_to_array or ::jsonb in SQL",
                )),
                // In a unit that PostgreSQL's intervals and the format's durations read alike.
                Resolved::Value(Value::Duration(d)) => {
                    let micros = d.num_microseconds().ok_or_else(|| wrong("is too long"))?;
                    Ok(Param(Some(format!("{micros} microseconds"))))
                }
                Resolved::Value(_) | Resolved::Text(_) => item
                    .revealed(secrets)
                    .map(|text| Param(Some(text)))
                    .ok_or_else(|| wrong("needs a secret that is not to be had")),
            }
        })
        .collect()
}
