//! A request as the operator reads it: every character, secrets masked, one argument under another.

use ratatui::text::Line;
use serde_json::Value as Json;

use super::text;
use super::theme::Theme;
use crate::driver::Prepared;
use crate::runbook::Request;

/// The request, in lines of at most `columns`.
#[must_use]
pub fn lines(request: &Request, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    from_json(&request.masked(), theme, columns)
}

/// The same from the journal's copy: `{"action", "args", "env"}`.
#[must_use]
pub fn from_json(request: &Json, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    let action = request.get("action").and_then(Json::as_str).unwrap_or("–");
    let mut lines = vec![Line::styled(text::one_line(action), theme.title)];
    let mut pairs = Vec::new();
    for (key, value) in entries(request, "args") {
        flatten(key.clone(), value, &mut pairs);
    }
    table(&mut lines, &pairs, columns);
    let env: Vec<_> = entries(request, "env").map(|(k, v)| (k.clone(), plain(v))).collect();
    if !env.is_empty() {
        lines.push(Line::styled("with the environment", theme.dim));
        table(&mut lines, &env, columns);
    }
    lines
}

fn entries<'a>(request: &'a Json, part: &str) -> impl Iterator<Item = (&'a String, &'a Json)> {
    request.get(part).and_then(Json::as_object).into_iter().flatten()
}

/// Maps become `key.inner`, so that every value has a line of its own.
fn flatten(key: String, value: &Json, pairs: &mut Vec<(String, String)>) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (inner, value) in map {
                flatten(format!("{key}.{inner}"), value, pairs);
            }
        }
        Json::Array(items) if items.iter().any(|i| i.is_object() || i.is_array()) => {
            for (i, item) in items.iter().enumerate() {
                flatten(format!("{key}[{i}]"), item, pairs);
            }
        }
        _ => pairs.push((key, plain(value))),
    }
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn table(lines: &mut Vec<Line<'static>>, pairs: &[(String, String)], columns: usize) {
    let longest = pairs.iter().map(|(key, _)| text::width(key)).max().unwrap_or(0);
    let label = longest.min(columns / 2);
    for (key, value) in pairs {
        let key = text::one_line(key);
        // What does not fit beside its name goes below it, whole.
        let value = text::shown(value);
        let below = value.contains('\n') || text::width(&key) > label;
        if below {
            lines.push(Line::raw(format!("  {}", text::fit(&key, columns.saturating_sub(2)))));
            let chopped = text::chop(value.trim_end_matches('\n'), columns.saturating_sub(4));
            lines.extend(chopped.into_iter().map(|line| Line::raw(format!("    {line}"))));
        } else {
            let room = columns.saturating_sub(label + 4);
            for (i, piece) in text::chop(&value, room).into_iter().enumerate() {
                let name = if i == 0 { key.as_str() } else { "" };
                lines.push(Line::raw(format!("  {}  {piece}", text::pad(name, label))));
            }
        }
    }
}

/// What was proven of the target, one pin a line; in a rehearsal, what cannot be known there.
#[must_use]
pub fn target(prepared: &Prepared, theme: &Theme, columns: usize) -> Vec<Line<'static>> {
    if let Some(unknown) = &prepared.rehearsed {
        let nothing = "REHEARSAL: nothing is executed, no target is asked".to_owned();
        return std::iter::once(&nothing)
            .chain(unknown)
            .flat_map(|said| text::wrap(&text::shown(said), columns))
            .map(|line| Line::styled(line, theme.warn))
            .collect();
    }
    match &prepared.target {
        Ok(pins) if pins.is_empty() => {
            vec![Line::styled("target  not proven: this only reads", theme.dim)]
        }
        Ok(pins) => pins
            .iter()
            .flat_map(|(name, value)| {
                text::chop(&text::shown(&format!("target ✓ {name} = {value}")), columns)
            })
            .map(|line| Line::styled(line, theme.ok))
            .collect(),
        Err(why) => text::wrap(&text::shown(&format!("target ✗ {why}")), columns)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::theme;

    fn text(request: Json, columns: usize) -> Vec<String> {
        from_json(&request, &theme(), columns).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_argument_is_shown_whole() {
        let long = "x".repeat(50);
        let request = serde_json::json!({
            "action": "shell",
            "args": {"run": "one  two\nthree\n", "argv": ["a", "b"], "expect": {"status": 200}, "cwd": long},
            "env": {"INPUT_A": "«secret a»"},
        });
        assert_eq!(
            text(request, 40),
            [
                "shell",
                "  run",
                "    one  two",
                "    three",
                "  argv           [\"a\",\"b\"]",
                "  expect.status  200",
                "  cwd            xxxxxxxxxxxxxxxxxxxxxxx",
                "                 xxxxxxxxxxxxxxxxxxxxxxx",
                "                 xxxx",
                "with the environment",
                "  INPUT_A  «secret a»",
            ]
        );
    }

    #[test]
    fn no_request_can_move_the_cursor() {
        let request = serde_json::json!({"action": "shell", "args": {"run": "a\u{1b}[2Jb"}});
        assert_eq!(text(request, 40), ["shell", "  run  a<U+001B>[2Jb"]);
    }
}
