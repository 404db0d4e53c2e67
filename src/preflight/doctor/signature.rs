//! Whether the record can be signed: the key, and the agent that may hold it, are tried out.

use super::{Area, Finding, Patient, halves, within};

pub(super) async fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let tried = match (&patient.signer, &patient.settings.signing) {
        (Some(signer), Some(settings)) => {
            let late = Err(format!(
                "no signature within {} s: does the agent answer (ssh-add -l)",
                super::PATIENCE.as_secs()
            ));
            Some((within(signer.trial(), late).await, settings.required))
        }
        (None, _) | (_, None) => None,
    };
    vec![judge(tried)]
}

/// What a trial came to, and whether nothing is done without a signature; `None`: there is no key.
fn judge(tried: Option<(Result<String, String>, bool)>) -> Finding {
    let name = "signature";
    match tried {
        None => Area::Identity.warn(
            name,
            "NOT SIGNED: the settings name no key, so whoever holds a record can write it anew",
            "give `signing:` a key; see docs/settings.md",
        ),
        Some((Ok(key), _)) => Area::Identity.ok(name, format!("with {key}")),
        Some((Err(why), required)) => {
            let (found, remedy) = halves(&why);
            match required {
                true => Area::Identity.bad(name, found, remedy),
                false => Area::Identity.warn(name, format!("NOT SIGNED: {found}"), remedy),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn no_signature_is_never_ok() {
        let failed = || Err("no agent: start one".to_owned());
        for (tried, verdict) in [
            (None, Verdict::Warn),
            (Some((failed(), false)), Verdict::Warn),
            (Some((failed(), true)), Verdict::Bad),
            (Some((Ok("SHA256:x".to_owned()), true)), Verdict::Ok),
        ] {
            let finding = judge(tried);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert_eq!(finding.found.contains("NOT SIGNED"), verdict == Verdict::Warn);
        }
    }
}
