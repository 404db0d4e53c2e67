//! moto, an AWS that we did not write: a private server on a free port.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
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
        Self::start_stuck(delay, "")
    }

    /// The same, where the first cluster of the name `stuck` stays "creating".
    pub fn start_stuck(delay: Duration, stuck: &str) -> Option<Self> {
        match super::venv::programs("moto", "[server,rds]", VERSION)
            .and_then(|programs| Self::serve(&programs.join("python"), delay, stuck))
        {
            Ok(moto) => Some(moto),
            Err(reason) => {
                super::skip("moto", &reason);
                None
            }
        }
    }

    fn serve(python: &Path, delay: Duration, stuck: &str) -> Result<Self, String> {
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
            .arg(stuck)
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
