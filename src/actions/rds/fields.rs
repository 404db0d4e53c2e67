//! What AWS tells of a thing, as the registry's result fields.

use std::collections::BTreeMap;

use aws_sdk_rds::primitives::DateTime as AwsTime;
use aws_sdk_rds::types::{DbCluster, DbClusterSnapshot, DbInstance, DbSnapshot};
use chrono::{DateTime, Utc};

use super::thing::Thing;
use crate::ingest::Redactor;
use crate::runbook::Value;

/// The result fields that everything has that can be waited for.
const COMMON: [&str; 8] =
    ["identifier", "arn", "status", "endpoint", "port", "engine", "engine_version", "created"];

impl Thing {
    /// The registry's result fields.
    pub(super) fn result(&self, redactor: &Redactor) -> Value {
        let mut fields = Fields { redactor, map: BTreeMap::new() };
        match self {
            Self::Cluster(it) => self.cluster_fields(it, &mut fields),
            Self::Instance(it) => self.instance_fields(it, &mut fields),
            Self::ClusterSnapshot(it) => cluster_snapshot_fields(it, &mut fields),
            Self::InstanceSnapshot(it) => instance_snapshot_fields(it, &mut fields),
        }
        Value::Map(fields.map)
    }

    /// What everything has in common, as result fields.
    pub(super) fn common(&self, redactor: &Redactor) -> Value {
        let whole = self.result(redactor);
        Value::map(COMMON.iter().filter_map(|name| Some((*name, whole.get(name)?.clone()))))
    }

    fn cluster_fields(&self, it: &DbCluster, fields: &mut Fields<'_>) {
        let groups = it.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
        fields.text("identifier", it.db_cluster_identifier());
        fields.text("arn", it.db_cluster_arn());
        fields.text("status", it.status());
        fields.text("endpoint", it.endpoint());
        fields.text("reader_endpoint", it.reader_endpoint());
        fields.int("port", it.port());
        fields.text("engine", it.engine());
        fields.text("engine_version", it.engine_version());
        fields.time("created", it.cluster_create_time());
        fields.time("earliest_restorable_time", it.earliest_restorable_time());
        fields.time("latest_restorable_time", it.latest_restorable_time());
        fields.text("writer", self.writer());
        fields.texts("readers", self.readers());
        fields.texts("members", self.members());
        fields.text("subnet_group", it.db_subnet_group());
        fields.texts("security_groups", groups);
        fields.text("parameter_group", it.db_cluster_parameter_group());
        fields.flag("encrypted", it.storage_encrypted());
        fields.text("kms_key", it.kms_key_id());
        fields.flag("deletion_protection", it.deletion_protection());
    }

    fn instance_fields(&self, it: &DbInstance, fields: &mut Fields<'_>) {
        let endpoint = it.endpoint();
        let parameters = it.db_parameter_groups().first();
        let groups = it.vpc_security_groups().iter().filter_map(|it| it.vpc_security_group_id());
        let subnets = it.db_subnet_group().and_then(|it| it.db_subnet_group_name());
        fields.text("identifier", it.db_instance_identifier());
        fields.text("arn", it.db_instance_arn());
        fields.text("status", it.db_instance_status());
        fields.text("endpoint", endpoint.and_then(|it| it.address()));
        fields.int("port", endpoint.and_then(|it| it.port()));
        fields.text("engine", it.engine());
        fields.text("engine_version", it.engine_version());
        fields.text("class", it.db_instance_class());
        fields.text("cluster", it.db_cluster_identifier());
        fields.text("source", self.source());
        fields.time("created", it.instance_create_time());
        fields.time("latest_restorable_time", it.latest_restorable_time());
        fields.text("subnet_group", subnets);
        fields.texts("security_groups", groups);
        fields.text("parameter_group", parameters.and_then(|it| it.db_parameter_group_name()));
        fields.flag("encrypted", it.storage_encrypted());
        fields.text("kms_key", it.kms_key_id());
        fields.int("storage_gib", it.allocated_storage());
        fields.flag("multi_az", it.multi_az());
        fields.int("backup_retention_days", it.backup_retention_period());
        fields.flag("publicly_accessible", it.publicly_accessible());
        fields.flag("deletion_protection", it.deletion_protection());
    }
}

fn cluster_snapshot_fields(it: &DbClusterSnapshot, fields: &mut Fields<'_>) {
    fields.text("identifier", it.db_cluster_snapshot_identifier());
    fields.text("arn", it.db_cluster_snapshot_arn());
    fields.text("status", it.status());
    fields.text("cluster", it.db_cluster_identifier());
    fields.text("engine", it.engine());
    fields.text("engine_version", it.engine_version());
    fields.time("created", it.snapshot_create_time());
    fields.flag("encrypted", it.storage_encrypted());
    fields.text("kms_key", it.kms_key_id());
}

fn instance_snapshot_fields(it: &DbSnapshot, fields: &mut Fields<'_>) {
    fields.text("identifier", it.db_snapshot_identifier());
    fields.text("arn", it.db_snapshot_arn());
    fields.text("status", it.status());
    fields.text("instance", it.db_instance_identifier());
    fields.text("engine", it.engine());
    fields.text("engine_version", it.engine_version());
    fields.time("created", it.snapshot_create_time());
    fields.flag("encrypted", it.encrypted());
    fields.text("kms_key", it.kms_key_id());
}

/// Collects the fields that are there; what AWS says is cleaned on the way in.
struct Fields<'a> {
    redactor: &'a Redactor,
    map: BTreeMap<String, Value>,
}

impl Fields<'_> {
    fn set(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.map.insert(name.to_owned(), value);
        }
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        let value = text.filter(|it| !it.is_empty()).map(|it| self.redactor.clean(it));
        self.set(name, value.map(Value::String));
    }

    fn texts<'t>(&mut self, name: &str, texts: impl IntoIterator<Item = &'t str>) {
        let list = texts.into_iter().map(|it| Value::String(self.redactor.clean(it))).collect();
        self.set(name, Some(Value::List(list)));
    }

    fn int(&mut self, name: &str, int: Option<i32>) {
        self.set(name, int.map(|it| Value::Int(it.into())));
    }

    fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.set(name, flag.map(Value::Bool));
    }

    fn time(&mut self, name: &str, time: Option<&AwsTime>) {
        self.set(name, time.and_then(moment).map(Value::Timestamp));
    }
}

fn moment(time: &AwsTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
