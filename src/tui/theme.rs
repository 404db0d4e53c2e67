//! How the screen looks. A theme gives every role a style; nothing depends on it, for everything that
//! a colour says a word or a sign says too.

use std::str::FromStr;

use granit_parser::{Event, Parser};
use ratatui::style::{Color, Modifier, Style};

use crate::engine::Mode;

/// A style for each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// What one need not read.
    pub dim: Style,
    /// Headings.
    pub title: Style,
    /// The frame of what is no run.
    pub border: Style,
    /// The frame of a live run.
    pub live: Style,
    /// The frame of a drill.
    pub drill: Style,
    /// The frame of a rehearsal.
    pub rehearsal: Style,
    /// Done, met.
    pub ok: Style,
    /// Late, by hand, not proven.
    pub warn: Style,
    /// Failed, missed.
    pub bad: Style,
    /// Nobody knows.
    pub unknown: Style,
    /// At work.
    pub running: Style,
    /// The marked line.
    pub marked: Style,
    /// Where one types.
    pub field: Style,
    /// The key to press next.
    pub key: Style,
}

/// The themes in the binary.
const EMBEDDED: [(&str, &str); 2] = [
    ("dark", include_str!("../../themes/dark.yaml")),
    ("monochrome", include_str!("../../themes/monochrome.yaml")),
];

impl Theme {
    /// The theme called `name`, or in the file `name`; without a name the dark one, or the monochrome
    /// one when `NO_COLOR` is set (to anything but nothing).
    ///
    /// # Errors
    /// One message: which theme, what is wrong in it and what may stand there.
    pub fn load(name: Option<&str>, no_color: bool) -> Result<Self, String> {
        let name = name.unwrap_or(if no_color { "monochrome" } else { "dark" });
        let mut theme = match EMBEDDED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Self::parse(name, text)?,
            None => {
                let text = std::fs::read_to_string(name).map_err(|e| {
                    format!("theme `{name}`: no theme of that name (dark, monochrome), and as a file: {e}")
                })?;
                Self::parse(name, &text)?
            }
        };
        if no_color {
            theme.each(|style| {
                style.fg = None;
                style.bg = None;
            });
        }
        Ok(theme)
    }

    /// Reads a theme: a flat map of roles to styles.
    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut theme = Self::default();
        let mut depth = 0;
        let mut role: Option<String> = None;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| format!("theme `{name}`: {e}"))?;
            let here =
                |problem: String| format!("theme `{name}`, line {}: {problem}", span.start.line());
            match event {
                Event::MappingStart(..) if depth == 0 => depth = 1,
                Event::MappingStart(..) | Event::SequenceStart(..) | Event::Alias(..) => {
                    return Err(here("a theme is one flat map of roles to styles".to_owned()));
                }
                Event::Scalar(value, ..) => match role.take() {
                    None => role = Some(value.into_owned()),
                    Some(role) => theme.set(&role, &value).map_err(here)?,
                },
                _ => {}
            }
        }
        Ok(theme)
    }

    fn role(&mut self, name: &str) -> Option<&mut Style> {
        Some(match name {
            "text" => &mut self.text,
            "dim" => &mut self.dim,
            "title" => &mut self.title,
            "border" => &mut self.border,
            "live" => &mut self.live,
            "drill" => &mut self.drill,
            "rehearsal" => &mut self.rehearsal,
            "ok" => &mut self.ok,
            "warn" => &mut self.warn,
            "bad" => &mut self.bad,
            "unknown" => &mut self.unknown,
            "running" => &mut self.running,
            "marked" => &mut self.marked,
            "field" => &mut self.field,
            "key" => &mut self.key,
            _ => return None,
        })
    }

    fn each(&mut self, change: impl Fn(&mut Style)) {
        for role in ROLES {
            if let Some(style) = self.role(role) {
                change(style);
            }
        }
    }

    /// The frame of a run in this mode.
    #[must_use]
    pub fn mode(&self, mode: Mode) -> Style {
        match mode {
            Mode::Live => self.live,
            Mode::Drill => self.drill,
            Mode::Rehearsal => self.rehearsal,
        }
    }

    fn set(&mut self, role: &str, style: &str) -> Result<(), String> {
        let parsed = parse_style(style)?;
        let slot = self
            .role(role)
            .ok_or_else(|| format!("unknown role `{role}`; there are: {}", ROLES.join(", ")))?;
        *slot = parsed;
        Ok(())
    }
}

const ROLES: [&str; 15] = [
    "text",
    "dim",
    "title",
    "border",
    "live",
    "drill",
    "rehearsal",
    "ok",
    "warn",
    "bad",
    "unknown",
    "running",
    "marked",
    "field",
    "key",
];

/// `light red on black bold`: a colour, `on` and a colour, and any of bold, dim, italic, underlined,
/// reversed.
fn parse_style(text: &str) -> Result<Style, String> {
    let mut style = Style::default();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let modifier = match word {
            "plain" => Modifier::empty(),
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            "on" => {
                style.bg = Some(color(words.next().unwrap_or_default())?);
                continue;
            }
            word => {
                style.fg = Some(color(word)?);
                continue;
            }
        };
        style = style.add_modifier(modifier);
    }
    Ok(style)
}

fn color(word: &str) -> Result<Color, String> {
    Color::from_str(word).map_err(|_| {
        format!(
            "`{word}` is no style: write a colour (`red`, `light-red`, `#ff8700`, `208`), `on` and a colour, \
             and any of plain, bold, dim, italic, underlined, reversed"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_themes_give_every_role_a_style() {
        for (name, _) in EMBEDDED {
            Theme::load(Some(name), false).unwrap();
        }
        let dark = Theme::load(None, false).unwrap();
        assert_eq!(dark.bad.fg, Some(Color::LightRed));
    }

    #[test]
    fn no_color_takes_the_colours_and_leaves_the_rest() {
        let theme = Theme::load(Some("dark"), true).unwrap();
        assert_eq!(theme.bad.fg, None);
        assert!(theme.bad.add_modifier.contains(Modifier::BOLD));
        assert_eq!(
            Theme::load(None, true).unwrap(),
            Theme::load(Some("monochrome"), false).unwrap()
        );
    }

    #[test]
    fn a_bad_theme_is_refused_with_the_place() {
        let no_such = Theme::load(Some("/no/such/theme"), false).unwrap_err();
        assert!(
            no_such.contains("/no/such/theme") && no_such.contains("dark, monochrome"),
            "{no_such}"
        );
        let role = Theme::parse("x.yaml", "texd: red\n").unwrap_err();
        assert!(
            role.contains("x.yaml") && role.contains("texd") && role.contains("text, dim"),
            "{role}"
        );
        let style = Theme::parse("x.yaml", "text: redd\n").unwrap_err();
        assert!(style.contains("`redd` is no style"), "{style}");
    }
}
