//! One table of keys. Dispatch, the `?` screen, the bottom line and `docs/keys.md` all come from it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Where a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The list of runbooks.
    Catalogue,
    /// A form: inputs, a reason, a note.
    Form,
    /// A runbook that changed since the operator last ran it.
    Change,
    /// The checks before the first step.
    Preflight,
    /// A run.
    Console,
    /// The request, before it runs.
    Confirm,
    /// The request, when a phrase must be typed.
    Phrase,
    /// A secret that is typed.
    Secret,
    /// A signature that is pasted.
    Signature,
    /// A question with lettered answers.
    Menu,
    /// Anything long that is only read.
    Reader,
    /// After the last step.
    Debrief,
    /// Somebody else's run.
    Watch,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The obvious next thing.
    Go,
    /// Consent to what is on screen.
    Confirm,
    /// The menu of everything that changes the run.
    Menu,
    /// Write a note.
    Note,
    /// Attach evidence.
    Evidence,
    /// Write down an issue.
    Issue,
    /// Write down a lesson.
    Lesson,
    /// The whole output.
    Output,
    /// Type to search.
    Search,
    /// The next match.
    NextMatch,
    /// The steps and when they ran.
    Timeline,
    /// The records.
    Journal,
    /// Every key.
    Keys,
    /// Leave; the run stays resumable.
    Leave,
    /// Back to where one was.
    Back,
    /// Up a line or an entry.
    Up,
    /// Down a line or an entry.
    Down,
    /// Up a page.
    PageUp,
    /// Down a page.
    PageDown,
    /// To the first.
    Top,
    /// To the last.
    End,
    /// The next field.
    NextField,
    /// The field before.
    PreviousField,
    /// Empty the field.
    Clear,
    /// The text of the runbook.
    Runbook,
    /// Let what is rehearsed fail.
    Fail,
}

/// A key as the table writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A letter or sign; the case of a letter does not matter.
    Char(char),
    /// With Control held.
    Ctrl(char),
    /// A key without a character.
    Named(KeyCode),
}

/// One line of the table.
pub struct Binding {
    /// Where it means something.
    pub place: Place,
    /// The keys, any of them.
    pub keys: &'static [Key],
    /// What it asks for.
    pub action: Action,
    /// One line for the `?` screen and `docs/keys.md`.
    pub help: &'static str,
    /// A word for the bottom line, when it belongs there.
    pub hint: Option<&'static str>,
}

const ENTER: &[Key] = &[Key::Named(KeyCode::Enter)];
const ESC: &[Key] = &[Key::Named(KeyCode::Esc)];
const UP: &[Key] = &[Key::Named(KeyCode::Up), Key::Char('k')];
const DOWN: &[Key] = &[Key::Named(KeyCode::Down), Key::Char('j')];
const PAGE_UP: &[Key] = &[Key::Named(KeyCode::PageUp)];
const PAGE_DOWN: &[Key] = &[Key::Named(KeyCode::PageDown)];
const TOP: &[Key] = &[Key::Named(KeyCode::Home)];
const BOTTOM: &[Key] = &[Key::Named(KeyCode::End)];
const KEYS: &[Key] = &[Key::Char('?')];
const LEAVE: &[Key] = &[Key::Char('q'), Key::Ctrl('c')];
const CLOSE: &[Key] = &[Key::Named(KeyCode::Esc), Key::Char('q'), Key::Ctrl('c')];
const ARROW_UP: &[Key] = &[Key::Named(KeyCode::Up)];
const ARROW_DOWN: &[Key] = &[Key::Named(KeyCode::Down)];

const ISSUE: &str = "write down an issue that was found: severity, owner, due day";
const LESSON: &str = "write down what was learned";

const fn bind(
    place: Place,
    keys: &'static [Key],
    action: Action,
    hint: Option<&'static str>,
    help: &'static str,
) -> Binding {
    Binding { place, keys, action, help, hint }
}

/// The table.
pub static BINDINGS: &[Binding] = {
    use Action as A;
    use Place as P;
    &[
        bind(P::Catalogue, ENTER, A::Go, Some("open"), "open the runbook and fill in its inputs"),
        bind(
            P::Catalogue,
            &[Key::Char('/')],
            A::Search,
            Some("search"),
            "search; Enter keeps what is found, Esc clears it",
        ),
        bind(P::Catalogue, UP, A::Up, None, "the runbook above"),
        bind(P::Catalogue, DOWN, A::Down, None, "the runbook below"),
        bind(P::Catalogue, PAGE_UP, A::PageUp, None, "a page up"),
        bind(P::Catalogue, PAGE_DOWN, A::PageDown, None, "a page down"),
        bind(P::Catalogue, TOP, A::Top, None, "the first runbook"),
        bind(P::Catalogue, BOTTOM, A::End, None, "the last runbook"),
        bind(P::Catalogue, KEYS, A::Keys, Some("keys"), "every key"),
        bind(P::Catalogue, LEAVE, A::Leave, Some("leave"), "leave"),
        bind(
            P::Form,
            ENTER,
            A::Go,
            Some("next, and on from the last field"),
            "the next field; from the last one on, when nothing is wrong",
        ),
        bind(
            P::Form,
            &[Key::Named(KeyCode::Tab), Key::Named(KeyCode::Down)],
            A::NextField,
            Some("next"),
            "the next field",
        ),
        bind(
            P::Form,
            &[Key::Named(KeyCode::BackTab), Key::Named(KeyCode::Up)],
            A::PreviousField,
            None,
            "the field before",
        ),
        bind(
            P::Form,
            &[Key::Named(KeyCode::Esc), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back, with nothing started",
        ),
        bind(
            P::Change,
            &[Key::Char('y')],
            A::Confirm,
            Some("go on with it"),
            "go on with the runbook as it is now; taken once the end of the change was on screen and the keys were silent for 300 ms",
        ),
        bind(P::Change, UP, A::Up, None, "scroll up"),
        bind(P::Change, DOWN, A::Down, Some("scroll"), "scroll down"),
        bind(P::Change, PAGE_UP, A::PageUp, None, "a page up"),
        bind(P::Change, PAGE_DOWN, A::PageDown, None, "a page down"),
        bind(P::Change, TOP, A::Top, None, "the beginning"),
        bind(P::Change, BOTTOM, A::End, Some("to its end"), "the end"),
        bind(P::Change, KEYS, A::Keys, Some("keys"), "every key"),
        bind(P::Change, CLOSE, A::Leave, Some("leave"), "leave, with nothing begun"),
        bind(
            P::Preflight,
            ENTER,
            A::Go,
            Some("go on"),
            "go on to the first step; after a failed check, ask for the reason; not taken within 300 ms of a key that was meant for the form",
        ),
        bind(
            P::Preflight,
            &[Key::Char('v')],
            A::Runbook,
            Some("runbook"),
            "the text of the runbook",
        ),
        bind(P::Preflight, UP, A::Up, None, "up"),
        bind(P::Preflight, DOWN, A::Down, None, "down"),
        bind(P::Preflight, KEYS, A::Keys, Some("keys"), "every key"),
        bind(
            P::Preflight,
            ESC,
            A::Back,
            Some("change"),
            "back to the form, to change what it begins with",
        ),
        bind(P::Preflight, LEAVE, A::Leave, Some("leave"), "leave, with nothing begun"),
        bind(
            P::Console,
            ENTER,
            A::Go,
            Some("run"),
            "the obvious next thing: run the step, or open the choices after a failure",
        ),
        bind(
            P::Console,
            &[Key::Char(' ')],
            A::Menu,
            Some("more"),
            "the menu of everything that changes the run",
        ),
        bind(P::Console, &[Key::Char('n')], A::Note, Some("note"), "write a note into the record"),
        bind(P::Console, &[Key::Char('e')], A::Evidence, None, "attach a file as evidence"),
        bind(P::Console, &[Key::Char('i')], A::Issue, None, ISSUE),
        bind(P::Console, &[Key::Char('w')], A::Lesson, None, LESSON),
        bind(
            P::Console,
            &[Key::Char('o')],
            A::Output,
            Some("output"),
            "the whole output of the step",
        ),
        bind(P::Console, &[Key::Char('/')], A::Search, None, "search the output"),
        bind(
            P::Console,
            &[Key::Char('t')],
            A::Timeline,
            Some("timeline"),
            "the steps and when they ran",
        ),
        bind(P::Console, &[Key::Char('l')], A::Journal, None, "the journal"),
        bind(
            P::Console,
            &[Key::Char('f')],
            A::Fail,
            None,
            "in a rehearsal: let the step that runs fail, to practise what comes then",
        ),
        bind(P::Console, UP, A::Up, None, "look at the step above; the run does not move"),
        bind(P::Console, DOWN, A::Down, None, "look at the step below; the run does not move"),
        bind(P::Console, PAGE_UP, A::PageUp, None, "scroll the right side up"),
        bind(P::Console, PAGE_DOWN, A::PageDown, None, "scroll the right side down"),
        bind(P::Console, ESC, A::Back, None, "look at the current step again"),
        bind(P::Console, KEYS, A::Keys, Some("keys"), "every key"),
        bind(
            P::Console,
            LEAVE,
            A::Leave,
            Some("leave"),
            "leave; the run stays resumable; asks while something runs",
        ),
        bind(
            P::Confirm,
            &[Key::Char('y')],
            A::Confirm,
            Some("run it"),
            "run exactly this; taken once the whole request was on screen and the keys were silent for 300 ms",
        ),
        bind(P::Confirm, UP, A::Up, None, "scroll up"),
        bind(P::Confirm, DOWN, A::Down, Some("scroll"), "scroll down"),
        bind(P::Confirm, PAGE_UP, A::PageUp, None, "a page up"),
        bind(P::Confirm, PAGE_DOWN, A::PageDown, None, "a page down"),
        bind(
            P::Confirm,
            &[Key::Named(KeyCode::Esc), Key::Char('q'), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back, with nothing started",
        ),
        bind(
            P::Phrase,
            ENTER,
            A::Confirm,
            Some("run it"),
            "run exactly this, when the phrase is right; taken once the whole request was on screen and the keys were silent for 300 ms",
        ),
        bind(P::Phrase, ARROW_UP, A::Up, None, "scroll up"),
        bind(P::Phrase, ARROW_DOWN, A::Down, Some("scroll"), "scroll down"),
        bind(P::Phrase, PAGE_UP, A::PageUp, None, "a page up"),
        bind(P::Phrase, PAGE_DOWN, A::PageDown, None, "a page down"),
        bind(
            P::Phrase,
            &[Key::Named(KeyCode::Esc), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back, with nothing started",
        ),
        bind(P::Secret, ENTER, A::Go, Some("use it"), "hand it to the step; it is not shown"),
        bind(P::Secret, &[Key::Ctrl('u')], A::Clear, Some("clear"), "begin again"),
        bind(
            P::Secret,
            &[Key::Named(KeyCode::Esc), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back, with nothing started",
        ),
        bind(
            P::Signature,
            ENTER,
            A::Go,
            Some("look at it"),
            "look whose it is, once it is whole; before that, the next line",
        ),
        bind(P::Signature, &[Key::Ctrl('u')], A::Clear, Some("clear"), "begin again"),
        bind(
            P::Signature,
            &[Key::Named(KeyCode::Esc), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back; the run goes on waiting",
        ),
        bind(P::Menu, ENTER, A::Go, Some("choose"), "take the marked answer"),
        bind(P::Menu, UP, A::Up, None, "the answer above"),
        bind(P::Menu, DOWN, A::Down, None, "the answer below"),
        bind(
            P::Menu,
            &[Key::Named(KeyCode::Esc), Key::Char(' '), Key::Ctrl('c')],
            A::Back,
            Some("back"),
            "back, with nothing changed",
        ),
        bind(
            P::Reader,
            &[Key::Char('/')],
            A::Search,
            Some("search"),
            "search; Enter goes to the match",
        ),
        bind(P::Reader, &[Key::Char('n')], A::NextMatch, Some("next match"), "the next match"),
        bind(P::Reader, UP, A::Up, None, "up"),
        bind(P::Reader, DOWN, A::Down, Some("scroll"), "down"),
        bind(P::Reader, PAGE_UP, A::PageUp, None, "a page up"),
        bind(P::Reader, PAGE_DOWN, A::PageDown, None, "a page down"),
        bind(P::Reader, TOP, A::Top, None, "the beginning"),
        bind(P::Reader, BOTTOM, A::End, None, "the end, and follow it"),
        bind(P::Reader, CLOSE, A::Back, Some("back"), "back to the run"),
        bind(P::Debrief, ENTER, A::Go, Some("done"), "leave"),
        bind(P::Debrief, &[Key::Char('i')], A::Issue, Some("issue"), ISSUE),
        bind(P::Debrief, &[Key::Char('w')], A::Lesson, Some("lesson"), LESSON),
        bind(P::Debrief, &[Key::Char('n')], A::Note, Some("note"), "write a note into the record"),
        bind(P::Debrief, &[Key::Char('e')], A::Evidence, None, "attach a file as evidence"),
        bind(P::Debrief, &[Key::Char('t')], A::Timeline, None, "the steps and when they ran"),
        bind(P::Debrief, &[Key::Char('l')], A::Journal, Some("journal"), "the journal"),
        bind(P::Debrief, UP, A::Up, None, "up"),
        bind(P::Debrief, DOWN, A::Down, None, "down"),
        bind(P::Debrief, KEYS, A::Keys, Some("keys"), "every key"),
        bind(P::Debrief, LEAVE, A::Leave, Some("leave"), "leave"),
        bind(P::Watch, &[Key::Char('o')], A::Output, Some("output"), "the output of the step"),
        bind(
            P::Watch,
            &[Key::Char('t')],
            A::Timeline,
            Some("timeline"),
            "the steps and when they ran",
        ),
        bind(P::Watch, &[Key::Char('l')], A::Journal, Some("journal"), "the journal"),
        bind(P::Watch, UP, A::Up, None, "look at the step above"),
        bind(P::Watch, DOWN, A::Down, None, "look at the step below"),
        bind(P::Watch, PAGE_UP, A::PageUp, None, "scroll the right side up"),
        bind(P::Watch, PAGE_DOWN, A::PageDown, None, "scroll the right side down"),
        bind(P::Watch, ESC, A::Back, None, "look at the current step again"),
        bind(P::Watch, KEYS, A::Keys, Some("keys"), "every key"),
        bind(P::Watch, LEAVE, A::Leave, Some("leave"), "leave; the run is not touched"),
    ]
};

impl Place {
    /// Every place, in the order of the `?` screen.
    pub const ALL: [Self; 13] = [
        Self::Catalogue,
        Self::Form,
        Self::Change,
        Self::Preflight,
        Self::Console,
        Self::Confirm,
        Self::Phrase,
        Self::Secret,
        Self::Signature,
        Self::Menu,
        Self::Reader,
        Self::Debrief,
        Self::Watch,
    ];

    /// The heading it goes under.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Catalogue => "The catalogue",
            Self::Form => "A form",
            Self::Change => "A runbook that has changed",
            Self::Preflight => "Before the first step",
            Self::Console => "A run",
            Self::Confirm => "The request, before it runs",
            Self::Phrase => "The request, when a phrase must be typed",
            Self::Secret => "A secret that is typed",
            Self::Signature => "A signature that is pasted",
            Self::Menu => "A menu",
            Self::Reader => "Output, timeline, journal and this list",
            Self::Debrief => "After the run",
            Self::Watch => "Watching",
        }
    }
}

impl Key {
    fn matches(self, event: &KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        match (self, event.code) {
            (Self::Char(want), KeyCode::Char(c)) => !ctrl && want == c.to_ascii_lowercase(),
            (Self::Ctrl(want), KeyCode::Char(c)) => ctrl && want == c.to_ascii_lowercase(),
            (Self::Named(want), code) => want == code,
            (Self::Char(_) | Self::Ctrl(_), _) => false,
        }
    }

    /// As people write it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("Ctrl-{c}"),
            Self::Named(KeyCode::Up) => "↑".to_owned(),
            Self::Named(KeyCode::Down) => "↓".to_owned(),
            Self::Named(KeyCode::PageUp) => "PgUp".to_owned(),
            Self::Named(KeyCode::PageDown) => "PgDn".to_owned(),
            Self::Named(KeyCode::BackTab) => "Shift-Tab".to_owned(),
            Self::Named(code) => code.to_string(),
        }
    }
}

/// What the key asks for here; `None` when it means nothing.
#[must_use]
pub fn lookup(place: Place, event: &KeyEvent) -> Option<Action> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    here(place).find(|b| b.keys.iter().any(|key| key.matches(event))).map(|b| b.action)
}

/// The bindings of one place.
pub fn here(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.place == place)
}

/// The bottom line: `Enter run · Space more · …`.
#[must_use]
pub fn hints(place: Place) -> String {
    let hints = here(place).filter_map(|b| {
        let key = b.keys.first()?;
        b.hint.map(|word| format!("{} {word}", key.name()))
    });
    hints.collect::<Vec<_>>().join(" · ")
}

/// `docs/keys.md`, generated.
#[must_use]
pub fn markdown(menu: &[(char, &str, &str)]) -> String {
    let mut out = String::from(
        "# Keys\n\nGenerated from `src/tui/keymap.rs` and `src/tui/console/choices.rs`; a test holds this page to them.\n\n\
         Upper and lower case mean the same. Pasted text outside a field is thrown away. Arrow keys only look \
         around: they never move the run.\n",
    );
    for place in Place::ALL {
        out.push_str(&format!("\n## {}\n\n| key | does |\n|---|---|\n", place.title()));
        for binding in here(place) {
            let keys: Vec<String> =
                binding.keys.iter().map(|key| format!("`{}`", key.name())).collect();
            out.push_str(&format!("| {} | {} |\n", keys.join(" "), binding.help));
        }
    }
    out.push_str("\n## The menu of a run (`Space`)\n\n| letter | does | |\n|---|---|---|\n");
    for (letter, name, help) in menu {
        out.push_str(&format!("| `{letter}` | {name} | {help} |\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    #[test]
    fn upper_and_lower_case_mean_the_same() {
        assert_eq!(lookup(Place::Confirm, &key(KeyCode::Char('Y'))), Some(Action::Confirm));
        assert_eq!(lookup(Place::Confirm, &key(KeyCode::Char('y'))), Some(Action::Confirm));
    }

    #[test]
    fn control_is_not_the_letter() {
        let event = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL);
        assert_eq!(lookup(Place::Confirm, &event), None);
    }

    #[test]
    fn a_key_means_one_thing_in_a_place() {
        for place in Place::ALL {
            let keys: Vec<Key> = here(place).flat_map(|b| b.keys).copied().collect();
            for (i, key) in keys.iter().enumerate() {
                assert!(!keys[..i].contains(key), "{} twice in {place:?}", key.name());
            }
        }
    }

    #[test]
    fn every_bottom_line_fits_the_smallest_screen() {
        for place in Place::ALL {
            let width = crate::tui::text::width(&hints(place));
            assert!(width <= 76, "{place:?} takes {width}: {}", hints(place));
        }
    }

    #[test]
    fn nothing_but_enter_and_y_starts_anything() {
        for b in BINDINGS {
            if matches!(b.action, Action::Go | Action::Confirm) {
                let expected = [Key::Named(KeyCode::Enter), Key::Char('y')];
                assert!(b.keys.iter().all(|key| expected.contains(key)), "{}", b.help);
            }
        }
    }
}
