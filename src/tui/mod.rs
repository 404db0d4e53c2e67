//! The screen: a frame is a function of view, screen state and now.
