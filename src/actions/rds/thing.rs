//! A cluster or an instance: what AWS tells of it, as result fields.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_rds::primitives::DateTime as AwsTime;
use aws_sdk_rds::types::{DbCluster, DbInstance, Tag};
use chrono::{DateTime, Utc};

use crate::actions::Context;
use crate::ingest::Redactor;
use crate::runbook::Value;

/// The tag that names the run.
pub(super) const RUN: &str = "steadyhand:run";
/// The tag that names the step.
pub(super) const STEP: &str = "steadyhand:step";
/// The tag that names the attempt.
pub(super) const ATTEMPT: &str = "steadyhand:attempt";
/// The tag that says what it was made from: an amended input asks for another thing of the same name.
pub(super) const FROM: &str = "steadyhand:from";

/// The result fields that a cluster and an instance have in common.
const COMMON: [&str; 8] =
    ["identifier", "arn", "status", "endpoint", "port", "engine", "engine_version", "created"];

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Cluster(String),
    Instance(String),
}

impl Target {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Cluster(id) | Self::Instance(id) => id,
        }
    }

    /// The command that shows it without the console.
    pub(super) fn look_by_hand(&self) -> String {
        match self {
            Self::Cluster(id) => {
                format!("aws rds describe-db-clusters --db-cluster-identifier {id}")
            }
            Self::Instance(id) => {
                format!("aws rds describe-db-instances --db-instance-identifier {id}")
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(id) => write!(f, "cluster {id}"),
            Self::Instance(id) => write!(f, "instance {id}"),
        }
    }
}

/// What was found behind a name.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Cluster(Box<DbCluster>),
    Instance(Box<DbInstance>),
}

impl Thing {
    pub(super) fn cluster(it: DbCluster) -> Self {
        Self::Cluster(Box::new(it))
    }

    pub(super) fn instance(it: DbInstance) -> Self {
        Self::Instance(Box::new(it))
    }

    pub(super) fn status(&self) -> &str {
        match self {
            Self::Cluster(it) => it.status(),
            Self::Instance(it) => it.db_instance_status(),
        }
        .unwrap_or("without a status")
    }

    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        let tags: &[Tag] = match self {
            Self::Cluster(it) => it.tag_list(),
            Self::Instance(it) => it.tag_list(),
        };
        tags.iter().find(|tag| tag.key() == Some(key)).and_then(Tag::value)
    }

    /// Whether this run made it.
    pub(super) fn of_run(&self, cx: &Context) -> bool {
        self.tag(RUN) == Some(&cx.run)
    }

    /// Whether this step of this run made it.
    pub(super) fn of_step(&self, cx: &Context) -> bool {
        self.of_run(cx) && self.tag(STEP) == Some(&cx.attempt.step)
    }

    /// The identifier of the writer, when this is a cluster that has one.
    pub(super) fn writer(&self) -> Option<&str> {
        match self {
            Self::Cluster(it) => it
                .db_cluster_members()
                .iter()
                .find(|member| member.is_cluster_writer() == Some(true))
                .and_then(|member| member.db_instance_identifier()),
            Self::Instance(_) => None,
        }
    }

    /// The identifiers of a cluster's instances.
    pub(super) fn members(&self) -> Vec<&str> {
        match self {
            Self::Cluster(it) => it
                .db_cluster_members()
                .iter()
                .filter_map(|member| member.db_instance_identifier())
                .collect(),
            Self::Instance(_) => Vec::new(),
        }
    }

    /// Where it is reached, such as `host:5432`.
    pub(super) fn address(&self) -> Option<String> {
        match self {
            Self::Cluster(it) => it.endpoint().zip(it.port()),
            Self::Instance(it) => {
                it.endpoint().and_then(|endpoint| endpoint.address().zip(endpoint.port()))
            }
        }
        .map(|(host, port)| format!("{host}:{port}"))
    }

    /// The registry's result fields.
    pub(super) fn result(&self, redactor: &Redactor) -> Value {
        let mut fields = Fields { redactor, map: BTreeMap::new() };
        match self {
            Self::Cluster(it) => self.cluster_fields(it, &mut fields),
            Self::Instance(it) => instance_fields(it, &mut fields),
        }
        Value::Map(fields.map)
    }

    /// What a cluster and an instance have in common, as result fields.
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
        fields.texts("members", self.members());
        fields.text("subnet_group", it.db_subnet_group());
        fields.texts("security_groups", groups);
        fields.text("parameter_group", it.db_cluster_parameter_group());
        fields.flag("encrypted", it.storage_encrypted());
        fields.text("kms_key", it.kms_key_id());
        fields.flag("deletion_protection", it.deletion_protection());
    }
}

fn instance_fields(it: &DbInstance, fields: &mut Fields<'_>) {
    let endpoint = it.endpoint();
    let parameters = it.db_parameter_groups().first();
    fields.text("identifier", it.db_instance_identifier());
    fields.text("arn", it.db_instance_arn());
    fields.text("status", it.db_instance_status());
    fields.text("endpoint", endpoint.and_then(|it| it.address()));
    fields.int("port", endpoint.and_then(|it| it.port()));
    fields.text("engine", it.engine());
    fields.text("engine_version", it.engine_version());
    fields.text("class", it.db_instance_class());
    fields.text("cluster", it.db_cluster_identifier());
    fields.time("created", it.instance_create_time());
    fields.time("latest_restorable_time", it.latest_restorable_time());
    fields.text("parameter_group", parameters.and_then(|it| it.db_parameter_group_name()));
    fields.flag("publicly_accessible", it.publicly_accessible());
    fields.flag("deletion_protection", it.deletion_protection());
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
