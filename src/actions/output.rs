//! The output of an action that has no child: what it says, clean, in its file and on the screen.

use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc;

use super::{Context, Progress};
use crate::engine::event::Output;
use crate::ingest::{Ingest, Lines};
use crate::supervisor::{CAP, Kept, OutputFile};

/// Lines on the screen are cut at this many bytes; in the file they are whole.
pub(super) const SCREEN_LINE: usize = 16 * 1024;

/// Takes in what an action says.
pub struct OutputLog {
    file: OutputFile,
    name: String,
    withhold: bool,
    ingest: Ingest,
    lines: Lines,
    progress: mpsc::Sender<Progress>,
}

impl OutputLog {
    /// The attempt's output file, made when it is not there yet.
    ///
    /// # Errors
    /// One line: why there is none, and what to do.
    pub fn open(cx: &Context) -> Result<Self, String> {
        let path = path(cx);
        let file = OutputFile::resume(&path, CAP, cx.withhold).map_err(|e| trouble(&path, &e))?;
        Ok(Self {
            file,
            name: name(cx),
            withhold: cx.withhold,
            ingest: Ingest::new(&cx.redactor),
            lines: Lines::new(SCREEN_LINE),
            progress: cx.progress.clone(),
        })
    }

    /// One line; a newline is added.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.bytes(text.as_ref().as_bytes());
        self.bytes(b"\n");
    }

    /// Bytes, as they come.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.file.count(bytes.len());
        if !self.withhold {
            let text = self.ingest.push(bytes);
            self.keep(&text);
        }
    }

    /// What was kept.
    #[must_use]
    pub fn finish(mut self) -> Output {
        let rest = self.ingest.finish();
        self.keep(&rest);
        if let Some(line) = self.lines.finish() {
            // A screen that is behind is no reason to wait.
            let _ = self.progress.try_send(Progress::Line(line));
        }
        kept(self.name, self.file.finish())
    }

    fn keep(&mut self, text: &str) {
        self.file.write(text);
        let progress = &self.progress;
        self.lines.push(text, |line| {
            let _ = progress.try_send(Progress::Line(line));
        });
    }
}

/// The attempt's output file.
pub(super) fn path(cx: &Context) -> PathBuf {
    cx.run_dir.join("output").join(name(cx))
}

/// The name of the attempt's output file.
pub(super) fn name(cx: &Context) -> String {
    format!("{}.log", cx.attempt.file_stem())
}

/// As the journal has it.
pub(super) fn kept(file: String, kept: Kept) -> Output {
    Output { file, sha256: kept.sha256, bytes: kept.bytes, cut: kept.cut }
}

fn trouble(path: &std::path::Path, e: &io::Error) -> String {
    format!(
        "the output file {} cannot be written: {e}; make room or mend its directory",
        path.display()
    )
}
