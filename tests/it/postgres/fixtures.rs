//! The fixtures are what they say: a restore that is tested against a database without damage tests
//! nothing.

use crate::services::damage::{damaged, dumps, sha256};
use crate::services::postgres::Cluster;

#[test]
fn a_standby_has_what_the_primary_has() {
    let Some(primary) = Cluster::start("") else { return };
    primary.sql("postgres", "CREATE TABLE t AS SELECT 1 AS a");
    let replica = primary.replica();
    assert_eq!(replica.sql("postgres", "SELECT a, pg_is_in_recovery() FROM t"), "1|t");
}

#[test]
fn a_damaged_cluster_has_what_it_takes_to_restore_it() {
    let Some(damaged) = damaged() else { return };
    assert_eq!(damaged.cluster.sql("postgres", "SELECT count(*), max(id) FROM orders"), "25|905");
    assert!(damaged.segments().len() >= 3);
    assert!(damaged.backups.join("base-3-after/backup_label").exists());
    assert!(damaged.newest_good < damaged.restore_to);
    damaged.cluster.crash();
    assert!(damaged.cluster.try_sql("postgres", "SELECT 1").is_err());
}

#[test]
fn dumps_are_what_they_say() {
    let Some(dumps) = dumps() else { return };
    assert!(std::fs::read(&dumps.custom).unwrap().starts_with(b"PGDMP"));
    assert!(std::fs::read(&dumps.plain_gz).unwrap().starts_with(&[0x1f, 0x8b]));
    assert_eq!(sha256(&dumps.plain).len(), 64);
    assert!(dumps.cluster.bin().join("pg_restore").exists());
}
