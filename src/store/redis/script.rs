//! The scripts, each one atomic step on the keys of one slot.

use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, ServerErrorKind, Value, cmd};

use super::key::Keys;
use crate::store::StoreError;

/// Where the scripts run, and on which keys.
pub(super) struct Server<C> {
    pub(super) connection: C,
    pub(super) scripts: Scripts,
    pub(super) keys: Keys,
}

impl<C: ConnectionLike + Clone> Server<C> {
    /// Runs a script where its keys lie: always on a master, also through clients that read from replicas.
    ///
    /// A server that does not know the script is sent its text, for the same keys: unlike `SCRIPT LOAD`, that asks no
    /// other node.
    pub(super) async fn call(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[Vec<u8>],
    ) -> Result<Value, StoreError> {
        let command = |name, text| {
            let mut command = cmd(name);
            command.arg(text).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        let mut connection = self.connection.clone();
        match command("EVALSHA", &*script.hash).query_async(&mut connection).await {
            Err(error) if is_unknown(&error) => {
                command("EVAL", script.code).query_async(&mut connection).await
            }
            answer => answer,
        }
        .map_err(failure)
    }
}

/// What a server's answer means: a permission that is missing is for an operator, all else may pass.
pub(super) fn failure(error: RedisError) -> StoreError {
    match error.code() {
        Some("NOPERM" | "NOAUTH" | "WRONGPASS") => StoreError::unusable(error),
        _ => StoreError::unavailable(error),
    }
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// A Lua script and the name under which servers remember it.
#[derive(Debug)]
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }
}

/// One for each kind of call.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) create: Script,
    pub(super) advance: Script,
    pub(super) revoke: Script,
    pub(super) replace: Script,
    pub(super) bucket: Script,
    pub(super) ended: Script,
    pub(super) purge: Script,
    pub(super) enter: Script,
    pub(super) entries: Script,
    pub(super) drop: Script,
    pub(super) format: Script,
}

/// A script of several files, one after the other.
macro_rules! script {
    ($($file:literal),+) => {
        Script::new(concat!($(include_str!(concat!("../schema/redis/", $file, ".lua"))),+))
    };
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            load: script!("stored", "load"),
            create: script!("stored", "write", "create"),
            advance: script!("stored", "write", "form", "branches", "family", "advance"),
            revoke: script!("stored", "write", "form", "branches", "family", "revoke"),
            replace: script!("stored", "write", "form", "branches", "family", "replace"),
            bucket: script!("bucket"),
            ended: script!("ended"),
            purge: script!("purge"),
            enter: script!("enter"),
            entries: script!("entries"),
            drop: script!("drop"),
            format: script!("format"),
        }
    }
}
