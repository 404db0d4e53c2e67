//! Rows on their way to the client, and refusals in the server's words.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::stream;
use pgwire::api::Type as WireType;
use pgwire::api::portal::Format;
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};

/// The types that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int4,
    Int8,
    Moment,
    Name,
    Regclass,
    Text,
}

impl Type {
    pub(super) fn wire(self) -> WireType {
        match self {
            Self::Bool => WireType::BOOL,
            Self::Int4 => WireType::INT4,
            Self::Int8 => WireType::INT8,
            Self::Moment => WireType::TIMESTAMPTZ,
            Self::Name => WireType::NAME,
            Self::Regclass => WireType::REGCLASS,
            Self::Text => WireType::TEXT,
        }
    }
}

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int8(i64),
    Moment(DateTime<Utc>),
    Text(String),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Int8(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// The columns of an answer.
pub(super) fn fields(
    columns: &[(&'static str, Type)],
    format: impl Fn(usize) -> FieldFormat,
) -> Vec<FieldInfo> {
    let field = |(at, (name, of)): (usize, &(&'static str, Type))| {
        FieldInfo::new((*name).to_owned(), None, None, of.wire(), format(at))
    };
    columns.iter().enumerate().map(field).collect()
}

/// The format of a column as the client wants it; text when it does not say.
pub(super) fn format_of(format: Option<&Format>, at: usize) -> FieldFormat {
    format.map_or(FieldFormat::Text, |format| format.format_for(at))
}

/// Rows for the client.
pub(super) fn rows(fields: Vec<FieldInfo>, rows: &[Vec<Cell>]) -> PgWireResult<QueryResponse> {
    let fields = Arc::new(fields);
    let mut encoder = DataRowEncoder::new(fields.clone());
    let encoded: Vec<_> = rows
        .iter()
        .map(|row| {
            for cell in row {
                match cell {
                    Cell::Null => encoder.encode_field(&None::<String>)?,
                    Cell::Bool(it) => encoder.encode_field(it)?,
                    Cell::Int8(it) => encoder.encode_field(it)?,
                    Cell::Moment(it) => encoder.encode_field(it)?,
                    Cell::Text(it) => encoder.encode_field(it)?,
                }
            }
            Ok(encoder.take_row())
        })
        .collect();
    Ok(QueryResponse::new(fields, stream::iter(encoded)))
}

/// A statement is refused.
pub(super) fn refused(code: &str, message: impl Into<String>) -> PgWireError {
    said("ERROR", code, message)
}

/// A session is refused.
pub(super) fn fatal(code: &str, message: impl Into<String>) -> PgWireError {
    said("FATAL", code, message)
}

fn said(severity: &str, code: &str, message: impl Into<String>) -> PgWireError {
    let info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message.into());
    PgWireError::UserError(Box::new(info))
}
