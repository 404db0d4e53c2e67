//! What the stand-in holds: a barrier that key shares open, and a store behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// What a snapshot begins with.
const MAGIC: &[u8] = b"practice vault snapshot 1\n";

/// Why something is refused: the status and the sentence.
pub(super) type Refusal = (u16, String);

/// Everything in one node.
pub(super) struct Core {
    /// How long it takes to become active once it is unsealed.
    delay: Duration,
    store: Option<Store>,
    sealed: bool,
    active_from: Instant,
    given: Vec<String>,
}

/// What lies behind the barrier, and what opens it: a snapshot has both.
#[derive(Clone, Serialize, Deserialize)]
struct Store {
    cluster: Cluster,
    /// SHA-256 of each token.
    tokens: BTreeSet<String>,
    mounts: BTreeSet<String>,
    /// The versions of each secret, by mount and path.
    secrets: BTreeMap<String, Vec<Version>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Version {
    created_time: String,
    data: Value,
}

/// Who it is, and what unseals it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Cluster {
    id: String,
    name: String,
    threshold: usize,
    /// SHA-256 of each share.
    shares: BTreeSet<String>,
}

/// What opens a cluster: told once, when it is made.
#[derive(Clone, Debug)]
pub struct Keys {
    /// Hexadecimal, as Vault's.
    pub shares: Vec<String>,
    /// So many of them unseal.
    pub threshold: usize,
    /// The root token.
    pub token: String,
}

impl Keys {
    /// Keys that follow from `seed`.
    pub(super) fn of(seed: &str, count: usize, threshold: usize) -> Self {
        let share = |i: usize| format!("{}{i:02x}", digest(&format!("{seed} share {i}")));
        Self {
            shares: (1..=count).map(share).collect(),
            threshold,
            token: format!("hvs.{}", &digest(&format!("{seed} token"))[..24]),
        }
    }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl Core {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, store: None, sealed: true, active_from: Instant::now(), given: Vec::new() }
    }

    pub(super) fn is_initialised(&self) -> bool {
        self.store.is_some()
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    pub(super) fn is_active(&self) -> bool {
        !self.sealed && self.active_from <= Instant::now()
    }

    /// Makes a cluster of this name that these keys open.
    pub(super) fn init(&mut self, name: &str, keys: &Keys) -> Result<(), Refusal> {
        if self.store.is_some() {
            return Err((400, "Vault is already initialized".into()));
        }
        if keys.threshold == 0 || keys.threshold > keys.shares.len() {
            return Err((400, "invalid seal configuration: threshold".into()));
        }
        let id = digest(&format!("{name} {}", keys.token));
        let cluster = Cluster {
            id: [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..32]].join("-"),
            name: name.to_owned(),
            threshold: keys.threshold,
            shares: keys.shares.iter().map(|share| digest(share)).collect(),
        };
        self.store = Some(Store {
            cluster,
            tokens: BTreeSet::from([digest(&keys.token)]),
            mounts: BTreeSet::new(),
            secrets: BTreeMap::new(),
        });
        Ok(())
    }

    /// The same, and unsealed.
    pub(super) fn unsealed(&mut self, name: &str, keys: &Keys) -> Result<(), Refusal> {
        self.init(name, keys)?;
        keys.shares.iter().take(keys.threshold).try_for_each(|share| self.unseal(share))
    }

    /// As `seal-status` tells it: a sealed node does not know its cluster's name.
    pub(super) fn seal_status(&self) -> Value {
        let cluster = self.store.as_ref().map(|store| &store.cluster);
        let mut status = json!({
            "type": "shamir",
            "initialized": cluster.is_some(),
            "sealed": self.sealed,
            "t": cluster.map_or(0, |cluster| cluster.threshold),
            "n": cluster.map_or(0, |cluster| cluster.shares.len()),
            "progress": self.given.len(),
            "nonce": "",
            "version": "1.15.0",
            "build_date": "2023-09-22T16:53:10Z",
            "migration": false,
            "recovery_seal": false,
            "storage_type": "raft",
        });
        if let (false, Some(cluster), Some(map)) = (self.sealed, cluster, status.as_object_mut()) {
            map.insert("cluster_name".into(), json!(cluster.name));
            map.insert("cluster_id".into(), json!(cluster.id));
        }
        status
    }

    /// Takes a key share. Whether it is right shows with the last one.
    pub(super) fn unseal(&mut self, share: &str) -> Result<(), Refusal> {
        let store = self.store.as_ref().ok_or((400, "Vault is not initialized".to_owned()))?;
        if !self.sealed {
            return Ok(());
        }
        if share.len() < 32 || !share.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err((400, "'key' must be a valid hex or base64 string".into()));
        }
        if !self.given.iter().any(|given| given == share) {
            self.given.push(share.to_owned());
        }
        if self.given.len() < store.cluster.threshold {
            return Ok(());
        }
        let right = self.given.iter().all(|given| store.cluster.shares.contains(&digest(given)));
        self.given.clear();
        if !right {
            return Err((400, "Unseal failed, invalid key".into()));
        }
        self.sealed = false;
        self.active_from = Instant::now() + self.delay;
        Ok(())
    }

    pub(super) fn forget_shares(&mut self) {
        self.given.clear();
    }

    pub(super) fn seal(&mut self) {
        self.sealed = true;
        self.given.clear();
    }

    /// The store, for who may see it.
    fn open(&mut self, token: &str) -> Result<&mut Store, Refusal> {
        match &mut self.store {
            Some(_) | None if self.sealed => Err((503, "Vault is sealed".into())),
            Some(store) if store.tokens.contains(&digest(token)) => Ok(store),
            Some(_) | None => Err((403, "permission denied".into())),
        }
    }

    /// Whether this token may.
    pub(super) fn may(&mut self, token: &str) -> Result<(), Refusal> {
        self.open(token).map(|_| ())
    }

    pub(super) fn snapshot(&mut self, token: &str) -> Result<Vec<u8>, Refusal> {
        let store = self.open(token)?;
        let json = serde_json::to_vec(store).map_err(|e| (500, e.to_string()))?;
        Ok([MAGIC, &json].concat())
    }

    /// Puts a snapshot in place of everything. One that these keys cannot open is refused, or with `force`
    /// taken, and then only its own keys open what is there.
    pub(super) fn restore(
        &mut self,
        token: &str,
        bytes: &[u8],
        force: bool,
    ) -> Result<(), Refusal> {
        let present = self.open(token)?.cluster.clone();
        let snapshot: Store = bytes
            .strip_prefix(MAGIC)
            .and_then(|json| serde_json::from_slice(json).ok())
            .ok_or_else(|| (400, "failed to read snapshot: gzip: invalid header".to_owned()))?;
        let same_keys = snapshot.cluster.shares == present.shares;
        if !same_keys && !force {
            let why = "could not verify hash file, possibly the snapshot is using a different set of unseal \
                       keys; use the snapshot-force API to bypass this check";
            return Err((400, why.into()));
        }
        self.store = Some(snapshot);
        if !same_keys {
            self.seal();
        }
        Ok(())
    }

    pub(super) fn mount(&mut self, token: &str, mount: &str) -> Result<(), Refusal> {
        self.open(token)?.mounts.insert(mount.to_owned());
        Ok(())
    }

    fn versions(&mut self, token: &str, mount: &str, path: &str) -> Result<&Vec<Version>, Refusal> {
        let store = self.open(token)?;
        store.secrets.get(&format!("{mount}/{path}")).ok_or((404, String::new()))
    }

    /// Writes a version of a secret; its number.
    pub(super) fn write(
        &mut self,
        token: &str,
        mount: &str,
        path: &str,
        data: Value,
    ) -> Result<usize, Refusal> {
        let store = self.open(token)?;
        if !store.mounts.contains(mount) {
            return Err((404, format!("no handler for route \"{mount}/data/{path}\"")));
        }
        let versions = store.secrets.entry(format!("{mount}/{path}")).or_default();
        let created_time = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        versions.push(Version { created_time, data });
        Ok(versions.len())
    }

    /// The newest version of a secret.
    pub(super) fn read(&mut self, token: &str, mount: &str, path: &str) -> Result<Value, Refusal> {
        let versions = self.versions(token, mount, path)?;
        let newest = versions.last().ok_or((404, String::new()))?;
        Ok(json!({
            "data": newest.data,
            "metadata": {
                "created_time": newest.created_time,
                "deletion_time": "",
                "destroyed": false,
                "version": versions.len(),
            },
        }))
    }

    /// What is known of a secret, without it.
    pub(super) fn metadata(
        &mut self,
        token: &str,
        mount: &str,
        path: &str,
    ) -> Result<Value, Refusal> {
        let versions = self.versions(token, mount, path)?;
        let each: Map<String, Value> = versions
            .iter()
            .zip(1..)
            .map(|(version, number)| {
                let known = json!({
                    "created_time": version.created_time,
                    "deletion_time": "",
                    "destroyed": false,
                });
                (number.to_string(), known)
            })
            .collect();
        let times = (versions.first(), versions.last());
        Ok(json!({
            "cas_required": false,
            "created_time": times.0.map(|version| &version.created_time),
            "current_version": versions.len(),
            "delete_version_after": "0s",
            "max_versions": 0,
            "oldest_version": 1,
            "updated_time": times.1.map(|version| &version.created_time),
            "versions": each,
        }))
    }

    /// The only node of the cluster.
    pub(super) fn configuration(&mut self, token: &str, address: &str) -> Result<Value, Refusal> {
        self.open(token)?;
        Ok(json!({"config": {"index": 0, "servers": [{
            "node_id": "practice-1",
            "address": address,
            "leader": true,
            "protocol_version": "3",
            "voter": true,
        }]}}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(seed: &str) -> (Core, Keys) {
        let (mut core, keys) = (Core::new(Duration::ZERO), Keys::of(seed, 5, 3));
        core.unsealed(seed, &keys).unwrap();
        core.mount(&keys.token, "secret").unwrap();
        (core, keys)
    }

    #[test]
    fn a_snapshot_is_opened_by_the_keys_of_its_own_cluster_alone() {
        let (mut old, old_keys) = cluster("old");
        old.write(&old_keys.token, "secret", "a", json!({"x": 1})).unwrap();
        let snapshot = old.snapshot(&old_keys.token).unwrap();
        old.write(&old_keys.token, "secret", "a", json!({"x": 2})).unwrap();
        old.restore(&old_keys.token, &snapshot, false).unwrap();
        assert!(!old.is_sealed());
        assert_eq!(old.metadata(&old_keys.token, "secret", "a").unwrap()["current_version"], 1);

        let (mut new, new_keys) = cluster("new");
        assert_eq!(new.restore(&new_keys.token, &snapshot, false).unwrap_err().0, 400);
        assert_eq!(new.restore("hvs.wrong", &snapshot, true).unwrap_err().0, 403);
        assert!(!new.is_sealed());
        new.restore(&new_keys.token, &snapshot, true).unwrap();
        assert!(new.is_sealed());
        assert_eq!(new.read(&old_keys.token, "secret", "a").unwrap_err().0, 503);
        for share in &new_keys.shares[..2] {
            new.unseal(share).unwrap();
        }
        assert_eq!(new.unseal(&new_keys.shares[2]).unwrap_err().0, 400);
        for share in &old_keys.shares[1..4] {
            new.unseal(share).unwrap();
        }
        assert_eq!(new.read(&new_keys.token, "secret", "a").unwrap_err().0, 403);
        assert_eq!(new.read(&old_keys.token, "secret", "a").unwrap()["data"]["x"], 1);
    }

    #[test]
    fn a_share_counts_once_and_a_wrong_one_shows_with_the_last() {
        let (mut core, keys) = cluster("one");
        core.seal();
        assert_eq!(core.unseal("no hex").unwrap_err().0, 400);
        core.unseal(&keys.shares[0]).unwrap();
        core.unseal(&keys.shares[0]).unwrap();
        assert_eq!(core.seal_status()["progress"], 1);
        core.unseal(&"0".repeat(66)).unwrap();
        assert_eq!(core.unseal(&keys.shares[2]).unwrap_err().0, 400);
        assert_eq!(core.seal_status()["progress"], 0);
        assert!(core.is_sealed());
    }
}
