//! Where the dump comes from: standard input, whatever it is packed in.

use std::io::{self, Chain, Cursor, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use flate2::read::MultiGzDecoder;
use tokio::sync::mpsc::Sender;

use super::split::{Part, Splitter};
use super::{Problem, WHOLE};

const CHUNK: usize = 256 * 1024;

/// Reads standard input to its end and hands on the parts of the dump; returns when all are handed on, or
/// when nobody wants them any more. Blocks.
///
/// # Errors
/// The input is no dump, or was not told to be whole.
pub(super) fn read(to: &Sender<Part>) -> Result<(), Problem> {
    let mut content = Unpacked::open(Sealed::new(io::stdin())).map_err(broken)?;
    let mut head = [0; 5];
    let got = fill(&mut content, &mut head).map_err(broken)?;
    let content = Cursor::new(head[..got].to_vec()).chain(content);
    if &head == b"PGDMP" {
        return custom(content, to);
    }
    let mut content = content;
    split(&mut content, to, broken)?;
    content.into_inner().1.drain().map_err(broken)
}

/// Cuts text to its end.
fn split(
    text: &mut impl Read,
    to: &Sender<Part>,
    broken: impl Fn(io::Error) -> Problem,
) -> Result<(), Problem> {
    let mut splitter = Splitter::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let got = fill(text, &mut chunk).map_err(&broken)?;
        splitter.push(&chunk[..got]);
        if got == 0 {
            splitter.end();
        }
        while let Some(part) = splitter.next()? {
            if to.blocking_send(part).is_err() {
                return Ok(());
            }
        }
        if got == 0 {
            return Ok(());
        }
    }
}

/// Reads until `into` is full or the input is over.
fn fill(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match from.read(&mut into[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

fn broken(e: io::Error) -> Problem {
    Problem::of(format!(
        "the dump is cut off or damaged ({e}): fetch it again, or take another backup"
    ))
}

type Content = Chain<Cursor<Vec<u8>>, Unpacked>;

/// The custom format becomes text by pg_restore, which alone can read it.
fn custom(content: Content, to: &Sender<Part>) -> Result<(), Problem> {
    let mut converter = Command::new("pg_restore")
        .args(["--no-owner", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| Problem::of(format!("`pg_restore` could not be started: {e}")))?;
    let pumped = pump(content, &mut converter);
    let text = converter.stdout.take();
    let cut = match text {
        Some(mut text) => split(&mut text, to, |e| Problem::of(format!("pg_restore: {e}"))),
        None => Ok(()),
    };
    let ended = converter.wait().map_err(|e| Problem::of(format!("pg_restore: {e}")))?;
    let pumped = pumped.join().unwrap_or_else(|_| Err(io::Error::other("its reader died")));
    // A broken input breaks what comes after it: it is told first.
    pumped.map_err(broken)?;
    if !ended.success() {
        return Err(Problem::of(format!(
            "pg_restore could not read the dump ({ended}): what it said stands above"
        )));
    }
    cut
}

/// Feeds the converter from a thread of its own.
fn pump(mut content: Content, converter: &mut Child) -> JoinHandle<io::Result<()>> {
    let stdin = converter.stdin.take();
    thread::spawn(move || {
        let mut stdin = stdin;
        let mut chunk = vec![0; CHUNK];
        loop {
            let got = content.read(&mut chunk)?;
            if got == 0 {
                break;
            }
            // It does not want the rest: its exit status says whether that is good. What is fed is
            // read to the end all the same, to learn whether it was whole.
            if stdin.as_mut().is_some_and(|pipe| pipe.write_all(&chunk[..got]).is_err()) {
                stdin = None;
            }
        }
        content.into_inner().1.drain()
    })
}

/// The input without the mark at its end. An input without the mark ends in an error: its supervisor
/// did not find it whole and right, or is gone.
struct Sealed {
    inner: io::Stdin,
    held: Vec<u8>,
    start: usize,
    over: bool,
}

impl Sealed {
    fn new(inner: io::Stdin) -> Self {
        Self { inner, held: Vec::with_capacity(CHUNK + WHOLE.len()), start: 0, over: false }
    }
}

impl Read for Sealed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let free = self.held.len().saturating_sub(self.start + WHOLE.len());
            if free > 0 {
                let n = free.min(out.len());
                out[..n].copy_from_slice(&self.held[self.start..self.start + n]);
                self.start += n;
                return Ok(n);
            }
            if self.over {
                return if self.held[self.start..] == *WHOLE.as_bytes() {
                    Ok(0)
                } else {
                    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it was not given whole"))
                };
            }
            self.held.drain(..self.start);
            self.start = 0;
            let had = self.held.len();
            self.held.resize(had + CHUNK, 0);
            let got = loop {
                match self.inner.read(&mut self.held[had..]) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    got => break got?,
                }
            };
            self.held.truncate(had + got);
            self.over = got == 0;
        }
    }
}

/// The input without its gzip.
enum Unpacked {
    Gzip(Box<MultiGzDecoder<Chain<Cursor<Vec<u8>>, Sealed>>>),
    Plain(Chain<Cursor<Vec<u8>>, Sealed>),
}

impl Unpacked {
    fn open(mut sealed: Sealed) -> io::Result<Self> {
        let mut magic = [0; 2];
        let got = fill(&mut sealed, &mut magic)?;
        let raw = Cursor::new(magic[..got].to_vec()).chain(sealed);
        Ok(if magic == [0x1f, 0x8b] {
            Self::Gzip(Box::new(MultiGzDecoder::new(raw)))
        } else {
            Self::Plain(raw)
        })
    }

    /// Reads what is left of the input, which tells whether it was whole.
    fn drain(self) -> io::Result<()> {
        let mut raw = match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Plain(raw) => raw,
        };
        io::copy(&mut raw, &mut io::sink()).map(drop)
    }
}

impl Read for Unpacked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(out),
            Self::Plain(raw) => raw.read(out),
        }
    }
}
