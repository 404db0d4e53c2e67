//! What a dump is made of. A file is read whole before a database is touched: its digest, what it is, and
//! whether it ends where a dump ends. Of an object of S3 the beginning must do.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use crate::actions::manifest::Expected;

/// What a dump is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// SQL text.
    Plain,
    /// `pg_dump -Fc`.
    Custom,
}

impl Format {
    /// As the format of runbooks writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Custom => "custom",
        }
    }
}

/// A dump that may be loaded.
#[derive(Debug, PartialEq)]
pub(super) struct Dump {
    pub format: Format,
    /// As it lies there; `None` when it was not read to its end.
    pub sha256: Option<String>,
    /// Its length, as it lies there.
    pub bytes: u64,
}

/// How much of both ends of a text is looked at.
const ENDS: usize = 4096;

/// Reads `file` through and says what it is.
///
/// `declared` is what the runbook says it is; `None` is `auto`. `each` is called with the bytes read so
/// far and the whole length; `false` stops.
///
/// # Errors
/// One line: why it must not be loaded, and what to do. A digest other than those `expected` is told
/// before anything else.
pub(super) fn inspect(
    file: &Path,
    declared: Option<Format>,
    expected: &Expected,
    mut each: impl FnMut(u64, u64) -> bool,
) -> Result<Dump, String> {
    let name = file.display();
    let open = || -> io::Result<(File, u64)> {
        let open = File::open(file)?;
        let bytes = open.metadata()?.len();
        Ok((open, bytes))
    };
    let (opened, bytes) =
        open().map_err(|e| format!("the dump {name} cannot be read: {e}; check `file`"))?;
    if bytes == 0 {
        return Err(format!("the dump {name} is empty: take another backup"));
    }
    let mut raw = Hashing { inner: opened, hash: Sha256::new(), read: 0 };
    let mut magic = [0; 2];
    let got = raw.read(&mut magic).map_err(|e| format!("the dump {name} cannot be read: {e}"))?;
    let gzip = magic == [0x1f, 0x8b];
    let head = io::Cursor::new(magic[..got].to_vec());
    let mut more = |read: u64| each(read, bytes);
    let content = if gzip {
        let mut decoder = MultiGzDecoder::new(head.chain(&mut raw));
        ends(&mut decoder, |decoder| more(decoder.get_ref().get_ref().1.read))
    } else {
        ends(&mut head.chain(&mut raw), |chain| more(chain.get_ref().1.read))
    };
    if matches!(content, Err(Broken::Stopped)) {
        return Err(format!("stopped while the dump {name} was being checked"));
    }
    // A broken gzip stream is hashed to its end too: a digest that differs is the better message.
    io::copy(&mut raw, &mut io::sink())
        .map_err(|e| format!("the dump {name} cannot be read: {e}"))?;
    let sha256 = hex::encode(raw.hash.finalize());
    expected
        .check(&name.to_string(), &sha256)
        .map_err(|why| format!("{why}; the database was not touched"))?;
    let format = match content {
        Ok((head, tail)) => {
            what(&head, Some(&tail), declared).map_err(|why| format!("{name} {why}"))?
        }
        Err(Broken::Read(e)) if gzip => {
            return Err(format!(
                "the gzip data of {name} is cut off or damaged ({e}): fetch the dump again, or take \
                 another backup"
            ));
        }
        Err(Broken::Read(e)) => return Err(format!("the dump {name} cannot be read: {e}")),
        Err(Broken::Stopped) => return Err(format!("stopped while {name} was being checked")),
    };
    Ok(Dump { format, sha256: Some(sha256), bytes })
}

/// The format of a dump that begins so; the end is still to be seen.
///
/// # Errors
/// Why it is none that can be loaded: what follows its name in a sentence.
pub(super) fn begins(raw: &[u8], declared: Option<Format>) -> Result<Format, String> {
    let mut head = Vec::new();
    if raw.starts_with(&[0x1f, 0x8b]) {
        // Only the beginning is there: its end is no news.
        let _ = MultiGzDecoder::new(raw).take(ENDS as u64).read_to_end(&mut head);
    } else {
        head.extend(&raw[..raw.len().min(ENDS)]);
    }
    what(&head, None, declared)
}

/// Why a stream was not read to its end.
enum Broken {
    Read(io::Error),
    Stopped,
}

/// The first and the last bytes of a stream, read whole.
fn ends<R: Read>(
    from: &mut R,
    mut each: impl FnMut(&R) -> bool,
) -> Result<(Vec<u8>, Vec<u8>), Broken> {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let got = match from.read(&mut chunk) {
            Ok(0) => return Ok((head, tail)),
            Ok(got) => &chunk[..got],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Broken::Read(e)),
        };
        if head.len() < ENDS {
            head.extend(&got[..got.len().min(ENDS - head.len())]);
        }
        tail.extend(&got[got.len().saturating_sub(ENDS)..]);
        tail.drain(..tail.len().saturating_sub(ENDS));
        if !each(from) {
            return Err(Broken::Stopped);
        }
    }
}

/// What a dump with these ends is, or why it is none.
fn what(head: &[u8], tail: Option<&[u8]>, declared: Option<Format>) -> Result<Format, String> {
    let holds =
        |bytes: &[u8], words: &str| bytes.windows(words.len()).any(|w| w == words.as_bytes());
    let found = if head.starts_with(b"PGDMP") {
        Format::Custom
    } else if holds(head, "PostgreSQL database cluster dump") {
        return Err(
            "was made by pg_dumpall and holds a whole cluster: load it by hand with psql, or \
                    dump one database with pg_dump"
                .into(),
        );
    } else if head.get(257..262) == Some(b"ustar") {
        return Err("is a tar archive: unpack it, or dump with `pg_dump -Fc`".into());
    } else if holds(head, "PostgreSQL database dump") {
        if tail.is_some_and(|tail| !holds(tail, "PostgreSQL database dump complete")) {
            return Err(
                "is cut off: its last line is not a dump's last line; fetch it again, or take \
                        another backup"
                    .into(),
            );
        }
        Format::Plain
    } else if declared == Some(Format::Plain) && !head.contains(&0) {
        Format::Plain
    } else {
        return Err(
            "is not a PostgreSQL dump (neither `pg_dump` text nor `pg_dump -Fc`): check `file`; \
                    for SQL written by hand say `format: plain`"
                .into(),
        );
    };
    match declared {
        Some(declared) if declared != found => Err(format!(
            "is in {} format and the step says `format: {}`: check that it is the right file",
            found.name(),
            declared.name()
        )),
        _ => Ok(found),
    }
}

/// Hashes what is read through it.
struct Hashing {
    inner: File,
    hash: Sha256,
    read: u64,
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(out)?;
        self.hash.update(&out[..got]);
        self.read += got as u64;
        Ok(got)
    }
}
