//! moto, an AWS that we did not write: a private server on a free port, from a virtual environment that
//! is made once and kept below `target/` (or `STEADYHAND_TEST_CACHE`).

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steadyhand::aws::AwsAccess;
use tempfile::TempDir;

const VERSION: &str = "5.2.1";
const READY: Duration = Duration::from_secs(60);

/// A running server; it ends when this is dropped.
pub struct Moto {
    server: Child,
    port: u16,
    _home: TempDir,
}

impl Moto {
    /// A fresh AWS whose states take `delay`; `None`, said loudly, when it cannot be had here.
    pub fn start(delay: Duration) -> Option<Self> {
        match python().and_then(|python| Self::serve(&python, delay)) {
            Ok(moto) => Some(moto),
            Err(reason) => {
                super::skip("moto", &reason);
                None
            }
        }
    }

    fn serve(python: &Path, delay: Duration) -> Result<Self, String> {
        let home = TempDir::new().map_err(|error| error.to_string())?;
        let log = home.path().join("log");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|it| it.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/moto_delayed.py");
        let server = Command::new(python)
            .arg(script)
            .arg(delay.as_secs_f64().to_string())
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(|error| error.to_string())?)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", python.display()))?;
        let mut moto = Self { server, port, _home: home };
        let deadline = Instant::now() + READY;
        while !moto.answers() {
            if Instant::now() > deadline || moto.server.try_wait().is_ok_and(|it| it.is_some()) {
                let mut said = String::new();
                let _ = File::open(&log).and_then(|mut file| file.read_to_string(&mut said));
                panic!("moto is installed but does not serve: {said}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(moto)
    }

    fn answers(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How to call it.
    pub fn access(&self) -> AwsAccess {
        AwsAccess {
            profile: None,
            region: Some("eu-west-1".into()),
            endpoint: Some(self.endpoint()),
            practice_credentials: Some(("moto-access-key".into(), "moto-secret-key".into())),
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The interpreter of a virtual environment that has moto; made by whoever comes first.
fn python() -> Result<PathBuf, String> {
    let cache = std::env::var_os("STEADYHAND_TEST_CACHE")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let home = cache.join(format!("moto-{VERSION}"));
    let (python, done) = (home.join("bin/python"), home.join("complete"));
    if done.exists() {
        return Ok(python);
    }
    std::fs::create_dir_all(&cache).map_err(|error| error.to_string())?;
    let lock = File::create(cache.join("moto.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if !done.exists() {
        quietly(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        quietly(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("moto[server,rds]=={VERSION}")),
        )?;
        File::create(&done).map_err(|error| error.to_string())?;
    }
    Ok(python)
}

fn quietly(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| {
        format!("{}: {error}: install Python 3 with venv and pip", program.display())
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}", program.display(), said.lines().last().unwrap_or_default()))
}
