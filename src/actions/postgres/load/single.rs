//! The whole dump in one session and one transaction.

use std::collections::BTreeSet;

use tokio::sync::mpsc::Receiver;

use super::entry::qualified;
use super::hand::Hand;
use super::split::{Copy, Part, Statement};
use super::{Options, Problem, Reading, say};

/// Loads what is read; nothing counts before the last line.
pub(super) async fn load(
    options: &Options,
    parts: &mut Receiver<Part>,
    reading: Reading,
) -> Result<(), Problem> {
    let mut hand = Hand::open(options).await?;
    hand.own("BEGIN").await?;
    let mut copying = None;
    let mut created = BTreeSet::new();
    while let Some(part) = parts.recv().await {
        match part {
            // pg_dump puts large objects into transactions of their own, which would end ours.
            Part::Statement(statement) if is_bracket(&statement) => {}
            Part::Statement(statement) => {
                created.extend(new_table(&statement));
                hand.run(&statement).await?;
            }
            Part::Copy(copy) => {
                let sql = frozen(&copy, &created).unwrap_or_else(|| copy.sql.clone());
                copying = Some(hand.copy(copy, sql).await?);
            }
            Part::Rows(rows) => {
                if let Some(copying) = &mut copying {
                    hand.send(copying, rows).await?;
                }
            }
            Part::CopyEnd => {
                if let Some(copying) = copying.take() {
                    let table = copying.copy.table.clone();
                    let rows = copying.finish().await?;
                    say(&format!("{table}: {rows} rows"));
                }
            }
        }
    }
    reading.whole().await?;
    hand.own("COMMIT").await
}

fn is_bracket(statement: &Statement) -> bool {
    matches!(statement.sql.as_str(), "BEGIN;" | "COMMIT;")
}

/// The table that a statement makes; a partitioned one has no rows of its own.
fn new_table(statement: &Statement) -> Option<String> {
    let table = statement.sql.strip_prefix("CREATE TABLE ")?;
    let partitioned = statement.sql.contains("\nPARTITION BY ");
    (!partitioned).then(|| qualified(table).map(str::to_owned))?
}

/// Rows of a table that this transaction has made can be written as old ones at once: nobody has to come
/// by and mark them again.
fn frozen(copy: &Copy, created: &BTreeSet<String>) -> Option<String> {
    let sql = copy.sql.strip_suffix(" FROM stdin;")?;
    created.contains(&copy.table).then(|| format!("{sql} FROM stdin WITH (FREEZE);"))
}
