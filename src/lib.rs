//! Steadyhand: a terminal console that walks an incident responder through a runbook, for real, and
//! keeps the record. The modules are rooms; `tests/it/architecture.rs` says who may use whom.

pub mod actions;
pub mod archive;
pub mod aws;
pub mod catalogue;
pub mod cli;
pub mod custody;
pub mod driver;
pub mod engine;
pub mod ingest;
pub mod journal;
pub mod machine;
pub mod preflight;
pub mod report;
pub mod runbook;
pub mod sandbox;
pub mod settings;
pub mod signing;
pub mod supervisor;
pub mod tui;
