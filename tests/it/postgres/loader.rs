//! The loader of `postgres.restore_dump` against psql: what either has loaded dumps to the same bytes.

use std::path::Path;
use std::process::Stdio;

use steadyhand::actions::postgres::RestoreDump;
use steadyhand::actions::{Action as _, Finish};
use steadyhand::engine::Outcome;
use steadyhand::runbook::registry::Effect;
use steadyhand::runbook::{Resolved, Value};

use super::{connection, with_password};
use crate::services::attempt::{request, text};
use crate::services::postgres::Cluster;

/// The database `nasty` and a directory for dumps of it.
fn nasty() -> Option<Cluster> {
    let cluster = Cluster::start_with("max_locks_per_transaction=128", &["dumps"])?;
    cluster.sql("postgres", "CREATE DATABASE nasty");
    // One by one: not all of it may be done in one transaction.
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/postgres/nasty.sql");
    let mut psql = cluster.command("psql");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "nasty"]);
    let made = psql.stdin(std::fs::File::open(file).unwrap()).stdout(Stdio::null()).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(cluster)
}

/// `database` as pg_dump writes it, without the line that differs every time.
fn dump(cluster: &Cluster, database: &str) -> String {
    let output = cluster.command("pg_dump").arg(database).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.contains("restrict "))
        .map(|line| format!("{line}\n"))
        .collect()
}

async fn load(cluster: &Cluster, file: &Path, jobs: i64) -> Finish {
    cluster.sql("postgres", "DROP DATABASE IF EXISTS ours");
    cluster.sql("postgres", "CREATE DATABASE ours TEMPLATE template0");
    let args = vec![
        ("connection", connection(cluster, "ours", &[])),
        ("file", text(file.to_str().unwrap())),
        ("jobs", Resolved::Value(Value::Int(jobs))),
        ("unverified", Resolved::Value(Value::Bool(true))),
    ];
    let request = request("postgres.restore_dump", Effect::Changes, args);
    RestoreDump.run(with_password().cx, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nasty_dump_comes_out_as_psql_would_have_loaded_it() {
    let Some(cluster) = nasty() else { return };
    let dir = cluster.home.path().join("dumps");
    let file = |name: &str| dir.join(name);
    for (name, more) in [
        ("plain.sql", &["-Fp"][..]),
        ("inserts.sql", &["-Fp", "--inserts"]),
        ("bare.sql", &["-Fp", "--disable-dollar-quoting", "--column-inserts"]),
        ("custom.dump", &["-Fc"]),
    ] {
        let path = file(name);
        let args = [more, &["-f", path.to_str().unwrap(), "nasty"]].concat();
        cluster.must("pg_dump", &args, &[]).unwrap();
    }
    cluster.sql("postgres", "CREATE DATABASE theirs TEMPLATE template0");
    let plain = file("plain.sql");
    let args = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "theirs", "-f"];
    cluster.must("psql", &args, &[plain.to_str().unwrap()]).unwrap();
    let theirs = dump(&cluster, "theirs");
    assert_eq!(theirs, dump(&cluster, "nasty"), "psql itself loads it whole");

    for (name, jobs) in [
        ("plain.sql", 1),
        ("plain.sql", 3),
        ("inserts.sql", 1),
        ("bare.sql", 1),
        ("custom.dump", 1),
        ("custom.dump", 3),
    ] {
        let finish = load(&cluster, &file(name), jobs).await;
        assert_eq!(finish.outcome, Outcome::Succeeded, "{name} {jobs}: {}", finish.message);
        let ours = dump(&cluster, "ours");
        let differs = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differs, None, "{name} with {jobs} jobs");
        assert_eq!(ours.len(), theirs.len(), "{name} with {jobs} jobs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_dump_is_told_with_its_line() {
    let Some(cluster) = Cluster::start_with("", &["dumps"]) else { return };
    let head = "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE t (a int, b text);\n";
    let foot = "\n--\n-- PostgreSQL database dump complete\n--\n\n";
    let rows = "COPY t (a, b) FROM stdin;\n1\tone\n2\ttwo\nx\tthree\n\\.\n";
    let orphan = "COPY t (a, b) FROM stdin;\n1\tone\n\\.\n\nCREATE TABLE item (t int);\nCOPY item (t) FROM stdin;\n1\n2\n\\.\n\n\
        --\n-- Name: t t_pkey; Type: CONSTRAINT; Schema: public; Owner: -\n--\n\n\
        ALTER TABLE ONLY t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (a);\n\n\
        --\n-- Name: item item_t_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -\n--\n\n\
        ALTER TABLE ONLY item\n    ADD CONSTRAINT item_t_fkey FOREIGN KEY (t) REFERENCES t(a);\n";
    for (name, middle, said) in [
        ("orphan.sql", orphan, "violates foreign key constraint \"item_t_fkey\""),
        ("sql.sql", "SELECT 1;\nSELECT 1,\n  nothing;\n", "line 8 of the dump: "),
        ("rows.sql", rows, "line 9 of the dump: "),
        ("meta.sql", "\\connect other\n", "line 6 of the dump: `\\connect`"),
        (
            "shell.sql",
            "SELECT 1; \\! touch owned\n",
            "line 6 of the dump: `\\!` is a command of psql",
        ),
        (
            "cut.sql",
            "SELECT 'open;\n",
            "line 6 of the dump: the dump is cut off inside a statement",
        ),
        ("copy.sql", "COPY t (a, b) FROM stdin;\n1\tone\n", "is cut off in the rows of t"),
    ] {
        let path = cluster.home.path().join("dumps").join(name);
        let foot = if name == "copy.sql" { foot.replace('\n', "\t\n") } else { foot.to_owned() };
        std::fs::write(&path, format!("{head}{middle}{foot}")).unwrap();
        for jobs in [1, 2] {
            let finish = load(&cluster, &path, jobs).await;
            assert_eq!(finish.outcome, Outcome::Failed, "{name}: {}", finish.message);
            assert!(finish.message.contains(said), "{name} {jobs}: {}", finish.message);
            let tables =
                cluster.sql("ours", "SELECT count(*) FROM pg_tables WHERE tablename = 't'");
            assert_eq!(tables, if jobs == 1 { "0" } else { "1" }, "{name} {jobs}");
        }
    }
}
