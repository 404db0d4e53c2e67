//! The embedded practice environment: loopback stand-ins.
