//! The writer of an Aurora cluster takes connections and answers none.

use std::io;

use axum::Router;

use crate::sandbox::aws::CLUSTER;
use crate::sandbox::practice::inputs;
use crate::sandbox::{Practice, Scene, Stage};

pub(super) const PRACTICE: Practice = Practice {
    name: "failover",
    runbook: "aurora-failover",
    about: "the cluster's writer hangs: promote its reader",
    lessons: &[],
    set: |stage| Box::pin(std::future::ready(set(&stage))),
};

fn set(stage: &Stage) -> io::Result<Scene> {
    let Stage { endpoint, aws, .. } = stage;
    aws.hang_writer();
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
