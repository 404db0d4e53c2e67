//! `steady doctor`: what would be in the way, while there is time to mend it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde_json::json;

use super::{Globals, USAGE, fail, full_screen, print_json};
use crate::driver;
use crate::preflight::doctor::{Area, Finding, Patient, Screen, Verdict, examine};
use crate::tui::text;

/// Arguments of `steady doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Look at what this environment of the settings needs, too
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn run(globals: &Globals, args: &DoctorArgs) -> ExitCode {
    let findings = match examined(globals, args) {
        Ok(findings) => findings,
        Err(why) => return fail(USAGE, why),
    };
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let bad = count(Verdict::Bad);
    // A reader that has gone away (`| head`) has seen what it wanted.
    let _ = if args.json {
        print_json(&json!({ "findings": findings, "bad": bad, "warnings": count(Verdict::Warn) }))
    } else {
        std::io::stdout().lock().write_all(as_text(&findings).as_bytes())
    };
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn examined(globals: &Globals, args: &DoctorArgs) -> Result<Vec<Finding>, String> {
    let loaded = globals.load_settings()?;
    let environment = match &args.env {
        Some(name) => Some((name.as_str(), loaded.settings.environment(name)?)),
        None => None,
    };
    let (catalogue, runs) = (globals.catalogue()?, globals.runs_dir()?);
    let operator = globals.operator()?;
    let patient = Patient {
        operator: &operator,
        settings: &loaded.settings,
        environment,
        runs: &runs,
        catalogue: &catalogue,
        signer: loaded.settings.signing.as_ref().map(driver::signer),
        screen: screen(),
        env: &|name: &str| std::env::var(name).ok(),
    };
    full_screen::block_on(examine(&patient))
}

fn screen() -> Screen {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    Screen { is_terminal, size: size.map(|size| (size.ws_col, size.ws_row)) }
}

/// A heading an area, a line a finding, and below it what to do.
fn as_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|it| text::width(&it.name)).max().unwrap_or(0).min(24);
    let mut out = String::new();
    let mut area: Option<Area> = None;
    for finding in findings {
        if area != Some(finding.area) {
            let blank = if area.is_some() { "\n" } else { "" };
            out.push_str(&format!("{blank}{}\n", finding.area.title()));
            area = Some(finding.area);
        }
        let (sign, word) = (finding.verdict.sign(), finding.verdict.name());
        let (name, found) = (text::one_line(&finding.name), text::one_line(&finding.found));
        out.push_str(&format!("  {sign} {word:4}  {name:width$}  {found}\n"));
        if let Some(remedy) = &finding.remedy {
            out.push_str(&format!("            → {}\n", text::one_line(remedy)));
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    out.push_str(&format!(
        "\n{} ok, {} to look at, {} to mend\n",
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Bad)
    ));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(area: Area, name: &str, verdict: Verdict, found: &str, remedy: &str) -> Finding {
        let remedy = (!remedy.is_empty()).then(|| remedy.to_owned());
        Finding { area, name: name.into(), verdict, found: found.into(), remedy }
    }

    #[test]
    fn every_line_says_how_it_stands_in_a_word_and_what_to_do() {
        use Verdict::{Bad, Ok, Warn};
        let findings = [
            finding(Area::Identity, "operator", Ok, "alice@bastion-1, self-declared", ""),
            finding(
                Area::Identity,
                "AWS credentials",
                Warn,
                "expire in 12 min, at 2026-11-21 03:22:00Z",
                "renew them",
            ),
            finding(Area::Tools, "tool psql", Bad, "not on the \u{1b}[31mPATH", "install psql"),
        ];
        insta::assert_snapshot!("doctor", as_text(&findings));
    }
}
