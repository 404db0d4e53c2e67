//! What a child reads on its standard input.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::pipe::fcntl_setpipe_size;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::files::{self, FEED};
use super::{Backup, Fed, Feeding, From, InS3, Stdin};
use crate::aws::object::{Reader, Reading};
use crate::aws::s3::S3;
use crate::ingest::Redactor;

const CHUNK: usize = 256 * 1024;
/// Of an object so much is on its way at most: the supervisor's memory is this and a little.
const AHEAD: usize = 3;
/// Between two notes on how far it is.
const NOTE: Duration = Duration::from_millis(500);

/// A source that is ready.
pub(super) struct Feed {
    source: Source,
    backup: Option<Backup>,
    dir: PathBuf,
    redactor: Redactor,
}

enum Source {
    Bytes(Box<dyn Read + Send>),
    /// Opened where it is read.
    Object(Box<InS3>),
}

/// The source broke. The child's standard input is still open, and must stay so until the child is
/// dead: its end would look like the end of the data.
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) _stdin: File,
}

/// How the feeding of a child came out, as long as there is one.
pub(super) type Outcome = oneshot::Receiver<Result<Fed, Broken>>;

impl Feed {
    /// Opens the source; `None` when there is none. `dir` is where it notes how far it is.
    pub(super) fn open(
        stdin: &Stdin,
        dir: PathBuf,
        redactor: Redactor,
    ) -> Result<Option<Self>, String> {
        let (source, backup) = match stdin {
            Stdin::Null => return Ok(None),
            Stdin::Text(text) => {
                (Source::Bytes(Box::new(Cursor::new(text.clone().into_bytes()))), None)
            }
            Stdin::Backup(backup) => (Source::of(&backup.from)?, Some((**backup).clone())),
        };
        Ok(Some(Self { source, backup, dir, redactor }))
    }

    /// Feeds the child from a thread of its own.
    pub(super) fn start(self, stdin: OwnedFd) -> Outcome {
        let (tx, rx) = oneshot::channel();
        // Fewer turns between two programs; a smaller pipe is as right.
        let _ = fcntl_setpipe_size(&stdin, 1 << 20);
        thread::spawn(move || {
            let mut stdin = File::from(stdin);
            let outcome = self.pour(&mut stdin);
            let _ = tx.send(outcome.map_err(|message| Broken { message, _stdin: stdin }));
        });
        rx
    }

    fn pour(self, stdin: &mut File) -> Result<Fed, String> {
        let Self { source, backup, dir, redactor } = self;
        let (mut source, gauge): (Box<dyn Read>, _) = match source {
            Source::Bytes(bytes) => (bytes, None),
            Source::Object(it) => {
                let opened =
                    Stream::open(&it).map_err(|e| format!("{} cannot be read: {e}", it.object))?;
                let gauge = opened.reader.gauge();
                (Box::new(opened), Some(gauge))
            }
        };
        // Says how far it is, for whoever looks.
        let note = |done| {
            let Some(backup) = &backup else { return };
            let trouble = gauge.as_ref().and_then(|gauge| gauge.trouble());
            let trouble = trouble.map(|why| redactor.clean(why));
            // Nobody's work depends on it.
            let _ = files::note(&dir, FEED, &Feeding { done, all: backup.bytes, trouble });
        };
        let mut fed = Fed::default();
        let mut digest = Sha256::new();
        let mut chunk = vec![0; CHUNK];
        let mut noted = Instant::now();
        loop {
            if noted.elapsed() >= NOTE {
                noted = Instant::now();
                note(fed.bytes);
            }
            let got = match source.read(&mut chunk) {
                Ok(got) => got,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.to_string()),
            };
            if got == 0 {
                break;
            }
            digest.update(&chunk[..got]);
            // The child does not want the rest: its exit code says whether that is good.
            if stdin.write_all(&chunk[..got]).is_err() {
                return Ok(fed);
            }
            fed.bytes += got as u64;
        }
        note(fed.bytes);
        fed.sha256 = hex::encode(digest.finalize());
        if let Some(backup) = &backup {
            if let Some(wanted) = backup.sha256.as_ref().filter(|wanted| **wanted != fed.sha256) {
                return Err(format!(
                    "its SHA-256 is {} and must be {wanted}: it was changed or damaged; fetch it again, \
                     or use another one",
                    fed.sha256
                ));
            }
            fed.whole = stdin.write_all(backup.after.as_bytes()).is_ok();
        }
        Ok(fed)
    }
}

impl Source {
    fn of(from: &From) -> Result<Self, String> {
        match from {
            From::File(path) => {
                let file = File::open(path);
                let file = file.map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
                Ok(Self::Bytes(Box::new(file)))
            }
            From::Object(it) => Ok(Self::Object(it.clone())),
        }
    }
}

/// An object's bytes, for a thread that has nothing else to do. Its parts are fetched by another, also
/// while this one waits for the child.
struct Stream {
    runtime: Runtime,
    reader: Reader,
    rest: Cursor<Bytes>,
}

impl Stream {
    fn open(InS3 { access, object }: &InS3) -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let reading = Reading { ahead: AHEAD, ..Reading::default() };
        let reader = runtime.block_on(S3::connect(access)).read(object, reading);
        Ok(Self { runtime, reader, rest: Cursor::default() })
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.rest.read(out)?;
            if got > 0 {
                return Ok(got);
            }
            let next = async { timeout(NOTE, self.reader.next()).await };
            match self.runtime.block_on(next) {
                Ok(Ok(Some(bytes))) => self.rest = Cursor::new(bytes),
                Ok(Ok(None)) => return Ok(0),
                Ok(Err(failure)) => return Err(io::Error::other(failure.message)),
                // Nothing is lost by it, and somebody may want to know why nothing comes.
                Err(_) => return Err(io::ErrorKind::Interrupted.into()),
            }
        }
    }
}
