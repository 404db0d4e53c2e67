//! The frame of a run. Its shape tells the mode where there is no colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text;
use crate::engine::Mode;

/// The pieces a frame is made of.
pub struct Borders {
    across: &'static str,
    down: &'static str,
    corners: [&'static str; 4],
    tees: [&'static str; 4],
}

/// Double lines: an incident.
static LIVE: Borders =
    Borders {
        across: "═", down: "║", corners: ["╔", "╗", "╚", "╝"], tees: ["╠", "╣", "╦", "╩"]
    };

/// Single lines.
static DRILL: Borders =
    Borders {
        across: "─", down: "│", corners: ["┌", "┐", "└", "┘"], tees: ["├", "┤", "┬", "┴"]
    };

/// Broken lines: nothing is executed.
static REHEARSAL: Borders =
    Borders {
        across: "╌", down: "╎", corners: ["┌", "┐", "└", "┘"], tees: ["├", "┤", "┬", "┴"]
    };

impl Borders {
    /// The frame of a mode.
    #[must_use]
    pub fn of(mode: Mode) -> &'static Self {
        match mode {
            Mode::Live => &LIVE,
            Mode::Drill => &DRILL,
            Mode::Rehearsal => &REHEARSAL,
        }
    }

    /// The four sides of the area.
    pub fn outline(&self, buffer: &mut Buffer, area: Rect, style: Style) {
        let (left, right) = (area.x, area.right().saturating_sub(1));
        let bottom = area.bottom().saturating_sub(1);
        let [top_left, top_right, bottom_left, bottom_right] = self.corners;
        for y in area.y..area.bottom() {
            buffer.set_string(left, y, self.down, style);
            buffer.set_string(right, y, self.down, style);
        }
        for (y, start, end) in [(area.y, top_left, top_right), (bottom, bottom_left, bottom_right)]
        {
            buffer.set_string(left, y, self.across.repeat(usize::from(area.width)), style);
            buffer.set_string(left, y, start, style);
            buffer.set_string(right, y, end, style);
        }
    }

    /// A line across the area at `y`.
    pub fn rule(&self, buffer: &mut Buffer, area: Rect, y: u16, style: Style) {
        let [left, right, ..] = self.tees;
        buffer.set_string(area.x, y, self.across.repeat(usize::from(area.width)), style);
        buffer.set_string(area.x, y, left, style);
        buffer.set_string(area.right().saturating_sub(1), y, right, style);
    }

    /// A line down at `x`, from the rule at `top` to the rule at `bottom`.
    pub fn divide(&self, buffer: &mut Buffer, x: u16, (top, bottom): (u16, u16), style: Style) {
        let [_, _, upper, lower] = self.tees;
        for y in top + 1..bottom {
            buffer.set_string(x, y, self.down, style);
        }
        buffer.set_string(x, top, upper, style);
        buffer.set_string(x, bottom, lower, style);
    }

    /// `─ left ──── right ─` into a line from `x` on, over `columns`.
    pub fn titles(
        &self,
        buffer: &mut Buffer,
        (x, y): (u16, u16),
        columns: u16,
        (left, right): (&str, &str),
        style: Style,
    ) {
        let columns = usize::from(columns);
        let right = if right.is_empty() { String::new() } else { format!(" {right} ") };
        let room = columns.saturating_sub(text::width(&right) + 5);
        let left = text::fit(left, room);
        if !left.is_empty() {
            buffer.set_string(x + 1, y, format!(" {left} "), style);
        }
        let at = columns.saturating_sub(text::width(&right) + 1);
        if !right.is_empty() {
            buffer.set_string(x + u16::try_from(at).unwrap_or(0), y, right, style);
        }
    }
}
