//! A kubectl that answers the calls a test expects, and fails on every other one. No cluster can be had
//! in the tests: what it says of one was written down from kubectl's documentation.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The stand-in, in a directory for the PATH.
pub struct Kubectl {
    dir: PathBuf,
}

impl Kubectl {
    /// Puts it into `dir`, which is made.
    pub fn put(dir: PathBuf) -> Self {
        std::fs::create_dir_all(dir.join("answers")).unwrap();
        let script = format!(
            "#!/bin/sh\n\
             cd '{dir}' || exit 70\n\
             echo \"$*\" >>calls\n\
             name=$(printf %s \"$*\" | cksum | tr -c '0-9\\n' _)\n\
             if [ -e \"answers/$name\" ]; then cat \"answers/$name\"; exit 0; fi\n\
             echo \"kubectl (of a test): not expected: $*\" >&2\n\
             exit 64\n",
            dir = dir.display()
        );
        let path = dir.join("kubectl");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self { dir }
    }

    /// Called with exactly these words, it says this.
    pub fn answer(&self, words: &str, said: &str) {
        let sum = std::process::Command::new("sh")
            .args(["-c", "printf %s \"$1\" | cksum | tr -c '0-9\\n' _", "sh", words])
            .output()
            .unwrap();
        let name = String::from_utf8(sum.stdout).unwrap();
        std::fs::write(self.dir.join("answers").join(name.trim_end()), said).unwrap();
    }

    /// How it was called, in order.
    pub fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.dir.join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
