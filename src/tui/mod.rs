//! The screen: messages in, keys from one table, a frame as a function of what is known and the time.

pub mod app;
pub mod borders;
pub mod catalogue;
pub mod change;
pub mod clock;
pub mod confirm;
pub mod console;
pub mod debrief;
pub mod files;
pub mod form;
pub mod frame;
pub mod fuzzy;
pub mod keymap;
pub mod keys;
pub mod menu;
pub mod preflight;
pub mod reader;
pub mod request;
mod secret;
mod signature;
pub mod silence;
pub mod start;
pub mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_story;
pub mod text;
pub mod theme;
pub mod timeline;
