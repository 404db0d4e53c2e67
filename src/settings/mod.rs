//! `steadyhand.yaml`: environments, endpoints, themes, precedence.
