//! The names an expression may use, with their types.

use std::collections::BTreeMap;

use super::super::registry::{ActionSpec, FieldType};
use super::super::value::Type;
use super::record;

/// Grows from step to step.
pub(super) struct Scope {
    inputs: BTreeMap<String, Type>,
    env: BTreeMap<String, Type>,
    /// What the steps so far have saved.
    steps: BTreeMap<String, Type>,
    /// Every step of the file, in order: to tell a later one from a misspelt one.
    all_steps: Vec<String>,
    /// The step that is being read.
    current: Option<String>,
}

impl Scope {
    pub(super) fn new(env: &[String]) -> Self {
        Self {
            inputs: BTreeMap::new(),
            env: env.iter().map(|name| (name.clone(), Type::String)).collect(),
            steps: BTreeMap::new(),
            all_steps: Vec::new(),
            current: None,
        }
    }

    pub(super) fn add_input(&mut self, name: &str, ty: Type) {
        self.inputs.insert(name.to_owned(), ty);
    }

    pub(super) fn announce_steps(&mut self, ids: Vec<String>) {
        self.all_steps = ids;
    }

    pub(super) fn enter(&mut self, id: &str) {
        self.current = Some(id.to_owned());
    }

    /// The step `id` is behind us, and saved these.
    pub(super) fn leave(&mut self, id: &str, saved: impl IntoIterator<Item = (String, Type)>) {
        let outcome = ("outcome".to_owned(), Type::String);
        self.steps.insert(id.to_owned(), record(saved.into_iter().chain([outcome])));
        self.current = None;
    }

    /// The step `id` was another runbook: `steps.ID` has the steps of that one.
    pub(super) fn leave_nested(&mut self, id: &str, saved: Type) {
        self.steps.insert(id.to_owned(), saved);
        self.current = None;
    }

    /// What all steps have saved, by step.
    pub(super) fn saved(self) -> Type {
        Type::Record(self.steps)
    }

    /// What an input's default may use: the inputs above it.
    pub(super) fn for_inputs(&self) -> Type {
        record([
            ("inputs".to_owned(), Type::Record(self.inputs.clone())),
            ("env".to_owned(), Type::Record(self.env.clone())),
        ])
    }

    /// What a step may use before it has run.
    pub(super) fn before(&self) -> Type {
        record(self.common())
    }

    /// What a step may use of its own result.
    pub(super) fn after(&self, spec: &ActionSpec) -> Type {
        record(self.common().into_iter().chain([("result".to_owned(), result(spec))]))
    }

    /// Why there is no step `id` in scope; `None` when no step has that id.
    pub(super) fn not_yet(&self, id: &str) -> Option<&'static str> {
        if self.current.as_deref() == Some(id) {
            return Some("is this step itself");
        }
        let later = self.all_steps.iter().any(|step| step == id) && !self.steps.contains_key(id);
        later.then_some("comes later")
    }

    fn common(&self) -> [(String, Type); 4] {
        let text = ["id", "mode", "environment", "operator", "incident"];
        let moments = ["started", "outage_start"];
        let run = text.map(|name| (name.to_owned(), Type::String)).into_iter();
        let run = run.chain(moments.map(|name| (name.to_owned(), Type::Timestamp)));
        [
            ("inputs".to_owned(), Type::Record(self.inputs.clone())),
            ("steps".to_owned(), Type::Record(self.steps.clone())),
            ("env".to_owned(), Type::Record(self.env.clone())),
            ("run".to_owned(), record(run)),
        ]
    }
}

fn result(spec: &ActionSpec) -> Type {
    record(spec.result.iter().map(|field| (field.name.to_owned(), field_type(field.ty))))
}

fn field_type(ty: FieldType) -> Type {
    match ty {
        FieldType::Dyn => Type::Dyn,
        FieldType::Bool => Type::Bool,
        FieldType::Int => Type::Int,
        FieldType::Float => Type::Float,
        FieldType::String => Type::String,
        FieldType::Timestamp => Type::Timestamp,
        FieldType::Duration => Type::Duration,
        FieldType::StringList => Type::List(Box::new(Type::String)),
        FieldType::DynList => Type::List(Box::new(Type::Dyn)),
    }
}
