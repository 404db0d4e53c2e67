//! The output file, with its cap, its hash and its count, and the end of each stream.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Kept, Order};
use crate::custody;
use crate::ingest::{Ingest, Redactor};

/// How long an output file may grow, in bytes, unless somebody says otherwise.
pub const CAP: u64 = 256 * 1024 * 1024;
const TAIL: usize = 64 * 1024;
const WITHHELD: &str =
    "withheld: a secret shorter than 8 characters was in use and cannot be masked";

/// A file of clean text. Whatever happens to it, printing goes on and is counted.
pub struct OutputFile {
    /// `None` once nothing more is kept.
    file: Option<File>,
    hash: Sha256,
    written: u64,
    cap: u64,
    bytes: u64,
    cut: Option<String>,
    mid_line: bool,
}

impl OutputFile {
    /// A new file, for its owner alone unless the run is shared with the group; with `withhold` it stays empty.
    ///
    /// # Errors
    /// When it is there already or cannot be made.
    pub fn create(path: &Path, cap: u64, withhold: bool) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        custody::share_alike(&file, path)?;
        Ok(Self {
            file: (!withhold).then_some(file),
            hash: Sha256::new(),
            written: 0,
            cap,
            bytes: 0,
            cut: withhold.then(|| WITHHELD.to_owned()),
            mid_line: false,
        })
    }

    /// The file of an attempt that is under way again: what it holds already stays.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn resume(path: &Path, cap: u64, withhold: bool) -> io::Result<Self> {
        match Self::create(path, cap, withhold) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other,
        }
        let mut file = OpenOptions::new().read(true).append(true).open(path)?;
        let (mut hash, mut written) = (Sha256::new(), 0);
        let mut chunk = vec![0; TAIL];
        loop {
            let n = file.read(&mut chunk)?;
            if n == 0 {
                break;
            }
            hash.update(&chunk[..n]);
            written += n as u64;
        }
        Ok(Self {
            file: (!withhold).then_some(file),
            hash,
            written,
            cap: cap.max(written),
            bytes: written,
            cut: withhold.then(|| WITHHELD.to_owned()),
            mid_line: false,
        })
    }

    /// Counts bytes that were printed.
    pub fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Appends clean text.
    pub fn write(&mut self, text: &str) {
        if self.file.is_none() {
            return;
        }
        let room = usize::try_from(self.cap.saturating_sub(self.written)).unwrap_or(usize::MAX);
        if text.len() <= room {
            self.put(text);
            return;
        }
        self.put(&text[..text.floor_char_boundary(room)]);
        self.end_line();
        // The notice itself may exceed the cap: it must be seen.
        let notice = format!("output cut here: it reached its cap of {} bytes", self.cap);
        self.append(&format!("[{notice}; the rest was counted, not kept]\n"));
        self.stop(notice);
    }

    /// Ends a line that has no newline yet, so that what follows stands alone.
    pub fn end_line(&mut self) {
        if self.mid_line {
            self.put("\n");
        }
    }

    fn put(&mut self, text: &str) {
        if !text.is_empty() {
            self.append(text);
            self.written += text.len() as u64;
            self.mid_line = !text.ends_with('\n');
        }
    }

    fn append(&mut self, text: &str) {
        let Some(file) = &mut self.file else { return };
        let before = file.metadata().map(|meta| meta.len());
        if let Err(e) = file.write_all(text.as_bytes()) {
            // A part may have been written: take it back, or the hash is not the file's.
            if let Ok(before) = before {
                let _ = file.set_len(before);
            }
            self.stop(format!("output cut here: it could not be written: {e}"));
        } else {
            self.hash.update(text.as_bytes());
        }
    }

    fn stop(&mut self, why: String) {
        if let Some(file) = self.file.take()
            && let Err(e) = file.sync_all()
        {
            self.cut = Some(format!("{why}; and it could not be synced: {e}"));
        }
        self.cut.get_or_insert(why);
    }

    /// Syncs it and says what it holds.
    pub fn finish(mut self) -> Kept {
        // Of an empty file there is nothing to lose.
        if let Some(file) = self.file.take().filter(|_| self.written > 0)
            && let Err(e) = file.sync_all()
        {
            self.cut = Some(format!("it could not be synced: {e}"));
        }
        Kept { sha256: hex::encode(self.hash.finalize()), bytes: self.bytes, cut: self.cut }
    }
}

/// Which stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Stdout,
    Stderr,
}

/// Takes both streams of a child in: clean, in one file, with the end of each at hand.
pub(super) struct Keeper {
    file: OutputFile,
    withhold: bool,
    stdout: Stream,
    stderr: Stream,
    last: Channel,
}

struct Stream {
    ingest: Ingest,
    tail: String,
    cut: bool,
}

/// What [`Keeper::finish`] has.
pub(super) struct Taken {
    pub(super) output: Kept,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) stdout_cut: bool,
}

impl Keeper {
    pub(super) fn create(order: &Order, redactor: &Redactor) -> io::Result<Self> {
        let stream = || Stream { ingest: Ingest::new(redactor), tail: String::new(), cut: false };
        Ok(Self {
            file: OutputFile::create(&order.output, order.cap, order.withhold)?,
            withhold: order.withhold,
            stdout: stream(),
            stderr: stream(),
            last: Channel::Stdout,
        })
    }

    pub(super) fn push(&mut self, from: Channel, bytes: &[u8]) {
        self.file.count(bytes.len());
        if self.withhold {
            return;
        }
        let text = self.stream(from).ingest.push(bytes);
        self.keep(from, &text);
    }

    pub(super) fn finish(mut self) -> Taken {
        for from in [Channel::Stdout, Channel::Stderr] {
            let rest = self.stream(from).ingest.finish();
            self.keep(from, &rest);
        }
        for stream in [&mut self.stdout, &mut self.stderr] {
            stream.shorten(TAIL);
        }
        Taken {
            output: self.file.finish(),
            stdout_cut: self.stdout.cut,
            stdout: self.stdout.tail,
            stderr: self.stderr.tail,
        }
    }

    fn keep(&mut self, from: Channel, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.last != from {
            self.file.end_line();
            self.last = from;
        }
        self.file.write(text);
        let stream = self.stream(from);
        stream.tail.push_str(text);
        if stream.tail.len() > 4 * TAIL {
            stream.shorten(TAIL);
        }
    }

    fn stream(&mut self, channel: Channel) -> &mut Stream {
        match channel {
            Channel::Stdout => &mut self.stdout,
            Channel::Stderr => &mut self.stderr,
        }
    }
}

impl Stream {
    fn shorten(&mut self, limit: usize) {
        if self.tail.len() > limit {
            let from = self.tail.ceil_char_boundary(self.tail.len() - limit);
            self.tail.drain(..from);
            self.cut = true;
        }
    }
}
