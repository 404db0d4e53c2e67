//! A server's values as the format's: what can be compared keeps its type, what would lose something
//! by it is text.

use std::error::Error;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use tokio_postgres::types::{FromSql, Kind, PgLsn, Type};
use tokio_postgres::{Column, Row};

use crate::runbook::Value;

/// One cell.
struct Cell(Value);

type Failure = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        // The statement has been carried out: a value that cannot be read must not make it a failure.
        Ok(Self(read(ty, raw).unwrap_or_else(|e| Value::String(format!("(cannot be read: {e})")))))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        supported(ty)
    }
}

/// Whether a column of this type can be read.
fn supported(ty: &Type) -> bool {
    match ty.kind() {
        Kind::Enum(_) => true,
        Kind::Array(member) => supported(member),
        Kind::Domain(base) => supported(base),
        _ => matches!(
            *ty,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::OID
                | Type::XID
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::NUMERIC
                | Type::TEXT
                | Type::VARCHAR
                | Type::BPCHAR
                | Type::NAME
                | Type::CHAR
                | Type::UNKNOWN
                | Type::JSON
                | Type::JSONB
                | Type::TIMESTAMPTZ
                | Type::TIMESTAMP
                | Type::DATE
                | Type::TIME
                | Type::INTERVAL
                | Type::UUID
                | Type::PG_LSN
                | Type::BYTEA
                | Type::VOID
        ),
    }
}

/// The first column that cannot be read, told before the statement is carried out.
pub(super) fn unreadable(columns: &[Column]) -> Option<String> {
    columns.iter().find(|column| !supported(column.type_())).map(|column| {
        format!(
            "the column `{0}` has the type {1}, which Steadyhand does not read: write `{0}::text`",
            column.name(),
            column.type_()
        )
    })
}

/// A row as a map.
pub(super) fn row(row: &Row) -> Value {
    Value::map(row.columns().iter().enumerate().map(|(at, column)| {
        let cell =
            row.try_get::<_, Cell>(at).map_or_else(|e| Value::String(e.to_string()), |c| c.0);
        (column.name(), cell)
    }))
}

fn read(ty: &Type, raw: &[u8]) -> Result<Value, Failure> {
    match ty.kind() {
        Kind::Enum(_) => return Ok(Value::String(std::str::from_utf8(raw)?.to_owned())),
        Kind::Array(_) => {
            let items = Vec::<Option<Cell>>::from_sql(ty, raw)?;
            let item = |cell: Option<Cell>| cell.map_or(Value::Null, |cell| cell.0);
            return Ok(Value::List(items.into_iter().map(item).collect()));
        }
        Kind::Domain(base) => return read(base, raw),
        _ => {}
    }
    Ok(match *ty {
        Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
        Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
        Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
        Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
        Type::OID | Type::XID => Value::Int(u32::from_be_bytes(raw.try_into()?).into()),
        Type::FLOAT4 => float(f32::from_sql(ty, raw)?.into()),
        Type::FLOAT8 => float(f64::from_sql(ty, raw)?),
        Type::NUMERIC => Value::String(numeric(raw)?),
        Type::JSON | Type::JSONB => Value::from_json(serde_json::Value::from_sql(ty, raw)?),
        Type::TIMESTAMPTZ => match infinity(raw) {
            Some(infinity) => infinity,
            None => Value::Timestamp(DateTime::<Utc>::from_sql(ty, raw)?),
        },
        Type::TIMESTAMP => match infinity(raw) {
            Some(infinity) => infinity,
            None => {
                let local = NaiveDateTime::from_sql(ty, raw)?;
                Value::String(local.format("%Y-%m-%dT%H:%M:%S%.f").to_string())
            }
        },
        Type::DATE => match infinity(raw) {
            Some(infinity) => infinity,
            None => Value::String(NaiveDate::from_sql(ty, raw)?.to_string()),
        },
        Type::TIME => Value::String(NaiveTime::from_sql(ty, raw)?.to_string()),
        Type::INTERVAL => interval(raw)?,
        Type::UUID => Value::String(uuid(raw)),
        Type::PG_LSN => Value::String(PgLsn::from_sql(ty, raw)?.to_string()),
        Type::BYTEA => Value::String(format!("\\x{}", hex::encode(raw))),
        Type::VOID => Value::Null,
        // JSON and the like aside, what `supported` admits besides these is text.
        _ => Value::String(std::str::from_utf8(raw)?.to_owned()),
    })
}

/// The format's numbers are finite.
fn float(x: f64) -> Value {
    if x.is_finite() { Value::Float(x) } else { Value::String(x.to_string()) }
}

/// The largest and the smallest value of a date or time stand for infinity.
fn infinity(raw: &[u8]) -> Option<Value> {
    let (first, rest) = raw.split_first()?;
    let text = match first {
        0x7f if rest.iter().all(|byte| *byte == 0xff) => "infinity",
        0x80 if rest.iter().all(|byte| *byte == 0) => "-infinity",
        _ => return None,
    };
    Some(Value::String(text.into()))
}

/// A month has no length, so an interval with months is text.
fn interval(raw: &[u8]) -> Result<Value, Failure> {
    let (micros, days, months) = (
        i64::from_be_bytes(part(raw, 0)?),
        i32::from_be_bytes(part(raw, 8)?),
        i32::from_be_bytes(part(raw, 12)?),
    );
    let length = TimeDelta::microseconds(micros) + TimeDelta::days(days.into());
    if months == 0 {
        return Ok(Value::Duration(length));
    }
    Ok(Value::String(format!("{months} months {}", crate::runbook::value::duration_text(length))))
}

fn uuid(raw: &[u8]) -> String {
    let hex = hex::encode(raw);
    let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-")
}

/// A `numeric` exactly, as the server would print it.
///
/// On the wire: four 16-bit words (how many digits, the first one's power of 10,000, sign, decimals
/// shown), then that many digits to the base 10,000.
fn numeric(raw: &[u8]) -> Result<String, Failure> {
    let word = |at: usize| -> Result<i16, Failure> { Ok(i16::from_be_bytes(part(raw, 2 * at)?)) };
    let (count, weight, sign, decimals) = (word(0)?, word(1)?, word(2)?, word(3)?);
    let sign = match sign as u16 {
        0x0000 => "",
        0x4000 => "-",
        0xD000 => return Ok("Infinity".into()),
        0xF000 => return Ok("-Infinity".into()),
        _ => return Ok("NaN".into()),
    };
    let digits =
        (0..usize::try_from(count)?).map(|at| word(4 + at)).collect::<Result<Vec<_>, _>>()?;
    let digit = |power: i16| {
        let at = usize::try_from(i32::from(weight) - i32::from(power)).ok();
        at.and_then(|at| digits.get(at)).copied().unwrap_or(0)
    };
    let mut whole: String =
        (0..=weight.max(0)).rev().map(|power| format!("{:04}", digit(power))).collect();
    whole = whole.trim_start_matches('0').to_owned();
    if whole.is_empty() {
        whole.push('0');
    }
    let decimals = usize::try_from(decimals)?;
    if decimals == 0 {
        return Ok(format!("{sign}{whole}"));
    }
    let groups = i16::try_from(decimals.div_ceil(4))?;
    let mut fraction: String = (1..=groups).map(|power| format!("{:04}", digit(-power))).collect();
    fraction.truncate(decimals);
    Ok(format!("{sign}{whole}.{fraction}"))
}

fn part<const N: usize>(raw: &[u8], at: usize) -> Result<[u8; N], Failure> {
    raw.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| "too short".into())
}
