//! The form before a run: where and how it runs, when the outage began, and the runbook's inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::text::Line;

use super::app::{App, Flow, Message};
use super::form::{Answer, Field, Form, Kind, Verdict};
use super::keymap::{Place, hints};
use super::theme::Theme;
use super::{clock, frame, text};
use crate::engine::{Mode, Stamp};
use crate::runbook::Runbook;
use crate::runbook::inputs::{Given, SecretSource, examine, unread};
use crate::runbook::model::InputKind;
use crate::runbook::timetext::parse_moment;
use crate::settings::Settings;

/// What is known before the form is shown.
#[derive(Clone, Debug, Default)]
pub struct Preset {
    /// An environment of the settings.
    pub environment: Option<String>,
    /// How the run treats the world.
    pub mode: Option<Mode>,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// When the outage began, as typed.
    pub outage_start: Option<String>,
    /// Input values, as typed.
    pub inputs: Given,
}

/// What a run is to be begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// An environment of the settings.
    pub environment: Option<String>,
    /// How the run treats the world.
    pub mode: Mode,
    /// The incident or change ticket.
    pub incident: Option<String>,
    /// When the outage began.
    pub outage_start: DateTime<Utc>,
    /// Input values, as typed; what was left empty is not there.
    pub inputs: Given,
}

/// The form.
pub struct StartForm {
    title: String,
    form: Form,
    names: Vec<String>,
}

/// Where there is no environment.
const NONE: &str = "none";
/// Fields before the runbook's inputs.
const FIXED: usize = 4;
const MODES: [Mode; 3] = [Mode::Live, Mode::Drill, Mode::Rehearsal];

/// Reads an environment variable.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl StartForm {
    /// The form of a runbook.
    #[must_use]
    pub fn new(
        runbook: Arc<Runbook>,
        settings: Arc<Settings>,
        preset: &Preset,
        env: Env,
        now: &Stamp,
    ) -> Self {
        let names: Vec<String> = runbook.inputs.iter().map(|input| input.name.clone()).collect();
        let fields = fields(&runbook, &settings, preset);
        let title = text::one_line(&runbook.title);
        let judge =
            move |texts: &[String], now: &Stamp| verdicts(&runbook, &settings, &env, texts, now);
        let form = Form::new(&title, fields, Box::new(judge), now);
        Self { title, form, names }
    }

    fn start(&self, texts: &[String], now: &Stamp) -> Option<Start> {
        let get = |i: usize| texts.get(i).map(|text| text.trim().to_owned()).unwrap_or_default();
        let some = |text: String| (!text.is_empty()).then_some(text);
        let inputs = self.names.iter().cloned().zip(texts.iter().skip(FIXED));
        Some(Start {
            environment: some(get(0)).filter(|name| name != NONE),
            mode: mode(&get(1))?,
            incident: some(get(2)),
            outage_start: parse_moment(&get(3), now.at).ok()?,
            inputs: given(inputs),
        })
    }
}

fn given<'a>(texts: impl Iterator<Item = (String, &'a String)>) -> Given {
    let texts = texts.map(|(name, text)| (name, text.trim().to_owned()));
    texts.filter(|(_, text)| !text.is_empty()).collect()
}

fn mode(name: &str) -> Option<Mode> {
    MODES.into_iter().find(|mode| mode.name() == name)
}

fn fields(runbook: &Runbook, settings: &Settings, preset: &Preset) -> Vec<Field> {
    let field = |label: &str, help: &str, kind: Kind, text: String| Field {
        label: label.to_owned(),
        help: help.to_owned(),
        kind,
        text,
    };
    let environments =
        std::iter::once(NONE.to_owned()).chain(settings.environments.keys().cloned());
    let environment = preset.environment.clone().unwrap_or_else(|| NONE.to_owned());
    let of_environment = settings.environments.get(&environment).map(|known| known.mode);
    let mode = preset.mode.or(of_environment).unwrap_or(Mode::Live);
    let modes = MODES.iter().map(|mode| mode.name().to_owned()).collect();
    let mut fields = vec![
        field("environment", "", Kind::Choice(environments.collect()), environment),
        field("mode", "", Kind::Choice(modes), mode.name().to_owned()),
        field(
            "incident",
            "the incident or change ticket; may be empty",
            Kind::Text,
            preset.incident.clone().unwrap_or_default(),
        ),
        field(
            "outage start",
            "with a zone, or such as `30m ago`; the RTO clock starts here",
            Kind::Text,
            preset.outage_start.clone().unwrap_or_else(|| "now".to_owned()),
        ),
    ];
    fields.extend(runbook.inputs.iter().map(|input| {
        let kind = match input.kind {
            InputKind::Choice if input.default.is_none() && input.env.is_none() => {
                Kind::Choice(input.choices.clone())
            }
            InputKind::Secret => Kind::Secret,
            InputKind::String
            | InputKind::Integer
            | InputKind::Number
            | InputKind::Boolean
            | InputKind::Choice
            | InputKind::Timestamp
            | InputKind::Duration
            | InputKind::Path
            | InputKind::Url
            | InputKind::S3Uri => Kind::Text,
        };
        let help = match (&input.help, kind == Kind::Secret) {
            (Some(help), _) => help.clone(),
            (None, true) => {
                "env:NAME, file:/path, cmd:COMMAND, or ask to type it later; never here".to_owned()
            }
            (None, false) => String::new(),
        };
        let text = preset.inputs.get(&input.name).cloned().unwrap_or_default();
        field(&input.name, &help, kind, text)
    }));
    fields
}

fn verdicts(
    runbook: &Runbook,
    settings: &Settings,
    env: &Env,
    texts: &[String],
    now: &Stamp,
) -> Vec<Verdict> {
    let get = |i: usize| texts.get(i).map_or("", |text| text.trim());
    let environment = settings.environments.get(get(0));
    let mode = mode(get(1));
    let mut verdicts = vec![
        Verdict::Good(match environment {
            Some(known) if known.pins.is_empty() => "names no target to prove".to_owned(),
            Some(known) => {
                let pins: Vec<_> = known.pins.iter().map(|(k, v)| format!("{k} = {v}")).collect();
                pins.join(", ")
            }
            None => "no environment: nothing of the target is proven".to_owned(),
        }),
        match (environment.map(|known| known.mode), mode) {
            (_, Some(Mode::Rehearsal)) => {
                Verdict::Good("nothing is executed, time is short".into())
            }
            (Some(of), Some(mode)) if of != mode => Verdict::Bad(format!(
                "the environment `{}` is for {}: choose that",
                get(0),
                of.name()
            )),
            (_, Some(Mode::Live)) => Verdict::Good("an incident: everything is for real".into()),
            (_, Some(Mode::Drill)) => Verdict::Good("everything is for real, and timed".into()),
            (_, None) => Verdict::Bad("live, drill or rehearsal".into()),
        },
        Verdict::Good(String::new()),
        match parse_moment(get(3), now.at) {
            Ok(at) if at > now.at => Verdict::Bad("that is in the future".into()),
            Ok(at) => Verdict::Good(clock::echo(at, now.at)),
            Err(e) => Verdict::Bad(
                e.help.map_or(e.message.clone(), |help| format!("{}; {help}", e.message)),
            ),
        },
    ];
    let names = runbook.inputs.iter().map(|input| input.name.clone());
    let given = given(names.zip(texts.iter().skip(FIXED)));
    let nothing = BTreeMap::new();
    let of_environment = environment.map_or(&nothing, |known| &known.inputs);
    let read = |name: &str| env(name);
    let rehearsal = mode == Some(Mode::Rehearsal);
    let (inputs, problems) = if rehearsal {
        let unread = unread(&runbook.inputs, &read);
        examine(&runbook.inputs, &given, of_environment, &unread, now.at)
    } else {
        examine(&runbook.inputs, &given, of_environment, &read, now.at)
    };
    verdicts.extend(runbook.inputs.iter().map(|input| {
        if let Some(problem) = problems.iter().find(|problem| problem.input == input.name) {
            let help = problem.help.as_deref().map(|help| format!("; {help}"));
            return Verdict::Bad(format!("{}{}", problem.message, help.unwrap_or_default()));
        }
        match (inputs.secrets.get(&input.name), inputs.values.get(&input.name)) {
            (Some(source), _) if rehearsal => Verdict::Good(format!("{source} is not read")),
            (Some(source), _) => secret(source, env),
            (None, Some(crate::runbook::Value::Timestamp(at))) => {
                Verdict::Good(clock::echo(*at, now.at))
            }
            (None, Some(value)) if !given.contains_key(&input.name) => {
                Verdict::Good(format!("left empty it is {value}"))
            }
            (None, Some(_) | None) => Verdict::Good(String::new()),
        }
    }));
    verdicts
}

/// Whether there is something where the secret is said to be; never what it is.
fn secret(source: &SecretSource, env: &Env) -> Verdict {
    match source {
        SecretSource::Env(name) => match env(name) {
            Some(value) if !value.is_empty() => Verdict::Good(format!("env:{name} is set")),
            Some(_) | None => {
                Verdict::Bad(format!("{name} is not set; export it, or name another place"))
            }
        },
        SecretSource::File(path) if Path::new(path).is_file() => {
            Verdict::Good(format!("{source} is there"))
        }
        SecretSource::File(_) => Verdict::Bad(format!("{source} is not there")),
        SecretSource::Command(_) => Verdict::Good("asked when the run begins".to_owned()),
        SecretSource::Ask => Verdict::Good("typed when a step needs it".to_owned()),
    }
}

impl App for StartForm {
    type Done = Option<Start>;

    fn update(&mut self, message: Message, now: &Stamp) -> Flow<Option<Start>> {
        match message {
            Message::Key(key) => match self.form.key(key, now) {
                Answer::Open => return Flow::On,
                Answer::Left => return Flow::Done(None),
                Answer::Given(texts) => {
                    if let Some(start) = self.start(&texts, now) {
                        return Flow::Done(Some(start));
                    }
                }
            },
            Message::Paste(pasted) => self.form.paste(&pasted, now),
            Message::News | Message::Tick => self.form.tick(now),
            Message::Quit(_) => return Flow::Done(None),
        }
        Flow::On
    }

    fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, _now: &Stamp) {
        let area = frame.area();
        let title = format!("New run · {}", self.title);
        let inside = frame::page(frame, area, theme, &title, &hints(Place::Form));
        let columns = usize::from(inside.width);
        let intro = "Nothing starts yet: the checks and the first step come after this.";
        frame.render_widget(Line::styled(text::fit(intro, columns), theme.dim), inside);
        let below = ratatui::layout::Rect {
            y: inside.y + 2,
            height: inside.height.saturating_sub(2),
            ..inside
        };
        self.form.draw(frame, below, theme);
    }

    fn title(&self) -> String {
        format!("steady: {}", self.title)
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;
    use crate::settings::{Aws, Environment};
    use crate::tui::testing::{at, key, screen, stamp};
    use crate::tui::testing_story::runbook;

    fn settings() -> Arc<Settings> {
        let environment = |mode| Environment {
            mode,
            auto: false,
            inputs: BTreeMap::new(),
            aws: Aws::default(),
            targets: None,
            pins: BTreeMap::from([("aws.account".to_owned(), "123456789012".to_owned())]),
        };
        Arc::new(Settings {
            environments: BTreeMap::from([
                ("production".to_owned(), environment(Mode::Live)),
                ("dr".to_owned(), environment(Mode::Drill)),
            ]),
            ..Settings::default()
        })
    }

    fn form(preset: &Preset) -> StartForm {
        StartForm::new(runbook(), settings(), preset, Arc::new(|_| None), &stamp(0))
    }

    fn press(form: &mut StartForm, code: KeyCode) -> Flow<Option<Start>> {
        form.update(Message::Key(key(code)), &stamp(0))
    }

    fn typed(form: &mut StartForm, text: &str) {
        for c in text.chars() {
            press(form, KeyCode::Char(c));
        }
    }

    #[test]
    fn the_form_at_both_sizes() {
        let mut form =
            form(&Preset { environment: Some("production".into()), ..Preset::default() });
        insta::assert_snapshot!("start_80", screen(80, 24, &form, 0));
        for _ in 0..5 {
            press(&mut form, KeyCode::Enter);
        }
        typed(&mut form, "2026-11-21T02:48:00");
        press(&mut form, KeyCode::Enter);
        insta::assert_snapshot!("start_bad", screen(80, 24, &form, 0));
        insta::assert_snapshot!("start_120", screen(120, 40, &form, 0));
    }

    #[test]
    fn what_is_filled_in_is_what_is_begun() {
        let mut form = form(&Preset {
            environment: Some("production".into()),
            incident: Some("INC-4211".into()),
            ..Preset::default()
        });
        for _ in 0..5 {
            assert_eq!(press(&mut form, KeyCode::Enter), Flow::On);
        }
        typed(&mut form, "12m ago");
        let Flow::Done(Some(start)) = press(&mut form, KeyCode::Enter) else { panic!("not done") };
        assert_eq!(
            start,
            Start {
                environment: Some("production".into()),
                mode: Mode::Live,
                incident: Some("INC-4211".into()),
                outage_start: at(0),
                inputs: BTreeMap::from([("restore_to".to_owned(), "12m ago".to_owned())]),
            }
        );
    }

    #[test]
    fn a_live_environment_is_no_place_for_a_drill() {
        let preset = Preset {
            environment: Some("production".into()),
            mode: Some(Mode::Drill),
            ..Preset::default()
        };
        let mut form = form(&preset);
        for _ in 0..5 {
            press(&mut form, KeyCode::Enter);
        }
        typed(&mut form, "now");
        assert_eq!(press(&mut form, KeyCode::Enter), Flow::On);
        assert!(screen(80, 24, &form, 0).contains("the environment `production` is for live"));
        press(&mut form, KeyCode::Left);
        for _ in 0..4 {
            assert_eq!(press(&mut form, KeyCode::Enter), Flow::On);
        }
        let done = press(&mut form, KeyCode::Enter);
        let Flow::Done(Some(start)) = done else { panic!("not done") };
        assert_eq!(start.mode, Mode::Live);
    }

    #[test]
    fn escape_begins_nothing() {
        assert_eq!(press(&mut form(&Preset::default()), KeyCode::Esc), Flow::Done(None));
    }
}
