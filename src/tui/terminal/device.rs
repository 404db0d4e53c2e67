//! The terminal as a device. It is opened anew, so that reading and writing never wait: a person whose
//! line is dead reads nothing, and no signal may wait for him. Standard input and output are shared with
//! other programs, which do not expect that of them.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use ratatui::layout::Size;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::termios::{tcgetattr, tcgetpgrp, tcgetwinsize};
use tokio::net::unix::pipe;
use tokio::time::sleep;

use crate::machine::process::Process;

/// However large a terminal says it is, no more of it is used.
const LARGEST: Size = Size { width: 1000, height: 500 };
const CHUNK: usize = 4096;
const EMPTY: Duration = Duration::from_millis(50);

/// An open terminal, and what it has not taken yet.
pub(super) struct Device {
    tty: File,
    // Nothing here is about pipes: they are tokio's way to wait for a file that does not block.
    keys: pipe::Receiver,
    frames: pipe::Sender,
    unsent: Vec<u8>,
}

impl Device {
    /// Opens the terminal that standard input is.
    pub(super) fn open() -> io::Result<Self> {
        let tty = open_tty()?;
        let keys = pipe::Receiver::from_owned_fd_unchecked(tty.try_clone()?.into())?;
        let frames = pipe::Sender::from_owned_fd_unchecked(tty.try_clone()?.into())?;
        Ok(Self { tty, keys, frames, unsent: Vec::new() })
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<Size> {
        let size = tcgetwinsize(&self.tty)?;
        Ok(Size { width: size.ws_col.min(LARGEST.width), height: size.ws_row.min(LARGEST.height) })
    }

    /// Whether there is something that the terminal has not taken yet.
    pub(super) fn is_full(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Hands bytes to the terminal; what it does not take now is for [`Self::send`].
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsent.extend_from_slice(bytes);
        self.write_some()
    }

    fn write_some(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.frames.try_write(&self.unsent) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.unsent.drain(..n)),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Returns when the terminal has taken all. May be dropped half-way and asked again.
    pub(super) async fn send(&mut self) -> io::Result<()> {
        while self.is_full() {
            self.frames.writable().await?;
            self.write_some()?;
        }
        Ok(())
    }

    /// What was typed. May be dropped and asked again.
    pub(super) async fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; CHUNK];
        loop {
            self.keys.readable().await?;
            match self.keys.try_read(&mut bytes) {
                // In modes that another program may have left it is nothing to read, not the end.
                Ok(0) if tcgetattr(&self.tty).is_ok() => sleep(EMPTY).await,
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    bytes.truncate(n);
                    return Ok(bytes);
                }
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Hands over the last bytes, waiting for the terminal no longer than `patience`. Whether it took all.
    pub(super) fn finish(mut self, bytes: &[u8], patience: Duration) -> bool {
        self.unsent.extend_from_slice(bytes);
        put(&self.tty, &self.unsent, patience)
    }
}

/// Opens the terminal for a few last bytes: see [`Device::finish`].
pub(super) fn last_word(bytes: &[u8], patience: Duration) -> bool {
    open_tty().is_ok_and(|tty| put(&tty, bytes, patience))
}

fn put(mut tty: &File, mut bytes: &[u8], patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    while !bytes.is_empty() {
        match tty.write(bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() || !may_be_written(tty, left) {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
    true
}

fn may_be_written(tty: &File, patience: Duration) -> bool {
    let Ok(timeout) = Timespec::try_from(patience) else { return false };
    let mut wanted = [PollFd::new(tty, PollFlags::OUT)];
    matches!(poll(&mut wanted, Some(&timeout)), Ok(1..) | Err(Errno::INTR))
}

/// Whether the terminal is this process's to use: a process in the background that changes it is stopped.
pub fn is_foreground() -> bool {
    Process::own().is_some_and(Process::is_foreground)
}

fn open_tty() -> io::Result<File> {
    let stdin = rustix::stdio::stdin();
    // Its own name may be out of reach, after `su` or in a container; the session's terminal never is.
    let own = tcgetpgrp(stdin) != Err(Errno::NOTTY);
    let path = if own { "/dev/tty" } else { "/proc/self/fd/0" };
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let tty: OwnedFd = open(path, flags, Mode::empty())?;
    Ok(tty.into())
}
