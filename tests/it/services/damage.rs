//! Databases that need restoring: what the runbooks are run against.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::postgres::{Cluster, USER, is_root, until};

/// A cluster whose table `orders` lost rows after [`Damaged::restore_to`], with the base backups and
/// the WAL archive to bring them back.
///
/// Rows 1 to 40 were there at that moment; afterwards rows 1 to 20 were deleted and 901 to 905 written.
/// The newest base backup, `base-3-after`, is a trap: it was taken after the damage.
pub struct Damaged {
    /// Running, damaged.
    pub cluster: Cluster,
    /// `base-1`, `base-2` and `base-3-after`, plain format.
    pub backups: PathBuf,
    /// The WAL archive; covers `restore_to`.
    pub archive: PathBuf,
    /// The last good moment, RFC 3339 with microseconds.
    pub restore_to: String,
    /// When the last good row was written, RFC 3339: the recovery point that can be achieved.
    pub newest_good: String,
}

/// Makes it; `None`, said loudly, without PostgreSQL.
pub fn damaged() -> Option<Damaged> {
    let archive_command = "archive_mode=on\narchive_command='\
        test ! -f ../wal/%f && cp %p ../wal/%f.tmp && mv ../wal/%f.tmp ../wal/%f'";
    let cluster = Cluster::start_with(archive_command, &["wal", "backups"])?;
    let (archive, backups) = (cluster.home.path().join("wal"), cluster.home.path().join("backups"));
    cluster.sql(
        "postgres",
        "CREATE TABLE orders (id int PRIMARY KEY, note text NOT NULL, \
         created_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    );
    let insert = |from: u32, to: u32| {
        cluster.sql(
            "postgres",
            &format!(
                "INSERT INTO orders SELECT i, 'order ' || i FROM generate_series({from}, {to}) i"
            ),
        );
    };
    insert(1, 20);
    cluster.base_backup(&backups.join("base-1"));
    insert(21, 30);
    cluster.base_backup(&backups.join("base-2"));
    next_second(&cluster);
    insert(31, 40);
    let newest_good = cluster.sql("postgres", &rfc3339("max(created_at)", "FROM orders"));
    let restore_to = cluster.sql("postgres", &rfc3339("clock_timestamp()", ""));
    next_second(&cluster);
    cluster.sql("postgres", "DELETE FROM orders WHERE id <= 20");
    insert(901, 905);
    cluster.base_backup(&backups.join("base-3-after"));
    let damaged = Damaged { cluster, backups, archive, restore_to, newest_good };
    damaged.archive_all();
    Some(damaged)
}

impl Damaged {
    /// The inputs of `postgres-pitr-wal` that restore it; the password comes from `PGPASSWORD`.
    pub fn inputs(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.display().to_string();
        vec![
            ("restore_to", self.restore_to.clone()),
            ("data_dir", path(&self.cluster.data)),
            ("backup_dir", path(&self.backups)),
            ("wal_archive", path(&self.archive)),
            ("service_manager", "pg_ctl".into()),
            ("bin_dir", path(self.cluster.bin())),
            ("port", self.cluster.port.to_string()),
            ("check_table", "public.orders".into()),
            ("min_rows", "40".into()),
        ]
    }

    /// Closes the current WAL segment and waits until the archive has it.
    pub fn archive_all(&self) {
        let segment = self.cluster.sql("postgres", "SELECT pg_walfile_name(pg_switch_wal())");
        until(&format!("{segment} is archived"), || self.archive.join(&segment).exists());
    }

    /// The archive's segments, oldest first.
    pub fn segments(&self) -> Vec<PathBuf> {
        let mut segments: Vec<_> = std::fs::read_dir(&self.archive)
            .expect("the archive")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.file_name().is_some_and(|name| name.len() == 24))
            .collect();
        segments.sort();
        segments
    }
}

/// Base backups and runbooks know seconds: what must be told apart lies in different ones.
fn next_second(cluster: &Cluster) {
    let now = cluster.sql("postgres", "SELECT date_trunc('second', clock_timestamp())");
    let later = format!("SELECT clock_timestamp() > '{now}'::timestamptz + interval '1.1 s'");
    cluster.until("postgres", &later, "t");
}

fn rfc3339(moment: &str, from: &str) -> String {
    format!(
        "SELECT to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') {from}"
    )
}

/// Dumps of one database, `shop`, which has 3 tables and 500 orders.
pub struct Dumps {
    /// Running; `shop` is still there.
    pub cluster: Cluster,
    /// `pg_dump` in plain format, gzipped: `shop.sql.gz`.
    pub plain_gz: PathBuf,
    /// The same without gzip: `shop.sql`.
    pub plain: PathBuf,
    /// `pg_dump -Fc`: `shop.dump`.
    pub custom: PathBuf,
}

impl Dumps {
    /// The inputs of `postgres-logical-restore` that restore `shop` from `file` as it is now; the password
    /// comes from `PGPASSWORD`.
    pub fn inputs(&self, file: &Path) -> Vec<(&'static str, String)> {
        vec![
            ("dump", file.display().to_string()),
            ("sha256", sha256(file)),
            ("database", "shop".into()),
            ("port", self.cluster.port.to_string()),
            ("check_table", "public.orders".into()),
            ("min_rows", "500".into()),
            ("min_tables", "3".into()),
        ]
    }
}

/// Makes them; `None`, said loudly, without PostgreSQL.
pub fn dumps() -> Option<Dumps> {
    let cluster = Cluster::start_with("", &["dumps"])?;
    cluster.sql("postgres", "CREATE DATABASE shop");
    cluster.sql(
        "shop",
        "CREATE EXTENSION pgcrypto; \
         CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL); \
         CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, \
           created_at timestamptz NOT NULL DEFAULT clock_timestamp()); \
         CREATE TABLE audit (id int PRIMARY KEY, what text); \
         INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 50) i; \
         INSERT INTO orders SELECT i, 1 + i % 50 FROM generate_series(1, 500) i",
    );
    let dir = cluster.home.path().join("dumps");
    let (plain, custom) = (dir.join("shop.sql"), dir.join("shop.dump"));
    for (format, file) in [("-Fp", &plain), ("-Fc", &custom)] {
        let file = file.to_str().expect("utf-8");
        cluster.must("pg_dump", &[format, "-U", USER, "-f", file, "shop"], &[]).expect("pg_dump");
    }
    let plain_gz = dir.join("shop.sql.gz");
    std::fs::write(&plain_gz, gzip(&std::fs::read(&plain).expect("the dump"))).expect("writable");
    Some(Dumps { cluster, plain_gz, plain, custom })
}

/// A primary with 40 orders and the streaming replica that can take over.
pub struct Replicated {
    /// Running.
    pub primary: Cluster,
    /// Has replayed everything.
    pub replica: Cluster,
}

/// Makes them; `None`, said loudly, without PostgreSQL.
pub fn replicated() -> Option<Replicated> {
    let primary = Cluster::start("")?;
    primary.sql(
        "postgres",
        "CREATE TABLE orders AS SELECT i AS id, clock_timestamp() AS created_at \
         FROM generate_series(1, 40) i",
    );
    let replica = primary.replica();
    Some(Replicated { primary, replica })
}

impl Replicated {
    /// The inputs of `postgres-replica-promote`, unattended; `fence` is the command that stops the primary.
    pub fn inputs(&self, fence: &str) -> Vec<(&'static str, String)> {
        vec![
            ("replica_host", "127.0.0.1".into()),
            ("replica_port", self.replica.port.to_string()),
            ("primary_host", "127.0.0.1".into()),
            ("primary_port", self.primary.port.to_string()),
            ("primary", "alive".into()),
            ("operate", "shell".into()),
            ("fence_command", fence.into()),
            ("repoint_command", "test -n \"$DB_PORT\"".into()),
            ("check_table", "public.orders".into()),
            ("min_rows", "40".into()),
        ]
    }

    /// The command that stops the primary.
    pub fn stop_primary(&self) -> String {
        let user = if is_root() { "runuser -u postgres -- " } else { "" };
        let (bin, data) = (self.primary.bin().display(), self.primary.data.display());
        format!("{user}{bin}/pg_ctl -D {data} -m fast -w stop")
    }
}

/// The gzip of these bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// The SHA-256 of a file, in hexadecimal digits.
pub fn sha256(file: &Path) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(std::fs::read(file).expect("the file")))
}
