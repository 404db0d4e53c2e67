//! `rds.modify_instance`
//!
//! It carries no tags: a tag of this run would make the instance one that an undo may delete.

use aws_sdk_rds::types::DbInstance;
use futures_util::future::BoxFuture;

use super::alter::Alteration;
use super::thing::{Target, Thing};
use super::{Rds, args, once};
use crate::aws::{self, Failure};
use crate::runbook::{Request, Value};

/// The settings that can be asked for.
const SETTINGS: [&str; 12] = [
    "class",
    "storage_gib",
    "storage_type",
    "iops",
    "multi_az",
    "parameter_group",
    "security_groups",
    "backup_retention_days",
    "publicly_accessible",
    "iam_authentication",
    "deletion_protection",
    "promotion_tier",
];

/// What is asked for.
pub(super) struct Modification {
    instance: Target,
    request: Request,
    /// Now, or in the next maintenance window.
    now: bool,
}

impl Modification {
    /// The settings that are not as asked for.
    fn missing(&self, it: &DbInstance) -> Vec<&'static str> {
        let differs = |key: &&'static str| {
            let asked = asked(&self.request, key);
            asked.is_some() && asked != present(it, key)
        };
        SETTINGS.iter().copied().filter(differs).collect()
    }

    fn missing_of(&self, thing: &Thing) -> Vec<&'static str> {
        match thing {
            Thing::Instance(it) => self.missing(it),
            Thing::Cluster(_) | Thing::ClusterSnapshot(_) | Thing::InstanceSnapshot(_) => {
                Vec::new()
            }
        }
    }
}

/// What the runbook wants of a setting; a list in any order.
fn asked(request: &Request, key: &str) -> Option<Value> {
    if key == "security_groups" {
        return args::some_texts(request, key).map(sorted);
    }
    request.value(key).cloned()
}

/// How a setting is.
fn present(it: &DbInstance, key: &str) -> Option<Value> {
    let text = |it: Option<&str>| it.map(|it| Value::String(it.to_owned()));
    let int = |it: Option<i32>| it.map(|it| Value::Int(it.into()));
    match key {
        "class" => text(it.db_instance_class()),
        "storage_gib" => int(it.allocated_storage()),
        "storage_type" => text(it.storage_type()),
        "iops" => int(it.iops()),
        "multi_az" => it.multi_az().map(Value::Bool),
        "parameter_group" => {
            text(it.db_parameter_groups().first().and_then(|it| it.db_parameter_group_name()))
        }
        "security_groups" => {
            let ids = it.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
            Some(sorted(ids.map(str::to_owned).collect()))
        }
        "backup_retention_days" => int(it.backup_retention_period()),
        "publicly_accessible" => it.publicly_accessible().map(Value::Bool),
        "iam_authentication" => it.iam_database_authentication_enabled().map(Value::Bool),
        "deletion_protection" => it.deletion_protection().map(Value::Bool),
        "promotion_tier" => int(it.promotion_tier()),
        _ => None,
    }
}

fn sorted(mut ids: Vec<String>) -> Value {
    ids.sort_unstable();
    Value::List(ids.into_iter().map(Value::String).collect())
}

impl Alteration for Modification {
    const NAME: &'static str = "modification";

    fn read(request: &Request) -> Result<Self, String> {
        if SETTINGS.iter().all(|key| request.arg(key).is_none()) {
            return Err(format!("nothing is asked for: give one of {}", SETTINGS.join(", ")));
        }
        Ok(Self {
            instance: Target::Instance(args::text(request, "instance")?.to_owned()),
            now: args::flag(request, "apply_immediately").unwrap_or(true),
            request: request.clone(),
        })
    }

    fn target(&self) -> &Target {
        &self.instance
    }

    fn complete(request: &mut Request, _thing: &Thing) {
        args::default(request, "apply_immediately", Some(Value::Bool(true)));
    }

    fn possible(&self, _thing: &Thing) -> Result<(), String> {
        Ok(())
    }

    fn needless(&self, thing: &Thing) -> bool {
        self.missing_of(thing).is_empty()
    }

    fn begun(&self, thing: &Thing) -> bool {
        self.missing_of(thing).is_empty() || thing.status() == "modifying"
    }

    fn done(&self, thing: &Thing) -> bool {
        !self.now || self.missing_of(thing).is_empty()
    }

    fn seen(&self, thing: &Thing) -> String {
        let (instance, status) = (&self.instance, thing.status());
        let missing = self.missing_of(thing);
        if missing.is_empty() {
            return format!("{instance} is {status} and as asked for");
        }
        let when = if self.now { "not yet there" } else { "for the next maintenance window" };
        format!("{instance} is {status}; {when}: {}", missing.join(", "))
    }

    fn send<'a>(&'a self, rds: &'a Rds) -> BoxFuture<'a, Result<(), Failure>> {
        let request = &self.request;
        Box::pin(async move {
            rds.client
                .modify_db_instance()
                .db_instance_identifier(self.instance.id())
                .apply_immediately(self.now)
                .set_db_instance_class(args::own(request, "class"))
                .set_allocated_storage(args::int(request, "storage_gib"))
                .set_storage_type(args::own(request, "storage_type"))
                .set_iops(args::int(request, "iops"))
                .set_multi_az(args::flag(request, "multi_az"))
                .set_db_parameter_group_name(args::own(request, "parameter_group"))
                .set_vpc_security_group_ids(args::some_texts(request, "security_groups"))
                .set_backup_retention_period(args::int(request, "backup_retention_days"))
                .set_publicly_accessible(args::flag(request, "publicly_accessible"))
                .set_enable_iam_database_authentication(args::flag(request, "iam_authentication"))
                .set_deletion_protection(args::flag(request, "deletion_protection"))
                .set_promotion_tier(args::int(request, "promotion_tier"))
                .customize()
                .config_override(once())
                .send()
                .await
                .map(drop)
                .map_err(|error| aws::failure("rds:ModifyDBInstance", &rds.access, &error))
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::VpcSecurityGroupMembership;

    use super::*;
    use crate::runbook::{Effect, Resolved};

    fn modification(args: &[(&str, Value)]) -> Modification {
        let mut args: Vec<_> =
            args.iter().map(|(k, v)| ((*k).to_owned(), Resolved::Value(v.clone()))).collect();
        args.push(("instance".into(), Resolved::Value(Value::String("orders".into()))));
        let request = Request {
            action: "rds.modify_instance",
            effect: Effect::Changes,
            args,
            env: Vec::new(),
            secrets: Vec::new(),
        };
        Modification::read(&request).unwrap()
    }

    fn group(id: &str) -> VpcSecurityGroupMembership {
        VpcSecurityGroupMembership::builder().vpc_security_group_id(id).build()
    }

    #[test]
    fn what_is_missing_is_what_was_asked_for_and_is_not_so() {
        let asked = modification(&[
            ("class", Value::String("db.r6g.xlarge".into())),
            ("multi_az", Value::Bool(true)),
            (
                "security_groups",
                Value::List(["sg-2", "sg-1"].map(|it| Value::String(it.into())).into()),
            ),
        ]);
        let it = DbInstance::builder()
            .db_instance_class("db.r6g.large")
            .multi_az(true)
            .allocated_storage(20)
            .vpc_security_groups(group("sg-1"))
            .vpc_security_groups(group("sg-2"))
            .build();
        assert_eq!(asked.missing(&it), ["class"]);
    }

    #[test]
    fn every_setting_can_be_seen() {
        let whole = DbInstance::builder()
            .db_instance_class("db.r6g.large")
            .allocated_storage(20)
            .storage_type("gp3")
            .iops(3000)
            .multi_az(true)
            .db_parameter_groups(
                aws_sdk_rds::types::DbParameterGroupStatus::builder()
                    .db_parameter_group_name("ours")
                    .build(),
            )
            .backup_retention_period(7)
            .publicly_accessible(false)
            .iam_database_authentication_enabled(true)
            .deletion_protection(true)
            .promotion_tier(1)
            .build();
        for key in SETTINGS {
            assert!(present(&whole, key).is_some(), "{key}");
        }
    }
}
