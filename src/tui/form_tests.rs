use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::tui::testing::{press, snapshot, stamp, typed};

fn field(label: &str, kind: Kind, text: &str) -> Field {
    Field { label: label.into(), help: format!("help for {label}"), kind, text: text.into() }
}

fn numbers() -> Form {
    let judge = |texts: &[String], _: &Stamp| {
        let verdict = |t: &String| match t.parse::<i32>() {
            Ok(n) => Verdict::Good(format!("that is {n}")),
            Err(_) => Verdict::Bad(format!("`{t}` is no number; write one such as 12")),
        };
        texts.iter().map(verdict).collect()
    };
    let fields = vec![field("first", Kind::Text, "1"), field("second", Kind::Text, "")];
    Form::new("Numbers", fields, Box::new(judge), &stamp(0))
}

#[test]
fn enter_goes_on_from_the_last_field_only_when_all_is_well() {
    let mut form = numbers();
    assert_eq!(press(&mut form, KeyCode::Enter), Answer::Open);
    assert_eq!(press(&mut form, KeyCode::Enter), Answer::Open, "the second field is empty");
    typed(&mut form, "12");
    assert_eq!(press(&mut form, KeyCode::Enter), Answer::Given(vec!["1".into(), "12".into()]));
}

#[test]
fn enter_on_a_bad_form_goes_to_the_first_bad_field() {
    let mut form = numbers();
    typed(&mut form, "x");
    press(&mut form, KeyCode::Tab);
    typed(&mut form, "2");
    assert_eq!(press(&mut form, KeyCode::Enter), Answer::Open);
    assert_eq!(form.at, 0);
    insta::assert_snapshot!(snapshot(80, 24, |frame, theme| form.draw(frame, frame.area(), theme)));
}

#[test]
fn escape_leaves() {
    assert_eq!(press(&mut numbers(), KeyCode::Esc), Answer::Left);
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(numbers().key(ctrl_c, &stamp(0)), Answer::Left);
}

#[test]
fn letters_that_are_keys_elsewhere_are_text_here() {
    let mut form = numbers();
    typed(&mut form, "qjk? n");
    assert_eq!(form.texts()[0], "1qjk? n");
}

#[test]
fn a_choice_goes_round() {
    let options = vec!["live".to_owned(), "drill".to_owned()];
    let mut form =
        Form::of_texts("", vec![field("mode", Kind::Choice(options), "live")], &stamp(0));
    press(&mut form, KeyCode::Right);
    assert_eq!(form.texts(), ["drill"]);
    press(&mut form, KeyCode::Right);
    assert_eq!(form.texts(), ["live"]);
    press(&mut form, KeyCode::Left);
    typed(&mut form, "x");
    assert_eq!(form.texts(), ["drill"]);
}

#[test]
fn a_typed_secret_is_never_echoed_but_a_reference_is() {
    let mut form = Form::of_texts("", vec![field("password", Kind::Secret, "")], &stamp(0));
    let draw = |form: &Form| snapshot(80, 24, |frame, theme| form.draw(frame, frame.area(), theme));
    typed(&mut form, "hunter2-hunter2");
    assert!(draw(&form).contains("••••••••"));
    assert!(!draw(&form).contains("hunter2"));
    let mut form =
        Form::of_texts("", vec![field("password", Kind::Secret, "env:PGPASSWORD")], &stamp(0));
    form.paste("", &stamp(0));
    assert!(draw(&form).contains("env:PGPASSWORD"));
}

#[test]
fn pasted_line_ends_do_not_press_enter() {
    let mut form = numbers();
    form.paste("2\n3\n", &stamp(0));
    assert_eq!(form.texts()[0], "12 3");
    assert_eq!(form.at, 0);
}

#[test]
fn the_marked_field_is_on_screen_in_a_long_form() {
    let fields = (0..20).map(|i| field(&format!("field{i}"), Kind::Text, "x")).collect();
    let mut form = Form::of_texts("", fields, &stamp(0));
    for _ in 0..19 {
        press(&mut form, KeyCode::Tab);
    }
    let screen = snapshot(80, 10, |frame, theme| form.draw(frame, frame.area(), theme));
    assert!(screen.contains("▸ field19"), "{screen}");
}
