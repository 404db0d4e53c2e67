//! Throwaway PostgreSQL clusters: a private directory below `/tmp` (a socket's path may be 107 bytes
//! long), a free port, no fsync, ended on drop.
//!
//! PostgreSQL refuses to run as root. A test that is root runs it as Debian's `postgres` user, as a
//! responder with sudo would; anybody else runs it as themselves.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The only role of a cluster, a superuser with a password.
pub const USER: &str = "postgres";
/// Its password; long enough to be masked.
pub const PASSWORD: &str = "correct-horse-battery";

/// A running (or stopped) cluster.
pub struct Cluster {
    /// Everything of this cluster is below it; it goes when the cluster goes.
    pub home: TempDir,
    /// The data directory.
    pub data: PathBuf,
    /// On 127.0.0.1 and as a socket in `home`.
    pub port: u16,
    bin: PathBuf,
}

/// The version directory's programs; `Err` says what to install.
pub fn bin_dir() -> Result<PathBuf, String> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .collect();
    found.sort();
    if let Some((_, bin)) = found.pop() {
        return Ok(bin);
    }
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .find(|dir| dir.join("initdb").exists())
        .ok_or_else(|| "no initdb: install postgresql (apt-get install postgresql)".into())
}

/// Whether this test is root and so runs PostgreSQL as another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Cluster {
    /// A running cluster with these lines added to `postgresql.conf`; `None`, said loudly, when
    /// PostgreSQL cannot be had here.
    pub fn start(settings: &str) -> Option<Self> {
        Self::start_with(settings, &[])
    }

    /// As [`Cluster::start`], with these directories beside the data directory, owned by who runs it.
    pub fn start_with(settings: &str, directories: &[&str]) -> Option<Self> {
        match Self::try_start(settings, directories) {
            Ok(cluster) => Some(cluster),
            Err(reason) => {
                super::skip("PostgreSQL", &reason);
                None
            }
        }
    }

    fn try_start(settings: &str, directories: &[&str]) -> Result<Self, String> {
        let bin = bin_dir()?;
        if is_root() && !run(Command::new("id").arg("postgres")).is_ok_and(|o| o.status.success()) {
            return Err("the tests are root and there is no user `postgres` to run it as".into());
        }
        let cluster = Self::empty(bin)?;
        std::fs::write(cluster.home.path().join("pw"), PASSWORD).map_err(|e| e.to_string())?;
        for directory in directories {
            std::fs::create_dir(cluster.home.path().join(directory)).map_err(|e| e.to_string())?;
        }
        cluster.own()?;
        let data = cluster.data.to_str().expect("a path below /tmp");
        let pwfile = format!("--pwfile={}/pw", cluster.home.path().display());
        cluster.must(
            "initdb",
            &["-N", "--no-locale", "-E", "UTF8", "--wal-segsize=1", "-A", "scram-sha-256", "-U"],
            &[USER, &pwfile, "-D", data],
        )?;
        cluster.configure(settings);
        cluster.up()?;
        Ok(cluster)
    }

    /// A directory and a port, nothing in it.
    fn empty(bin: PathBuf) -> Result<Self, String> {
        let home =
            tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").map_err(|e| e.to_string())?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|e| format!("no free port: {e}"))?
            .port();
        let cluster = Self { data: home.path().join("data"), home, port, bin };
        cluster.own()?;
        Ok(cluster)
    }

    /// Gives everything below `home` to the user who runs the server.
    pub fn own(&self) -> Result<(), String> {
        if !is_root() {
            return Ok(());
        }
        let mut chown = Command::new("chown");
        chown.args(["-R", "postgres:postgres"]).arg(self.home.path());
        match run(&mut chown) {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(text(&output)),
            Err(e) => Err(e),
        }
    }

    /// Appends the settings of a throwaway cluster, and these.
    fn configure(&self, settings: &str) {
        let home = self.home.path().display();
        let common = format!(
            "port={}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{home}'\nfsync=off\n\
             shared_buffers=16MB\nmax_connections=30\nmax_wal_senders=4\nlog_timezone='UTC'\n\
             timezone='UTC'\nmin_wal_size=2MB\nmax_wal_size=8MB\n{settings}\n",
            self.port
        );
        let conf = self.data.join("postgresql.conf");
        let before = std::fs::read_to_string(&conf).expect("initdb wrote it");
        std::fs::write(&conf, before + &common).expect("the configuration can be written");
    }

    /// Starts the server and waits until it answers.
    pub fn up(&self) -> Result<(), String> {
        let log = self.log();
        let (data, log) = (self.data.to_str().expect("utf-8"), log.to_str().expect("utf-8"));
        self.must("pg_ctl", &["-s", "-w", "-t", "60", "-D", data, "-l", log, "start"], &[]).map_err(
            |e| format!("{e}\n{}", std::fs::read_to_string(self.log()).unwrap_or_default()),
        )
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.home.path().join("server.log")
    }

    /// Stops the server at once, as a crash would.
    pub fn crash(&self) {
        let data = self.data.to_str().expect("utf-8");
        self.must("pg_ctl", &["-s", "-w", "-m", "immediate", "-D", data, "stop"], &[])
            .expect("the server stops");
    }

    /// Runs one of PostgreSQL's programs as the user who owns the cluster.
    pub fn must(&self, program: &str, args: &[&str], more: &[&str]) -> Result<(), String> {
        let output = run(self.command(program).args(args).args(more))?;
        if output.status.success() { Ok(()) } else { Err(format!("{program}: {}", text(&output))) }
    }

    /// One of PostgreSQL's programs, to be run as the user who owns the cluster, with what it needs to
    /// log in.
    pub fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command
            .current_dir(self.home.path())
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", USER)
            .env("PGPASSWORD", PASSWORD);
        command
    }

    /// The directory of `pg_ctl` and the others.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Runs SQL in `database` and returns the unadorned output, trimmed.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// As [`Cluster::sql`], with the server's complaint when it refuses.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]);
        let output = run(&mut psql)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(text(&output))
        }
    }

    /// Asks until the answer is `wanted`; the deadline is a failure of the test.
    pub fn until(&self, database: &str, sql: &str, wanted: &str) {
        until(&format!("{sql} = {wanted}"), || {
            self.try_sql(database, sql).is_ok_and(|answer| answer == wanted)
        });
    }

    /// A base backup in plain format below `into`, which it creates.
    pub fn base_backup(&self, into: &Path) {
        let into = into.to_str().expect("utf-8");
        self.must("pg_basebackup", &["-c", "fast", "-X", "none", "--no-sync", "-D", into], &[])
            .expect("pg_basebackup");
    }

    /// A streaming standby of this cluster that has replayed what the primary has written.
    pub fn replica(&self) -> Self {
        let replica = Self::empty(self.bin.clone()).expect("a directory for the standby");
        let data = replica.data.to_str().expect("utf-8");
        // Run from the standby's directory, but logged in to the primary.
        run(self.command("pg_basebackup").current_dir(replica.home.path()).args([
            "-c",
            "fast",
            "-X",
            "stream",
            "-R",
            "--no-sync",
            "-D",
            data,
        ]))
        .and_then(|output| if output.status.success() { Ok(()) } else { Err(text(&output)) })
        .expect("pg_basebackup -R");
        replica.configure("");
        replica.up().expect("the standby starts");
        let written = self.sql("postgres", "SELECT pg_current_wal_lsn()");
        let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn");
        replica.until("postgres", &caught_up, "t");
        replica
    }

    /// Another data directory of the same home, such as what a restore laid, is ended with it.
    fn pids(&self) -> Vec<i32> {
        std::fs::read_dir(self.home.path())
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path().join("postmaster.pid")).ok())
            .filter_map(|file| file.lines().next()?.trim().parse().ok())
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process, test_kill_process};
        for pid in self.pids().into_iter().filter_map(Pid::from_raw) {
            // QUIT is PostgreSQL's immediate shutdown; the children go with it.
            if kill_process(pid, Signal::QUIT).is_ok() {
                let deadline = Instant::now() + Duration::from_secs(10);
                while test_kill_process(pid).is_ok() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(10));
                }
            }
        }
    }
}

/// Asks until it is true; the deadline is a failure of the test.
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_true() {
        assert!(Instant::now() < deadline, "waited 60 s for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    command.stdin(Stdio::null()).output().map_err(|e| format!("{:?}: {e}", command.get_program()))
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).trim().to_owned()
}
