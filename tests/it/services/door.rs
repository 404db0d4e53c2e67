//! A door in front of a server, which shuts in the middle of what passes through it and opens again: for
//! who comes through it, the server has been killed and started again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is written and not yet read when a connection is cut is lost: little.
const BUFFER: u32 = 64 * 1024;

/// An open door; it shuts for good when this is dropped.
pub struct Door {
    address: SocketAddr,
    passed: Arc<AtomicU64>,
    shut: Arc<AtomicUsize>,
    _keeper: JoinSet<()>,
}

impl Door {
    /// A door to the loopback port `to`. Each time so many bytes in all have come back through it, it
    /// shuts, cuts every connection and refuses new ones for `away`.
    pub fn open(to: u16, cuts: Vec<u64>, away: Duration) -> Self {
        let (passed, shut) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let listener = listen("127.0.0.1:0".parse().unwrap());
        let address = listener.local_addr().unwrap();
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(listener, address, to, cuts, away, passed.clone(), shut.clone()));
        Self { address, passed, shut, _keeper: keeper }
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bytes that the server sent through it.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// How often it has shut.
    pub fn times_shut(&self) -> usize {
        self.shut.load(Ordering::Relaxed)
    }
}

fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_send_buffer_size(BUFFER).unwrap();
    socket.bind(address).unwrap();
    socket.listen(64).unwrap()
}

async fn keep(
    mut listener: TcpListener,
    address: SocketAddr,
    to: u16,
    cuts: Vec<u64>,
    away: Duration,
    passed: Arc<AtomicU64>,
    shut: Arc<AtomicUsize>,
) {
    let mut cuts = cuts.into_iter();
    loop {
        let cut = cuts.next().unwrap_or(u64::MAX);
        let (reached, mut reach) = watch::channel(false);
        let reached = Arc::new(reached);
        let mut guests = JoinSet::new();
        loop {
            tokio::select! {
                _ = reach.changed() => break,
                guest = listener.accept() => {
                    let Ok((guest, _)) = guest else { continue };
                    guests.spawn(pass(guest, to, cut, passed.clone(), reached.clone()));
                }
            }
        }
        drop((guests, listener));
        shut.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(away).await;
        listener = listen(address);
    }
}

async fn pass(
    guest: TcpStream,
    to: u16,
    cut: u64,
    passed: Arc<AtomicU64>,
    reached: Arc<watch::Sender<bool>>,
) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let (mut from_guest, mut to_guest) = guest.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async { tokio::io::copy(&mut from_guest, &mut to_server).await.map(drop) };
    let answering = async {
        let mut bytes = vec![0; 16 * 1024];
        loop {
            let got = from_server.read(&mut bytes).await?;
            if got == 0 {
                return Ok::<_, std::io::Error>(());
            }
            if passed.fetch_add(got as u64, Ordering::Relaxed) + got as u64 >= cut {
                reached.send_replace(true);
            }
            to_guest.write_all(&bytes[..got]).await?;
        }
    };
    let _ = tokio::select! { done = asking => done, done = answering => done };
}
