//! Processes that work in a directory: consoles, supervisors and what these have started.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process whose working directory it is.
#[derive(Debug)]
pub struct Neighbour {
    pub pid: u32,
    pub parent: u32,
    /// `steady __attempt`, or a child that is not yet what it will be.
    pub supervisor: bool,
}

/// Those in `dir`.
pub fn neighbours(dir: &Path) -> Vec<Neighbour> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| of(pid, dir)).collect()
}

fn of(pid: u32, dir: &Path) -> Option<Neighbour> {
    let proc = format!("/proc/{pid}");
    if std::fs::read_link(format!("{proc}/cwd")).ok()? != dir {
        return None;
    }
    let line = std::fs::read(format!("{proc}/cmdline")).ok()?;
    let stat = std::fs::read_to_string(format!("{proc}/stat")).ok()?;
    // After the name in parentheses: state, parent.
    let parent = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let supervisor = line.windows(9).any(|at| at == b"__attempt");
    Some(Neighbour { pid, parent, supervisor })
}

/// Whether anything but `console` and the supervisors that wait for its orders is at work in `dir`.
pub fn at_work(dir: &Path, console: u32) -> bool {
    let idle = |it: &Neighbour| it.pid == console || (it.supervisor && it.parent == console);
    neighbours(dir).iter().any(|it| !idle(it))
}

/// SIGKILL; whether there was anybody.
pub fn kill(pid: u32) -> bool {
    Pid::from_raw(pid.cast_signed()).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// Kills the supervisors in `dir`; how many there were.
pub fn kill_supervisors(dir: &Path) -> u64 {
    let supervisors = neighbours(dir).into_iter().filter(|it| it.supervisor);
    supervisors.map(|it| u64::from(kill(it.pid))).sum()
}
