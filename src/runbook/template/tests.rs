use proptest::prelude::*;

use super::*;

fn scope() -> Value {
    Value::map([(
        "inputs",
        Value::map([
            ("name", Value::String("loans".into())),
            ("trick", Value::String("${{ inputs.name }}".into())),
            ("count", Value::Int(3)),
            ("list", Value::List(vec![Value::Int(1)])),
            ("password", Value::Secret("password".into())),
        ]),
    )])
}

fn types() -> Type {
    scope().ty()
}

fn render(text: &str) -> Resolved {
    Template::parse(text).unwrap().render(&scope()).unwrap()
}

#[test]
fn alone_an_expression_keeps_its_type_and_inside_text_it_is_text() {
    assert!(matches!(render("${{ inputs.count }}"), Resolved::Value(Value::Int(3))));
    assert!(matches!(render("${{ inputs.list }}"), Resolved::Value(Value::List(_))));
    assert_eq!(render("n=${{ inputs.count }}").shown(), "n=3");
    assert_eq!(render("${{ inputs.name }}${{inputs.count}}").shown(), "loans3");
    assert_eq!(Template::parse("${{ inputs.count }}").unwrap().check(&types()), Ok(Type::Int));
    assert_eq!(Template::parse("n=${{ inputs.count }}").unwrap().check(&types()), Ok(Type::String));
}

#[test]
fn what_was_rendered_is_never_read_again() {
    assert_eq!(render("x ${{ inputs.trick }}").shown(), "x ${{ inputs.name }}");
    assert_eq!(render("${{ '${{ inputs.name }}' }}").shown(), "${{ inputs.name }}");
}

#[test]
fn an_escape_writes_the_opening_itself() {
    assert_eq!(render("$${{ inputs.name }}").shown(), "${{ inputs.name }}");
    assert_eq!(render("$${{ ${{ inputs.name }}").shown(), "${{ loans");
    assert_eq!(render("costs $5, $$ and }}").shown(), "costs $5, $$ and }}");
    assert!(Template::parse("$${{ x }}").unwrap().is_literal());
}

#[test]
fn secrets_stay_names_and_are_reported() {
    let template = Template::parse("postgres://u:${{ inputs.password }}@h").unwrap();
    let Resolved::Text(pieces) = template.render(&scope()).unwrap() else { panic!("no text") };
    assert_eq!(pieces[1], Piece::Secret("password".into()));
    assert_eq!(template.render_text(&scope()).unwrap(), "postgres://u:«secret password»@h");
    assert_eq!(template.check(&types()), Ok(Type::String));
    let uses = template.secrets(&types());
    assert_eq!(uses, [SecretUse { name: "password".into(), span: 16..33 }]);
    assert!(matches!(
        render("${{ inputs.password }}"),
        Resolved::Value(Value::Secret(name)) if name == "password"
    ));
}

#[test]
fn places_are_places_of_the_whole_text() {
    let error = Template::parse("abc ${{ 1 + }}").unwrap_err();
    assert_eq!(error.span, 12..12);
    let error = Template::parse("abc ${{ inputs.name").unwrap_err();
    assert_eq!((error.span, error.message.as_str()), (4..7, "`${{` does not end"));
    let template = Template::parse("é ${{ inputs.nam }} ${{ inputs.list }}").unwrap();
    let errors = template.check(&types()).unwrap_err();
    assert_eq!(errors[0].span, 14..17);
    assert_eq!(errors[1].message, "a list cannot stand inside text");
    let error = Template::parse("x ${{ inputs.list }}").unwrap().render(&scope()).unwrap_err();
    assert_eq!(error.message, "`inputs.list` is a list and cannot stand inside text");
}

proptest! {
    #[test]
    fn any_text_escaped_renders_to_itself(text in "([${} a']|\\PC){0,40}") {
        let template = Template::parse(&escape(&text)).unwrap();
        prop_assert_eq!(template.literal_value(), Some(&Value::String(text)));
    }

    #[test]
    fn no_text_makes_it_panic(text in "([${}'\"\\\\r ]|inputs\\.|\\PC){0,40}") {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.check(&types());
            let _ = template.render(&scope());
        }
    }
}
