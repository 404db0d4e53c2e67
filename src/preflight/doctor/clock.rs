//! Whether somebody sets this machine's clock. The record's lengths of time do not depend on it; its
//! moments, signatures and every call to AWS do.

use std::path::Path;

use super::tools::{said, which};
use super::{Area, Finding, within};

/// What systemd-timesyncd touches once it is synchronised.
const TIMESYNCD: &str = "/run/systemd/timesync/synchronized";

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sync {
    /// Set by a time service, and who says so.
    Yes(&'static str),
    /// A time service is there and says no.
    No(&'static str),
    /// Nobody can be asked.
    Unknown,
}

pub(super) async fn look() -> Vec<Finding> {
    vec![judge(&within(ask(), Sync::Unknown).await)]
}

async fn ask() -> Sync {
    let path = std::env::var("PATH").unwrap_or_default();
    if let Some(chronyc) = which(&path, "chronyc")
        && let Some(answer) = said(&chronyc, &["-c", "tracking"]).await
    {
        return of_chrony(&answer);
    }
    if let Some(timedatectl) = which(&path, "timedatectl")
        && let Some(answer) =
            said(&timedatectl, &["show", "--property=NTPSynchronized", "--value"]).await
    {
        return of_timedatectl(&answer);
    }
    if Path::new(TIMESYNCD).exists() { Sync::Yes("systemd-timesyncd") } else { Sync::Unknown }
}

/// The last of its comma-separated fields is the leap status.
fn of_chrony(answer: &str) -> Sync {
    match answer.trim().rsplit(',').next() {
        Some("Normal" | "Insert second" | "Delete second") => Sync::Yes("chronyd"),
        Some("Not synchronised") => Sync::No("chronyd"),
        Some(_) | None => Sync::Unknown,
    }
}

fn of_timedatectl(answer: &str) -> Sync {
    match answer.trim() {
        "yes" => Sync::Yes("timedatectl"),
        "no" => Sync::No("timedatectl"),
        _ => Sync::Unknown,
    }
}

fn judge(sync: &Sync) -> Finding {
    let name = "time synchronisation";
    match sync {
        Sync::Yes(who) => Area::Clock.ok(name, format!("synchronised, says {who}")),
        Sync::No(who) => Area::Clock.bad(
            name,
            format!("not synchronised, says {who}"),
            "start it and let it reach its servers (chronyc sources, timedatectl timesync-status)",
        ),
        Sync::Unknown => Area::Clock.warn(
            name,
            "not known: neither chronyd nor systemd answers",
            "in a container the host's clock is used: look there; otherwise install chrony",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn what_the_time_services_say() {
        let chrony = "A9FEA97B,169.254.169.123,4,1763690000.1,0.000001,0,0,0,0,0,0,0,0,";
        for (sync, verdict) in [
            (of_chrony(&format!("{chrony}Normal\n")), Verdict::Ok),
            (of_chrony(&format!("{chrony}Not synchronised\n")), Verdict::Bad),
            (of_chrony("506 Cannot talk to daemon\n"), Verdict::Warn),
            (of_timedatectl("yes\n"), Verdict::Ok),
            (of_timedatectl("no\n"), Verdict::Bad),
            (of_timedatectl("\n"), Verdict::Warn),
        ] {
            let finding = judge(&sync);
            assert_eq!(finding.verdict, verdict, "{sync:?}");
            assert_eq!(finding.remedy.is_some(), verdict != Verdict::Ok);
        }
    }
}
