//! The screen: messages in, keys from one table, a frame as a function of what is known and the time.

pub mod app;
pub mod catalogue;
pub mod clock;
pub mod form;
pub mod frame;
pub mod fuzzy;
pub mod keymap;
pub mod keys;
pub mod menu;
pub mod reader;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod text;
pub mod theme;
