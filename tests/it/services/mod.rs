//! Real services for tests, started and stopped by the test that needs them.

pub mod application;
pub mod attempt;
pub mod aws_front;
pub mod console;
pub mod damage;
pub mod door;
pub mod kubectl;
pub mod moto;
pub mod mutation;
pub mod openssh;
pub mod postgres;
pub mod rabbitmq;
pub mod rewritten;
pub mod seaweed;
pub mod shop;
pub mod sts;
pub mod vault;
pub mod venv;
pub mod web;

use std::io::Write as _;

/// Says loudly that a test cannot run here, and why: on standard error, and in the list that
/// `tests/run` prints at its end.
pub fn skip(component: &str, reason: &str) {
    eprintln!("SKIPPED: {component}: {reason}");
    let Some(list) = std::env::var_os("STEADYHAND_SKIPS") else { return };
    let line = format!("{component}: {reason}\n");
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&list)
        .and_then(|mut file| file.write_all(line.as_bytes()))
        .expect("the list of skipped components can be written");
}
