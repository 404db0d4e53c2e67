use super::*;

/// Line, column, code and help of a problem.
type Found = (usize, usize, &'static str, String);

fn tree(text: &str) -> (Option<Node>, Vec<Found>) {
    let source = Source::new("a.yaml", text.into());
    let mut problems = Problems::new(&source);
    let node = read(&mut problems);
    let list = problems
        .finish()
        .into_iter()
        .map(|p| (p.line, p.column, p.code, p.help.unwrap_or_default()))
        .collect();
    (node, list)
}

fn only(text: &str) -> Found {
    let (_, mut list) = tree(text);
    assert_eq!(list.len(), 1, "{text:?}: {list:?}");
    list.remove(0)
}

#[test]
fn what_the_format_refuses_is_refused_at_its_place() {
    for (text, line, column, code) in [
        ("a: &x 1\n", 1, 4, "anchor"),
        ("a: *nope\n", 1, 4, "alias"),
        ("a: 1\n<<: 2\n", 2, 1, "merge-key"),
        ("a: !!str b\n", 1, 4, "tag"),
        ("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate-key"),
        ("? [a]\n: b\n", 1, 3, "key-not-text"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second-document"),
        ("", 1, 1, "empty-file"),
        ("# only words\n", 1, 1, "empty-file"),
        ("a:\n\tb: c\n", 2, 1, "tab"),
        ("\ta: b\n", 1, 1, "tab"),
        ("a: b\n\tc: d\n", 2, 1, "tab"),
        ("a: |\n\tb\n", 2, 1, "tab"),
        ("a: \"b\\u202ec\"\n", 1, 6, "hidden-character"),
        ("a: b # \u{202e}\n", 1, 8, "hidden-character"),
        ("a: \u{1b}[2J\n", 1, 4, "hidden-character"),
        ("%YAML 1.2\n---\na: b\n", 1, 1, "yaml"),
        ("a: [1, 2\n", 1, 4, "yaml"),
        ("- a\nb: c\n", 2, 1, "yaml"),
    ] {
        let found = only(text);
        assert_eq!((found.0, found.1, found.2), (line, column, code), "{text:?}");
    }
}

#[test]
fn what_yaml_cannot_read_unquoted_says_quotes() {
    for (text, line, column) in [
        ("a: {a: ${{ x }}}\n", 1, 8),
        ("a: [${{ x }}, 1]\n", 1, 5),
        ("e:\n  - 'x' == y\n", 2, 9),
        ("b: c: d\n", 1, 5),
        ("a: @x\n", 1, 4),
        ("a: `x`\n", 1, 4),
    ] {
        let (_, list) = tree(text);
        let (l, c, _, help) = list.first().expect("a problem");
        assert_eq!((*l, *c), (line, column), "{text:?}");
        assert!(help.contains("quotes around the whole value"), "{text:?}: {help}");
    }
}

#[test]
fn depth_ends_at_32_and_an_alias_bomb_is_a_list_of_refusals() {
    let deep = |n: usize| format!("{}{}\n", "[".repeat(n), "]".repeat(n));
    assert!(tree(&deep(32)).1.is_empty());
    assert_eq!(only(&deep(33)).2, "too-deep");
    assert_eq!(only(&deep(5_000)).2, "too-deep");
    let bomb: String = (1..20).map(|n| format!("k{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
    assert!(tree(&bomb).1.iter().all(|(.., code, _)| matches!(*code, "anchor" | "alias")));
}

#[test]
fn windows_line_ends_are_no_hidden_characters_but_lone_ones_are() {
    assert!(tree("a: b\r\nc: d\r\n").1.is_empty());
    assert!(tree("a: b\rc: d\n").1.iter().any(|(.., code, _)| *code == "hidden-character"));
}

/// The text `needle` of the value of the file's first key is found again at `needle` of the file.
fn roundtrip(text: &str, needle: &str) {
    let source = Source::new("a.yaml", text.into());
    let mut problems = Problems::new(&source);
    let node = read(&mut problems).expect("a tree");
    let Kind::Map(entries) = &node.kind else { panic!("a map") };
    let value = &entries[0].value;
    let Kind::Scalar(scalar) = &value.kind else { panic!("a scalar") };
    let at = scalar.text.find(needle).expect("in the text");
    let place = value.part(&source, at..at + needle.len());
    assert_eq!(&source.text[place], needle, "{text:?} {:?}", scalar.text);
}

#[test]
fn a_place_in_the_text_is_found_in_the_file() {
    for text in [
        "a: one HERE two\n",
        "a: one\n  two HERE\n  three\n",
        "a: one\n\n\n  two\n\n  HERE\n",
        "a: 'it''s HERE'\n",
        "a: 'it''s\n\n  so HERE'\n",
        "a: \"\\tb \\u00e9 \\x41 \\\" HERE\"\n",
        "a: \"one \\\n   two\n   \\  HERE\"\n",
        "a: \"é HERE\"\n",
        "a: \"\\ud83d\\ude00 HERE\"\n",
        "a: |\n  one\n    HERE\n",
        "a: |\n  one\n\n  two\n  é HERE\n",
        "a: |\n\n\n  one\n  HERE\n",
        "a: |2-\n    one\n    HERE\n",
        "a: >-\n  one\n  two HERE\n\n  three\n",
        "a: >\n  one\n  two\n\n\n    more\n\n  HERE\n",
        "a: |\r\n  one\r\n  HERE\r\n",
        "a: >\n  one one\n  one\n  one HERE\n",
    ] {
        roundtrip(text, "HERE");
    }
}

#[test]
fn plain_scalars_are_what_their_field_says() {
    let source = Source::new(
        "a.yaml",
        "[yes, 010, 1_0, -5, 1.5, 'true', 99999999999999999999, 0, ~]\n".into(),
    );
    let mut problems = Problems::new(&source);
    let node = read(&mut problems).expect("a tree");
    let Kind::List(items) = &node.kind else { panic!("a list") };
    assert_eq!(text(&mut problems, &items[0]), Some("yes"));
    assert_eq!(boolean(&mut problems, &items[0]), None);
    assert_eq!(integer(&mut problems, &items[1]), None);
    assert_eq!(text(&mut problems, &items[1]), Some("010"));
    assert_eq!(integer(&mut problems, &items[2]), None);
    assert_eq!(integer(&mut problems, &items[3]), Some(-5));
    assert_eq!(float(&mut problems, &items[4]), Some(1.5));
    assert_eq!(boolean(&mut problems, &items[5]), None);
    assert_eq!(integer(&mut problems, &items[6]), None);
    assert_eq!(integer(&mut problems, &items[7]), Some(0));
    assert_eq!(json_scalar(&mut problems, &items[8]), Some(JsonScalar::Null));
    assert_eq!(text(&mut problems, &items[8]), None);
    let list = problems.finish();
    assert!(list.iter().any(|p| p.code == "leading-zero"
        && p.help.as_deref() == Some("write 10, or \"010\" where text is meant")));
}
