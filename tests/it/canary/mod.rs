//! The canary matrix: secrets × the forms that tools print them in × every place where a stream may be cut.

use steadyhand::ingest::{Ingest, Maskable, Redactor, sanitise};

pub mod forms;

const CANARIES: [&str; 9] = [
    "hunter22",
    "cañary/P@ss\"w'ö rd$1&x",
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "p%40ss=w?rd#1;2,3:4<5>6",
    "'quoted\" at both ends'\"",
    r"back\slash\\es and `ticks` $(x)",
    "two lines of it\nand the second one",
    "windows has\r\ncarriage returns\r\n",
    "with\ta tab and \u{1b}[31mred",
];

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

/// Eight characters of the printed form in a row are a leak.
fn leaks(out: &str, printed: &[u8]) -> bool {
    let chars: Vec<char> = sanitise(printed).chars().collect();
    chars.windows(8).any(|eight| out.contains(&eight.iter().collect::<String>()))
}

#[test]
fn no_canary_gets_through_in_any_form_wherever_the_stream_is_cut() {
    let mut cases = 0;
    for canary in CANARIES {
        let redactor = Redactor::default();
        assert_eq!(redactor.register("db", canary), Maskable::Yes);
        for (name, form, own) in forms::forms(canary) {
            let line = [b"before ", form.as_bytes(), b" after\n"].concat();
            let whole = redactor.clean(&line);
            let said = format!("{canary:?} as {name}: {form:?} came out as {whole:?}");
            assert!(whole.contains("«secret db»") && whole == sanitise(&whole), "{said}");
            assert!(!leaks(&whole, &form.as_bytes()[own..]), "{said}");
            for cut in 0..=line.len() {
                assert_eq!(in_chunks(&redactor, &line, &[cut]), whole, "cut at {cut}: {said}");
                cases += 1;
            }
            let every: Vec<usize> = (1..line.len()).collect();
            assert_eq!(in_chunks(&redactor, &line, &every), whole, "byte for byte: {said}");
        }
    }
    println!("canary matrix, streams: {cases} cases, 0 hits");
    assert!(cases > 25_000, "{cases}");
}
