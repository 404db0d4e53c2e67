use proptest::prelude::*;
use serde_json::json;

use super::*;

const CANARY: &str = "cañary/P@ss\"w'ö rd$1&x";
const MASK: &str = "«secret db»";

fn knowing(value: &str) -> Redactor {
    let redactor = Redactor::default();
    assert_eq!(redactor.register("db", value), Maskable::Yes);
    redactor
}

fn in_chunks(redactor: &Redactor, bytes: &[u8], cuts: &[usize]) -> String {
    let mut ingest = Ingest::new(redactor);
    let mut out = String::new();
    let mut from = 0;
    for &cut in cuts {
        out.push_str(&ingest.push(&bytes[from..cut]));
        from = cut;
    }
    out.push_str(&ingest.push(&bytes[from..]));
    out + &ingest.finish()
}

fn is_safe(text: &str) -> bool {
    !text.chars().any(|c| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

/// What tools other than ours make of the canary (written out by hand, so that a form that is
/// wrongly computed is not compared with itself).
fn printed() -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let mut all: Vec<Vec<u8>> = [
        CANARY,
        "ca%C3%B1ary%2FP%40ss%22w%27%C3%B6%20rd%241%26x",
        "ca%c3%b1ary%2fP%40ss%22w%27%c3%b6%20rd%241%26x",
        "ca%C3%B1ary%2FP%40ss%22w%27%C3%B6+rd%241%26x",
        "ca%C3%B1ary/P%40ss%22w%27%C3%B6%20rd%241%26x",
        r#"cañary/P@ss\"w'ö rd$1&x"#,
        r#"ca\u00f1ary/P@ss\"w'\u00f6 rd$1&x"#,
        r#"ca\u00f1ary\/P@ss\"w'\u00f6 rd$1&x"#,
        r#"cañary/P@ss\"w\u0027ö rd$1\u0026x"#,
        r#"cañary/P@ss"w'\''ö rd$1&x"#,
        r#"cañary/P@ss"w'"'"'ö rd$1&x"#,
        r#"cañary/P@ss\"w'ö rd\$1&x"#,
        r#"cañary/P@ss\"w\'ö\ rd\$1\&x"#,
        "cañary/P@s\x1b[1ms\"w'ö rd$1&x",
        "cañary\x1b]0;title\x07/P@ss\"w'ö rd$1&x",
    ]
    .iter()
    .map(|form| form.as_bytes().to_vec())
    .collect();
    for around in ["", "u", "u:"] {
        let text = format!("{around}{CANARY}{around}");
        all.push(STANDARD.encode(&text).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(&text).into_bytes());
    }
    all
}

/// Eight characters of the printed form in a row are a leak; a base64 character at either end is
/// shared with what stands beside the secret.
fn leaks(out: &str, printed: &[u8]) -> bool {
    let printed = sanitise(printed);
    let chars: Vec<char> = printed.chars().collect();
    chars.windows(8).any(|eight| out.contains(&eight.iter().collect::<String>()))
}

#[test]
fn no_form_of_a_secret_gets_through_wherever_the_stream_is_cut() {
    let redactor = knowing(CANARY);
    for form in printed() {
        let line = [b"before ", form.as_slice(), b" after\n"].concat();
        for cut in 0..=line.len() {
            let out = in_chunks(&redactor, &line, &[cut]);
            assert!(out.contains(MASK), "{out}");
            assert!(out.starts_with("before ") && out.ends_with(" after\n"), "{out}");
            assert!(!leaks(&out, &form), "cut at {cut}: {out}");
        }
        let every: Vec<usize> = (1..line.len()).collect();
        assert!(!leaks(&in_chunks(&redactor, &line, &every), &form));
    }
}

#[test]
fn lines_of_a_secret_are_masked_alone_and_short_ones_are_not() {
    let redactor = knowing("-----BEGIN KEY-----\nMIIEvQIBADANBg\nab\n-----END KEY-----\n");
    assert_eq!(redactor.clean("x MIIEvQIBADANBg\r\nab\n"), format!("x {MASK}\nab\n"));
}

#[test]
fn wrapped_base64_of_a_long_secret_is_masked() {
    use base64::Engine as _;
    let secret = "0123456789abcdefghij".repeat(8);
    let text = base64::engine::general_purpose::STANDARD.encode(&secret);
    let wrapped: Vec<String> =
        text.as_bytes().chunks(76).map(|l| String::from_utf8_lossy(l).into_owned()).collect();
    let out = knowing(&secret).clean(wrapped.join("\n"));
    assert!(wrapped.iter().all(|line| !out.contains(&line[..8])), "{out}");
}

#[test]
fn a_short_secret_is_refused_and_a_trailing_newline_is_no_character() {
    let redactor = Redactor::default();
    assert_eq!(redactor.register("pin", "1234567\n"), Maskable::TooShort);
    assert_eq!(redactor.register("pin", "ñandúes"), Maskable::TooShort);
    assert_eq!(redactor.clean("1234567"), "1234567");
    assert_eq!(redactor.register("pin", "12345678"), Maskable::Yes);
}

#[test]
fn a_clone_and_an_open_stream_learn_a_later_secret() {
    let redactor = Redactor::default();
    let mut stream = redactor.clone().stream();
    assert_eq!(stream.push(b"hunter22 "), b"hunter22 ");
    redactor.register("db", "hunter22");
    assert_eq!(stream.push(b"hunter22 "), format!("{MASK} ").as_bytes());
}

#[test]
fn nothing_is_held_back_that_cannot_become_a_secret() {
    let mut stream = knowing("hunter22").stream();
    assert_eq!(stream.push(b"Password: "), b"Password: ");
    assert_eq!(stream.push(b"hunt"), b"");
    assert_eq!(stream.push(b"ing"), b"hunting");
}

#[test]
fn json_is_cleaned_in_keys_text_and_numbers() {
    let redactor = knowing("12345678");
    assert_eq!(
        redactor.clean_json(json!({"a12345678": ["\u{1b}[1mx", 12_345_678, 3]})),
        json!({"a«secret db»": ["x", MASK, 3]})
    );
}

#[test]
fn sequences_are_dropped_and_controls_made_visible() {
    for (bytes, text) in [
        (&b"\x1b[1;31mred\x1b[0m"[..], "red"),
        (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"),
        (b"\x1bPq...\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d", "abcd"),
        (b"a\x1b]0;never ends\nb", "a\nb"),
        (b"a\x1b[12;", "a"),
        ("a\u{9b}31mb\u{9d}0;t\u{9c}c".as_bytes(), "abc"),
        (b"\x1b(B\x1b7\x1b#8x", "x"),
        (b"a\x1b\nb\x1b", "a␛\nb␛"),
        (b"a\r\nb\rc\r\x1b[K\nd", "a\nb\nc\nd"),
        (b"ab\tc\n\td", "ab      c\n        d"),
        (b"\0\x07\x08\x7f", "␀␇␈␡"),
        (b"\xff\xc3(", "\u{fffd}\u{fffd}("),
        ("\u{85}\u{202e}\u{61c}".as_bytes(), "<U+0085><U+202E><U+061C>"),
    ] {
        assert_eq!(sanitise(bytes), text, "{bytes:?}");
    }
}

#[test]
fn lines_are_cut_at_the_limit_and_at_newlines() {
    let mut lines = Lines::new(4);
    let mut seen = Vec::new();
    for text in ["ab", "cdef\n", "\nx", "éééy"] {
        lines.push(text, |line| seen.push(line));
    }
    seen.extend(lines.finish());
    assert_eq!(seen, ["abcd", "ef", "", "xéé", "éy"]);
}

/// Bytes that provoke the sanitiser more often than chance would.
fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        prop::sample::select(vec![
            "\x1b[", "\x1b]", "\x1bP", "\x1b", "\u{9b}", "\u{202e}", "\r", "\n", "\t", "hunter22",
            "hunt", "er22", "0m"
        ])
        .prop_map(|s| s.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

#[test]
fn secrets_that_overlap_share_a_mask() {
    let redactor = Redactor::default();
    redactor.register("a", "password1234");
    redactor.register("b", "1234-hunter2-secret");
    for (text, clean) in [
        ("x password1234-hunter2-secret y", "x «secret a» y"),
        ("x password1234-hunter2 y", "x «secret a»-hunter2 y"),
        ("password12341234-hunter2-secret", "«secret a»«secret b»"),
    ] {
        for cut in 0..=text.len() {
            assert_eq!(in_chunks(&redactor, text.as_bytes(), &[cut]), clean, "cut at {cut}");
        }
    }
}

#[test]
fn a_secret_that_another_begins_with_is_masked_as_the_longer_one_where_that_stands() {
    let redactor = Redactor::default();
    redactor.register("short", "hunter22");
    redactor.register("long", "hunter22-and-more");
    let text = "hunter22-and-less hunter22-and-more hunter22";
    for cut in 0..=text.len() {
        let out = in_chunks(&redactor, text.as_bytes(), &[cut]);
        assert_eq!(out, "«secret short»-and-less «secret long» «secret short»");
    }
}

#[test]
fn a_secret_that_looks_like_a_mask_hides_nothing_and_shows_nothing() {
    let redactor = Redactor::default();
    redactor.register("a", "«secret b»");
    redactor.register("b", "hunter22");
    let out = redactor.clean("hunter22 «secret b» x");
    assert!(!out.contains("hunter22") && out.ends_with(" x"), "{out}");
}

#[test]
fn what_is_known_can_be_told_to_another_process() {
    let redactor = knowing("hunter22");
    redactor.register("pin", "1234");
    redactor.register("db", "hunter22");
    assert_eq!(redactor.secrets(), [("db".to_owned(), "hunter22".to_owned())]);
}

/// Text of letters that secrets are made of too, so that they overlap, repeat and begin each other.
fn secrets_and_text() -> impl Strategy<Value = (Vec<String>, String)> {
    let secret = prop::collection::vec(prop::sample::select(vec!["ab", "ba", "abc", "c"]), 5..9)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("long enough", |secret| secret.len() >= 8);
    prop::collection::vec(secret, 1..4).prop_flat_map(|secrets| {
        let part = (prop::sample::select(secrets.clone()), any::<[prop::sample::Index; 2]>())
            .prop_map(|(secret, [a, b])| {
                let (a, b) = (a.index(secret.len() + 1), b.index(secret.len() + 1));
                secret[a.min(b)..a.max(b)].to_owned()
            });
        let piece = prop_oneof![
            2 => prop::sample::select(secrets.clone()),
            3 => part,
            1 => prop::sample::select(vec![" ", "a", "cab"]).prop_map(str::to_owned),
        ];
        let text = prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat());
        (Just(secrets), text)
    })
}

proptest! {
    #[test]
    fn every_byte_of_every_secret_is_masked_and_no_other(
        (secrets, text) in secrets_and_text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let redactor = Redactor::default();
        let mut bare = vec![true; text.len()];
        for secret in &secrets {
            redactor.register("x", secret);
            for at in (0..text.len()).filter(|&at| text[at..].starts_with(secret)) {
                bare[at..at + secret.len()].fill(false);
            }
        }
        let rest: String =
            text.chars().zip(&bare).filter(|(_, bare)| **bare).map(|(c, _)| c).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(text.len() + 1)).collect();
        cuts.sort_unstable();
        let out = in_chunks(&redactor, text.as_bytes(), &cuts);
        prop_assert_eq!(out.replace("«secret x»", ""), rest, "{} of {:?}", text, secrets);
    }

    #[test]
    fn any_bytes_in_any_chunks_come_out_safe_and_the_same(
        bytes in nasty(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let redactor = knowing("hunter22");
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let out = in_chunks(&redactor, &bytes, &cuts);
        prop_assert!(is_safe(&out), "{out:?}");
        prop_assert!(!out.contains("hunter22"), "{out:?}");
        prop_assert_eq!(out, redactor.clean(&bytes));
    }
}
