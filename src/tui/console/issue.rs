//! The form for an issue that was found: what is wrong, how grave it is, who sees to it and until when.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::super::form::{Field, Form, Kind, Verdict};
use super::ask::{needed, text_field};
use crate::engine::event::{IssueFound, Severity};
use crate::engine::{Input, Stamp};
use crate::runbook::StepId;

/// An issue found while it may still be put right is rarely due later.
const MOST_DAYS: u64 = 3660;

/// The form.
pub(super) fn form(now: &Stamp) -> Form {
    let grave = Severity::ALL.map(|severity| severity.name().to_owned()).to_vec();
    let fields = vec![
        text_field("issue", "what is wrong, so that somebody else can put it right"),
        Field {
            label: "severity".into(),
            help: "← → choose".into(),
            kind: Kind::Choice(grave),
            text: Severity::Medium.name().into(),
        },
        text_field("owner", "who sees to it: a person or a team"),
        text_field("due", "a day such as 2026-12-18, or such as 14d or 2w from now"),
    ];
    let judge = |texts: &[String], now: &Stamp| {
        let get = |i: usize| texts.get(i).map_or("", String::as_str);
        let due = match due(get(3), now.at) {
            Ok(day) => Verdict::Good(echo(day, now.at)),
            Err(why) => Verdict::Bad(why),
        };
        let severity = Verdict::Good(String::new());
        vec![needed("issue", get(0)), severity, needed("owner", get(2)), due]
    };
    Form::new("An issue that was found", fields, Box::new(judge), now)
}

/// What the texts of the form make; `None` when they cannot (the form has said so).
pub(super) fn input(step: Option<StepId>, texts: &[String], now: &Stamp) -> Option<Input> {
    let text = |i: usize| texts.get(i).map(|text| text.trim().to_owned()).unwrap_or_default();
    let severity = Severity::ALL.into_iter().find(|severity| severity.name() == text(1))?;
    let due = due(&text(3), now.at).ok()?;
    Some(Input::Issue { step, issue: IssueFound { severity, owner: text(2), due, text: text(0) } })
}

/// A day: as a date, or as so many days or weeks from now. UTC, as every date of the record.
fn due(text: &str, now: DateTime<Utc>) -> Result<NaiveDate, String> {
    let (text, today) = (text.trim(), now.date_naive());
    let ahead = [('d', 1), ('w', 7)]
        .into_iter()
        .find_map(|(unit, days)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(days));
    let day = match ahead {
        Some(days) if days <= MOST_DAYS => today.checked_add_days(Days::new(days)),
        Some(_) => None,
        None => text.parse().ok(),
    };
    match day {
        None => Err("write a day such as 2026-12-18, or 14d or 2w from now".into()),
        Some(day) if day < today => Err(format!("{day} is past: name a day to come")),
        Some(day) => Ok(day),
    }
}

fn echo(day: NaiveDate, now: DateTime<Utc>) -> String {
    let days = (day - now.date_naive()).num_days();
    let far = match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    };
    format!("{}, {far}", day.format("%A %Y-%m-%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_day_is_a_date_or_so_far_from_now_and_never_past() {
        let now: DateTime<Utc> = "2026-11-21T23:59:00Z".parse().unwrap();
        let said = |text| due(text, now).map(|day| echo(day, now));
        for (text, day) in [
            ("2026-12-18", "Friday 2026-12-18, in 27 days"),
            (" 14d ", "Saturday 2026-12-05, in 14 days"),
            ("2w", "Saturday 2026-12-05, in 14 days"),
            ("0d", "Saturday 2026-11-21, today"),
            ("2026-11-22", "Sunday 2026-11-22, tomorrow"),
        ] {
            assert_eq!(said(text).as_deref(), Ok(day), "{text}");
        }
        for bad in
            ["", "soon", "18.12.2026", "2026-02-30", "-1d", "99999999d", "18446744073709551615w"]
        {
            assert!(said(bad).unwrap_err().starts_with("write a day"), "{bad}");
        }
        assert!(said("2026-11-20").unwrap_err().contains("is past"));
    }
}
