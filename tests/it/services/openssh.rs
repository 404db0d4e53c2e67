//! OpenSSH: keys, an agent, and what an auditor holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::console::eventually;
use super::skip;

/// Whether signatures can be made here; says loudly that they cannot.
pub fn is_here() -> bool {
    let tools = ["ssh-keygen", "ssh-agent", "ssh-add"];
    let missing = tools.into_iter().find(|tool| {
        let mut asked = Command::new(tool);
        asked.arg("-?").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    });
    if let Some(tool) = missing {
        skip("signatures", &format!("{tool} is not installed (openssh-client)"));
    }
    missing.is_none()
}

/// A new key; its private half lies in `name`, its public half beside it.
pub fn key(dir: &Path, name: &str, passphrase: &str) -> PathBuf {
    let file = dir.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", name, "-N", passphrase, "-f"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success());
    file
}

/// `KEYTYPE KEY` of a private key's file.
pub fn public(key: &Path) -> String {
    let text = fs::read_to_string(key.with_extension("pub")).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// The fingerprint of a key.
pub fn fingerprint(key: &Path) -> String {
    let said = Command::new("ssh-keygen").arg("-lf").arg(key).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap().to_owned()
}

/// Signs a text as `ssh-keygen` alone does it.
pub fn sign(key: &Path, namespace: &str, text: &Path) -> Vec<u8> {
    let signature = text.with_extension("txt.sig");
    let _ = fs::remove_file(&signature);
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
        .args([key, text])
        .stderr(Stdio::null())
        .status();
    assert!(signed.unwrap().success());
    fs::read(signature).unwrap()
}

/// An agent of its own, ended when this is dropped.
pub struct Agent {
    process: Child,
}

impl Agent {
    /// An agent that has this key.
    pub fn with(key: &Path, socket: &Path) -> Self {
        let _ = fs::remove_file(socket);
        let process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(socket)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let agent = Self { process };
        eventually(|| {
            let mut add = Command::new("ssh-add");
            add.arg("-q").arg(key).env("SSH_AUTH_SOCK", socket).stdin(Stdio::null());
            add.stderr(Stdio::null()).status().unwrap().success().then_some(())
        });
        agent
    }

    /// For a script that ends it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Until somebody has ended it.
    pub fn wait(mut self) {
        let _ = self.process.wait();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
