//! The parent's side: servers that are started, asked, killed and heard.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::place::Place;
use super::serve::VARIABLE;
use super::wire::{Ask, Said};

/// How long a server may be silent when it has something to say.
const PATIENCE: Duration = Duration::from_secs(300);

/// Server processes over one store.
pub struct Fleet {
    place: Place,
    servers: Vec<Option<Server>>,
    heard: Receiver<(usize, Heard)>,
    mouth: Sender<(usize, Heard)>,
}

/// What comes from a server.
#[derive(Debug)]
pub enum Heard {
    Said(Said),
    /// Its last word is heard.
    Gone,
}

/// Killed when it is dropped: in a panic of the test, too.
struct Server {
    child: Child,
    stdin: ChildStdin,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Fleet {
    /// Starts servers, and returns when all are ready.
    pub fn start(place: Place, servers: usize) -> Self {
        let (mouth, heard) = channel();
        let servers = (0..servers).map(|_| None).collect();
        let mut fleet = Self { place, servers, heard, mouth };
        for index in 0..fleet.servers.len() {
            fleet.start_one(index);
            match fleet.heard.recv_timeout(PATIENCE) {
                Ok((_, Heard::Said(Said::Ready))) => {}
                other => panic!("server {index} does not start: {other:?}"),
            }
        }
        fleet
    }

    /// Starts a server, which says when it is ready.
    pub fn start_one(&mut self, index: usize) {
        let binary = std::env::current_exe().expect("this binary");
        let mut command = Command::new(binary);
        command.env(VARIABLE, self.place.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stdout = BufReader::new(stdout.expect("a pipe"));
        self.servers[index] = Some(Server { child, stdin: stdin.expect("a pipe") });
        let mouth = self.mouth.clone();
        thread::spawn(move || {
            for line in stdout.split(b'\n') {
                let line = String::from_utf8(line.expect("a pipe")).expect("text");
                // A last word that the kill has cut short is not an answer.
                let Ok(said) = line.parse() else { break };
                let _ = mouth.send((index, Heard::Said(said)));
            }
            let _ = mouth.send((index, Heard::Gone));
        });
    }

    /// SIGKILL. What it had said before is still to be heard, and then that it is gone.
    pub fn kill(&mut self, index: usize) {
        drop(self.servers[index].take());
    }

    pub fn ask(&mut self, index: usize, call: u64, ask: &Ask) {
        let server = self.servers[index].as_mut().expect("a server that runs");
        server.stdin.write_all(format!("{call} {ask}\n").as_bytes()).expect("a server that reads");
    }

    /// What is heard next; `None` after a while.
    pub fn hear(&self, within: Duration) -> Option<(usize, Heard)> {
        match self.heard.recv_timeout(within) {
            Ok(heard) => Some(heard),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("nobody speaks"),
        }
    }
}
