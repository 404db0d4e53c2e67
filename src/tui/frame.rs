//! What the screens are put together from: boxes, a list with a mark, a scrolled text, the bottom line.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::terminal::SMALLEST;
use super::text;
use super::theme::Theme;

/// Says that the screen is too small, and how large it must be.
pub fn too_small(frame: &mut Frame<'_>) {
    let area = frame.area();
    let lines = [
        "Too small a screen.".to_owned(),
        format!("This one: {}x{}", area.width, area.height),
        format!("Needed: {}x{}", SMALLEST.0, SMALLEST.1),
        "Make it larger; the run goes on.".to_owned(),
    ];
    let lines: Vec<Line<'_>> = lines.into_iter().map(Line::from).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// A box over the whole area with a title on its upper edge and the keys on its lower one; what is
/// returned is the inside.
pub fn page(frame: &mut Frame<'_>, area: Rect, theme: &Theme, title: &str, keys: &str) -> Rect {
    boxed(frame, area, theme.border, border::PLAIN, theme, title, keys)
}

/// A box in the middle of the area, over what is there.
pub fn dialog(
    frame: &mut Frame<'_>,
    area: Rect,
    theme: &Theme,
    size: (u16, u16),
    title: &str,
    keys: &str,
) -> Rect {
    let (width, height) = (size.0.min(area.width), size.1.min(area.height));
    let over = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, over);
    boxed(frame, over, theme.title, border::DOUBLE, theme, title, keys)
}

fn boxed(
    frame: &mut Frame<'_>,
    area: Rect,
    style: Style,
    set: border::Set<'_>,
    theme: &Theme,
    title: &str,
    keys: &str,
) -> Rect {
    let room = usize::from(area.width.saturating_sub(6));
    let mut block = Block::bordered()
        .border_set(set)
        .border_style(style)
        .title(Line::styled(format!(" {} ", text::fit(title, room)), theme.title));
    if !keys.is_empty() {
        let keys = Line::styled(format!(" {} ", text::fit(keys, room)), theme.key);
        block = block.title_bottom(keys.alignment(Alignment::Left));
    }
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inner(inside)
}

/// The area without a column on either side.
#[must_use]
pub fn inner(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area }
}

/// One line of the area, from its top; `None` below its end.
#[must_use]
pub fn row(area: Rect, index: u16) -> Option<Rect> {
    (index < area.height).then(|| Rect { y: area.y + index, height: 1, ..area })
}

/// Lines from `top` on, as many as there is room for.
pub fn lines(frame: &mut Frame<'_>, area: Rect, lines: &[Line<'_>], top: usize) {
    for (line, index) in lines.iter().skip(top).zip(0..) {
        let Some(at) = row(area, index) else { break };
        frame.render_widget(line.clone(), at);
    }
}

/// The first line to show so that line `marked` of `count` is on a screen of `height`, with the list
/// as full as it can be.
#[must_use]
pub fn scroll_to(marked: usize, count: usize, height: usize) -> usize {
    let last = count.saturating_sub(height);
    marked.saturating_sub(height / 2).min(last)
}

/// A line that holds a mark when it is the one.
#[must_use]
pub fn marked<'a>(is_marked: bool, theme: &Theme, line: Line<'a>, columns: usize) -> Line<'a> {
    if !is_marked {
        return line;
    }
    let used: usize = line.width();
    let mut line = line;
    line.push_span(Span::raw(" ".repeat(columns.saturating_sub(used))));
    line.patch_style(theme.marked)
}

/// `a`…`b` on one line with `b` at the right edge; `a` is cut when there is no room.
#[must_use]
pub fn edges(left: &str, right: &str, columns: usize) -> String {
    let room = columns.saturating_sub(text::width(right) + usize::from(!right.is_empty()));
    format!("{}{}{right}", text::pad(left, room), if right.is_empty() { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_line_is_always_on_screen() {
        for count in 0..40 {
            for marked in 0..count {
                let top = scroll_to(marked, count, 10);
                assert!(top <= marked && marked < top + 10, "{marked} of {count}: {top}");
            }
        }
    }

    #[test]
    fn edges_keep_the_right_side() {
        assert_eq!(edges("Restore the cluster", "03:12", 16), "Restore t… 03:12");
        assert_eq!(edges("a", "", 3), "a  ");
    }
}
