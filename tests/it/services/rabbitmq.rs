//! A private RabbitMQ with its management plugin: one node on free ports in a temporary directory.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const EPMD: &str = "/usr/bin/epmd";
const READY: Duration = Duration::from_secs(90);

/// The user of [`Broker::api`], as a fresh broker has it.
pub const USER: &str = "guest";
/// Its password after [`Broker::secure`].
pub const PASSWORD: &str = "canary-rabbit-4711";

/// A running broker; it ends when this is dropped.
pub struct Broker {
    home: TempDir,
    epmd: Child,
    node: Option<Child>,
    ports: Ports,
    password: String,
}

struct Ports {
    amqp: u16,
    stomp: u16,
    management: u16,
    distribution: u16,
    epmd: u16,
}

impl Broker {
    /// A fresh broker; `None`, said loudly, when it cannot be had here.
    pub fn start() -> Option<Self> {
        match Self::installed() {
            Ok(mut broker) => {
                broker.boot();
                Some(broker)
            }
            Err(reason) => {
                super::skip("rabbitmq", &reason);
                None
            }
        }
    }

    fn installed() -> Result<Self, String> {
        for program in [SERVER, EPMD] {
            if !Path::new(program).exists() {
                return Err(format!("{program} is not there: install rabbitmq-server"));
            }
        }
        let home = TempDir::new().map_err(|error| error.to_string())?;
        let ports = ports().map_err(|error| error.to_string())?;
        let epmd = Command::new(EPMD)
            .args(["-port", &ports.epmd.to_string(), "-address", "127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {EPMD}: {error}"))?;
        Ok(Self { home, epmd, node: None, ports, password: USER.into() })
    }

    /// Where the management API listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.management)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts the node on what is in its directory, and waits until it answers.
    pub fn boot(&mut self) {
        let Ports { amqp, stomp, management, .. } = self.ports;
        let conf = format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\nstomp.listeners.tcp.1 = 127.0.0.1:{stomp}\n\
             management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"
        );
        let write = |name: &str, text: &str| std::fs::write(self.file(name), text).unwrap();
        write("rabbitmq.conf", &conf);
        write("enabled_plugins", "[rabbitmq_management,rabbitmq_stomp].");
        write("env.conf", "");
        for dir in ["log", "mnesia", "config"] {
            std::fs::create_dir_all(self.file(dir)).unwrap();
        }
        let root = rustix::process::getuid().is_root();
        if root {
            let owner =
                Command::new("chown").args(["-R", "rabbitmq"]).arg(self.home.path()).status();
            assert!(owner.unwrap().success(), "the package makes the user rabbitmq");
        }
        let mut command = if root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "rabbitmq", "--regid", "rabbitmq", "--clear-groups", SERVER]);
            command
        } else {
            Command::new(SERVER)
        };
        for (name, value) in [
            ("HOME", ""),
            ("RABBITMQ_MNESIA_BASE", "mnesia"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_CONF_ENV_FILE", "env.conf"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("RABBITMQ_GENERATED_CONFIG_DIR", "config"),
        ] {
            command.env(name, self.file(value));
        }
        let log = std::fs::File::create(self.file("said")).unwrap();
        let node = command
            .env("RABBITMQ_NODENAME", format!("t{management}@localhost"))
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn();
        self.node = Some(node.unwrap());
        let deadline = Instant::now() + READY;
        while self.ask("GET", "/api/overview", None).is_none_or(|(status, _)| status != 200) {
            let gone =
                self.node.as_mut().is_some_and(|it| it.try_wait().is_ok_and(|s| s.is_some()));
            if gone || Instant::now() > deadline {
                let said = std::fs::read_to_string(self.file("said")).unwrap_or_default();
                panic!("RabbitMQ is installed but does not serve: {said}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: Signal) {
        let Some(node) = &self.node else { return };
        let group = Pid::from_raw(node.id().cast_signed()).unwrap();
        let _ = kill_process_group(group, signal);
    }

    /// Takes connections and answers none.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Ends the node as a crash would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        if let Some(mut node) = self.node.take() {
            let _ = node.wait();
        }
    }

    /// Everything is gone: the next boot is a first one.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.file("mnesia")).unwrap();
        self.password = USER.into();
        self.boot();
    }

    /// Gives the administrator a password that is worth hiding.
    pub fn secure(&mut self) {
        let user = json!({"password": PASSWORD, "tags": "administrator"});
        self.put(&format!("/api/users/{USER}"), &user);
        self.password = PASSWORD.into();
    }

    /// Asks the management API; `None` when it does not answer.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Json>) -> Option<(u16, Json)> {
        self.ask_as((USER, &self.password), method, path, body)
    }

    /// The same as another user.
    pub fn ask_as(
        &self,
        (user, password): (&str, &str),
        method: &str,
        path: &str,
        body: Option<&Json>,
    ) -> Option<(u16, Json)> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let login = base64::prelude::BASE64_STANDARD.encode(format!("{user}:{password}"));
        let login = format!("Basic {login}");
        let headers = [("Authorization", &*login), ("Content-Type", "application/json")];
        let (status, answer) =
            super::web::ask(self.ports.management, method, path, &headers, body.as_bytes())?;
        Some((status, serde_json::from_slice(&answer).unwrap_or_default()))
    }

    /// What there is at a path.
    pub fn get(&self, path: &str) -> Json {
        let (status, json) = self.ask("GET", path, None).expect("an answer");
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    /// Makes something.
    pub fn put(&self, path: &str, body: &Json) {
        let (status, json) = self.ask("PUT", path, Some(body)).expect("an answer");
        assert!((200..300).contains(&status), "{path}: {status} {json}");
    }

    /// Binds a queue to an exchange.
    pub fn bind(&self, vhost: &str, exchange: &str, queue: &str, key: &str) {
        let path = format!("/api/bindings/{vhost}/e/{exchange}/q/{queue}");
        let body = json!({"routing_key": key, "arguments": {"x-of": queue}});
        let (status, json) = self.ask("POST", &path, Some(&body)).expect("an answer");
        assert_eq!(status, 201, "{path}: {json}");
    }

    /// A client that consumes from a queue over STOMP, and comes back whenever it is cut off or refused.
    pub fn consumer(&self, login: (&str, &str), vhost: &str, queue: &str) -> Consumer {
        let stop = Arc::new(AtomicBool::new(false));
        let (port, stopped) = (self.ports.stomp, stop.clone());
        let connect = format!(
            "CONNECT\naccept-version:1.2\nhost:{vhost}\nlogin:{}\npasscode:{}\n\n\0",
            login.0, login.1
        );
        let subscribe = format!("SUBSCRIBE\nid:0\ndestination:/amq/queue/{queue}\n\n\0");
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let _ = consume(port, &connect, &subscribe, &stopped);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Consumer { stop, thread: Some(thread) }
    }
}

/// Stays connected for as long as the broker does.
fn consume(port: u16, connect: &str, subscribe: &str, stop: &AtomicBool) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    stream.write_all(connect.as_bytes())?;
    stream.write_all(subscribe.as_bytes())?;
    let mut buffer = [0; 1024];
    while !stop.load(Ordering::SeqCst) {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) if buffer[..n].windows(5).any(|word| word == b"ERROR") => return Ok(()),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// See [`Broker::consumer`]; it ends when this is dropped.
pub struct Consumer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
    }
}

fn ports() -> std::io::Result<Ports> {
    // All are held until the last one is known: no two are the same.
    let held = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<std::io::Result<Vec<TcpListener>>>()?;
    let port = |i: usize| held[i].local_addr().map(|address| address.port());
    Ok(Ports {
        amqp: port(0)?,
        stomp: port(1)?,
        management: port(2)?,
        distribution: port(3)?,
        epmd: port(4)?,
    })
}
