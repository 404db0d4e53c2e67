//! The one loop that owns a run: decide, append, apply, settle, effects.
