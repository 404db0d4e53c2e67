//! The page as text: accessible, whole, and with nothing that asks for anything.

use super::{reports, story};

#[test]
fn the_page_is_one_file_with_a_policy_and_its_pictures_say_what_they_show() {
    let reports = reports(story().path());
    let (_, page) = reports.iter().find(|(ending, _)| *ending == "html").unwrap();
    assert!(page.contains("default-src 'none'; style-src 'sha256-"), "no policy");
    for asks in ["<script", "<link", "<iframe", "<img", " src=", "@import", "url(", "@font-face"] {
        assert!(!page.contains(asks), "{asks} is in the page");
    }
    assert!(!page.contains("style=\""), "the policy would ignore it");
    // Each chart has a title and a description, and is named by both.
    let charts = page.matches("<svg class=\"timeline\"").count();
    assert!(charts >= 1);
    assert_eq!(page.matches("role=\"img\"").count(), charts);
    assert_eq!(page.matches("<desc id=\"chart-").count(), charts);
    assert_eq!(page.matches("<title id=\"chart-").count(), charts);
    // Colour is never the only carrier: signs and words stand beside it.
    for words in
        ["✗</span> not met", "✓</span> met", "6m18s / 6m over", "objective 30m", "↷</span> skipped"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("121408|2026-11-21 03:03:12"), "what an attempt printed");
    assert!(page.contains("bytes are left out here"), "a long output is cut");
}
