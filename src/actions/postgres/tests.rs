use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::dump::{Dump, Format, begins, inspect};
use crate::actions::manifest::Expected;

const PLAIN: &str =
    "--\n-- PostgreSQL database dump\n--\nSELECT 1;\n-- PostgreSQL database dump complete\n";

fn file(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn look(path: &Path, declared: Option<Format>) -> Result<Dump, String> {
    inspect(path, declared, &Expected::of_file(path, None, None)?, |_, _| true)
}

#[test]
fn what_a_file_is_shows_in_its_bytes_not_in_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let see = |name: &str, bytes: &[u8]| {
        look(&file(dir.path(), name, bytes), None).map(|dump| dump.format)
    };
    for packed in [gzip(PLAIN.as_bytes()), PLAIN.into()] {
        // Of a longer one only the beginning may be there.
        assert_eq!(begins(&packed[..packed.len() - 9], None), Ok(Format::Plain));
        assert!(
            begins(&packed, Some(Format::Custom)).unwrap_err().contains("says `format: custom`")
        );
    }
    assert_eq!(see("a.dump", PLAIN.as_bytes()), Ok(Format::Plain));
    assert_eq!(see("a.sql", b"PGDMP\x01\x0e and more"), Ok(Format::Custom));
    assert_eq!(see("a.bin", &gzip(PLAIN.as_bytes())), Ok(Format::Plain));
    assert_eq!(see("a.txt", &gzip(b"PGDMP\x01\x0e")), Ok(Format::Custom));
}

#[test]
fn what_is_no_dump_or_not_a_whole_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |bytes: &[u8]| look(&file(dir.path(), "x", bytes), None).unwrap_err();
    assert!(refusal(b"").contains("is empty"));
    assert!(refusal(b"hello").contains("is not a PostgreSQL dump"));
    assert!(refusal(&[0; 600]).contains("is not a PostgreSQL dump"));
    assert!(refusal(&PLAIN.as_bytes()[..50]).contains("is cut off"));
    let whole = gzip(PLAIN.as_bytes());
    assert!(refusal(&whole[..whole.len() - 9]).contains("cut off or damaged"));
    assert!(refusal(b"--\n-- PostgreSQL database cluster dump\n--").contains("pg_dumpall"));
    let missing = look(&dir.path().join("missing"), None).unwrap_err();
    assert!(missing.contains("check `file`"), "{missing}");
}

#[test]
fn a_declared_format_must_agree_and_admits_sql_written_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let by_hand = file(dir.path(), "hand.sql", b"CREATE TABLE t ();\n");
    assert!(look(&by_hand, None).is_err());
    assert_eq!(look(&by_hand, Some(Format::Plain)).unwrap().format, Format::Plain);
    let custom = file(dir.path(), "c", b"PGDMP");
    assert!(look(&custom, Some(Format::Plain)).unwrap_err().contains("is in custom format"));
}

#[test]
fn another_digest_is_told_before_what_is_wrong_inside() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "shop.sql.gz", &gzip(PLAIN.as_bytes()));
    let right = look(&path, None).unwrap().sha256.unwrap();
    let check = |sha256: Option<&str>, manifest: Option<&str>| {
        let expected = Expected::of_file(&path, sha256, manifest)?;
        inspect(&path, None, &expected, |_, _| true)?;
        Ok::<_, String>((expected.checked_against(), expected.dumped_at().to_owned()))
    };
    assert_eq!(check(None, Some("")), Ok(("nothing", String::new())));
    assert_eq!(check(Some(&right.to_uppercase()), None), Ok(("sha256", String::new())));
    assert!(check(Some("abc"), None).unwrap_err().contains("64 hexadecimal digits"));
    let wrong = "0".repeat(64);
    assert!(check(Some(&wrong), None).unwrap_err().contains("was not touched"));

    let manifest = format!("{{\"date\":\"2026-11-20\",\"sha256\":\"{right}\"}}");
    file(dir.path(), "shop.manifest.json", manifest.as_bytes());
    assert_eq!(check(None, None), Ok(("manifest", "2026-11-20".into())));
    std::fs::write(&path, &gzip(PLAIN.as_bytes())[..20]).unwrap();
    let refusal = check(None, None).unwrap_err();
    assert!(refusal.contains("shop.manifest.json says"), "{refusal}");
    file(dir.path(), "shop.manifest.json", b"not json");
    assert!(check(None, None).unwrap_err().contains("cannot be used"));
}
