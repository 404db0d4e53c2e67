//! Foreign keys: made without their check, then checked side by side.
//!
//! `ALTER TABLE … ADD … FOREIGN KEY` locks both tables while it compares every row, so that keys to one table
//! wait for each other. A key that is added `NOT VALID` is made at once, and its check (`VALIDATE
//! CONSTRAINT`) locks the referencing table alone. What pg_dump sees afterwards is the same.
//!
//! The tables are vacuumed before: where all rows are known to be visible, the check is a merge of two indexes,
//! without the tables.

use std::sync::Arc;

use super::entry::{Entry, Locks, qualified};
use super::parallel::{Job, Table};
use super::split::Statement;

const ALTER: &str = "ALTER TABLE ONLY ";

/// What stands for a key, one after the other.
pub(super) struct Key {
    /// Makes it.
    pub add: Statement,
    /// Checks it, and what the dump says after that.
    pub check: Job,
}

impl Key {
    /// Takes a job of the dump apart; gives it back when it is none that can be.
    pub fn of(job: Job) -> Result<Self, Job> {
        let Some((table, add, check)) = job.statements.first().and_then(|s| apart(&s.sql)) else {
            return Err(job);
        };
        let mut statements = job.statements;
        let add = Statement { sql: add, ..statements[0].clone() };
        statements[0].sql = check;
        Ok(Self { add, check: Job { locks: Locks::Exclusive(vec![table]), statements, ..job } })
    }
}

/// The table, the key without its check, and the check.
fn apart(sql: &str) -> Option<(String, String, String)> {
    let rest = sql.strip_prefix(ALTER)?;
    let table = qualified(rest)?;
    let rest = rest.get(table.len()..)?.trim_start().strip_prefix("ADD CONSTRAINT ")?;
    let name = qualified(rest)?;
    rest.get(name.len()..)?.strip_prefix(" FOREIGN KEY ")?;
    let key = sql.strip_suffix(';').filter(|key| !key.ends_with(" NOT VALID"))?;
    Some((
        table.to_owned(),
        format!("{key} NOT VALID;"),
        format!("{ALTER}{table} VALIDATE CONSTRAINT {name};"),
    ))
}

/// The vacuum of each loaded table that keys compare.
pub(super) fn vacuum(keys: &[Job], loaded: &[Arc<Table>]) -> Vec<Job> {
    let Some(first) = keys.first() else { return Vec::new() };
    loaded
        .iter()
        .map(|table| &table.copy.table)
        .filter(|table| keys.iter().any(|key| key.locks.tables().contains(table)))
        .map(|table| {
            let entry = Entry { name: format!("vacuum {table}"), kind: "VACUUM".into() };
            let statement = Statement {
                line: first.statements.first().map_or(0, |statement| statement.line),
                sql: format!("VACUUM (INDEX_CLEANUP OFF) {table};"),
                entry: Some(Arc::new(entry)),
                words: Vec::new(),
            };
            let locks = Locks::Exclusive(vec![table.clone()]);
            Job { locks, statements: vec![statement], settings: first.settings.clone() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn a_key_is_taken_apart() {
        let sql = "ALTER TABLE ONLY \"a.b\".items\n    ADD CONSTRAINT \"to one\" FOREIGN KEY (one) \
                   REFERENCES public.ones(id) ON DELETE CASCADE DEFERRABLE;";
        let (table, add, check) = apart(sql).unwrap();
        assert_eq!(table, "\"a.b\".items");
        assert!(add.ends_with(" ON DELETE CASCADE DEFERRABLE NOT VALID;"), "{add}");
        assert_eq!(check, "ALTER TABLE ONLY \"a.b\".items VALIDATE CONSTRAINT \"to one\";");
    }

    #[test]
    fn whatever_else_is_left_as_it_is() {
        for sql in [
            "ALTER TABLE ONLY a ADD CONSTRAINT b PRIMARY KEY (id);",
            "ALTER TABLE ONLY a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d(e) NOT VALID;",
            // Of a partitioned table: it cannot be added without its check.
            "ALTER TABLE a ADD CONSTRAINT b FOREIGN KEY (c) REFERENCES d(e);",
        ] {
            assert_eq!(apart(sql), None, "{sql}");
        }
    }
}
