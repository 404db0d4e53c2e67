//! The writer of an Aurora cluster takes connections and answers none.

use std::io;

use axum::Router;

use crate::sandbox::aws::CLUSTER;
use crate::sandbox::practice::inputs;
use crate::sandbox::{Lesson, Practice, Scene, Stage, lesson};

pub(super) const PRACTICE: Practice = Practice {
    name: "failover",
    runbook: "aurora-failover",
    about: "A cluster's writer hangs: make its reader the writer",
    lessons: &[
        (
            Lesson::AccessDenied,
            "AWS will refuse the failover, and say which permission is missing. Enter opens the choices; r tries \
             again, as if the permission had been given meanwhile.",
        ),
        (
            Lesson::ConsoleKilled,
            "This console will be killed in the middle of the failover, as by a lost machine. The failover goes \
             on without it. You are told the command that goes on: steady resume.",
        ),
        (Lesson::WrongTarget, lesson::WRONG_ACCOUNT),
    ],
    set: |stage| Box::pin(std::future::ready(set(&stage))),
};

fn set(stage: &Stage) -> io::Result<Scene> {
    let Stage { endpoint, aws, .. } = stage;
    aws.hang_writer();
    aws.teach(stage.lesson, "FailoverDBCluster", &stage.blow);
    Ok(Scene {
        outage_start: aws.damaged_at(),
        inputs: inputs([
            ("cluster", CLUSTER),
            ("checks", "http"),
            ("lag_url", &format!("{endpoint}/app/lag")),
            ("writer_url", &format!("{endpoint}/app/writer")),
            ("smoke_url", &format!("{endpoint}/app/health")),
            ("poll", "1s"),
        ]),
        front: Router::new(),
        stand_ins: Vec::new(),
    })
}
