//! Rows are gone from an Aurora cluster that itself still runs.

use std::io;

use axum::Router;
use chrono::SecondsFormat;

use crate::sandbox::aws::CLUSTER;
use crate::sandbox::practice::inputs;
use crate::sandbox::{Practice, Scene, Stage};

pub(super) const PRACTICE: Practice = Practice {
    name: "aurora-pitr",
    runbook: "aurora-pitr",
    about: "a table was emptied by mistake: restore the cluster to the moment before",
    lessons: &[],
    set: |stage| Box::pin(std::future::ready(set(&stage))),
};

fn set(stage: &Stage) -> io::Result<Scene> {
    let Stage { endpoint, aws, .. } = stage;
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
