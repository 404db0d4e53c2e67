//! The splitter, cut at every byte.

use super::{Part, Splitter};

/// The parts of a text that arrives in pieces of `size` bytes.
fn parts(text: &str, size: usize) -> Result<Vec<String>, String> {
    let mut splitter = Splitter::new();
    let mut found: Vec<String> = Vec::new();
    for chunk in text.as_bytes().chunks(size).map(Some).chain([None]) {
        match chunk {
            Some(chunk) => splitter.push(chunk),
            None => splitter.end(),
        }
        while let Some(part) = splitter.next().map_err(|e| e.to_string())? {
            match part {
                Part::Statement(it) => found.push(format!("{} {}", it.line, it.sql)),
                Part::Copy(it) => found.push(format!("{} copy {}", it.line, it.table)),
                Part::Rows(it) => {
                    let text = String::from_utf8_lossy(&it.bytes).into_owned();
                    found.push(format!("{} rows {text}", it.line));
                }
                Part::CopyEnd => found.push("end".into()),
            }
        }
    }
    Ok(found)
}

/// The same wherever the text is cut in two.
fn all(text: &str) -> Vec<String> {
    let whole = parts(text, text.len()).unwrap();
    for size in 1..text.len() {
        assert_eq!(parts(text, size).unwrap(), whole, "in pieces of {size}");
    }
    whole
}

#[test]
fn semicolons_end_a_statement_only_outside_of_everything() {
    for statement in [
        r#"SELECT ';', ''';', E'\';', ";", $$;$$, $a$;$$;$a$, U&';', 1e;"#,
        "SELECT 1 -- ;\n, 2 /* ; /* ; */ ; */;",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END;",
        "CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT (CASE WHEN true THEN 1 END); END;",
        "CREATE FUNCTION s.begin() RETURNS text RETURN 'x';",
        r#"CREATE VIEW begin AS SELECT 1 AS "atomic";"#,
        "SELECT a$b$c, $1, 'größe';",
        r"SELECT '\';",
    ] {
        let text = format!("  {statement}\n/* between; */ -- and;\nSELECT 2;\n");
        let last = statement.matches('\n').count() + 3;
        assert_eq!(all(&text), [format!("1 {statement}"), format!("{last} SELECT 2;")]);
    }
}

#[test]
fn rows_end_at_a_line_of_their_own() {
    let text = "SET x = 1;\nCOPY s.\"t;\" (a) FROM stdin;\n\\\\.\nCOPY x FROM stdin;\n\\.x\n a\\.\n\\.\n\n\
                SELECT 1;\nCOPY u FROM stdin;\n\\.\n";
    let whole = [
        "1 SET x = 1;",
        "2 copy s.\"t;\"",
        "3 rows \\\\.\nCOPY x FROM stdin;\n\\.x\n a\\.\n",
        "end",
        "9 SELECT 1;",
        "10 copy u",
        "end",
    ];
    assert_eq!(all(text), whole);
}

#[test]
fn a_backslash_escapes_where_the_dump_says_so() {
    let text = "SET standard_conforming_strings = off;\nSELECT '\\';';\nSELECT 2;\n";
    assert_eq!(all(text)[1..], ["2 SELECT '\\';';", "3 SELECT 2;"]);
}

#[test]
fn what_is_cut_off_or_psqls_own_is_refused_with_its_line() {
    for (text, said) in [
        ("SELECT 1;\nSELECT 2", "line 2 of the dump: the dump is cut off inside a statement"),
        ("COPY t FROM stdin;\n1\n2\n", "the dump is cut off in the rows of t"),
        ("-- PostgreSQL database dump\nSELECT 1;\n", "cut off before its last line"),
        ("\\restrict x\n\n\\connect b\n", "line 3 of the dump: `\\connect`"),
        ("SELECT 1\n \\gexec\n", "line 2 of the dump: `\\gexec` is a command of psql"),
    ] {
        let why = parts(text, text.len()).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}
