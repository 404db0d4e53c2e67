//! `rds.failover_cluster`

use futures_util::future::BoxFuture;

use super::alter::Alteration;
use super::thing::{Target, Thing};
use super::{Rds, args, once};
use crate::aws::{self, Failure};
use crate::runbook::Request;

/// What is asked for.
pub(super) struct Failover {
    cluster: Target,
    from: Option<String>,
    target: Option<String>,
}

impl Failover {
    /// Whether another instance has taken over, as far as can be told.
    fn moved(&self, thing: &Thing) -> bool {
        match (thing.writer(), &self.target, &self.from) {
            (Some(writer), Some(target), _) => writer == target,
            (Some(writer), None, Some(from)) => writer != from,
            (Some(_), None, None) | (None, _, _) => false,
        }
    }
}

impl Alteration for Failover {
    const NAME: &'static str = "failover";

    fn read(request: &Request) -> Result<Self, String> {
        Ok(Self {
            cluster: Target::Cluster(args::text(request, "cluster")?.to_owned()),
            from: args::own(request, "from"),
            target: args::own(request, "target"),
        })
    }

    fn target(&self) -> &Target {
        &self.cluster
    }

    fn complete(request: &mut Request, thing: &Thing) {
        args::default_text(request, "from", thing.writer());
    }

    fn possible(&self, thing: &Thing) -> Result<(), String> {
        let cluster = &self.cluster;
        if let (Some(from), Some(writer)) = (&self.from, thing.writer())
            && from != writer
        {
            return Err(format!(
                "the writer of {cluster} is {writer}, not {from}: look again at what you are about \
                 to do"
            ));
        }
        if let Some(target) = &self.target {
            if !thing.members().contains(&target.as_str()) {
                let members = thing.members().join(", ");
                return Err(format!("{target} is no instance of {cluster}: it has {members}"));
            }
            if thing.writer() == Some(target) {
                return Err(format!("{target} is the writer of {cluster} already"));
            }
        }
        if thing.members().len() < 2 {
            return Err(format!(
                "{cluster} has no other instance to fail over to: create one first"
            ));
        }
        Ok(())
    }

    fn begun(&self, thing: &Thing) -> bool {
        self.moved(thing) || thing.status() == "failing-over"
    }

    fn done(&self, thing: &Thing) -> bool {
        self.moved(thing)
    }

    fn seen(&self, thing: &Thing) -> String {
        let (cluster, writer) = (&self.cluster, thing.writer().unwrap_or("nobody"));
        format!("{cluster} is {}, its writer is {writer}", thing.status())
    }

    fn send<'a>(&'a self, rds: &'a Rds) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            rds.client
                .failover_db_cluster()
                .db_cluster_identifier(self.cluster.id())
                .set_target_db_instance_identifier(self.target.clone())
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure("rds:FailoverDBCluster", &rds.access, &error))
        })
    }
}
