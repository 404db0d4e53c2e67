//! Behaviour end to end. One binary: each more one would link the SDKs again.

mod postgres;
mod services;
