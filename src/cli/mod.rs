//! One file a command: arguments, printing, exit codes. Used by `main` alone.

use std::ffi::OsString;
use std::fmt::Arguments;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use etcetera::BaseStrategy;

use crate::catalogue::{self, Catalogue, Entry};
use crate::driver;
use crate::engine::Fact;
use crate::preflight;
use crate::sandbox::{Lesson, Practice};
use crate::settings::{self, Loaded};
use crate::signing::{self, Signer};

/// `println!`, `print!` and `eprintln!` are std's for all commands, but who reads may have gone away, and that
/// is no reason to panic.
macro_rules! println {
    ($($words:tt)*) => { $crate::cli::line(std::io::stdout(), format_args!($($words)*)) };
}
macro_rules! print {
    ($($words:tt)*) => { $crate::cli::words(std::io::stdout(), format_args!($($words)*)) };
}
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::cli::line(std::io::stderr(), format_args!($($words)*)) };
}

mod approve;
mod archive;
mod aside;
mod asked;
mod begin;
mod check;
mod chosen;
mod compare;
mod conduct;
mod demo;
mod diagnostics;
mod doctor;
mod export;
pub mod full_screen;
mod home;
mod known;
mod list;
mod panics;
mod practice;
mod remaining;
mod resume;
mod run;
mod runs;
mod sandbox;
mod schema;
mod show;
mod sign_off;
mod verify;
mod watch;

/// Walks an incident responder through a runbook, for real, and keeps the record.
#[derive(Debug, Parser)]
#[command(name = "steady", version, about)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options that every command understands, before or after its name.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Where runs are kept [default: the XDG state directory]
    #[arg(long, global = true, env = "STEADYHAND_RUNS", value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Where runbooks are looked up [default: ./runbooks, else the built-in catalogue]
    #[arg(long, global = true, value_name = "DIR")]
    pub runbooks: Option<PathBuf>,
    /// The settings file [default: ./steadyhand.yaml, else the XDG config directory's]
    #[arg(long, global = true, env = "STEADYHAND_SETTINGS", value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// A theme's name, or a theme file
    #[arg(long, global = true, value_name = "THEME")]
    pub theme: Option<String>,
    /// Who you are, for the record [default: user@host]
    #[arg(long, global = true, value_name = "NAME")]
    pub operator: Option<String>,
}

impl Globals {
    /// The settings.
    ///
    /// # Errors
    /// The file that was named is not there, or the one that was found is no good.
    pub fn load_settings(&self) -> Result<Loaded, String> {
        settings::load(self.settings.as_deref()).map_err(|e| e.to_string())
    }

    /// The runbooks.
    ///
    /// # Errors
    /// One line: what cannot be read.
    pub fn catalogue(&self) -> Result<Catalogue, String> {
        Catalogue::open(self.runbooks_dir()?.as_deref())
    }

    /// The runbook that `name` means: a path, or an id of the catalogue.
    ///
    /// # Errors
    /// One line: there is no such file or id.
    pub fn find_runbook(&self, name: &str) -> Result<Entry, String> {
        catalogue::find(name, self.runbooks_dir()?.as_deref())
    }

    /// The runbook in this file.
    ///
    /// # Errors
    /// One line: it cannot be read.
    pub fn find_runbook_file(&self, file: &Path) -> Result<Entry, String> {
        Entry::of_file(file, self.runbooks_dir()?.as_deref())
    }

    fn runbooks_dir(&self) -> Result<Option<PathBuf>, String> {
        match &self.runbooks {
            Some(dir) => Ok(Some(dir.clone())),
            None => Ok(self.load_settings()?.settings.runbooks),
        }
    }

    /// Where runs are kept.
    ///
    /// # Errors
    /// The settings are no good, or nothing says where and there is no home directory.
    pub fn runs_dir(&self) -> Result<PathBuf, String> {
        if let Some(runs) = &self.runs {
            return Ok(runs.clone());
        }
        if let Some(runs) = self.load_settings()?.settings.runs {
            return Ok(runs);
        }
        let xdg = etcetera::base_strategy::Xdg::new()
            .map_err(|e| format!("no place for runs: {e}; say --runs DIR"))?;
        let state = xdg.state_dir().unwrap_or_else(|| xdg.data_dir());
        Ok(state.join("steadyhand/runs"))
    }

    /// Who the record says did it: the option, the settings, else the login name and the host.
    ///
    /// # Errors
    /// The settings are no good.
    pub fn operator(&self) -> Result<String, String> {
        if let Some(operator) = &self.operator {
            return Ok(operator.clone());
        }
        if let Some(operator) = self.load_settings()?.settings.operator {
            return Ok(operator);
        }
        let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"));
        let user = user.unwrap_or_else(|_| format!("uid-{}", rustix::process::getuid().as_raw()));
        Ok(format!("{user}@{}", preflight::host()))
    }

    /// What signs the journal in `dir`: with the key in the settings, when that run is signed.
    ///
    /// # Errors
    /// The settings are no good.
    pub fn signer_of(&self, dir: &Path) -> Result<Option<Signer>, String> {
        let settings = self.load_settings()?.settings;
        let signed =
            crate::journal::first_record(dir).is_some_and(|first| match first.event.fact {
                Fact::RunStarted(run) => run.signing.is_some(),
                _ => false,
            });
        Ok(settings.signing.as_ref().filter(|_| signed).map(driver::signer))
    }

    /// The directory of the run that `run` names.
    ///
    /// # Errors
    /// One line: why it names none, or more than one.
    pub fn find_run(&self, run: &str) -> Result<PathBuf, String> {
        crate::journal::find_run(&self.runs_dir()?, run).map_err(|e| e.to_string())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runbooks, objectives and the last passed drill
    List(list::ListArgs),
    /// Practise against the embedded sandbox: nothing to install or configure
    Demo(demo::DemoArgs),
    /// Report every problem of every runbook
    Check(check::CheckArgs),
    /// Show the plan of a runbook: each step rendered, nothing run
    Show(show::ShowArgs),
    /// Begin a run: full screen, or unattended with --auto
    Run(run::RunArgs),
    /// Go on with a run, from wherever it stopped
    Resume(resume::ResumeArgs),
    /// Watch a run live, read only
    Watch(watch::WatchArgs),
    /// Show the drills of each runbook, past and unfinished runs
    Runs(runs::RunsArgs),
    /// Approve what a run asks for, as another user or by a signature
    Approve(approve::ApproveArgs),
    /// Say as a reviewer whether a run that is over will do
    SignOff(sign_off::SignOffArgs),
    /// Set two runs of one runbook side by side, step by step
    Compare(compare::CompareArgs),
    /// Check a run's record, or that of every run of a directory, or of an archive: s3://…
    Verify(verify::VerifyArgs),
    /// Write the after-action report; --upload archives the record in S3, locked
    Export(export::ExportArgs),
    /// Print the JSON Schema of the runbook format, for editors, or of the report
    Schema(schema::SchemaArgs),
    /// Look at credentials, endpoints, tools, terminal, clock and disk before they are needed
    Doctor(doctor::DoctorArgs),
    /// Own the children of a run, one after the other; the console starts it
    #[command(name = "__attempt", hide = true)]
    Attempt {
        /// Its one child has the console's terminal
        #[arg(long)]
        terminal: bool,
    },
    /// Be the sandbox of a practice run; the console starts it
    #[command(name = "__sandbox", hide = true)]
    Sandbox {
        /// What is practised.
        #[arg(value_parser = demo::known)]
        practice: &'static Practice,
        /// What goes wrong.
        #[arg(long)]
        fault: Option<Lesson>,
    },
    /// Be ssh-keygen, without a terminal to ask at; the console starts it
    #[command(name = "__ssh-keygen", hide = true)]
    SshKeygen {
        /// Its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Load a dump from standard input; a supervisor starts it
    #[command(name = "__load", hide = true)]
    Load {
        /// How many sessions.
        #[arg(long)]
        jobs: usize,
        /// `name=value`, in each session.
        #[arg(long)]
        set: Vec<String>,
    },
}

/// Exit code of a usage error: the same as the argument parser's.
pub const USAGE: u8 = 2;

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    panics::install();
    let cli = Cli::parse();
    // Secrets will be in this memory.
    if let Err(e) = crate::supervisor::forbid_core_dumps() {
        return fail(1, format!("core dumps cannot be switched off: {e}"));
    }
    let globals = &cli.globals;
    match cli.command {
        None => home::run(globals),
        Some(Command::Demo(args)) => demo::run(globals, &args),
        Some(Command::List(args)) => list::run(globals, &args),
        Some(Command::Check(args)) => check::run(globals, &args),
        Some(Command::Show(args)) => show::run(globals, &args),
        Some(Command::Run(args)) => run::run(globals, &args),
        Some(Command::Resume(args)) => resume::run(globals, &args),
        Some(Command::Watch(args)) => watch::run(globals, &args),
        Some(Command::Runs(args)) => runs::run(globals, &args),
        Some(Command::Approve(args)) => approve::run(globals, &args),
        Some(Command::SignOff(args)) => sign_off::run(globals, &args),
        Some(Command::Compare(args)) => compare::run(globals, &args),
        Some(Command::Verify(args)) => verify::run(globals, &args),
        Some(Command::Export(args)) => export::run(globals, &args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Doctor(args)) => doctor::run(globals, &args),
        Some(Command::Attempt { terminal: false }) => crate::supervisor::serve(),
        Some(Command::Attempt { terminal: true }) => crate::supervisor::serve_terminal(),
        Some(Command::SshKeygen { args }) => ExitCode::from(signing::become_ssh_keygen(&args)),
        Some(Command::Load { jobs, set }) => crate::actions::postgres::load_dump(jobs, &set),
        Some(Command::Sandbox { practice, fault }) => sandbox::serve(globals, practice, fault),
    }
}

/// Prints an error the one way errors are printed, and gives the exit code `code`.
pub fn fail(code: u8, message: impl std::fmt::Display) -> ExitCode {
    eprintln!("steady: {message}");
    ExitCode::from(code)
}

fn line(to: impl Write, words: Arguments<'_>) {
    self::words(to, format_args!("{words}\n"));
}

fn words(mut to: impl Write, words: Arguments<'_>) {
    let _ = to.write_fmt(words).and_then(|()| to.flush());
}

/// Prints a machine's answer on standard output: one JSON document.
///
/// # Errors
/// Standard output is gone.
pub fn print_json(value: &impl serde::Serialize) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)
}
