//! One file a command: arguments, printing, exit codes.
