//! Rows are gone from an Aurora cluster that itself still runs.

use std::io;

use axum::Router;
use chrono::SecondsFormat;

use crate::sandbox::aws::CLUSTER;
use crate::sandbox::practice::inputs;
use crate::sandbox::{Lesson, Practice, Scene, Stage, lesson};

pub(super) const PRACTICE: Practice = Practice {
    name: "aurora-pitr",
    runbook: "aurora-pitr",
    about: "A table was emptied by mistake: restore the cluster to the moment before",
    lessons: &[
        (
            Lesson::RestoreStuck,
            "The restore will hang: AWS goes on saying `creating`. Wait as long as you like, then cancel it with \
             Space and x. AWS does not stop, so nobody knows how it comes out: Enter, then f, says that it \
             failed. Space and u deletes the half-made cluster. Enter then restores once more, and that works.",
        ),
        (Lesson::AccessDenied, lesson::NO_PERMISSION),
        (
            Lesson::ConsoleKilled,
            "This console will be killed in the middle of the restore, as by a lost machine. The restore goes \
             on without it. You are told the command that goes on: steady resume.",
        ),
        (Lesson::WrongTarget, lesson::WRONG_ACCOUNT),
    ],
    set: |stage| Box::pin(std::future::ready(set(&stage))),
};

fn set(stage: &Stage) -> io::Result<Scene> {
    let Stage { endpoint, aws, .. } = stage;
    aws.teach(stage.lesson, "RestoreDBClusterToPointInTime", &stage.blow);
    let moment = aws.good_moment().to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(Scene {
        outage_start: aws.damaged_at(),
        inputs: inputs([
            ("source_cluster", CLUSTER),
            ("restore_to", &moment),
            ("operate", "http"),
            ("stop_url", &format!("{endpoint}/app/writers")),
            ("cutover_url", &format!("{endpoint}/app/config")),
            ("rows", "http"),
            ("rows_url", &format!("{endpoint}/app/rows")),
            ("smoke_url", &format!("{endpoint}/app/health")),
            ("drain", "1s"),
            ("poll", "1s"),
        ]),
        front: Router::new(),
        stand_ins: Vec::new(),
    })
}
