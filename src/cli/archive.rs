//! `steady export --upload`: the record of a run, put where nobody can change it.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::Globals;
use crate::archive::{self, Place, Vault, Wanted};
use crate::aws::AwsAccess;
use crate::catalogue::fold;
use crate::driver::Clock;
use crate::engine::{Event, Fact};
use crate::journal::checkpoint::CHECKPOINTS;
use crate::journal::{Checkpoint, Journal, TornTail};
use crate::report::{self, Format};
use crate::settings::{self, Include, Retention};
use crate::signing::Signer;

/// What `steady export` takes for an archive.
#[derive(Debug, clap::Args)]
pub(super) struct UploadArgs {
    /// Put the record into S3, locked: s3://bucket/prefix [default: the settings' archive]
    #[arg(long, value_name = "PLACE", num_args = 0..=1, conflicts_with = "output")]
    upload: Option<Option<String>>,
    /// Also archive output, evidence: what is locked cannot be erased, personal data included
    #[arg(long, value_delimiter = ',', value_name = "WHAT", requires = "upload", value_parser = include)]
    with: Vec<Include>,
    /// For how long it is locked, such as 7y or 400d [default: the settings', else 7y]
    #[arg(long, value_name = "TIME", requires = "upload", value_parser = retention)]
    retention: Option<Retention>,
}

fn include(word: &str) -> Result<Include, String> {
    Include::ALL
        .into_iter()
        .find(|it| it.name() == word)
        .ok_or_else(|| "write output, evidence or both".to_owned())
}

fn retention(text: &str) -> Result<Retention, String> {
    Retention::parse(text).ok_or_else(|| "write years or days, such as 7y or 400d".to_owned())
}

/// Where S3 is called as whom, as far as the settings say.
pub(super) fn access(archive: Option<&settings::Archive>) -> AwsAccess {
    let aws = archive.map(|archive| archive.aws.clone()).unwrap_or_default();
    AwsAccess {
        profile: aws.profile,
        region: aws.region,
        endpoint: aws.endpoint,
        practice_credentials: None,
    }
}

/// An archive that is to be made.
pub(super) struct Upload {
    access: AwsAccess,
    place: Place,
    retention: Retention,
    with: BTreeSet<&'static str>,
}

/// An archive that was made.
pub(super) struct Uploaded {
    /// Where it can be looked at.
    pub uri: String,
    /// How many objects it has.
    pub objects: usize,
    /// Until when they are locked.
    pub until: DateTime<Utc>,
    /// Why the end of the journal is not signed, when it should be.
    pub unsigned: Option<String>,
}

impl UploadArgs {
    /// What was asked for; `None`: no archive.
    ///
    /// # Errors
    /// One line: nothing says where to, or that is no place.
    pub(super) fn asked(&self, globals: &Globals) -> Result<Option<Upload>, String> {
        let Some(given) = &self.upload else { return Ok(None) };
        let settings = globals.load_settings()?.settings.archive;
        let to = match (given, &settings) {
            (Some(to), _) => to.clone(),
            (None, Some(archive)) => archive.to.clone(),
            (None, None) => {
                return Err(
                    "--upload where? write s3://bucket/prefix, or set `archive: {to: …}` in \
                            steadyhand.yaml"
                        .into(),
                );
            }
        };
        let of_settings = settings.as_ref();
        let include = of_settings.map(|archive| archive.include.clone()).unwrap_or_default();
        let retention = self.retention.or(of_settings.map(|archive| archive.retention));
        Ok(Some(Upload {
            access: access(of_settings),
            place: Place::parse(&to)?,
            retention: retention.unwrap_or_default(),
            with: include.iter().chain(&self.with).map(|it| it.name()).collect(),
        }))
    }
}

impl Upload {
    /// Makes the reports, signs the end, puts everything there, and records that. The journal is held
    /// meanwhile: what is archived is all there is. A try that fails leaves the journal as it was, so that
    /// the next one goes on with the same archive.
    ///
    /// # Errors
    /// One line: why there is no whole archive, and what to do.
    pub(super) async fn make(
        &self,
        dir: &Path,
        formats: &[Format],
        by: &str,
        signer: Option<&Signer>,
    ) -> Result<Uploaded, String> {
        let clock = Clock::new().map_err(|e| format!("this kernel tells no boot id: {e}"))?;
        let mut opened = Journal::open(dir).map_err(|e| e.to_string())?;
        for tail in opened.torn.iter().map(TornTail::event) {
            opened.journal.append(clock.now(), by, tail).map_err(|e| e.to_string())?;
        }
        let mut journal = opened.journal;
        let folded = fold(dir)?;
        let run =
            folded.state.run().ok_or_else(|| format!("{} has no beginning", dir.display()))?;
        if run.practice {
            return Err(format!(
                "{} was practice: what is locked for years should be worth it; nothing was uploaded",
                run.run
            ));
        }
        let run = run.run.clone();
        let end = |journal: &Journal| Checkpoint {
            run: run.clone(),
            seq: journal.len(),
            head: journal.head().to_owned(),
        };
        let head = end(&journal);
        let vault = Vault::at(&self.access, self.place.clone()).await;
        vault.refuse_unlocked().await?;
        let reports = tempfile::tempdir().map_err(|e| format!("no place for the reports: {e}"))?;
        // What the steps printed goes along in the report only when it goes along at all.
        let excerpts = self.with.contains(Include::Output.name());
        let report = report::Wanted { formats, out: Some(reports.path()), excerpts };
        report::export(dir, &folded.state, &folded.records, &report).map_err(|e| e.to_string())?;
        // A signature of the same record that is made anew may have other bytes.
        let signed = dir.join(CHECKPOINTS).join(head.file()).exists();
        let mut unsigned = match signer.filter(|_| !signed) {
            Some(signer) => signer.checkpoint(dir, &head).await.err(),
            None => None,
        };
        let now = clock.now().at;
        let until = self.retention.from(now);
        let (with, reports) = (&self.with, reports.path());
        let wanted = Wanted { dir, reports, head: &head, with, now, until };
        let anchored = archive::upload(&vault, &wanted).await?;
        let (objects, until) = (anchored.objects.len(), anchored.retain_until);
        let fact = Event::run(Fact::Anchored(Box::new(anchored)));
        journal.append(clock.now(), by, fact).map_err(|e| {
            format!("it is archived, and the journal does not tell of it: {e}; upload once more")
        })?;
        if let Some(signer) = signer {
            unsigned = signer.checkpoint(dir, &end(&journal)).await.err().or(unsigned);
        }
        Ok(Uploaded { uri: self.place.uri(&run), objects, until, unsigned })
    }
}
