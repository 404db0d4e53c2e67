//! "Did you mean …": the nearest of the known names.

/// The known name that `wanted` was most likely meant to be; `None` when nothing is near.
#[must_use]
pub fn closest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match wanted.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min()
        .map(|(_, name)| name)
}

/// The sentence for a message's help, when something is near.
#[must_use]
pub fn did_you_mean<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    closest(wanted, known).map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(closest("gaurd", ["guard", "do", "when"]), Some("guard"));
        assert_eq!(closest("input", ["inputs", "steps"]), Some("inputs"));
        assert_eq!(closest("zebra", ["inputs", "steps"]), None);
        assert_eq!(closest("x", ["y"]), None);
    }
}
