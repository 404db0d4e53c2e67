//! The redactor. The bytes are: how the stream is cut into chunks, then up to three secrets, then the
//! stream, with `0xFF` between them.

use steadyhand::ingest::{Ingest, Maskable, Redactor, sanitise};

use super::{chunks, is_safe, split};

/// No secret comes out, nothing unsafe does, nothing but secrets is changed, and cutting the stream
/// changes nothing.
pub fn holds(bytes: &[u8]) {
    let (lengths, mut rest) = split(bytes);
    let redactor = Redactor::default();
    let mut secrets = Vec::new();
    for name in ["a", "b", "c"] {
        let (secret, behind) = split(rest);
        let secret = String::from_utf8_lossy(secret).into_owned();
        if redactor.register(name, &secret) == Maskable::Yes {
            secrets.push(secret);
        }
        rest = behind;
    }
    let stream = rest;

    let whole = redactor.clean(stream);
    assert!(is_safe(&whole), "{whole:?}");
    // A mask is no leak, though a secret may look like one.
    let bare = ["a", "b", "c"]
        .iter()
        .fold(whole.clone(), |text, name| text.replace(&format!("«secret {name}»"), "\0"));
    for secret in &secrets {
        assert!(!bare.contains(secret.as_str()), "{secret:?} is in {whole:?}");
        for line in secret.lines().map(str::trim).filter(|line| line.chars().count() >= 8) {
            assert!(!bare.contains(line), "{line:?} is in {whole:?}");
        }
    }
    if !whole.contains('«') {
        assert_eq!(whole, sanitise(stream), "what is no secret was changed");
    }

    let mut ingest = Ingest::new(&redactor);
    let mut out: String =
        chunks(stream, lengths).into_iter().map(|chunk| ingest.push(chunk)).collect();
    out.push_str(&ingest.finish());
    assert_eq!(out, whole, "it matters where the stream is cut");
}
