//! Faults of the disk, for tests: they sit under the journal, in [`super::disk`], and decide what becomes of
//! each write and sync of the thread that has asked for them.

use std::cell::RefCell;
use std::fs::File;
use std::io;

use rustix::io::Errno;

/// What is about to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// A write of so many bytes.
    Write(usize),
    /// A sync of a file or a directory.
    Sync,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It fails.
    Error(Errno),
    /// The write takes so many bytes and no more.
    Short(usize),
}

type Plan = Box<dyn FnMut(Op) -> Option<Fault>>;

thread_local! {
    static PLAN: RefCell<Option<Plan>> = const { RefCell::new(None) };
}

/// From now on `plan` is asked before each operation of this thread, until what is returned is dropped.
pub(super) fn plan(plan: impl FnMut(Op) -> Option<Fault> + 'static) -> Planned {
    PLAN.with_borrow_mut(|held| *held = Some(Box::new(plan)));
    Planned
}

/// The disk is whole again when this is dropped.
pub(super) struct Planned;

impl Drop for Planned {
    fn drop(&mut self) {
        PLAN.with_borrow_mut(|held| *held = None);
    }
}

fn ask(op: Op) -> Option<Fault> {
    PLAN.with_borrow_mut(|held| held.as_mut().and_then(|plan| plan(op)))
}

/// The bytes that the write may take.
pub(super) fn write(bytes: &[u8]) -> io::Result<&[u8]> {
    match ask(Op::Write(bytes.len())) {
        None => Ok(bytes),
        Some(Fault::Short(n)) => Ok(&bytes[..n.min(bytes.len())]),
        Some(Fault::Error(e)) => Err(e.into()),
    }
}

/// Whether the sync may be done. It is not: a test that reads back has no need of it, and others of the disk.
pub(super) fn sync(_file: &File) -> io::Result<()> {
    match ask(Op::Sync) {
        None | Some(Fault::Short(_)) => Ok(()),
        Some(Fault::Error(e)) => Err(e.into()),
    }
}
