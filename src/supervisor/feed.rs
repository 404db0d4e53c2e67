//! What a child reads on its standard input.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use tokio::sync::oneshot;

use super::Stdin;

/// A source that is open and ready.
pub(super) struct Feed(Box<dyn Read + Send>);

/// The source broke. The child's standard input is still open, and must stay so until the child is
/// dead: its end would look like the end of the data.
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) _stdin: File,
}

impl Feed {
    /// Opens the source; `None` when there is none.
    pub(super) fn open(stdin: &Stdin) -> Result<Option<Self>, String> {
        Ok(match stdin {
            Stdin::Null => None,
            Stdin::Text(text) => Some(Self(Box::new(Cursor::new(text.clone().into_bytes())))),
            Stdin::File { path, after } => {
                let file = File::open(path)
                    .map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
                Some(Self(Box::new(file.chain(Cursor::new(after.clone().into_bytes())))))
            }
        })
    }

    /// Feeds the child from a thread of its own; the receiver hears only of a broken source.
    pub(super) fn start(mut self, stdin: OwnedFd) -> oneshot::Receiver<Broken> {
        let (tx, rx) = oneshot::channel();
        thread::spawn(move || {
            let mut stdin = File::from(stdin);
            let mut chunk = vec![0; 64 * 1024];
            loop {
                match self.0.read(&mut chunk) {
                    Ok(0) => return,
                    // The child does not want the rest: its exit code says whether that is good.
                    Ok(n) if stdin.write_all(&chunk[..n]).is_err() => return,
                    Ok(_) => {}
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => {
                        let message = e.to_string();
                        let _ = tx.send(Broken { message, _stdin: stdin });
                        return;
                    }
                }
            }
        });
        rx
    }
}
