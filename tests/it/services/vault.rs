//! A Vault with integrated storage: a real one where `vault` or `bao` is on the PATH, else the sandbox's
//! stand-in, and then said loudly. Both are set up through the same API.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value as Json, json};
use steadyhand::sandbox::SandboxOptions;
use steadyhand::sandbox::vault::Vault as StandIn;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::console::eventually;
use super::web::ask;

/// How many shares, and how many of them unseal.
const SHARES: (u32, u32) = (5, 3);

/// A running node; it ends when this is dropped.
pub struct Vault {
    port: u16,
    /// Key shares, hexadecimal.
    pub shares: Vec<String>,
    /// The root token.
    pub token: String,
    _server: Server,
}

enum Server {
    Real { process: Child, _home: TempDir },
    StandIn { stop: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>> },
}

impl Vault {
    /// An unsealed node with a KV version 2 mount at `secret`.
    pub fn start() -> Self {
        let (port, server) = match program() {
            Some(program) => real(&program),
            None => {
                super::skip("vault", "no `vault` or `bao` on the PATH: a stand-in took its place");
                stand_in()
            }
        };
        let mut vault = Self { port, shares: Vec::new(), token: String::new(), _server: server };
        vault.set_up();
        vault
    }

    fn set_up(&mut self) {
        eventually(|| self.try_ask("GET", "/v1/sys/seal-status", &[]));
        let asked = json!({"secret_shares": SHARES.0, "secret_threshold": SHARES.1});
        let (status, made) = self.json("PUT", "/v1/sys/init", &asked);
        assert_eq!(status, 200, "{made}");
        let text = |json: &Json| json.as_str().expect("text").to_owned();
        self.shares = made["keys"].as_array().expect("shares").iter().map(text).collect();
        self.token = text(&made["root_token"]);
        for share in self.shares.iter().take(3) {
            self.json("PUT", "/v1/sys/unseal", &json!({ "key": share }));
        }
        self.active();
        let mount = json!({"type": "kv", "options": {"version": "2"}});
        let (status, said) = self.json("POST", "/v1/sys/mounts/secret", &mount);
        assert_eq!(status, 204, "{said}");
    }

    /// Waits until it is the active node.
    pub fn active(&self) {
        eventually(|| (self.try_ask("GET", "/v1/sys/health", &[])?.0 == 200).then_some(()));
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn try_ask(&self, method: &str, path: &str, body: &[u8]) -> Option<(u16, Vec<u8>)> {
        ask(self.port, method, path, &[("X-Vault-Token", &self.token)], body)
    }

    /// Asks with the root token, or with another one.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: &[u8]) -> (u16, Vec<u8>) {
        ask(self.port, method, path, &[("X-Vault-Token", token)], body).expect("an answer")
    }

    /// Asks with the root token, JSON both ways.
    pub fn json(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, bytes) = self.try_ask(method, path, body.as_bytes()).expect("an answer");
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Writes a version of a secret.
    pub fn write(&self, path: &str, value: &str) {
        let data = json!({"data": {"password": value}});
        // A mount of this kind is not ready at once.
        eventually(|| {
            let (status, _) = self.json("POST", &format!("/v1/secret/data/{path}"), &data);
            (status == 200).then_some(())
        });
    }

    /// The newest version of a secret, as who holds this token sees it.
    pub fn read(&self, path: &str, token: &str) -> Option<(i64, String)> {
        let (status, bytes) = self.ask("GET", &format!("/v1/secret/data/{path}"), token, &[]);
        let json: Json = serde_json::from_slice(&bytes).unwrap_or_default();
        let data = &json["data"];
        let value = data["data"]["password"].as_str()?.to_owned();
        (status == 200).then_some((data["metadata"]["version"].as_i64()?, value))
    }

    /// A snapshot in a file.
    pub fn snapshot(&self, file: &Path) {
        let path = "/v1/sys/storage/raft/snapshot";
        let (status, bytes) = self.ask("GET", path, &self.token, &[]);
        assert_eq!(status, 200);
        std::fs::write(file, bytes).expect("written");
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let of = |name: &str| dirs.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
    of("vault").or_else(|| of("bao"))
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    free.expect("a free port").port()
}

fn real(program: &Path) -> (u16, Server) {
    let home = TempDir::new().expect("a directory");
    let (port, cluster) = (free_port(), free_port());
    let data = home.path().join("raft");
    std::fs::create_dir(&data).expect("a directory");
    let config = format!(
        "disable_mlock = true\napi_addr = \"http://127.0.0.1:{port}\"\n\
         cluster_addr = \"http://127.0.0.1:{cluster}\"\n\
         storage \"raft\" {{\n  path = \"{}\"\n  node_id = \"test\"\n}}\n\
         listener \"tcp\" {{\n  address = \"127.0.0.1:{port}\"\n  cluster_address = \"127.0.0.1:{cluster}\"\n  \
         tls_disable = true\n}}\n",
        data.display()
    );
    let file = home.path().join("vault.hcl");
    std::fs::write(&file, config).expect("written");
    let process = Command::new(program)
        .arg("server")
        .arg(format!("-config={}", file.display()))
        .env("HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it is on the PATH");
    (port, Server::Real { process, _home: home })
}

fn stand_in() -> (u16, Server) {
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let options = SandboxOptions { state_delay: Duration::from_millis(200) };
            let vault = StandIn::start(options).await.expect("a free port");
            let port = vault.endpoint().rsplit(':').next().and_then(|port| port.parse().ok());
            let _ = tell.send(port.expect("a port"));
            let _ = stopped.await;
        });
    });
    let port = told.recv().expect("it listens");
    (port, Server::StandIn { stop: Some(stop), thread: Some(thread) })
}

impl Drop for Server {
    fn drop(&mut self) {
        match self {
            Self::Real { process, .. } => {
                let _ = process.kill();
                let _ = process.wait();
            }
            Self::StandIn { stop, thread } => {
                drop(stop.take());
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
    }
}
