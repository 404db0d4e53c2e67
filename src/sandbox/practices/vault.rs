//! A Vault that was lost with its disks. A new cluster stands in its place, empty; the keys of the old one are with
//! those who hold them.

use std::io;

use axum::Router;
use chrono::{TimeDelta, Utc};

use crate::sandbox::practice::inputs;
use crate::sandbox::shelf::Shelf;
use crate::sandbox::vault::{Keys, Vault, lost};
use crate::sandbox::{Practice, Scene, Stage, secret};

const MOUNT: &str = "secret";
const PATH: &str = "loanserve/database";
const VERSIONS: u64 = 4;

/// The variables that stand for the shares of the old cluster.
const SHARES: [&str; 3] =
    ["PRACTICE_VAULT_SHARE_1", "PRACTICE_VAULT_SHARE_2", "PRACTICE_VAULT_SHARE_3"];

pub(super) const PRACTICE: Practice = Practice {
    name: "vault",
    runbook: "vault-snapshot-restore",
    about: "Vault was lost and built anew: force the old cluster's snapshot in and unseal it",
    lessons: &[],
    set: |stage| Box::pin(set(stage)),
};

async fn set(stage: Stage) -> io::Result<Scene> {
    let known = |name: &str| secret(name).unwrap_or_default().to_owned();
    let shares = |names: &[&str]| names.iter().map(|name| known(name)).collect();
    let old = Keys {
        shares: shares(&SHARES),
        threshold: SHARES.len(),
        token: known("PRACTICE_VAULT_RESTORED_TOKEN"),
    };
    let new = Keys {
        shares: shares(&["PRACTICE_VAULT_NEW_SHARE"]),
        threshold: 1,
        token: known("PRACTICE_VAULT_TOKEN"),
    };
    let vault = Vault::start(stage.options).await?;
    vault.found("vault-practice-new", &new);
    let shelf = Shelf::new()?;
    let bytes = lost("vault-practice-old", &old, (MOUNT, PATH), VERSIONS);
    let snapshot = shelf.put("vault.snap", &bytes)?;
    Ok(Scene {
        outage_start: Utc::now() - TimeDelta::minutes(9),
        inputs: inputs([
            ("vault_url", vault.endpoint()),
            ("token", "env:PRACTICE_VAULT_TOKEN"),
            ("restored_token", "env:PRACTICE_VAULT_RESTORED_TOKEN"),
            ("snapshot", &snapshot.display().to_string()),
            ("from", "another_cluster"),
            ("keep_in", &shelf.path().display().to_string()),
            ("share_1", &format!("env:{}", SHARES[0])),
            ("share_2", &format!("env:{}", SHARES[1])),
            ("share_3", &format!("env:{}", SHARES[2])),
            ("kv_mount", MOUNT),
            ("kv_path", PATH),
            ("kv_version", &VERSIONS.to_string()),
        ]),
        front: Router::new(),
        stand_ins: vec![Box::new(vault), Box::new(shelf)],
    })
}
