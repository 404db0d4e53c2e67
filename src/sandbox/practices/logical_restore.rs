//! The rows of a database were deleted, and there is a dump of it in S3.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::sandbox::postgres::{Database, Loading, Postgres, Table};
use crate::sandbox::practice::inputs;
use crate::sandbox::s3::S3;
use crate::sandbox::{Lesson, Practice, Scene, Stage, lesson, secret};

const DATABASE: &str = "loanserve";
const PASSWORD: &str = "PRACTICE_DB_PASSWORD";
const BUCKET: &str = "loanserve-backups";
/// Rows of the dumped tables.
const BORROWERS: i64 = 800;
const LOANS: i64 = 4_000;

pub(super) const PRACTICE: Practice = Practice {
    name: "logical-restore",
    runbook: "postgres-logical-restore",
    about: "Rows were deleted from a database: load last night's dump from S3 beside it, and swap",
    lessons: &[
        (
            Lesson::RestoreStuck,
            "The load will hang. Wait as long as you like, then cancel it with Space and x. It is one \
             transaction, so nothing of it is left: Enter opens the choices, and r loads once more; that works.",
        ),
        (
            Lesson::AccessDenied,
            "PostgreSQL will refuse the first statement that changes a database. Enter opens the choices; r \
             tries again, as if the role had been given the right meanwhile.",
        ),
        (
            Lesson::ConsoleKilled,
            "This console will be killed in the middle of the load, as by a lost machine. The load goes on \
             without it. You are told the command that goes on: steady resume.",
        ),
        (Lesson::WrongTarget, lesson::WRONG_ACCOUNT),
    ],
    set: |stage| Box::pin(set(stage)),
};

async fn set(stage: Stage) -> io::Result<Scene> {
    let now = Utc::now();
    let dumped = now - TimeDelta::hours(5);
    let s3 = S3::new().bucket(BUCKET, false);
    for night in 0..3 {
        let at = dumped - TimeDelta::days(night);
        let dump = gzip(&dump(at))?;
        let date = at.format("%Y-%m-%d");
        let key = format!("pg/{date}.sql.gz");
        let manifest = serde_json::json!({
            "date": at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "sha256": hex::encode(Sha256::digest(&dump)),
        });
        s3.put(BUCKET, &format!("{key}.manifest.json"), manifest.to_string(), at);
        s3.put(BUCKET, &key, dump, at);
    }
    let loading =
        Loading { delay: stage.options.state_delay / 3, lesson: stage.lesson, blow: stage.blow };
    let postgres =
        Postgres::start(secret(PASSWORD).unwrap_or_default(), vec![(DATABASE, damaged())], loading)
            .await?;
    Ok(Scene {
        outage_start: now - TimeDelta::minutes(7),
        inputs: inputs([
            ("backups", &format!("s3://{BUCKET}/pg/")),
            ("database", DATABASE),
            ("port", &postgres.port().to_string()),
            ("db_password", &format!("env:{PASSWORD}")),
            ("check_table", "public.loans"),
            ("min_rows", "1000"),
        ]),
        front: s3.router(),
        stand_ins: vec![Box::new(postgres)],
    })
}

/// What the mistake has left.
fn damaged() -> Database {
    Database::of([
        ("borrowers", Table::new(["id", "name", "created_at"])),
        ("loans", Table::new(["id", "borrower_id", "amount", "created_at"])),
    ])
}

fn gzip(text: &str) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

/// A plain dump of that moment, as pg_dump writes one.
fn dump(at: DateTime<Utc>) -> String {
    let mut text = String::from(BEFORE);
    let moment = |seconds: i64| (at - TimeDelta::seconds(seconds)).format("%Y-%m-%d %H:%M:%S+00");
    text.push_str("COPY public.borrowers (id, name, created_at) FROM stdin;\n");
    for id in 1..=BORROWERS {
        let _ = writeln!(text, "{id}\tBorrower {id}\t{}", moment((BORROWERS - id) * 3600));
    }
    text.push_str("\\.\n\n\nCOPY public.loans (id, borrower_id, amount, created_at) FROM stdin;\n");
    for id in 1..=LOANS {
        let (borrower, amount) = (id % BORROWERS + 1, 1000 + id * 7 % 9000);
        let _ = writeln!(text, "{id}\t{borrower}\t{amount}.00\t{}", moment((LOANS - id) * 60));
    }
    text.push_str("\\.\n\n");
    text.push_str(AFTER);
    text
}

const BEFORE: &str = "\
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET client_min_messages = warning;

CREATE TABLE public.borrowers (
    id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);


CREATE TABLE public.loans (
    id bigint NOT NULL,
    borrower_id bigint NOT NULL,
    amount numeric(12,2) NOT NULL,
    created_at timestamp with time zone NOT NULL
);


";

const AFTER: &str = "
ALTER TABLE ONLY public.borrowers
    ADD CONSTRAINT borrowers_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.loans
    ADD CONSTRAINT loans_pkey PRIMARY KEY (id);


CREATE INDEX loans_created_at ON public.loans USING btree (created_at);


ALTER TABLE ONLY public.loans
    ADD CONSTRAINT loans_borrower_id_fkey FOREIGN KEY (borrower_id) REFERENCES public.borrowers(id);


--
-- PostgreSQL database dump complete
--

";
