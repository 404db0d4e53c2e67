//! Behaviour end to end. One binary: each more one would link the SDKs again.
// Helpers of tests fail the test by panicking; clippy's own allowance covers only `#[test]` functions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod archive;
mod aws;
mod canary;
mod check;
mod clocks;
mod closed_output;
mod crash;
mod demo;
mod doctor;
mod format;
mod fuzz;
mod history;
mod http;
mod json;
mod nested;
mod notify;
mod plan;
mod postgres;
mod process;
mod pty;
mod rabbitmq;
mod record;
mod refusals;
mod rehearsal;
mod remaining;
mod report;
mod s3;
mod services;
mod shell;
mod signing;
mod target;
mod targets;
mod trust;
mod verify_runs;
