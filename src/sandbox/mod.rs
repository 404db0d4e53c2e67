//! The embedded practice environment: loopback stand-ins for what the shipped runbooks work on. What a stand-in
//! does was first seen on the real thing, and is held to it by tests. Nothing in here is real, and nothing
//! outside is touched.
//!
//! A [`Practice`] says what can be practised: a runbook, and the scene it begins with. A [`Sandbox`] is such a
//! scene, set and served. Each kind of service is a module of its own with its own constructor; a practice in
//! `practices/` puts together those it needs.

pub mod aws;
mod door;
mod lesson;
mod offer;
pub mod postgres;
mod practice;
mod practices;
pub mod rabbitmq;
pub mod s3;
mod server;
mod shelf;
pub mod vault;

use std::time::Duration;

use axum::Router;

use aws::Aws;
use door::Door;
pub use door::{PATIENCE, dismiss, knock};
pub use lesson::{Blow, Lesson};
pub use offer::Offer;
pub use practice::{Practice, Scene, Stage, practice};
pub use practices::PRACTICES;
use server::{Port, Server};

/// What the AWS stand-in takes for proof of identity, `(access key, secret key)`. Not a secret.
pub const CREDENTIALS: (&str, &str) = ("STEADYHANDPRACTICE", "practice-only-no-secret");

/// The passwords, tokens and keys of the stand-ins, by the name of the environment variable that stands for
/// each in the practice's inputs (`env:NAME`). Not secrets: they are in every copy of the program.
const SECRETS: &[(&str, &str)] = &[
    ("PRACTICE_DB_PASSWORD", "practice-only-postgres"),
    ("PRACTICE_RABBITMQ_PASSWORD", "practice-only-rabbit"),
    ("PRACTICE_VAULT_TOKEN", "hvs.practice-only-new"),
    (
        "PRACTICE_VAULT_NEW_SHARE",
        "00000000000000000000000000000000000000000000000000000000000000aa00",
    ),
    ("PRACTICE_VAULT_RESTORED_TOKEN", "hvs.practice-only-old"),
    (
        "PRACTICE_VAULT_SHARE_1",
        "1111111111111111111111111111111111111111111111111111111111111111aa01",
    ),
    (
        "PRACTICE_VAULT_SHARE_2",
        "2222222222222222222222222222222222222222222222222222222222222222aa02",
    ),
    (
        "PRACTICE_VAULT_SHARE_3",
        "3333333333333333333333333333333333333333333333333333333333333333aa03",
    ),
];

/// What the practice environment variable `name` holds.
#[must_use]
pub fn secret(name: &str) -> Option<&'static str> {
    SECRETS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// How the sandbox behaves.
#[derive(Clone, Copy, Debug)]
pub struct SandboxOptions {
    /// How long what takes its time takes: a cluster that is `creating`, an import, a load.
    pub state_delay: Duration,
}

impl Default for SandboxOptions {
    /// States take three seconds: long enough to be seen, short enough to be borne.
    fn default() -> Self {
        Self { state_delay: Duration::from_secs(3) }
    }
}

/// A scene that is set and answers; it ends when this is dropped.
pub struct Sandbox {
    offer: Offer,
    aws: Aws,
    door: Door,
    blow: Blow,
    _front: Server,
    _stand_ins: Vec<Box<dyn Send + Sync>>,
}

impl Sandbox {
    /// Sets the scene of a practice on free loopback ports.
    ///
    /// # Errors
    /// When no loopback port can be listened on.
    pub async fn open(
        practice: &'static Practice,
        options: SandboxOptions,
        lesson: Option<Lesson>,
    ) -> std::io::Result<Self> {
        let front = Port::take().await?;
        let aws = Aws::damaged(options);
        let endpoint = front.endpoint();
        let blow = Blow::default();
        let stage = Stage {
            options,
            lesson,
            blow: blow.clone(),
            endpoint: endpoint.clone(),
            aws: aws.clone(),
        };
        let scene = (practice.set)(stage).await?;
        let offer = Offer::of(practice, lesson, endpoint, &scene);
        let door = Door::new();
        let router = Router::new().merge(door.router()).merge(aws.router()).merge(scene.front);
        let front = front.serve(router);
        Ok(Self { offer, aws, door, blow, _front: front, _stand_ins: scene.stand_ins })
    }

    /// What a console is told of it.
    #[must_use]
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The AWS endpoint, such as `http://127.0.0.1:41000`; the application is below `/app`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.offer.endpoint
    }

    /// The AWS stand-in.
    #[must_use]
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Waits until the console is to be killed: never, but with [`Lesson::ConsoleKilled`].
    pub async fn blow(&self) {
        self.blow.fallen().await;
    }

    /// Waits until the console is through with it, or has been away for [`PATIENCE`].
    pub async fn closed(&self) {
        self.door.closed(PATIENCE).await;
    }
}
