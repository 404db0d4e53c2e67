//! The small process that owns one child and outlives the console.
