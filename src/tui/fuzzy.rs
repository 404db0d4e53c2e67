//! Search as one types: the letters in order, anywhere; closer together and at the starts of words is
//! better.

/// How well `needle` is found in `text`, higher is better; `None` when it is not. Case does not matter.
/// Words of the needle may be found in any order.
#[must_use]
pub fn score(needle: &str, text: &str) -> Option<i64> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    needle.to_lowercase().split_whitespace().map(|word| word_score(word, &text)).sum()
}

fn word_score(word: &str, text: &[char]) -> Option<i64> {
    let starts = word
        .chars()
        .next()
        .map(|first| text.iter().enumerate().filter(move |(_, c)| **c == first).map(|(i, _)| i))?;
    starts.filter_map(|start| from(word, text, start)).max()
}

/// Greedy from one place: every place is tried, so the best run of letters is found.
fn from(word: &str, text: &[char], start: usize) -> Option<i64> {
    let (mut at, mut total, mut previous) = (start, 0, None);
    for letter in word.chars() {
        let found = at + text.get(at..)?.iter().position(|c| *c == letter)?;
        let starts_a_word = found == 0 || !text.get(found - 1).is_some_and(|c| c.is_alphanumeric());
        total += match previous {
            Some(p) if p + 1 == found => 8,
            Some(p) => -i64::try_from(found - p).unwrap_or(i64::MAX).min(20),
            None => 0,
        };
        total += if starts_a_word { 6 } else { 0 };
        previous = Some(found);
        at = found + 1;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_must_be_there_in_order() {
        assert!(score("apitr", "aurora-pitr").is_some());
        assert!(score("rtip", "aurora-pitr").is_none());
        assert!(score("x", "").is_none());
    }

    #[test]
    fn words_are_found_in_any_order() {
        assert!(
            score("pitr aurora", "Aurora PostgreSQL, restore to a point in time · pitr").is_some()
        );
        assert!(score("pitr vault", "aurora pitr").is_none());
    }

    #[test]
    fn a_whole_word_beats_scattered_letters() {
        let whole = score("replica", "postgres-replica-promote").unwrap();
        let scattered = score("replica", "restore e p l i c a").unwrap();
        assert!(whole > scattered, "{whole} {scattered}");
    }

    #[test]
    fn no_needle_finds_everything() {
        assert_eq!(score("", "anything"), Some(0));
    }
}
