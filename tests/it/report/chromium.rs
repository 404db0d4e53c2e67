//! The report as a browser shows and prints it. What it looks like is kept below `target/`, in `tmp/report/`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{RUN, export, story};
use crate::services::skip;

fn chromium() -> Option<&'static str> {
    let there = |name: &&str| {
        Command::new(name)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|o| o.status.success())
    };
    ["chromium", "chromium-browser", "google-chrome"].iter().find(|name| there(name)).copied()
}

struct Browser {
    program: &'static str,
    home: tempfile::TempDir,
}

impl Browser {
    /// Loads the page, with these options besides.
    fn open(&self, page: &Path, options: &[String]) {
        let out = Command::new("timeout")
            .args([
                "60",
                self.program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
            ])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args([
                "--disable-sync",
                "--disable-default-apps",
                "--hide-scrollbars",
                "--disable-dev-shm-usage",
            ])
            .arg(format!("--user-data-dir={}", self.home.path().display()))
            // Whatever is asked for is asked of nobody: only that it was asked is to be seen.
            .arg("--host-resolver-rules=MAP * ~NOTFOUND")
            .args(options)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }

    /// Every address outside this machine that the page made the browser ask for.
    fn requests(&self, page: &Path) -> Vec<String> {
        let log = self.home.path().join("net.json");
        let picture = self.home.path().join("page.png");
        let options = [
            format!("--log-net-log={}", log.display()),
            format!("--screenshot={}", picture.display()),
        ];
        self.open(page, &options);
        let log = fs::read_to_string(log).unwrap();
        assert!(log.contains("file:///"), "the log tells of the page itself");
        asked_for(&log)
    }
}

/// Addresses in the log, but those of the browser's own maker, whom it tells of itself.
fn asked_for(log: &str) -> Vec<String> {
    let urls = log.split("\"url\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let outside =
        urls.filter(|url| ["http:", "https:", "ws:", "wss:"].iter().any(|s| url.starts_with(s)));
    let own = |url: &&str| {
        let host = url.split('/').nth(2).unwrap_or_default();
        [".google.com", ".googleapis.com", ".gstatic.com", ".gvt1.com"]
            .iter()
            .any(|of| host.ends_with(of))
    };
    let mut urls: Vec<_> = outside.filter(|url| !own(url)).map(str::to_owned).collect();
    urls.sort();
    urls.dedup();
    urls
}

#[test]
fn a_browser_shows_and_prints_the_report_and_asks_nobody_for_anything() {
    let Some(program) = chromium() else {
        return skip("chromium", "the report is not rendered: no chromium is installed");
    };
    let runs = story();
    export(runs.path(), &["--format", "html"]);
    let page = runs.path().join(RUN).join(format!("reports/{RUN}.html"));
    let browser = Browser { program, home: tempfile::tempdir().unwrap() };
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&kept).unwrap();

    // The log sees a request where there is one.
    let asks = runs.path().join("asks.html");
    fs::write(&asks, "<!doctype html><img src='http://probe.invalid/a.png'>").unwrap();
    let asked = browser.requests(&asks);
    assert!(asked.iter().any(|url| url.starts_with("http://probe.invalid/")), "{asked:?}");

    assert_eq!(browser.requests(&page), Vec::<String>::new());

    // Even a page that somebody got markup into asks nobody, and runs nothing. (For a frame Chromium opens a
    // connection before it looks at the policy.)
    let text = fs::read_to_string(&page).unwrap();
    let injected = "<body><img src='http://probe.invalid/a.png'>\
        <link rel=stylesheet href='http://probe.invalid/b.css'>\
        <script>new Image().src = 'http://probe.invalid/d'</script>\
        <style>body { background: url(http://probe.invalid/e) }</style>";
    let worse = runs.path().join("worse.html");
    fs::write(&worse, text.replacen("<body>", injected, 1)).unwrap();
    assert_eq!(browser.requests(&worse), Vec::<String>::new());

    let picture = kept.join("report.png");
    browser.open(
        &page,
        &["--window-size=1000,2400".into(), format!("--screenshot={}", picture.display())],
    );
    let png = fs::read(&picture).unwrap();
    assert_eq!(size(&png), (1000, 2400));
    // A page that nothing is on is far smaller.
    assert!(png.len() > 100_000, "{} bytes", png.len());

    let paper = kept.join("report.pdf");
    let print = ["--no-pdf-header-footer".into(), format!("--print-to-pdf={}", paper.display())];
    browser.open(&page, &print);
    printed(&paper);
    println!("kept: {} and {}", picture.display(), paper.display());
}

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn poppler(program: &str, args: &[&str], paper: &Path) -> Option<String> {
    let out = Command::new(program)
        .args(args)
        .arg(paper)
        .args((program == "pdftotext").then_some("-"))
        .output();
    out.ok().map(|out| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// A4, with everything in it, heads of tables on each page, and a page number at each foot.
fn printed(paper: &Path) {
    let (Some(info), Some(text)) =
        (poppler("pdfinfo", &[], paper), poppler("pdftotext", &["-layout"], paper))
    else {
        return skip("poppler-utils", "the printed report is not read");
    };
    assert!(info.contains("(A4)"), "{info}");
    let pages: Vec<&str> = text.trim_end_matches('\u{c}').split('\u{c}').collect();
    assert!((6..=16).contains(&pages.len()), "{} pages", pages.len());
    for (page, n) in pages.iter().zip(1..) {
        let foot = format!("{n} / {}", pages.len());
        assert!(page.contains(&foot), "page {n} has no {foot:?}");
    }
    let headings = [
        "Verdicts",
        "Timeline",
        "Identity",
        "Plan",
        "People",
        "Time (UTC)",
        "Steps",
        "Approvals",
        "Deviations",
        "Unknown outcomes",
        "Issues and lessons",
        "Evidence",
        "Integrity",
        "How to verify",
        "Sign-off",
    ];
    for heading in headings {
        assert!(text.lines().any(|line| line.trim() == heading), "{heading} is not in print");
    }
}
