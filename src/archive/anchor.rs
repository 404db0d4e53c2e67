//! The head of a journal, put where the operator cannot change it.

use chrono::{DateTime, Utc};

use super::place::{ANCHORS, Folder};
use super::put::{NotPut, Parcel};
use super::vault::Vault;
use crate::engine::event::{Anchored, Kept};
use crate::journal::Checkpoint;

impl Vault {
    /// Where the head of a run's journal lies.
    fn anchors(&self, run: &str) -> String {
        format!("{}{ANCHORS}/", self.place.of(run))
    }
}

/// Puts the head of a journal there, locked until then.
///
/// # Errors
/// One line: why it does not lie there, and what to do.
pub async fn anchor(
    vault: &Vault,
    head: &Checkpoint,
    until: DateTime<Utc>,
) -> Result<Anchored, String> {
    vault.refuse_unlocked().await?;
    let name = format!("{}.txt", Folder::new(head.seq, &head.head, 1).name());
    let parcel = Parcel::of_bytes(name, head.text().into_bytes());
    let folder = vault.anchors(&head.run);
    let object = vault.put(&folder, &parcel, until).await.map_err(|why| match why {
        NotPut::Failed(why) => why,
        NotPut::Taken => {
            let place = vault.place.uri(&head.run);
            format!(
                "something else lies at {place}/{ANCHORS}/{}: see who writes there",
                parcel.name
            )
        }
    })?;
    vault.refuse_unheld(&object, until).await?;
    Ok(Anchored {
        anchor: head.seq,
        head: head.head.clone(),
        what: Kept::Head,
        bucket: vault.place.bucket.clone(),
        retain_until: until,
        objects: vec![object],
    })
}
