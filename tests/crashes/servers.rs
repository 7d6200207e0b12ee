//! Private servers that can be killed: `scripts/servers`, as a value.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

/// Ended, and removed, when it is dropped, and when this process is killed.
pub struct Servers {
    folder: PathBuf,
    kind: &'static str,
    pub url: String,
    /// Ends the servers when its input ends.
    guardian: Child,
}

const GUARDIAN: &str = r#"cat > /dev/null; bash "$0" stop "$1"; rmdir "$(dirname "$1")""#;

impl Servers {
    pub fn start(kind: &'static str) -> Self {
        let parent = tempfile::tempdir().expect("a folder").keep();
        // PostgreSQL runs as a user of its own.
        set_permissions(&parent, Permissions::from_mode(0o711)).expect("an own folder");
        let folder = parent.join("servers");
        let mut guardian = Command::new("bash");
        guardian.arg("-c").arg(GUARDIAN).arg(path()).arg(&folder);
        // Not ended by what ends this process from a keyboard.
        guardian.stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let guardian = guardian.spawn().expect("bash");
        let mut servers = Self { folder, kind, url: String::new(), guardian };
        servers.url = script(&["start", kind], &servers.folder, &[]);
        servers
    }

    /// SIGKILL for Redis, an immediate stop for PostgreSQL; meanwhile the caller goes on.
    pub fn kill(&self) -> JoinHandle<String> {
        let folder = self.folder.clone();
        thread::spawn(move || script(&["kill"], &folder, &[]))
    }

    /// Starts again, on the same port.
    pub fn start_again(&self) -> JoinHandle<String> {
        let (kind, folder) = (self.kind, self.folder.clone());
        thread::spawn(move || script(&["start", kind], &folder, &[]))
    }

    /// SIGKILL for one node of a cluster.
    pub fn kill_node(&self, port: u16) {
        script(&["kill"], &self.folder, &[&port.to_string()]);
    }

    /// Stops a node of a cluster without ending it, or lets it go on.
    pub fn signal_node(&self, signal: &str, port: u16) {
        let file = self.folder.join(port.to_string()).join("pid");
        let pid = std::fs::read_to_string(file).expect("a node that runs");
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(pid.trim()).status();
        assert!(sent.is_ok_and(|status| status.success()), "not sent: {signal}");
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// What it prints.
fn script(before: &[&str], folder: &Path, after: &[&str]) -> String {
    run(before, folder, after).unwrap_or_else(|why| panic!("{before:?}: {why}"))
}

fn run(before: &[&str], folder: &Path, after: &[&str]) -> Result<String, String> {
    let mut command = Command::new("bash");
    command.arg(path()).args(before).arg(folder).args(after);
    let output = command.output().map_err(|error| format!("bash: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/servers")
}
