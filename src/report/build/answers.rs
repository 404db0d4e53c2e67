//! Approvals and sign-offs.

use super::super::model::{Answer, Approval, BrokenGlass, Grant, Refused, SignOff};
use crate::engine::approvals::{self, End};

pub(super) fn approval(approval: &approvals::Approval) -> Approval {
    let asked = &approval.asked;
    Approval {
        record: approval.seq,
        at: approval.at.at,
        asked_by: approval.asked_by.clone(),
        step: approval.step.clone(),
        of: asked.part,
        attempt: asked.attempt,
        request: asked.request.clone(),
        wanted_by: asked.by.clone(),
        count: asked.count,
        granted: approval.granted.iter().map(grant).collect(),
        refused: approval
            .refused
            .iter()
            .map(|(who, why)| Refused { approver: who.clone(), reason: why.clone() })
            .collect(),
        broken_glass: approval.broken.as_ref().map(|broken| BrokenGlass {
            at: broken.at.at,
            by: broken.by.clone(),
            reason: broken.reason.clone(),
        }),
        standing: standing(approval),
        why: match approval.ended.as_ref().map(|(_, end)| end) {
            Some(End::Declined { by, reason }) => Some(format!("{by}: {reason}")),
            Some(End::Void(why)) => Some(why.clone()),
            Some(End::Used) | None => None,
        },
    }
}

fn standing(approval: &approvals::Approval) -> Answer {
    match approval.ended.as_ref().map(|(_, end)| end) {
        _ if approval.is_open_glass() => Answer::NotApproved,
        Some(End::Declined { .. }) => Answer::Declined,
        Some(End::Void(_)) => Answer::Void,
        Some(End::Used) if approval.broken.is_some() => Answer::ApprovedAfterwards,
        Some(End::Used) => Answer::Approved,
        None if approval.missing() == 0 => Answer::Approved,
        None => Answer::Awaited,
    }
}

fn grant(grant: &approvals::Grant) -> Grant {
    Grant {
        approver: grant.approver.clone(),
        identity: grant.known_by.to_string(),
        at: grant.at.at,
        afterwards: grant.afterwards,
    }
}

pub(super) fn sign_off(sign_off: &crate::engine::SignOff) -> SignOff {
    let said = &sign_off.said;
    SignOff {
        record: sign_off.seq,
        at: sign_off.at.at,
        reviewer: said.reviewer.clone(),
        identity: said.known_by.to_string(),
        decision: said.decision,
        note: said.note.clone(),
        up_to_record: said.seq,
        head: said.head.clone(),
    }
}
