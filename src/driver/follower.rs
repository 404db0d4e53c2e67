//! `watch`: the same view as the console's, folded from a journal that somebody else writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::sleep;

use super::door::Hearing;
use super::view::{JournalStanding, Notice, Output, Urgency, View};
use crate::catalogue::Past;
use crate::engine::State;
use crate::journal;
use crate::runbook::Runbook;

/// Publishes a run's view for as long as somebody looks.
pub struct Follower {
    journal: journal::Follower,
    state: State,
    views: watch::Sender<View>,
    dir: PathBuf,
}

impl Follower {
    /// Opens a run for looking on. Nothing is written, not even a lock.
    ///
    /// # Errors
    /// One line: the journal cannot be read.
    pub fn open(
        dir: &Path,
        runbook: Arc<Runbook>,
    ) -> Result<(Self, watch::Receiver<View>), String> {
        let journal = journal::Follower::new(dir).map_err(|e| e.to_string())?;
        let state = State::new(runbook);
        let (views, seen) = watch::channel(View {
            state: Arc::new(state.clone()),
            pace: Arc::default(),
            prepared: None,
            busy: None,
            notice: None,
            status: None,
            output: Output::default(),
            journal: JournalStanding::default(),
            dir: dir.to_owned(),
            wants: Vec::new(),
            hearing: Hearing::default(),
            read_only: true,
        });
        let mut follower = Self { journal, state, views, dir: dir.to_owned() };
        follower.poll().map_err(|e| e.to_string())?;
        if let Some(run) = follower.state.run() {
            let past =
                Past::of(dir.parent().unwrap_or(Path::new(".")), run, &follower.state.runbook);
            follower.views.send_modify(|view| view.pace = Arc::new(past.pace));
        }
        Ok((follower, seen))
    }

    /// Publishes what is written, until nobody looks any more.
    pub async fn follow(mut self) {
        while !self.views.is_closed() {
            if let Err(e) = self.poll() {
                let text = e.to_string();
                self.views.send_modify(|view| {
                    view.notice = Some(Notice { urgency: Urgency::Danger, text, number: 1 });
                });
                self.views.closed().await;
                return;
            }
            sleep(journal::Follower::PAUSE).await;
        }
    }

    fn poll(&mut self) -> Result<(), journal::ReadError> {
        let records = self.journal.poll()?;
        if records.is_empty() {
            return Ok(());
        }
        records.iter().for_each(|record| self.state.absorb(record));
        let state = Arc::new(self.state.clone());
        let journal = JournalStanding {
            records: state.records,
            head: self.journal.head().to_owned(),
            halted: None,
        };
        let dir = self.dir.clone();
        self.views.send_modify(|view| {
            view.state = state;
            view.journal = journal;
            view.dir = dir;
        });
        Ok(())
    }
}
