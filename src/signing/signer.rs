//! The operator's side: signing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::NAMESPACE;
use super::keygen::{self, QUIET, Said};
use crate::custody;
use crate::journal::Checkpoint;
use crate::journal::checkpoint::{self, Kept};

/// A key in a piece of hardware wants to be touched; nobody waits longer for an agent that does not answer.
const LIMIT: Duration = Duration::from_secs(15);

/// Signs with one key: a private key's file, or a public key's whose other half an agent has.
#[derive(Clone, Debug)]
pub struct Signer {
    program: PathBuf,
    key: PathBuf,
}

/// A checkpoint that was signed and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Where.
    pub kept: Kept,
    /// The key's fingerprint.
    pub key: String,
}

impl Signer {
    /// Signs with `key`. `program` is this program, which is started as `program __ssh-keygen …`.
    #[must_use]
    pub fn new(program: PathBuf, key: PathBuf) -> Self {
        Self { program, key }
    }

    /// Signs a checkpoint and keeps it in the run directory `dir`.
    ///
    /// # Errors
    /// One line: why not, and what to do.
    pub async fn checkpoint(&self, dir: &Path, checkpoint: &Checkpoint) -> Result<Signed, String> {
        let text = checkpoint.text();
        let signature = self.sign(NAMESPACE, &text).await?;
        let (dir, checkpoint) = (dir.to_owned(), checkpoint.clone());
        let file = checkpoint.file();
        let (kept, key) = tokio::task::spawn_blocking(move || {
            let kept = checkpoint::keep(&dir, &checkpoint, &signature)?;
            let sig = dir.join(checkpoint::CHECKPOINTS).join(format!("{}.sig", kept.file));
            Ok((kept, check(&sig, text.as_bytes())?))
        })
        .await
        .map_err(std::io::Error::other)
        .flatten()
        .map_err(|e| format!("checkpoints/{file} cannot be kept: {e}"))?;
        match key.fingerprint().filter(|_| key.ok) {
            Some(key) => Ok(Signed { kept, key }),
            None => Err(format!("the signature beside checkpoints/{file} does not fit it")),
        }
    }

    /// Signs something that is kept nowhere, to see that it can be done; the key's fingerprint.
    ///
    /// # Errors
    /// One line: why not, and what to do.
    pub async fn trial(&self) -> Result<String, String> {
        self.sign(NAMESPACE, "a trial\n").await?;
        self.fingerprint().await
    }

    /// Signs a text of another kind than a checkpoint; the armoured signature, and the key's fingerprint.
    ///
    /// # Errors
    /// One line: why not, and what to do.
    pub async fn text(&self, namespace: &str, text: &str) -> Result<(String, String), String> {
        let signature = self.sign(namespace, text).await?;
        let armoured = String::from_utf8_lossy(&signature).into_owned();
        Ok((armoured, self.fingerprint().await?))
    }

    async fn fingerprint(&self) -> Result<String, String> {
        let said =
            self.ask(&[OsStr::new("-l"), OsStr::new("-f"), self.key.as_os_str()], b"").await?;
        said.fingerprint().ok_or_else(|| self.refused(&said))
    }

    async fn sign(&self, namespace: &str, text: &str) -> Result<Vec<u8>, String> {
        // What is not there ssh-keygen says better.
        if self.key.exists() {
            custody::refuse_writable(&self.key)?;
        }
        let mut args: Vec<&OsStr> = ["-Y", "sign", "-n", namespace].map(OsStr::new).to_vec();
        // An empty passphrase on the command line: a key that has one fails instead of asking for it.
        args.extend(["-P", "", "-f"].map(OsStr::new));
        args.push(self.key.as_os_str());
        let said = self.ask(&args, text.as_bytes()).await?;
        if said.ok && said.out.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
            Ok(said.out)
        } else {
            Err(self.refused(&said))
        }
    }

    async fn ask(&self, args: &[&OsStr], input: &[u8]) -> Result<Said, String> {
        let key = self.key.display();
        let mut command = Command::new(&self.program);
        command.arg("__ssh-keygen").args(args).envs(QUIET).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let asked = async {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A program that ends without reading says why.
                let _ = stdin.write_all(input).await;
            }
            child.wait_with_output().await
        };
        match timeout(LIMIT, asked).await {
            Ok(Ok(output)) => Ok(Said::new(output)),
            Ok(Err(e)) => Err(format!("ssh-keygen cannot be started: {e}")),
            Err(_) => Err(format!(
                "no signature with {key} within {} s: does the agent answer (ssh-add -l), does the key \
                 want to be touched?",
                LIMIT.as_secs()
            )),
        }
    }

    /// What a failure of `ssh-keygen` means, and what to do.
    fn refused(&self, said: &Said) -> String {
        let key = self.key.display();
        if said.complaint("incorrect passphrase").is_some() {
            return format!(
                "{key} is protected by a passphrase and no agent has it: ssh-add {key}, then try again"
            );
        }
        if said.complaint("No private key found").is_some() && said.complaint("too open").is_none()
        {
            return format!(
                "no agent has the private half of {key}: start one (eval \"$(ssh-agent)\"), ssh-add the \
                 key, and keep SSH_AUTH_SOCK"
            );
        }
        if said.complaint("too open").is_some() {
            return format!("others may read {key}: chmod 600 {key}");
        }
        if said.complaint("No such file").is_some() {
            return format!("there is no key {key}: set `signing: {{key: …}}` in steadyhand.yaml");
        }
        let last = said.err.iter().rev().find(|line| !line.is_empty());
        format!("ssh-keygen did not sign with {key}: {}", last.map_or("it said nothing", |l| l))
    }
}

/// Whether a signature fits a text, whoever made it.
fn check(signature: &Path, text: &[u8]) -> std::io::Result<Said> {
    let mut args: Vec<&OsStr> =
        ["-Y", "check-novalidate", "-n", NAMESPACE, "-s"].map(OsStr::new).to_vec();
    args.push(signature.as_os_str());
    keygen::run(&args, text)
}
