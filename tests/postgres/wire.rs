//! A wire between pool and server that counts round trips, and that can be cut or go silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

#[derive(Clone)]
pub struct Wire {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    round_trips: AtomicUsize,
    /// Whether the server's answers are kept back.
    silent: AtomicBool,
    /// Whether a connection ends instead of passing on the next answer.
    cut: AtomicBool,
    changed: Notify,
}

impl Wire {
    /// A wire to the server of a configuration, and the configuration that goes through it.
    pub async fn to(mut config: Config) -> (Self, Config) {
        let [Host::Tcp(host), ..] = config.get_hosts() else { panic!("a TCP host") };
        let server = (host.clone(), config.get_ports()[0]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Self { state: Arc::default() };
        let state = Arc::clone(&wire.state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&state)));
            }
        });
        let mut through = Config::new();
        through.user(config.get_user().unwrap()).dbname(config.get_dbname().unwrap());
        through.options(config.get_options().unwrap_or_default()).host("127.0.0.1").port(port);
        config = through;
        (wire, config)
    }

    /// How often a client has waited for the server since the last time that it was asked.
    pub fn round_trips(&self) -> usize {
        self.state.round_trips.swap(0, Ordering::SeqCst)
    }

    /// Keeps back what the server says, or no longer.
    pub fn silence(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
        self.state.changed.notify_waiters();
    }

    /// Ends the connection instead of passing on the next answer.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
    }
}

async fn carry(client: TcpStream, server: TcpStream, state: Arc<State>) {
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = ask(from_client, to_server, &state) => {}
        () = answer(from_server, to_client, &state) => {}
    }
}

/// What the client sends: after the first message, each has a letter and a length.
async fn ask(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, state: &State) {
    let mut is_first = true;
    loop {
        let mut message = vec![0; if is_first { 4 } else { 5 }];
        if client.read_exact(&mut message).await.is_err() {
            return;
        }
        let length = message[message.len() - 4..].try_into().unwrap();
        let body = message.len() + usize::try_from(u32::from_be_bytes(length)).unwrap() - 4;
        let start = message.len();
        message.resize(body, 0);
        if client.read_exact(&mut message[start..]).await.is_err() {
            return;
        }
        // Sync and Query are what a client waits behind.
        if !is_first && matches!(message[0], b'S' | b'Q') {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        is_first = false;
        if server.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, state: &State) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = server.read(&mut bytes).await.unwrap_or(0);
        if read == 0 || state.cut.swap(false, Ordering::SeqCst) {
            return;
        }
        loop {
            let changed = state.changed.notified();
            if !state.silent.load(Ordering::SeqCst) {
                break;
            }
            changed.await;
        }
        if client.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
