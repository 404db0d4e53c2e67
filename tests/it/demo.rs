//! `steady demo` where nobody watches: each practice, with nothing installed and nothing but loopback; and each
//! trouble with the exit code that it ends with.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use steadyhand::sandbox::{Lesson, PRACTICES};

use crate::services::console::{Console, said};

/// `steady demo … --auto`, with no program on the PATH and with proxies for all that is not loopback that nobody
/// answers: a call to the outside would fail the run.
fn demo(console: &Console, arguments: &[&str]) -> Command {
    let mut command = console.steady(&["demo"]);
    command.args(arguments).arg("--auto");
    alone(&mut command);
    command
}

fn alone(command: &mut Command) {
    command.env("PATH", "").env("no_proxy", "127.0.0.1,localhost");
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, "http://127.0.0.1:1");
    }
}

fn home() -> Console {
    Console::new("")
}

fn output(mut command: Command) -> Output {
    command.output().unwrap()
}

fn verified(console: &Console) {
    let verify = output(console.steady(&["verify", console.run().to_str().unwrap()]));
    assert_eq!(verify.status.code(), Some(0), "{}", said(&verify));
}

#[test]
fn every_practice_runs_unattended_with_nothing_installed() {
    for practice in PRACTICES {
        let console = home();
        let done = output(demo(&console, &[practice.name]));
        assert_eq!(done.status.code(), Some(0), "{}: {}", practice.name, said(&done));
        verified(&console);
        let begun = &console.records()[0]["body"];
        assert_eq!(begun["practice"], true, "{}", practice.name);
        assert_eq!(begun["runbook"], practice.runbook);
        let restored = console.records().iter().any(|r| {
            r["type"] == "milestone_reached" && r["body"]["milestone"] == "service_restored"
        });
        assert!(restored, "{}: {}", practice.name, said(&done));
    }
}

#[test]
fn what_can_be_practised_is_listed() {
    let console = home();
    let listed = output(console.steady(&["demo", "--list"]));
    assert_eq!(listed.status.code(), Some(0));
    let unknown = output(console.steady(&["demo", "redis", "--auto"]));
    assert_eq!(unknown.status.code(), Some(2));
    for practice in PRACTICES {
        assert!(said(&listed).contains(practice.name), "{}", said(&listed));
        assert!(said(&unknown).contains(practice.about), "{}", said(&unknown));
    }
    assert!(console.runs().is_empty());
}

#[test]
fn a_fault_that_a_practice_does_not_have_is_refused_by_name() {
    for practice in PRACTICES {
        for lesson in Lesson::ALL.into_iter().filter(|it| practice.told(*it).is_none()) {
            let console = home();
            let refused = output(demo(&console, &[practice.name, "--fault", lesson.name()]));
            assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
            assert!(said(&refused).contains(&format!("has no --fault {lesson}")));
            assert!(console.runs().is_empty());
        }
    }
}

#[test]
fn with_nobody_there_a_fault_ends_with_its_exit_code() {
    for practice in PRACTICES {
        for (lesson, _) in practice.lessons {
            let console = home();
            let done = output(demo(&console, &[practice.name, "--fault", lesson.name()]));
            let told = format!("{} {lesson}: {}", practice.name, said(&done));
            match lesson {
                Lesson::RestoreStuck => {
                    assert_eq!(done.status.code(), Some(2), "{told}");
                    assert!(told.contains("needs somebody who cancels"), "{told}");
                    assert!(console.runs().is_empty(), "{told}");
                }
                Lesson::WrongTarget => {
                    assert_eq!(done.status.code(), Some(1), "{told}");
                    assert!(told.contains("wrong target"), "{told}");
                    assert!(console.runs().is_empty(), "{told}");
                }
                Lesson::AccessDenied => {
                    assert_eq!(done.status.code(), Some(1), "{told}");
                    let words = ["not authorized", "must be owner", "permission denied"];
                    assert!(words.iter().any(|words| told.contains(words)), "{told}");
                    dismissed(&console);
                }
                Lesson::ConsoleKilled => {
                    assert_eq!(done.status.signal(), Some(9), "{told}");
                    resumed(&console, &told);
                }
            }
        }
    }
}

/// Ends the sandbox that waits for a console to resume the only run.
fn dismissed(console: &Console) {
    let settings = std::fs::read_to_string(console.run().join("settings.yaml")).unwrap();
    let host = settings.split("http://").nth(1).unwrap().split('"').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "DELETE /practice HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 204 "), "{answer}");
}

/// The run goes on in the sandbox that was left behind, and ends well.
fn resumed(console: &Console, told: &str) {
    let mut resume = console.steady(&["resume", "--auto", "--allow-destructive"]);
    alone(&mut resume);
    let resumed = output(resume);
    assert_eq!(resumed.status.code(), Some(0), "{told}\nresumed: {}", said(&resumed));
    verified(console);
}
