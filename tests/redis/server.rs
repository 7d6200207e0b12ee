//! A server of a test's own, to be reconfigured, killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, cmd};
use tempfile::TempDir;

use crate::redis::world::connect;

/// Ends with this value, and leaves nothing.
pub struct Server {
    folder: TempDir,
    pub url: String,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = servers("start redis", folder.path());
        Self { folder, url }
    }

    /// SIGKILL.
    pub fn kill(&self) {
        servers("kill", self.folder.path());
    }

    /// After it was killed: the same server again.
    pub fn restart(&self) {
        assert_eq!(servers("start redis", self.folder.path()), self.url);
    }

    pub async fn connect(&self) -> MultiplexedConnection {
        connect(&self.url).await
    }

    /// Asks it, over a connection of its own.
    pub async fn ask<T: FromRedisValue>(&self, words: &str) -> T {
        let mut words = words.split(' ');
        let mut command = cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query_async(&mut self.connect().await).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        servers("stop", self.folder.path());
    }
}

fn servers(words: &str, folder: &Path) -> String {
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "scripts", "servers"].iter().collect();
    let output = Command::new(script).args(words.split(' ')).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
