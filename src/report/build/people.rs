//! Who took part, and how that is known.

use std::collections::BTreeMap;

use super::super::model::{People, Person, Role};
use crate::engine::Recorded;
use crate::engine::event::RunStarted;

/// What is said of a name that nothing but the person's word stands behind.
const SELF_DECLARED: &str = "self-declared";

pub(super) fn people(run: &RunStarted, records: &[Recorded]) -> People {
    let mut recorded_by = BTreeMap::new();
    for recorded in records {
        *recorded_by.entry(recorded.by.clone()).or_default() += 1;
    }
    let operator = Person {
        name: run.operator.clone(),
        roles: vec![Role::Operator],
        identity: run.identity.clone(),
    };
    let others = recorded_by.keys().filter(|name| **name != run.operator).map(|name| Person {
        name: name.clone(),
        roles: vec![Role::Other],
        identity: SELF_DECLARED.into(),
    });
    let involved = std::iter::once(operator).chain(others).collect();
    People { operator: run.operator.clone(), identity: run.identity.clone(), involved, recorded_by }
}
