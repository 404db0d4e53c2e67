//! What a directory lies on: a record that is meant to outlive the machine should not lie in memory.

use std::path::Path;

/// Says why the medium under `dir` is a poor place for a record; `None` when it is not.
#[must_use]
pub fn warning(dir: &Path) -> Option<String> {
    let kind = kind(u64::try_from(rustix::fs::statfs(dir).ok()?.f_type).ok()?)?;
    Some(format!("{} is on {kind}; keep runs on a local disk: --runs DIR", dir.display()))
}

/// By the magic number of `statfs(2)`.
fn kind(magic: u64) -> Option<&'static str> {
    match magic & 0xffff_ffff {
        0x0102_1994 | 0x8584_58f6 => Some("a memory file system and is lost at the next boot"),
        0x794c_7630 => Some("a container's overlay and is lost with the container"),
        0x6969 => Some("NFS, where a sync promises less than on a local disk"),
        0x517b | 0xfe53_4d42 | 0xff53_4d42 => {
            Some("a Windows share, where a sync promises less than on a local disk")
        }
        0x6573_5546 | 0x0102_1997 | 0x5346_414f | 0x00c3_6400 => Some(
            "a network or user-space file system, where a sync promises less than on a local disk",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_warned_about_and_a_disk_is_not() {
        assert!(kind(0x0102_1994).is_some_and(|k| k.contains("memory")));
        assert_eq!(kind(0xef53), None, "ext4");
        // /dev/shm is memory wherever it is there.
        if Path::new("/dev/shm").is_dir() {
            assert!(warning(Path::new("/dev/shm")).is_some_and(|w| w.contains("--runs")));
        }
    }
}
