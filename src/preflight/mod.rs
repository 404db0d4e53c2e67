//! Requirements and target pins.
