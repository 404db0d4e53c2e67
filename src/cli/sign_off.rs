//! `steady sign-off`: a reviewer says of a run that is over whether it will do.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::aside::Aside;
use super::asked::clean;
use super::{Globals, USAGE, fail, full_screen};
use crate::engine::event::{Decision, KnownBy, SignedOff};
use crate::engine::{Fact, Input};
use crate::journal::signed::{SIGN_OFFS, keep};
use crate::journal::{self, JOURNAL};
use crate::signing::{SIGN_OFF, Signer, fits};

/// The latest records that a signature is held against.
const MOST_HEADS: usize = 20;

/// Arguments of `steady sign-off`.
#[derive(Debug, clap::Args)]
pub struct SignOffArgs {
    /// A run's id, the beginning of one, or its directory
    run: String,
    #[command(flatten)]
    decision: DecisionArgs,
    /// What goes into the record beside it; needed to reject
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    /// Sign it with this key; an agent may have its other half
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signature", "text"])]
    key: Option<PathBuf>,
    /// Bring a signature that was made elsewhere: ssh-keygen -Y sign -n sign-off@steadyhand
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    signature: Option<PathBuf>,
    /// Print the text to sign, and nothing else
    #[arg(long)]
    text: bool,
}

/// One of the two.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct DecisionArgs {
    /// The run and its record will do
    #[arg(long)]
    accept: bool,
    /// They will not; --note says why
    #[arg(long)]
    reject: bool,
}

pub(super) fn run(globals: &Globals, args: &SignOffArgs) -> ExitCode {
    let named = || -> Result<_, String> { Ok((globals.find_run(&args.run)?, globals.operator()?)) };
    let (dir, reviewer) = match named() {
        Ok(named) => named,
        Err(why) => return fail(USAGE, why),
    };
    match full_screen::block_on(sign_off(args, &dir, reviewer)).flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(1, why),
    }
}

async fn sign_off(args: &SignOffArgs, dir: &Path, reviewer: String) -> Result<(), String> {
    let mut aside = Aside::open(dir, &reviewer)?;
    let run = aside.run();
    let heads = heads(dir, &aside)?;
    let decision = if args.decision.accept { Decision::Accepted } else { Decision::Rejected };
    let said = |(seq, head): &(u64, String), known_by: KnownBy| SignedOff {
        reviewer: reviewer.clone(),
        known_by,
        decision,
        note: clean(args.note.trim()),
        seq: *seq,
        head: head.clone(),
    };
    let last = heads.first().ok_or("the journal is empty")?;
    let unsigned = said(last, KnownBy::SelfDeclared {});
    // What may not be is said before anybody is asked for a key.
    aside.would_take(Input::SignOff(Box::new(unsigned.clone())))?;
    if args.text {
        print!("{}", unsigned.text(&run));
        return Ok(());
    }
    let (signed, armoured, key) = match (&args.key, &args.signature) {
        (Some(key), _) => {
            let signer = Signer::new(PathBuf::from("/proc/self/exe"), key.clone());
            let (armoured, key) = signer.text(SIGN_OFF, &unsigned.text(&run)).await?;
            (unsigned, armoured, key)
        }
        (None, Some(file)) => {
            let armoured = std::fs::read_to_string(file)
                .map_err(|e| format!("cannot read the signature {}: {e}", file.display()))?;
            let known_by = || KnownBy::SelfDeclared {};
            let texts: Vec<String> =
                heads.iter().map(|head| said(head, known_by()).text(&run)).collect();
            let (place, key) =
                fits(dir, SIGN_OFF, &armoured, &texts).map_err(|why| misfit(&why))?;
            let head = heads.get(place).ok_or("it fits nothing")?;
            (said(head, known_by()), armoured, key)
        }
        (None, None) => {
            aside.take(Input::SignOff(Box::new(unsigned)))?;
            println!("in the record: {} by {} (self-declared)", decision.name(), clean(&reviewer));
            eprintln!("steady: nothing proves who said so: sign it with --key FILE");
            return Ok(());
        }
    };
    let number = aside.len() + 1;
    let kept = |name: &str, bytes: &[u8]| {
        keep(dir, SIGN_OFFS, name, bytes)
            .map_err(|e| format!("{SIGN_OFFS}/{name} cannot be kept: {e}"))
    };
    let by_key = |file: String, sha256: String| SignedOff {
        known_by: KnownBy::Signature { key: key.clone(), file, sha256 },
        ..signed.clone()
    };
    aside.would_take(Input::SignOff(Box::new(by_key(String::new(), String::new()))))?;
    kept(&format!("{number}.txt"), signed.text(&run).as_bytes())?;
    let (file, sha256) = kept(&format!("{number}.sig"), armoured.as_bytes())?;
    aside.take(Input::SignOff(Box::new(by_key(file, sha256))))?;
    println!("in the record: {} by {} (key {key})", decision.name(), clean(&reviewer));
    Ok(())
}

fn misfit(why: &str) -> String {
    format!(
        "{why}; the text names the reviewer, the decision, the note and the record's head: print it \
         with the same options and --text, and sign that"
    )
}

/// The records since the end of the run and their hashes, the last one first.
fn heads(dir: &Path, aside: &Aside) -> Result<Vec<(u64, String)>, String> {
    let contents = journal::read(dir).map_err(|e| e.to_string())?;
    let is_end =
        |record: &&crate::engine::Recorded| matches!(record.event.fact, Fact::RunFinished { .. });
    let end = contents.records.iter().rev().find(is_end).map_or(aside.len(), |record| record.seq);
    let bytes = std::fs::read(dir.join(JOURNAL)).map_err(|e| e.to_string())?;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1_u64..);
    let mut heads: Vec<_> = lines
        .filter(|(_, seq)| *seq >= end && *seq <= aside.len())
        .map(|(line, seq)| (seq, journal::sha256_hex(line)))
        .collect();
    heads.reverse();
    heads.truncate(MOST_HEADS);
    Ok(heads)
}
