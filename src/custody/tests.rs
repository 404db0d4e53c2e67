use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use super::*;

const ALICE: u32 = 1000;
const BOB: u32 = 1001;

fn custody(owner: u32, mode: u32) -> Custody {
    Custody { owner, mode, is_dir: false }
}

#[test]
fn only_this_user_and_root_may_write() {
    let path = Path::new("/etc/steadyhand.yaml");
    for (me, owner, mode, refusal) in [
        (ALICE, ALICE, 0o644, None),
        (ALICE, ALICE, 0o600, None),
        (ALICE, ROOT, 0o644, None),
        (ALICE, ROOT, 0o755, None),
        (ALICE, ALICE, 0o664, Some("(mode 0664): chmod go-w /etc/steadyhand.yaml")),
        (ALICE, ALICE, 0o646, Some("(mode 0646): chmod go-w")),
        (ALICE, ROOT, 0o666, Some("chmod go-w")),
        // Sticky says what may be deleted in a directory, not who may put something in.
        (ALICE, ROOT, 0o1777, Some("(mode 1777)")),
        (ALICE, BOB, 0o600, Some("another user, uid 1001")),
        (ROOT, ALICE, 0o600, Some("(this is uid 0): chown 0 /etc/steadyhand.yaml")),
    ] {
        let said = judge_writable(custody(owner, mode), me, path);
        match refusal {
            None => assert_eq!(said, Ok(()), "{me} {owner} {mode:o}"),
            Some(words) => {
                let said = said.unwrap_err();
                assert!(said.contains(words), "{me} {owner} {mode:o}: {said}");
            }
        }
    }
}

#[test]
fn a_secret_is_read_by_its_owner_alone_and_roots_by_a_group() {
    let path = Path::new("/run/token");
    for (owner, mode, good) in [
        (ALICE, 0o600, true),
        (ALICE, 0o400, true),
        (ALICE, 0o640, false),
        (ALICE, 0o604, false),
        (ALICE, 0o611, false),
        (ROOT, 0o640, true),
        (ROOT, 0o644, false),
        (ROOT, 0o660, false),
    ] {
        let said = judge_readable(custody(owner, mode), path);
        assert_eq!(said.is_ok(), good, "{owner} {mode:o}: {said:?}");
        if let Err(said) = said {
            assert!(said.ends_with("chmod 600 /run/token"), "{said}");
        }
    }
}

#[test]
fn the_directory_of_a_file_counts_and_a_sticky_one_is_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steadyhand.yaml");
    fs::write(&file, "steadyhand: 1\n").unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for (of_dir, of_file, refused) in [
        (0o700, 0o600, None),
        (0o755, 0o644, None),
        (0o1777, 0o644, None),
        (0o1777, 0o666, Some(file.as_path())),
        (0o775, 0o644, Some(dir.path())),
        (0o777, 0o644, Some(dir.path())),
    ] {
        set(dir.path(), of_dir);
        set(&file, of_file);
        let said = refuse_replaceable(&file);
        let Some(named) = refused else {
            assert_eq!(said, Ok(()), "{of_dir:o} {of_file:o}");
            continue;
        };
        let remedy = format!("chmod go-w {}", named.display());
        assert!(said.as_ref().unwrap_err().ends_with(&remedy), "{said:?}");
    }
}

#[test]
fn what_another_user_owns_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    fs::write(&file, "k").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(refuse_readable(&file), Ok(()));
    // Only root can give a file away; the table above has the rule.
    if chown(&file, Some(BOB), None).is_ok() {
        for said in [refuse_writable(&file), refuse_readable(&file), refuse_replaceable(&file)] {
            assert!(said.as_ref().unwrap_err().contains("uid 1001"), "{said:?}");
        }
        assert_eq!(chown(dir.path(), Some(BOB), None).ok(), Some(()));
        assert_eq!(chown(&file, Some(0), None).ok(), Some(()));
        assert!(refuse_replaceable(&file).unwrap_err().contains("chown -R"));
    }
    assert!(refuse_writable(&dir.path().join("none")).unwrap_err().contains("cannot look at"));
}
