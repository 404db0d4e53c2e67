//! Who outside is told of a run. Each hook has a task and a short queue of its own: nothing waits for one,
//! and what could not be told is a fact like any other.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::announcement::announcement;
use crate::actions::{http, secrets};
use crate::engine::State;
use crate::engine::event::Occasion;
use crate::ingest::Redactor;
use crate::settings::Hook;
use crate::settings::outside::Address;

/// So much waits for a hook at most.
const QUEUE: usize = 32;
/// The pauses after a try that failed, each before another one.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];
const CROWDED: &str = "too much was waiting for it already";

/// How it went.
pub(super) struct Told {
    pub hook: String,
    pub about: u64,
    pub occasion: Occasion,
    /// Why it could not be told; `None`: it was.
    pub failure: Option<String>,
}

/// What a hook is to be told.
struct Errand {
    about: u64,
    occasion: Occasion,
    body: Json,
}

/// The hooks of a run.
pub(super) struct Herald {
    hooks: Vec<(Hook, Option<mpsc::Sender<Errand>>)>,
    redactor: Redactor,
    /// What was handed over, and whose answer has not come.
    open: BTreeSet<(String, u64, Occasion)>,
    /// What was handed over at all.
    handed: BTreeSet<(String, u64)>,
    tx: mpsc::UnboundedSender<Told>,
    rx: mpsc::UnboundedReceiver<Told>,
    tasks: JoinSet<()>,
}

impl Herald {
    pub(super) fn new(hooks: Vec<Hook>, redactor: Redactor) -> Self {
        // Bounded by the queues: a task sends one answer an errand.
        let (tx, rx) = mpsc::unbounded_channel();
        Self {
            hooks: hooks.into_iter().map(|hook| (hook, None)).collect(),
            redactor,
            open: BTreeSet::new(),
            handed: BTreeSet::new(),
            tx,
            rx,
            tasks: JoinSet::new(),
        }
    }

    /// Hands over what there is to tell and nobody has told. Never waits.
    pub(super) fn announce(&mut self, state: &State) {
        for (hook, queue) in &mut self.hooks {
            for (about, news) in &state.notifications.news {
                let key = (hook.name.clone(), *about);
                let wanted = hook.on.contains(news.occasion.name())
                    && !state.notifications.settled.contains(&key);
                if !wanted || !self.handed.insert(key) {
                    continue;
                }
                let queue = queue.get_or_insert_with(|| {
                    let (sender, errands) = mpsc::channel(QUEUE);
                    let (tx, redactor) = (self.tx.clone(), self.redactor.clone());
                    self.tasks.spawn(run(hook.clone(), redactor, errands, tx));
                    sender
                });
                let body = announcement(hook.kind, state, *about, news, &self.redactor);
                let occasion = news.occasion;
                self.open.insert((hook.name.clone(), *about, occasion));
                if queue.try_send(Errand { about: *about, occasion, body }).is_err() {
                    let (hook, failure) = (hook.name.clone(), Some(CROWDED.to_owned()));
                    let _ = self.tx.send(Told { hook, about: *about, occasion, failure });
                }
            }
        }
    }

    /// The next answer.
    pub(super) async fn next(&mut self) -> Option<Told> {
        let told = self.rx.recv().await?;
        self.open.remove(&(told.hook.clone(), told.about, told.occasion));
        Some(told)
    }

    /// Whether an answer is to come.
    pub(super) fn is_busy(&self) -> bool {
        !self.open.is_empty()
    }

    /// Nobody waits any longer: what has not been answered is not asked again, by no later console either.
    pub(super) fn give_up(&mut self) -> Vec<Told> {
        self.tasks.abort_all();
        let given_up = std::mem::take(&mut self.open).into_iter();
        let told = given_up.map(|(hook, about, occasion)| {
            let failure = Some("no answer had come when the console was left".to_owned());
            Told { hook, about, occasion, failure }
        });
        told.collect()
    }
}

/// Tells a hook one thing after the other.
async fn run(
    hook: Hook,
    redactor: Redactor,
    mut errands: mpsc::Receiver<Errand>,
    tx: mpsc::UnboundedSender<Told>,
) {
    let mut url = None;
    while let Some(errand) = errands.recv().await {
        if url.is_none() {
            url = Some(address(&hook, &redactor).await);
        }
        let sent = match &url {
            Some(Ok(url)) => deliver(&hook, url, &errand.body).await,
            Some(Err(why)) => Err(why.clone()),
            None => Ok(()),
        };
        let failure = sent.err().map(|why| redactor.clean(&why));
        let Errand { about, occasion, .. } = errand;
        if tx.send(Told { hook: hook.name.clone(), about, occasion, failure }).is_err() {
            return;
        }
    }
}

/// The address; when it is a secret the redactor knows it before anybody else sees it.
async fn address(hook: &Hook, redactor: &Redactor) -> Result<SecretString, String> {
    match &hook.url {
        Address::Url(url) => Ok(url.clone().into()),
        Address::Secret(source) => {
            let env = |name: &str| std::env::var(name).ok();
            secrets::fetch_one(&hook.name, source, &env, redactor).await
        }
    }
}

/// Sends it, a few times when the first did not get there.
async fn deliver(hook: &Hook, url: &SecretString, body: &Json) -> Result<(), String> {
    let url = Url::parse(url.expose_secret()).map_err(|_| "its address is no URL".to_owned())?;
    let client = http::client(&url, false)?;
    let mut pauses = PAUSES.into_iter();
    loop {
        let asked = client.post(url.clone()).json(body).send();
        let why = match timeout(hook.timeout, asked).await {
            Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
            Ok(Ok(answer)) => {
                let status = answer.status();
                // It has read it, and wants none of it.
                if status.is_client_error() && status.as_u16() != 429 {
                    return Err(format!("it answers {status}"));
                }
                format!("it answers {status}")
            }
            // What says so would name the address.
            Ok(Err(error)) if error.is_connect() => "it cannot be connected to".to_owned(),
            Ok(Err(_)) => "the connection was lost".to_owned(),
            Err(_) => format!("no answer within {} s", hook.timeout.as_secs_f32()),
        };
        match pauses.next() {
            Some(pause) => sleep(pause).await,
            None => return Err(format!("{why}, {} times", PAUSES.len() + 1)),
        }
    }
}
