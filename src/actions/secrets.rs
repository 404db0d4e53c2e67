//! Fetching secrets from where the inputs say they are, and holding those that a person types. Each is
//! known to the redactor before anything else can see it, and is wiped from memory when it is not needed
//! any more. What masks it stays: the other side may repeat it later.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::custody;
use crate::ingest::{Maskable, Redactor};
use crate::runbook::inputs::SecretSource;
use crate::runbook::{Request, Reveal};

/// How long a command that prints a secret may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// The longest secret, in bytes: a key with its certificates fits, and all of its forms can be searched for.
const LONGEST: u64 = 64 * 1024;
const TOO_LONG: &str = "gives more than 64 KiB: that is no secret; give it a file or a command that \
                        has nothing else";

/// The secrets of a run.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    too_short: BTreeSet<String>,
    /// Those that stand in this process's environment.
    inherited: BTreeSet<String>,
    /// Those that a person types; a value is here only while it is needed.
    asked: BTreeSet<String>,
}

impl Secrets {
    /// Fetches every secret that is not typed, and registers it with the redactor.
    ///
    /// # Errors
    /// One line for each secret that cannot be had: which input, where it was looked for, what to do.
    pub async fn fetch(
        sources: &BTreeMap<String, SecretSource>,
        env: &(dyn Fn(&str) -> Option<String> + Sync),
        redactor: &Redactor,
    ) -> Result<Self, Vec<String>> {
        let mut secrets = Self::default();
        let mut problems = Vec::new();
        for (name, source) in sources {
            if *source == SecretSource::Ask {
                secrets.asked.insert(name.clone());
                continue;
            }
            if let SecretSource::Env(_) = source {
                secrets.inherited.insert(name.clone());
            }
            match read(source, env).await {
                Ok(value) => secrets.keep(name, value, redactor),
                Err(why) => problems.push(format!("secret input `{name}`: {why}")),
            }
        }
        if problems.is_empty() { Ok(secrets) } else { Err(problems) }
    }

    fn keep(&mut self, name: &str, value: SecretString, redactor: &Redactor) {
        if redactor.register(name, value.expose_secret()) == Maskable::TooShort {
            self.too_short.insert(name.to_owned());
        }
        self.values.insert(name.to_owned(), value);
    }

    /// Whether any secret is typed.
    #[must_use]
    pub fn asks(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether this one is.
    #[must_use]
    pub fn is_asked(&self, name: &str) -> bool {
        self.asked.contains(name)
    }

    /// Those of `names` that somebody must type first.
    #[must_use]
    pub fn wanted(&self, names: &[String]) -> Vec<String> {
        let lacks = |name: &&String| self.is_asked(name) && !self.values.contains_key(*name);
        names.iter().filter(lacks).cloned().collect()
    }

    /// Those that were typed and are held.
    pub fn typed(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().filter(|name| self.values.contains_key(*name)).map(String::as_str)
    }

    /// These, and one that was typed; the redactor knows it first.
    #[must_use]
    pub fn with(&self, name: &str, value: &SecretString, redactor: &Redactor) -> Self {
        let mut secrets = self.clone();
        secrets.too_short.remove(name);
        secrets.keep(name, value.clone(), redactor);
        secrets
    }

    /// These without some that were typed. What still uses the old ones keeps them until its end.
    #[must_use]
    pub fn without(&self, names: &BTreeSet<String>) -> Self {
        let mut secrets = self.clone();
        secrets.values.retain(|name, _| !names.contains(name));
        secrets
    }

    /// Whether the output of a request may hold a secret that is too short to be masked, so that it must
    /// be withheld: one that it uses, or one in a variable that every program here inherits.
    #[must_use]
    pub fn withholds(&self, request: &Request) -> bool {
        let runs_programs = request.action == "shell";
        self.too_short.iter().any(|name| {
            request.secrets.contains(name) || (runs_programs && self.inherited.contains(name))
        })
    }
}

impl Reveal for Secrets {
    fn reveal(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }
}

/// One secret that is no input's; the redactor knows it as `name` before anybody else sees it.
///
/// # Errors
/// One line: where it was looked for, and what to do.
pub async fn fetch_one(
    name: &str,
    source: &SecretSource,
    env: &(dyn Fn(&str) -> Option<String> + Sync),
    redactor: &Redactor,
) -> Result<SecretString, String> {
    let secret = read(source, env).await?;
    redactor.register(name, secret.expose_secret());
    Ok(secret)
}

async fn read(
    source: &SecretSource,
    env: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<SecretString, String> {
    let text = match source {
        SecretSource::Env(name) => env(name)
            .ok_or_else(|| format!("the environment variable {name} is not set: export it first")),
        SecretSource::File(path) => from_file(path),
        SecretSource::Command(command) => from_command(command).await,
        SecretSource::Ask => Err("it is typed when a step needs it".to_owned()),
    }?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(format!("{source} gave nothing"));
    }
    Ok(SecretString::from(value.to_owned()))
}

fn from_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text))
        .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    match text.len() as u64 > LONGEST {
        true => Err(format!("{} {TOO_LONG}", path.display())),
        false => custody::refuse_readable(path).map(|()| text),
    }
}

/// What a command prints; no more of it is read than a secret can be. What it says on standard error is
/// not repeated: it may name the secret.
async fn from_command(command: &str) -> Result<String, String> {
    let (printed, status) = match timeout(COMMAND_LIMIT, printed(command)).await {
        Ok(Ok(printed)) => printed,
        Ok(Err(e)) => return Err(format!("`{command}` cannot be run: {e}")),
        Err(_) => {
            return Err(format!("`{command}` took longer than {} s", COMMAND_LIMIT.as_secs()));
        }
    };
    let Some(status) = status else {
        return Err(format!("`{command}` {TOO_LONG}"));
    };
    if !status.success() {
        return Err(format!("`{command}` failed ({status}); try it by hand"));
    }
    String::from_utf8(printed).map_err(|_| format!("`{command}` printed no UTF-8 text"))
}

/// What a command prints, and how it ended; no status when it printed too much and was killed.
async fn printed(command: &str) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut printed = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(LONGEST + 1).read_to_end(&mut printed).await?;
    }
    if printed.len() as u64 > LONGEST {
        return Ok((printed, None));
    }
    let status = child.wait().await?;
    Ok((printed, Some(status)))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::runbook::{Effect, Resolved, Value};

    fn from(text: &str) -> BTreeMap<String, SecretSource> {
        BTreeMap::from([("token".to_owned(), SecretSource::parse(text).unwrap())])
    }

    async fn fetch(text: &str, redactor: &Redactor) -> Result<Secrets, Vec<String>> {
        let env = |name: &str| (name == "TOKEN").then(|| "from-the-environment".to_owned());
        Secrets::fetch(&from(text), &env, redactor).await
    }

    #[tokio::test]
    async fn each_source_gives_its_secret_and_the_redactor_knows_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "from-the-file\n").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        for (text, value) in [
            ("env:TOKEN".to_owned(), "from-the-environment"),
            (format!("file:{}", file.display()), "from-the-file"),
            ("cmd:echo from-a-command".to_owned(), "from-a-command"),
        ] {
            let redactor = Redactor::default();
            let secrets = fetch(&text, &redactor).await.unwrap();
            assert_eq!(secrets.reveal("token"), Some(value));
            assert!(!redactor.redact(&format!("x {value} y")).contains(value), "{text}");
            assert!(!format!("{secrets:?}").contains(value));
        }
    }

    #[tokio::test]
    async fn a_typed_secret_is_wanted_until_it_is_typed_and_again_once_it_is_forgotten() {
        let redactor = Redactor::default();
        let none = fetch("ask", &redactor).await.unwrap();
        let names = ["other".to_owned(), "token".to_owned()];
        assert_eq!(none.wanted(&names), ["token"]);
        assert_eq!(none.reveal("token"), None);
        let some = none.with("token", &SecretString::from("typed-by-alice"), &redactor);
        assert!(some.wanted(&names).is_empty());
        assert_eq!(some.reveal("token"), Some("typed-by-alice"));
        assert_eq!(some.typed().collect::<Vec<_>>(), ["token"]);
        assert!(!redactor.redact("typed-by-alice").contains("alice"));
        let gone = some.without(&BTreeSet::from(["token".to_owned()]));
        assert_eq!(gone.wanted(&names), ["token"]);
        // What was forgotten may still be repeated by the other side.
        assert!(!redactor.redact("typed-by-alice").contains("alice"));
    }

    #[tokio::test]
    async fn what_cannot_be_had_names_the_input_and_the_remedy() {
        for (text, said) in [
            ("env:ELSEWHERE", "the environment variable ELSEWHERE is not set"),
            ("file:/nowhere/token", "cannot read /nowhere/token"),
            ("cmd:exit 3", "`exit 3` failed"),
            ("cmd:true", "gave nothing"),
            ("cmd:yes", "gives more than 64 KiB"),
            ("file:/dev/zero", "/dev/zero gives more than 64 KiB"),
        ] {
            let problems = fetch(text, &Redactor::default()).await.unwrap_err();
            assert!(problems[0].contains("`token`") && problems[0].contains(said), "{problems:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_others_may_read_holds_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "from-the-file\n").unwrap();
        let source = format!("file:{}", file.display());
        for (mode, remedy) in [(0o666, "chmod go-w"), (0o644, "chmod 600"), (0o620, "chmod go-w")] {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let problems = fetch(&source, &Redactor::default()).await.unwrap_err();
            assert!(problems[0].contains("`token`"), "{problems:?}");
            assert!(problems[0].ends_with(&format!("{remedy} {}", file.display())), "{problems:?}");
        }
    }

    #[tokio::test]
    async fn a_short_secret_is_used_but_its_output_cannot_be_kept() {
        let secrets = fetch("cmd:echo 1234", &Redactor::default()).await.unwrap();
        assert_eq!(secrets.reveal("token"), Some("1234"));
        assert!(secrets.withholds(&request("shell", Some("token"))));
        assert!(!secrets.withholds(&request("shell", Some("other"))));
        assert!(!secrets.withholds(&request("shell", None)));
    }

    #[tokio::test]
    async fn what_stands_in_the_environment_may_be_printed_by_any_program() {
        let env = |_: &str| Some("1234".to_owned());
        let redactor = Redactor::default();
        let secrets = Secrets::fetch(&from("env:TOKEN"), &env, &redactor).await.unwrap();
        assert!(secrets.withholds(&request("shell", None)));
        assert!(!secrets.withholds(&request("http", None)));
        assert!(secrets.withholds(&request("http", Some("token"))));
    }

    fn request(action: &'static str, secret: Option<&str>) -> Request {
        let uses = secret.map(|name| Resolved::Value(Value::Secret(name.to_owned())));
        let args = uses.map(|arg| ("stdin".to_owned(), arg)).into_iter().collect();
        Request::new(action, Effect::Reads, args, Vec::new())
    }
}
