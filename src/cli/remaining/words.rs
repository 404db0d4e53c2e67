//! Words for a POSIX shell. A secret is a variable, never a value, and never stands where others of the host see
//! it when that can be helped.

use crate::runbook::request::Piece;
use crate::runbook::{Resolved, Value};

/// The variable that holds a secret.
pub(super) fn variable(secret: &str) -> String {
    format!("SECRET_{}", secret.to_ascii_uppercase())
}

/// Quotes a word.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// An argument as one word.
pub(super) fn word(value: &Resolved) -> String {
    if has_secret(value) { format!("\"{}\"", expanded(value, "\"")) } else { quote(&value.shown()) }
}

/// An argument as text that the shell expands, as in a here-document.
pub(super) fn text(value: &Resolved) -> String {
    expanded(value, "")
}

/// Whether a secret is in it.
pub(super) fn has_secret(value: &Resolved) -> bool {
    match value {
        Resolved::Value(value) => matches!(value, Value::Secret(_)),
        Resolved::Text(_) => true,
        Resolved::List(items) => items.iter().any(has_secret),
        Resolved::Map(entries) => entries.iter().any(|(_, value)| has_secret(value)),
        Resolved::Expr(_) => false,
    }
}

fn expanded(value: &Resolved, besides: &str) -> String {
    let literal = |text: &str| {
        let escaped = text.chars().map(|c| match c {
            '\\' | '$' | '`' => format!("\\{c}"),
            c if besides.contains(c) => format!("\\{c}"),
            c => c.to_string(),
        });
        escaped.collect::<String>()
    };
    let secret = |name: &str| format!("${{{}}}", variable(name));
    match value {
        Resolved::Value(Value::Secret(name)) => secret(name),
        Resolved::Text(pieces) => pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => literal(text),
                Piece::Secret(name) => secret(name),
            })
            .collect(),
        Resolved::List(_) | Resolved::Map(_) => json(value, &literal, &secret),
        Resolved::Value(_) | Resolved::Expr(_) => literal(&value.shown()),
    }
}

/// A tree as JSON, with variables where its secrets are.
fn json(
    value: &Resolved,
    literal: &impl Fn(&str) -> String,
    secret: &impl Fn(&str) -> String,
) -> String {
    let quoted = |text: &str| literal(&serde_json::Value::from(text).to_string());
    match value {
        Resolved::List(items) => {
            let items: Vec<_> = items.iter().map(|item| json(item, literal, secret)).collect();
            format!("[{}]", items.join(", "))
        }
        Resolved::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", quoted(key), json(value, literal, secret)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Resolved::Value(Value::Secret(name)) => format!("\"{}\"", secret(name)),
        Resolved::Text(pieces) => {
            let pieces = pieces.iter().map(|piece| match piece {
                Piece::Text(text) => quoted(text).trim_matches('"').to_owned(),
                Piece::Secret(name) => secret(name),
            });
            format!("\"{}\"", pieces.collect::<String>())
        }
        Resolved::Value(_) | Resolved::Expr(_) => literal(&value.masked().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in
            [("plain-1.2", "plain-1.2"), ("", "''"), ("a b", "'a b'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quote(word), quoted);
        }
    }

    #[test]
    fn a_secret_is_a_variable_and_what_is_around_it_stays_as_it_is() {
        let secret = Resolved::Value(Value::Secret("api_key".into()));
        assert_eq!(word(&secret), "\"${SECRET_API_KEY}\"");
        let pieces = vec![Piece::Text("a\"$b".into()), Piece::Secret("api_key".into())];
        let mixed = Resolved::Text(pieces);
        assert_eq!(word(&mixed), "\"a\\\"\\$b${SECRET_API_KEY}\"");
        assert_eq!(text(&mixed), "a\"\\$b${SECRET_API_KEY}");
        let tree = Resolved::Map(vec![
            ("n".into(), Resolved::Value(Value::Int(1))),
            ("key".into(), secret),
            ("said".into(), mixed),
        ]);
        let json = r#"{"n": 1, "key": "${SECRET_API_KEY}", "said": "a\\"\$b${SECRET_API_KEY}"}"#;
        assert_eq!(text(&tree), json);
    }
}
