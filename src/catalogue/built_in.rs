//! The catalogue that is shipped inside the binary.

/// File names and their bytes, in order of name.
pub(super) static RUNBOOKS: &[(&str, &[u8])] = &[
    ("aurora-failover.yaml", include_bytes!("../../runbooks/aurora-failover.yaml")),
    ("aurora-pitr.yaml", include_bytes!("../../runbooks/aurora-pitr.yaml")),
    (
        "postgres-logical-restore.yaml",
        include_bytes!("../../runbooks/postgres-logical-restore.yaml"),
    ),
    ("postgres-pitr-wal.yaml", include_bytes!("../../runbooks/postgres-pitr-wal.yaml")),
    (
        "postgres-replica-promote.yaml",
        include_bytes!("../../runbooks/postgres-replica-promote.yaml"),
    ),
    (
        "rabbitmq-definitions-restore.yaml",
        include_bytes!("../../runbooks/rabbitmq-definitions-restore.yaml"),
    ),
    ("region-failover.yaml", include_bytes!("../../runbooks/region-failover.yaml")),
    ("vault-snapshot-restore.yaml", include_bytes!("../../runbooks/vault-snapshot-restore.yaml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_runbook_is_built_in_and_good() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        files.sort();
        let built_in: Vec<_> = RUNBOOKS.iter().map(|(name, _)| *name).collect();
        assert_eq!(built_in, files, "add the new ones to RUNBOOKS");
        for (name, bytes) in RUNBOOKS {
            let checked = crate::runbook::check(bytes, name);
            assert!(checked.problems.is_empty(), "{name}: {:#?}", checked.problems);
            let id = checked.runbook.map(|runbook| format!("{}.yaml", runbook.id));
            assert_eq!(id.as_deref(), Some(*name), "a file is named after the id");
        }
    }
}
