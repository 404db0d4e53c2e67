//! Running `ssh-keygen` so that it can never ask a question.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// The program, from the `PATH`.
const PROGRAM: &str = "ssh-keygen";
/// Exit status of a program that is not there, as in a shell.
const NOT_FOUND: u8 = 127;
/// What an absent program is said with.
pub(super) const ABSENT: &str =
    "ssh-keygen is not on the PATH: install the OpenSSH client (8.9 or newer)";

/// What it said.
#[derive(Debug)]
pub(super) struct Said {
    /// It ended with 0.
    pub ok: bool,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error, its lines.
    pub err: Vec<String>,
}

impl Said {
    pub(super) fn new(output: std::process::Output) -> Self {
        let err = String::from_utf8_lossy(&output.stderr);
        Self {
            ok: output.status.success(),
            out: output.stdout,
            err: err.lines().map(|line| line.trim().to_owned()).collect(),
        }
    }

    /// The first line of its complaint that holds `words`.
    pub(super) fn complaint(&self, words: &str) -> Option<&str> {
        self.err.iter().find(|line| line.contains(words)).map(String::as_str)
    }

    /// The `SHA256:…` that it prints of a key.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let out = String::from_utf8_lossy(&self.out);
        out.split_whitespace().find(|word| word.starts_with("SHA256:")).map(str::to_owned)
    }
}

/// Nothing may pop up, on a terminal or a desktop, and messages are in the words that are looked for.
pub(super) const QUIET: [(&str, &str); 2] = [("SSH_ASKPASS_REQUIRE", "never"), ("LC_ALL", "C")];

/// Runs it with `input`. Only for what asks nobody: checking.
pub(super) fn run<S: AsRef<OsStr>>(args: &[S], input: &[u8]) -> io::Result<Said> {
    let mut child = Command::new(PROGRAM)
        .args(args)
        .envs(QUIET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(absent)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A checkpoint fits into the pipe. A program that ends without reading says why.
        match stdin.write_all(input) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => return Err(e),
            _ => {}
        }
    }
    child.wait_with_output().map(Said::new)
}

fn absent(e: io::Error) -> io::Error {
    if e.kind() == io::ErrorKind::NotFound { io::Error::new(e.kind(), ABSENT) } else { e }
}

/// Lets go of the controlling terminal and becomes `ssh-keygen`: even a key that wants a PIN cannot ask for
/// it over the screen. Returns only when that cannot be, with the exit status.
#[must_use]
pub fn become_ssh_keygen(args: &[OsString]) -> u8 {
    // Refused to who leads a group already; no child of the console does.
    let why = match rustix::process::setsid() {
        Ok(_) => absent(Command::new(PROGRAM).args(args).exec()),
        Err(e) => e.into(),
    };
    eprintln!("{why}");
    NOT_FOUND
}
