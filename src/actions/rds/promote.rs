//! `rds.promote_read_replica`

use futures_util::future::BoxFuture;

use super::alter::Alteration;
use super::thing::{Target, Thing};
use super::{Rds, args, once};
use crate::aws::{self, Failure};
use crate::runbook::Request;

/// What is asked for.
pub(super) struct Promotion {
    instance: Target,
    source: Option<String>,
    backup_retention_days: Option<i32>,
}

impl Alteration for Promotion {
    const NAME: &'static str = "promotion";

    fn read(request: &Request) -> Result<Self, String> {
        Ok(Self {
            instance: Target::Instance(args::text(request, "instance")?.to_owned()),
            source: args::own(request, "source"),
            backup_retention_days: args::int(request, "backup_retention_days"),
        })
    }

    fn target(&self) -> &Target {
        &self.instance
    }

    fn complete(request: &mut Request, thing: &Thing) {
        args::default_text(request, "source", thing.source());
    }

    fn possible(&self, thing: &Thing) -> Result<(), String> {
        let instance = &self.instance;
        match (thing.source(), &self.source) {
            (None, _) => Err(format!("{instance} is no read replica: there is nothing to promote")),
            (Some(now), Some(source)) if now != source => Err(format!(
                "{instance} replicates from {now}, not from {source}: look again at what you are \
                 about to do"
            )),
            (Some(_), _) => Ok(()),
        }
    }

    /// A source was seen when it was asked for; there is none now.
    fn begun(&self, thing: &Thing) -> bool {
        self.source.is_some() && thing.source().is_none()
    }

    fn done(&self, thing: &Thing) -> bool {
        thing.source().is_none()
    }

    fn seen(&self, thing: &Thing) -> String {
        let (instance, status) = (&self.instance, thing.status());
        match thing.source() {
            Some(source) => format!("{instance} is {status} and replicates from {source}"),
            None => format!("{instance} is {status} and replicates from nobody"),
        }
    }

    fn send<'a>(&'a self, rds: &'a Rds) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            rds.client
                .promote_read_replica()
                .db_instance_identifier(self.instance.id())
                .set_backup_retention_period(self.backup_retention_days)
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure("rds:PromoteReadReplica", &rds.access, &error))
        })
    }
}
