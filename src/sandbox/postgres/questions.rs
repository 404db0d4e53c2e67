//! The questions that are answered: word for word those of the runbook and of the actions behind it.

use chrono::DateTime;
use pgwire::error::PgWireResult;

use super::SUPERUSER;
use super::answer::{Cell, Type};
use super::session::Here;

/// The rows of an answer, or why there is none.
type Rows = PgWireResult<Vec<Vec<Cell>>>;

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    /// As it is asked, normalised.
    sql: &'static str,
    /// The types of its parameters.
    pub(super) params: &'static [Type],
    /// The names and types of the answer's columns.
    pub(super) columns: &'static [(&'static str, Type)],
    /// The rows of the answer.
    pub(super) rows: fn(&mut Here<'_>, &[String]) -> Rows,
}

/// The SQL of every question, for whoever holds the stand-in to the real server.
pub fn questions() -> impl Iterator<Item = &'static str> {
    QUESTIONS.iter().map(|question| question.sql)
}

/// The question of these words, which are normalised.
pub(super) fn find(sql: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.sql == sql)
}

const QUESTIONS: &[Question] = &[
    Question {
        sql: "SELECT current_setting('server_version'), pg_is_in_recovery(), pg_last_xact_replay_timestamp()",
        params: &[],
        columns: &[
            ("current_setting", Type::Text),
            ("pg_is_in_recovery", Type::Bool),
            ("pg_last_xact_replay_timestamp", Type::Moment),
        ],
        rows: |_, _| Ok(vec![vec![Cell::text("15.8"), Cell::Bool(false), Cell::Null]]),
    },
    Question {
        sql: "SELECT system_identifier::text FROM pg_control_system()",
        params: &[],
        columns: &[("system_identifier", Type::Text)],
        rows: |_, _| Ok(vec![vec![Cell::text(super::world::SYSTEM_IDENTIFIER)]]),
    },
    Question {
        sql: "SELECT (SELECT setting::bigint * 8192 FROM pg_settings WHERE name = 'shared_buffers'), \
              (SELECT setting::bigint * 1024 FROM pg_settings WHERE name = 'maintenance_work_mem')",
        params: &[],
        columns: &[("?column?", Type::Int8), ("?column?", Type::Int8)],
        rows: |_, _| Ok(vec![vec![Cell::Int8(128 << 20), Cell::Int8(64 << 20)]]),
    },
    Question {
        sql: "SELECT pg_catalog.set_config($1, $2, false)",
        params: &[Type::Text, Type::Text],
        columns: &[("set_config", Type::Text)],
        rows: |_, given| Ok(vec![vec![Cell::text(second(given))]]),
    },
    Question {
        sql: "SELECT pg_catalog.set_config('search_path', '', false)",
        params: &[],
        columns: &[("set_config", Type::Text)],
        rows: |_, _| Ok(vec![vec![Cell::text("")]]),
    },
    Question {
        sql: "SELECT format('the %s %s', kind, name) FROM ( \
              SELECT 1 AS rank, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' \
              WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'S' THEN 'sequence' \
              ELSE 'foreign table' END AS kind, \
              c.oid::regclass::text AS name, c.oid, 'pg_class'::regclass AS class, \
              c.relnamespace AS namespace \
              FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
              UNION ALL \
              SELECT 2, 'function', p.oid::regproc::text, p.oid, 'pg_proc'::regclass, p.pronamespace \
              FROM pg_proc p \
              ) o JOIN pg_namespace n ON n.oid = o.namespace \
              WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') \
              AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%' \
              AND NOT EXISTS (SELECT 1 FROM pg_depend d \
              WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e') \
              ORDER BY rank, name",
        params: &[],
        columns: &[("format", Type::Text)],
        rows: |here, _| {
            let database = here.database();
            let named = database.tables.keys().map(|name| format!("the table {name}"));
            Ok(named.map(|name| vec![Cell::Text(name)]).collect())
        },
    },
    Question {
        sql: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
        params: &[Type::Text],
        columns: &[("pg_terminate_backend", Type::Bool)],
        rows: |here, given| {
            let ended = here.terminate(|known| Some(&known.application_name) == given.first());
            Ok(vec![vec![Cell::Bool(true)]; ended])
        },
    },
    Question {
        sql: "SELECT pid, extract(epoch FROM clock_timestamp() - query_start)::bigint \
              FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle' LIMIT 1",
        params: &[Type::Text],
        columns: &[("pid", Type::Int4), ("extract", Type::Int8)],
        // What a session asks is answered at once: none is ever seen at work.
        rows: |_, _| Ok(Vec::new()),
    },
    // What the runbook asks.
    Question {
        sql: "SELECT (SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user) AS may_create, \
              EXISTS (SELECT 1 FROM pg_database WHERE datname = $1) AS damaged_there, \
              (SELECT count(*) FROM pg_database WHERE datname IN ($1 || '_restore', $1 || '_before_restore')) AS taken, \
              EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $2) AS owner_there",
        params: &[Type::Name, Type::Name],
        columns: &[
            ("may_create", Type::Bool),
            ("damaged_there", Type::Bool),
            ("taken", Type::Int8),
            ("owner_there", Type::Bool),
        ],
        rows: |here, given| {
            let there = |end: &str| here.other(&format!("{}{end}", first(given))).is_some();
            let taken =
                ["_restore", "_before_restore"].into_iter().filter(|end| there(end)).count();
            Ok(vec![vec![
                Cell::Bool(true),
                Cell::Bool(there("")),
                Cell::count(taken),
                Cell::Bool(second(given) == SUPERUSER),
            ]])
        },
    },
    Question {
        sql: "SELECT NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datallowconn) AS closed",
        params: &[Type::Name],
        columns: &[("closed", Type::Bool)],
        rows: |here, given| {
            let open = here.other(first(given)).is_some_and(|it| it.allows_connections);
            Ok(vec![vec![Cell::Bool(!open)]])
        },
    },
    Question {
        sql: "SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity WHERE datname = $1",
        params: &[Type::Name],
        columns: &[("ended", Type::Int8)],
        rows: |here, given| {
            let ended = here.terminate(|known| known.database == first(given));
            Ok(vec![vec![Cell::count(ended)]])
        },
    },
    Question {
        sql: "SELECT count(*) AS sessions FROM pg_stat_activity WHERE datname = $1",
        params: &[Type::Name],
        columns: &[("sessions", Type::Int8)],
        rows: |here, given| Ok(vec![vec![Cell::count(here.sessions(first(given)))]]),
    },
    Question {
        sql: "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 || '_restore') AS there",
        params: &[Type::Text],
        columns: &[("there", Type::Bool)],
        rows: is_there,
    },
    Question {
        sql: "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 || '_restore') AS waiting",
        params: &[Type::Text],
        columns: &[("waiting", Type::Bool)],
        rows: is_there,
    },
    Question {
        sql: "SELECT (xpath('/table/row/n/text()', seen))[1]::text::bigint AS count, \
              (xpath('/table/row/newest/text()', seen))[1]::text::timestamptz AS newest, \
              (SELECT count(*) FROM pg_constraint WHERE NOT convalidated) AS not_validated, \
              (SELECT count(*) FROM pg_index WHERE NOT indisvalid) AS broken_indexes \
              FROM query_to_xml( \
              format('SELECT count(*) AS n, max(%I)::timestamptz AS newest FROM %s', $2::text, $1::regclass::text), \
              false, false, '') AS seen",
        params: &[Type::Regclass, Type::Text],
        columns: &[
            ("count", Type::Int8),
            ("newest", Type::Moment),
            ("not_validated", Type::Int8),
            ("broken_indexes", Type::Int8),
        ],
        rows: |here, given| {
            let table = here.table(first(given))?;
            let newest = table.greatest(second(given)).and_then(|text| {
                let moment = DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%#z").ok()?;
                Some(Cell::Moment(moment.to_utc()))
            });
            let rows = usize::try_from(table.rows).unwrap_or(usize::MAX);
            let newest = newest.unwrap_or(Cell::Null);
            Ok(vec![vec![Cell::count(rows), newest, Cell::Int8(0), Cell::Int8(0)]])
        },
    },
];

fn first(given: &[String]) -> &str {
    given.first().map_or("", String::as_str)
}

fn second(given: &[String]) -> &str {
    given.get(1).map_or("", String::as_str)
}

/// Whether there is a database of that name with `_restore` behind it.
fn is_there(here: &mut Here<'_>, given: &[String]) -> Rows {
    let name = format!("{}_restore", first(given));
    Ok(vec![vec![Cell::Bool(here.other(&name).is_some())]])
}
