//! A store of one's own, whole, and the proof that it keeps the contract: one file per family in a folder.
//!
//! ```text
//! cargo run --example custom_store --features conformance [FOLDER]
//! ```
//!
//! For one machine with a few thousand families: every write is flushed to the disk, and a selection reads the folder.
//! Several processes may share it. Calls wait for the disk on the executor's thread: give them threads of their own.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use heirloom::conformance::{self, Clause, Factory, Failure};
use heirloom::family::{Family, Impossible};
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::{FamilyId, Page, Selected, Selector, Store, record};

/// Two files per family: `ID.family`, its record, and `ID.owner`, its subject and client on a line each, which
/// selections read. A record that is damaged can thus still be found (S9).
struct FolderStore {
    folder: PathBuf,
}

/// Nothing is written but under the one lock, and no call waits in between: so each is atomic, whether its future is
/// dropped or not, and steps need nothing but their own `apply`.
impl Store for FolderStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let _lock = self.lock()?;
        let family = step.family();
        // Asked for the file and not for the family: a damaged record is not overwritten either.
        if self.path(family.id, RECORD).try_exists().map_err(StoreError::unavailable)? {
            return Ok(step.taken());
        }
        // First what selections read, so that no family escapes them. Left alone, it is overwritten by the next.
        let owner = format!("{}\n{}", family.grant.subject, family.grant.client);
        self.write(family.id, OWNER, owner.as_bytes())?;
        self.save(family)?;
        Ok(step.created())
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        let _lock = self.lock()?;
        self.read(id)
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let _lock = self.lock()?;
        let Some(mut family) = self.read(step.family())? else { return Ok(step.declined(None)) };
        if !step.apply(&mut family) {
            return Ok(step.declined(Some(family)));
        }
        self.save(&family)?;
        Ok(step.committed(family))
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let _lock = self.lock()?;
        let Some(mut family) = self.read(step.family())? else { return Ok(step.unknown()) };
        if step.apply(&mut family) {
            self.save(&family)?;
        }
        Ok(step.ended(family))
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let _lock = self.lock()?;
        let Some(mut family) = self.read(step.next().id)? else { return Ok(step.declined(None)) };
        if !step.apply(&mut family) {
            return Ok(step.declined(Some(family)));
        }
        self.save(&family)?;
        Ok(step.committed())
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let _lock = self.lock()?;
        let mut selected = Selected::new();
        for id in self.ids(OWNER)?.into_iter().filter(|id| page.after.is_none_or(|it| *id > it)) {
            if selected.len() == page.limit {
                break;
            }
            if !self.is_owned_by(id, selector)? {
                continue;
            }
            match decode(id, self.bytes(id, RECORD)?) {
                Ok(Some(family)) if selector.matches(&family) => selected.push(Ok(family)),
                Ok(_) => {} // a create that did not get as far
                Err(impossible) => selected.push(Err(impossible)),
            }
        }
        Ok(selected)
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let _lock = self.lock()?;
        let mut removed = 0;
        for id in self.ids(RECORD)? {
            if removed == step.limit() {
                break;
            }
            // What cannot be read is left.
            if let Ok(Some(family)) = decode(id, self.bytes(id, RECORD)?)
                && step.is_due(&family)
            {
                self.remove(id).map_err(StoreError::unavailable)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// In the order of ids, so that a place is the last id that was shown.
    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let _lock = self.lock()?;
        let after = after.map(|cursor| cursor.id()).transpose()?;
        let mut rest = self.ids(RECORD)?;
        rest.retain(|id| after.is_none_or(|after| *id > after));
        let page = &rest[..rest.len().min(limit.max(1))];
        let next = page.last().filter(|_| page.len() < rest.len()).map(|id| Cursor::after(*id));
        let mut families = Selected::new();
        for id in page {
            families.extend(decode(*id, self.bytes(*id, RECORD)?).transpose());
        }
        Ok(Scanned { families, next })
    }
}

const RECORD: &str = "family";
const OWNER: &str = "owner";

impl FolderStore {
    fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Shuts out all other calls, also of other processes, and readers: they must not see what is not flushed yet.
    fn lock(&self) -> Result<File, StoreError> {
        let lock = || {
            let file = File::create(self.folder.join("lock"))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error: io::Error| StoreError::unavailable(error))
    }

    fn path(&self, id: FamilyId, kind: &str) -> PathBuf {
        self.folder.join(format!("{id}.{kind}"))
    }

    fn read(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        Ok(decode(id, self.bytes(id, RECORD)?)?)
    }

    fn bytes(&self, id: FamilyId, kind: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(self.path(id, kind)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }

    fn save(&self, family: &Family) -> Result<(), StoreError> {
        self.write(family.id, RECORD, &record::encode(family))
    }

    /// Whole or not at all, and on the disk when it returns (S8).
    fn write(&self, id: FamilyId, kind: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let new = self.folder.join("new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, self.path(id, kind))?;
            self.sync()
        };
        write().map_err(StoreError::unavailable)
    }

    fn remove(&self, id: FamilyId) -> io::Result<()> {
        fs::remove_file(self.path(id, RECORD))?;
        self.sync()?;
        fs::remove_file(self.path(id, OWNER))
    }

    /// A name in a folder is on the disk when the folder is.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// The ids that have a file of this kind, in their order.
    fn ids(&self, kind: &str) -> Result<Vec<FamilyId>, StoreError> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(StoreError::unavailable)? {
            let name = entry.map_err(StoreError::unavailable)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(kind)?.strip_suffix('.'));
            ids.extend(id.and_then(|id| id.parse::<FamilyId>().ok()));
        }
        ids.sort();
        Ok(ids)
    }

    /// Neither subject nor client contains a line break: no grant is issued whose identifiers have control characters.
    fn is_owned_by(&self, id: FamilyId, selector: &Selector) -> Result<bool, StoreError> {
        let owner = self.bytes(id, OWNER)?.unwrap_or_default();
        let owner = str::from_utf8(&owner).ok().and_then(|owner| owner.split_once('\n'));
        let (subject, client) = owner.ok_or(Impossible { family: id, field: OWNER })?;
        Ok(match selector {
            Selector::Subject(wanted) => **wanted == *subject,
            Selector::Client(wanted) => **wanted == *client,
            Selector::SubjectAndClient(one, other) => **one == *subject && **other == *client,
        })
    }
}

fn decode(id: FamilyId, bytes: Option<Vec<u8>>) -> Result<Option<Family>, Impossible> {
    bytes.map(|bytes| record::decode(id, &bytes)).transpose()
}

/// Opens stores in one folder, and damages their files: all that the conformance kit asks for.
struct Folder(PathBuf);

impl Factory for Folder {
    type Store = FolderStore;

    async fn open(&self) -> Result<FolderStore, Failure> {
        Ok(FolderStore::open(&self.0)?)
    }

    async fn damage(&self, family: FamilyId) -> Result<(), Failure> {
        let path = self.0.join(format!("{family}.{RECORD}"));
        let mut bytes = fs::read(&path)?;
        bytes[40] ^= 1;
        Ok(fs::write(path, bytes)?)
    }

    fn on_any_thread(&self) -> bool {
        true
    }
}

/// One line per clause. In a test, `conformance::all(&factory).await.unwrap()` is enough.
fn main() -> ExitCode {
    let temporary = || std::env::temp_dir().join(format!("custom_store-{}", std::process::id()));
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = given.clone().unwrap_or_else(temporary);
    let mut code = ExitCode::SUCCESS;
    for clause in Clause::ALL {
        // A store of its own for each: what other clauses leave behind makes a scan of a folder slow.
        let store = Folder(folder.join(clause.to_string()));
        match pollster::block_on(conformance::run(clause, &store)) {
            Ok(()) => println!("{clause}: kept"),
            Err(violation) => {
                println!("{violation}");
                code = ExitCode::FAILURE;
            }
        }
    }
    if given.is_none() && fs::remove_dir_all(&folder).is_err() {
        eprintln!("{} could not be removed", folder.display());
    }
    code
}
