//! An attempt at work: what it may use, and where it tells how it gets on.

use chrono::Utc;

use crate::actions::output::OutputLog;
use crate::actions::{Context, Finish, Progress};

/// See the module.
pub(super) struct Work {
    /// What it may use.
    pub(super) cx: Context,
    log: OutputLog,
}

impl Work {
    /// Opens the attempt's output; without it nothing is begun.
    pub(super) fn begin(cx: Context) -> Result<Self, String> {
        let log = OutputLog::open(&cx).map_err(|why| format!("nothing was asked of AWS: {why}"))?;
        Ok(Self { cx, log })
    }

    /// Tells the operator, with the time of day; the output keeps it.
    pub(super) fn say(&mut self, text: &str) {
        self.tell(text, None);
    }

    /// The same, with how far it is, of 1.
    pub(super) fn tell(&mut self, text: &str, fraction: Option<f64>) {
        self.log.line(format!("{} {text}", Utc::now().format("%H:%M:%SZ")));
        let message = self.clean(text);
        // A full channel is no reason to wait: the next look tells more.
        let _ = self.cx.progress.try_send(Progress::Status { message, fraction });
    }

    /// Text for the screen and the journal.
    pub(super) fn clean(&self, text: impl AsRef<str>) -> String {
        self.cx.redactor.clean(text.as_ref())
    }

    /// How it came out, with the output that was kept.
    pub(super) fn end(mut self, mut finish: Finish) -> Finish {
        self.log.line(&finish.message);
        finish.output = Some(self.log.finish());
        finish
    }
}
