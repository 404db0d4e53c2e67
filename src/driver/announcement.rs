//! What a hook is told, in its own words.

use serde_json::{Value as Json, json};

use crate::engine::State;
use crate::engine::archive::News;
use crate::engine::event::{Ending, Mode, Occasion};
use crate::ingest::Redactor;
use crate::runbook::value::timestamp_text;
use crate::settings::outside::HookKind;

/// The body for a hook of this kind, about the record `about`.
pub(super) fn announcement(
    kind: HookKind,
    state: &State,
    about: u64,
    news: &News,
    redactor: &Redactor,
) -> Json {
    let text = redactor.clean(sentence(state, news));
    match kind {
        HookKind::Slack => json!({ "text": for_slack(&text) }),
        HookKind::Statuspage => {
            let title = redactor.clean(&state.runbook.title);
            json!({ "incident": { "name": title, "status": status(state, news), "body": text } })
        }
        HookKind::Json => {
            let run = state.run();
            let said = |text: &str| redactor.clean(text);
            json!({
                "event": news.occasion.name(),
                "record": about,
                "at": timestamp_text(news.at),
                "what": said(&news.what),
                "text": text,
                "run": run.map(|run| run.run.clone()),
                "runbook": state.runbook.id,
                "title": said(&state.runbook.title.to_string()),
                "mode": run.map(|run| run.mode),
                "environment": run.and_then(|run| run.environment.clone()),
                "incident": run.and_then(|run| run.incident.clone()).map(|it| said(&it)),
                "operator": run.map(|run| said(&run.operator)),
            })
        }
    }
}

/// One line for people.
fn sentence(state: &State, news: &News) -> String {
    let Some(run) = state.run() else { return news.what.clone() };
    let mode = match run.mode {
        Mode::Live => "LIVE",
        Mode::Drill => "DRILL",
        Mode::Rehearsal => "REHEARSAL",
    };
    let incident = run.incident.as_ref().map(|it| format!(" · {it}")).unwrap_or_default();
    format!(
        "{mode} · {}{incident}: {} ({}, run {}, by {})",
        state.runbook.title,
        news.what,
        timestamp_text(news.at),
        run.run,
        run.operator
    )
}

/// Slack takes three characters for markup.
fn for_slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Statuspage's word for how far an incident is.
fn status(state: &State, news: &News) -> &'static str {
    match news.occasion {
        Occasion::Start => "investigating",
        Occasion::Milestone if news.restored => "monitoring",
        Occasion::Milestone | Occasion::Breach | Occasion::ApprovalNeeded => "identified",
        Occasion::End => match &state.finished {
            Some((_, Ending::Completed, _)) => "resolved",
            Some((_, Ending::Aborted, _)) | None => "monitoring",
        },
    }
}
