//! What can be practised, as data: a runbook, the scene that it begins with, and what may go wrong.

use std::collections::BTreeMap;
use std::io;

use axum::Router;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::aws::Aws;
use super::{Blow, Lesson, PRACTICES, SandboxOptions};

/// Something that can be practised.
#[derive(Debug)]
pub struct Practice {
    /// As `steady demo` takes it.
    pub name: &'static str,
    /// The id of the runbook.
    pub runbook: &'static str,
    /// One line: what has happened.
    pub about: &'static str,
    /// What may go wrong in it, each with what the newcomer is told before: what will happen, and which key
    /// gets out of it.
    pub lessons: &'static [(Lesson, &'static str)],
    /// Sets the scene.
    pub set: fn(Stage) -> BoxFuture<'static, io::Result<Scene>>,
}

/// What a scene is set on.
pub struct Stage {
    /// How the stand-ins behave.
    pub options: SandboxOptions,
    /// What is to go wrong.
    pub lesson: Option<Lesson>,
    /// With [`Lesson::ConsoleKilled`]: to be struck in the middle of the step that the runbook is about.
    pub blow: Blow,
    /// The sandbox's endpoint: AWS, the application below `/app`, and what the scene adds.
    pub endpoint: String,
    /// Every sandbox has it: at least it tells who the caller is.
    pub aws: Aws,
}

/// A scene: what the operator finds and knows.
pub struct Scene {
    /// When it went wrong.
    pub outage_start: DateTime<Utc>,
    /// The runbook's inputs, as typed; a secret is `env:NAME`, for [`super::secret`].
    pub inputs: BTreeMap<String, String>,
    /// Routes to be served at the endpoint besides those of AWS, such as S3's as a fallback.
    pub front: Router,
    /// Stand-ins with ports of their own; each ends when it is dropped.
    pub stand_ins: Vec<Box<dyn Send + Sync>>,
}

/// The practice of this name, or of the runbook with this id.
#[must_use]
pub fn practice(name: &str) -> Option<&'static Practice> {
    PRACTICES.iter().find(|practice| practice.name == name || practice.runbook == name)
}

impl Practice {
    /// What the newcomer is told before a lesson; `None` when this practice does not have it.
    #[must_use]
    pub fn told(&self, lesson: Lesson) -> Option<&'static str> {
        self.lessons.iter().find(|(known, _)| *known == lesson).map(|(_, told)| *told)
    }
}

/// Inputs by name, as typed.
pub(super) fn inputs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
