//! Who took part, and how that is known.

use std::collections::BTreeMap;

use super::super::model::{People, Person, Role};
use crate::engine::event::RunStarted;
use crate::engine::{Recorded, State};

/// What is said of a name that nothing but the person's word stands behind.
const SELF_DECLARED: &str = "self-declared";

pub(super) fn people(state: &State, run: &RunStarted, records: &[Recorded]) -> People {
    let mut recorded_by = BTreeMap::new();
    for recorded in records {
        *recorded_by.entry(recorded.by.clone()).or_default() += 1;
    }
    let mut involved = Vec::new();
    takes_part(&mut involved, &run.operator, Role::Operator, &run.identity);
    for operator in &state.operators {
        takes_part(&mut involved, operator, Role::Operator, SELF_DECLARED);
    }
    for grant in state.approvals.iter().flat_map(|approval| &approval.granted) {
        let identity = grant.known_by.to_string();
        takes_part(&mut involved, &grant.approver, Role::Approver, &identity);
    }
    for sign_off in &state.sign_offs {
        let identity = sign_off.said.known_by.to_string();
        takes_part(&mut involved, &sign_off.said.reviewer, Role::Reviewer, &identity);
    }
    for name in recorded_by.keys() {
        if !involved.iter().any(|person| person.name == *name) {
            takes_part(&mut involved, name, Role::Other, SELF_DECLARED);
        }
    }
    let observers = involved.iter().filter(|person: &&Person| person.roles == [Role::Other]);
    let observers: Vec<&str> = observers.map(|person| person.name.as_str()).collect();
    let observers = match observers.as_slice() {
        [] => "none recorded: who only watches leaves no record".to_owned(),
        names => names.join(", "),
    };
    People {
        operator: run.operator.clone(),
        identity: run.identity.clone(),
        observers,
        involved,
        recorded_by,
    }
}

/// A name that is known in two ways stands there twice: the weaker one is not hidden by the other.
fn takes_part(involved: &mut Vec<Person>, name: &str, role: Role, identity: &str) {
    // How the operator is known is said by the run's first record.
    let told = |person: &Person| role == Role::Operator && person.roles.contains(&role);
    let known =
        |person: &&mut Person| person.name == name && (person.identity == identity || told(person));
    match involved.iter_mut().find(known) {
        Some(person) if person.roles.contains(&role) => {}
        Some(person) => person.roles.push(role),
        None => involved.push(Person {
            name: name.to_owned(),
            roles: vec![role],
            identity: identity.to_owned(),
        }),
    }
}
