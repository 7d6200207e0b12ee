//! A way over that logs nobody out: a table of persistent tokens becomes families, and the families another database, while clients
//! go on. `cargo run --all-features --example migrate -- --help`
//!
//! What a host copies is in [`fleet`] (its token endpoint meanwhile) and [`steps`] (what is done, in this order). The rest plays the
//! legacy system and its clients.

mod clients;
mod fleet;
mod folder;
mod legacy;
mod show;
mod steps;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use heirloom::store::SqliteStore;
use heirloom::{Clock, SystemClock};
use lexopt::prelude::*;

use clients::Clients;
use fleet::Fleet;
use folder::Folder;
use legacy::Legacy;
use show::Show;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const HELP: &str = "\
migrate [--tokens N] [--to URL] [--folder DIR] [--json]

Makes a legacy table of N persistent tokens (100000) in a SQLite file, adopts them in bulk, and moves the families to another store,
while clients keep refreshing. Exits with 1 if a session is lost.

  --to URL      postgres://.., redis://.., redis-cluster://HOST:PORT,.. or sqlite:FILE
                (HEIRLOOM_POSTGRES, else HEIRLOOM_REDIS, else a SQLite file in the folder)
  --folder DIR  where everything is kept; by default a temporary one. After an interruption, by Ctrl-C too, the same
                command with the same folder goes on
  --json        the report as JSON";

struct Arguments {
    tokens: Option<u64>,
    to: Option<String>,
    folder: Option<PathBuf>,
    json: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("migrate: {failure}");
            let mut source = failure.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Arguments, Failure> {
    let mut parser = lexopt::Parser::from_env();
    let mut arguments = Arguments { tokens: None, to: None, folder: None, json: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("tokens") => arguments.tokens = Some(parser.value()?.parse()?),
            Long("to") => arguments.to = Some(parser.value()?.string()?),
            Long("folder") => arguments.folder = Some(parser.value()?.into()),
            Long("json") => arguments.json = true,
            Short('h') | Long("help") => {
                println!("{HELP}");
                std::process::exit(0);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if arguments.tokens == Some(0) {
        return Err("--tokens 0: there is nothing to move".into());
    }
    Ok(arguments)
}

fn run() -> Result<bool, Failure> {
    let arguments = arguments()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(migrate(arguments))
}

/// Whether no session was lost.
async fn migrate(arguments: Arguments) -> Result<bool, Failure> {
    let is_temporary = arguments.folder.is_none();
    let mut folder = Folder::open(arguments.folder)?;
    let to = target::named(arguments.to, &folder);
    let tokens = folder.agree(arguments.tokens, &to)?;
    eprintln!("everything is kept in {}: to go on, --folder", folder.path().display());

    let began = SystemClock.now();
    let new = target::open(&to).await?;
    let old = Arc::new(SqliteStore::open(folder.path().join("families.db"))?);
    let legacy = Arc::new(Legacy::open(&folder.path().join("legacy.db"))?);
    let clients = Arc::new(Clients::open(&folder.path().join("clients.db"))?);
    let show = Show::new();
    legacy::make(&legacy, &clients, tokens, &show)?;
    let fleet = Arc::new(Fleet::new(old, new, legacy, &folder)?);
    let report = steps::all(&fleet, &clients, tokens, &mut folder, &show).await?;

    let seconds = SystemClock.now().saturating_since(began).as_secs_f64();
    let target = to.split(':').next().unwrap_or_default();
    match arguments.json {
        true => println!("{}", report.json(tokens, target, seconds)),
        false => println!("{}", report.text(tokens, target, seconds)),
    }
    drop((fleet, clients));
    if is_temporary && report.lost.is_empty() {
        std::fs::remove_dir_all(folder.path())?;
    }
    Ok(report.lost.is_empty())
}
