//! The command as an operator has it: a home of its own, and what is left there.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// A home with a runbook `runbook.yaml` in it.
pub struct Console {
    home: TempDir,
    runs: PathBuf,
}

impl Console {
    pub fn new(runbook: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("runbook.yaml"), runbook).unwrap();
        let runs = home.path().join("runs");
        Self { home, runs }
    }

    /// Keeps its runs there.
    pub fn with_runs(mut self, runs: PathBuf) -> Self {
        self.runs = runs;
        self
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `steady`, where nobody sits at a terminal.
    pub fn steady(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steady"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("STEADYHAND_RUNS", &self.runs)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// An unattended drill of `runbook.yaml`, with these arguments besides.
    pub fn drill(&self, args: &[&str]) -> Command {
        let mut command = self.steady(&["run", "runbook.yaml", "--auto", "--mode", "drill"]);
        command.args(args);
        command
    }

    /// The directories of the runs, half-made ones among them; none also when there is nothing at all.
    pub fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.runs) else { return Vec::new() };
        let mut runs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.retain(|path| !path.ends_with(".diagnostics"));
        runs.sort();
        runs
    }

    /// The directory of the only run.
    pub fn run(&self) -> PathBuf {
        let runs = self.runs();
        let [run] = runs.as_slice() else { panic!("{runs:?}") };
        run.clone()
    }

    /// The lines of the only run's journal, whole ones alone.
    pub fn lines(&self) -> Vec<String> {
        lines(&std::fs::read(self.run().join("journal.jsonl")).unwrap())
    }

    /// The records of the only run.
    pub fn records(&self) -> Vec<Json> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Begins a run that is killed when this record is durable.
    pub fn killed_at(&self, record: u64) {
        let output = fails_at(self.drill(&[]), record).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{}", said(&output));
    }
}

/// The command dies by SIGKILL as soon as this record is durable.
pub fn fails_at(mut command: Command, record: u64) -> Command {
    command.env("STEADYHAND_FAILPOINT", format!("record:{record}"));
    command
}

/// Whole lines, without their ends.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.map(str::to_owned).collect()
}

/// All that a command said.
pub fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// Waits until `look` sees something; fails after a while.
pub fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(std::time::Instant::now() < deadline, "it never came to that");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Whether it comes to that within a few seconds.
pub fn soon(mut good: impl FnMut() -> bool) -> bool {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !good() {
        if std::time::Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    true
}

/// What a file holds; nothing when it is not there.
pub fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
