//! Who holds a run, for the one who finds it locked.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::disk;

const NAME: &str = ".holder";

/// The lock comes first and the name a moment later: until then that of an earlier console stands there.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// `process 4711 on bastion-1`
fn text(pid: u32) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("process {pid} on {host}")
}

/// Says that this process has the lock.
pub(super) fn write(dir: &Path) -> io::Result<()> {
    let path = dir.join(NAME);
    // Replaced, never written into: a link is not followed.
    match std::fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    // Not synced: it says nothing after a crash.
    disk::create_append(&path)?.write_all(format!("{}\n", text(std::process::id())).as_bytes())
}

/// Who has the lock, as far as known.
pub(super) fn read(dir: &Path) -> String {
    for _ in 0..LOOKS {
        let said = disk::read(&dir.join(NAME)).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        // What does not end as it was written is being written.
        if let Some(said) = said.strip_suffix('\n').filter(|said| may_be(said)) {
            return said.chars().filter(|c| !c.is_control()).take(120).collect();
        }
        std::thread::sleep(PAUSE);
    }
    "another console".to_owned()
}

/// Whether that process may have the lock: of another host, or alive.
fn may_be(said: &str) -> bool {
    let pid = said.split(' ').nth(1).and_then(|pid| pid.parse().ok());
    pid.is_none_or(|pid: u32| said != text(pid) || Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_that_is_gone_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path()).unwrap();
        assert_eq!(read(dir.path()), text(std::process::id()));
        // No process has so high a number.
        let gone = u32::MAX;
        assert!(!may_be(&text(gone)));
        assert!(may_be("process 4294967295 on another-host"));
        std::fs::write(dir.path().join(NAME), format!("{}\n", text(gone))).unwrap();
        let name = dir.path().to_owned();
        let writing = std::thread::spawn(move || {
            std::thread::sleep(PAUSE * 3);
            write(&name).unwrap();
        });
        assert_eq!(read(dir.path()), text(std::process::id()), "the one who has it now");
        writing.join().unwrap();
    }
}
