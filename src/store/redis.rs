//! Families in Redis or Redis Cluster. What an operator has to know is the page of [`RedisStore`].

mod settings;
mod key;
mod script;
mod hash;
mod fit;
mod walk;
mod index;
mod purge;
mod scan;

pub use fit::RedisUnfit;
pub use settings::RedisSettings;

use std::fmt;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use redis::aio::ConnectionLike;
use redis::{Value as Reply, cmd};

use self::hash::{Said, assignments, bytes, said, text};
use self::key::{Bucket, Keys};
use self::script::{Script, Scripts, Server, failure};
use self::walk::Found;
use crate::entropy::SystemEntropy;
use crate::family::{Family, Impossible};
use crate::record::columns::{self, COLUMNS, HEAD};
use crate::store::concurrent::all;
use crate::store::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// The version of the keys, of what is behind them, and of who may write them.
const FORMAT: &str = "2";

/// The formats before it. Whatever they have written is a family of this one.
const EARLIER: [&str; 1] = ["1"];

/// How many families a walk looks at in one go.
const STRETCH: usize = 256;

#[doc = include_str!("redis/operate.md")]
pub struct RedisStore<C> {
    server: Server<C>,
    keep: String,
    /// Where the next purge begins.
    next: AtomicU16,
    /// Random: with a count, it marks a creation as that of one call.
    mark: FamilyId,
    calls: AtomicU64,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> RedisStore<C> {
    /// Opens a store with the default settings, and [checks](Self::check) the servers.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub async fn open(connection: C) -> Result<Self, StoreError> {
        Self::open_with(connection, RedisSettings::default()).await
    }

    /// Opens a store, and [checks](Self::check) the servers.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and with the source [`RedisUnfit::Prefix`].
    pub async fn open_with(connection: C, settings: RedisSettings) -> Result<Self, StoreError> {
        if !settings.is_prefix_valid() {
            let prefix = RedisUnfit::Prefix(settings.prefix_text().to_owned());
            return Err(StoreError::unusable(prefix));
        }
        let keys = Keys::new(settings.prefix_text());
        let keep = settings.kept_millis().min(Timestamp::MAX.as_millis().into()).to_string();
        let server = Server { connection, scripts: Scripts::new(), keys };
        let mark =
            FamilyId::random(Timestamp::ZERO, &SystemEntropy).map_err(StoreError::unavailable)?;
        let (next, calls) = (AtomicU16::new(0), AtomicU64::new(0));
        let store = Self { server, keep, next, mark, calls };
        store.check().await?;
        Ok(store)
    }

    /// Whether the servers can be trusted with families: each master that the connection knows has the eviction policy
    /// `noeviction`, and the keys are of this release's format, or of an earlier one: then they become of this one. Worth a call from a
    /// timer: servers are reconfigured and replaced.
    ///
    /// # Errors
    ///
    /// [`StoreError`] with the source [`RedisUnfit`], or with what the client said.
    pub async fn check(&self) -> Result<(), StoreError> {
        for (node, policy) in self.ask("memory", "maxmemory_policy").await? {
            if policy != "noeviction" {
                return Err(StoreError::unusable(RedisUnfit::Eviction { node, policy }));
            }
        }
        for (node, role) in self.ask("replication", "role").await? {
            if role != "master" {
                return Err(StoreError::unavailable(RedisUnfit::Replica { node, role }));
            }
        }
        let format = [self.server.keys.format()];
        let known: Vec<_> = [FORMAT].into_iter().chain(EARLIER).map(Vec::from).collect();
        let reply = self.server.call(&self.server.scripts.format, &format, &known).await?;
        let found = String::from_utf8_lossy(&bytes(reply)?).into_owned();
        if found != FORMAT {
            return Err(StoreError::unusable(RedisUnfit::Format { found, known: FORMAT }));
        }
        Ok(())
    }

    async fn ask(
        &self,
        section: &str,
        field: &'static str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut connection = self.server.connection.clone();
        let reply = cmd("INFO").arg(section).query_async(&mut connection).await;
        fit::field_of_each(reply.map_err(failure)?, field)
    }

    /// Runs a script that writes a family, at the host's now.
    async fn step(
        &self,
        script: &Script,
        id: FamilyId,
        now: Timestamp,
        condition: impl IntoIterator<Item = Vec<u8>>,
        (count, columns): (usize, Vec<Vec<u8>>),
    ) -> Result<Reply, StoreError> {
        let keys = &self.server.keys;
        let mut arguments = vec![
            id.to_string().into(),
            now.as_millis().to_string().into(),
            self.keep.clone().into(),
            count.to_string().into(),
        ];
        arguments.extend(condition);
        arguments.extend(columns);
        let keys = [keys.family(id), keys.ends(Bucket::of(id))];
        self.server.call(script, &keys, &arguments).await
    }

    /// Enters families into the indexes by subject and client, where they have lost their entries, and says how many entries
    /// it made: for the time after a failover or a restore, before anything is revoked by subject or client.
    ///
    /// Reads every family, some at a time. May run at any time, beside a live load, and be dropped midway.
    ///
    /// # Errors
    ///
    /// When a server does not answer or does not write. Records that cannot be read are passed over.
    pub async fn reindex(&self) -> Result<usize, StoreError> {
        let mut entered = 0;
        for bucket in Bucket::all_from(0) {
            let mut place = Some(walk::Place::default());
            while let Some(from) = place {
                let stretch = walk::bucket(&self.server, bucket, from, walk::BATCH).await?;
                let families = walk::families(&self.server, &stretch.ids).await?;
                entered += index::enter_missing(&self.server, &families).await?;
                place = stretch.next;
            }
        }
        Ok(entered)
    }

    async fn purge_bucket(
        &self,
        bucket: Bucket,
        step: &Purge,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let families = purge::purge(&self.server, bucket, step, limit).await?;
        let keys = &self.server.keys;
        let gone = families.iter().flat_map(|family| {
            keys.indexes(family.id, &family.grant).map(|index| (family.id, index))
        });
        index::drop_old(&self.server, gone).await?;
        Ok(families.len())
    }

    /// A page of families, from what is behind the entries of an index; entries without a family are dropped.
    async fn page(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let (mut selected, mut after) = (Selected::new(), page.after);
        loop {
            let limit = page.limit.saturating_sub(selected.len()).min(STRETCH);
            let stretch = index::stretch(&self.server, selector, Page { after, limit }).await?;
            let is_last = stretch.is_last && stretch.entries.len() <= limit;
            let entries: Vec<_> = stretch.entries.into_iter().take(limit).collect();
            after = entries.last().map(|(id, _)| *id).or(after);
            let calls =
                entries.iter().map(|(id, _)| walk::find(&self.server, std::slice::from_ref(id)));
            let found = all(calls).await?.into_iter().flatten();
            let mut gone = Vec::new();
            for (entry, found) in entries.into_iter().zip(found) {
                match found {
                    Found::Family(family) if selector.matches(&family) => {
                        selected.push(Ok(*family))
                    }
                    Found::Damaged(impossible, names) if names.may_match(selector) => {
                        selected.push(Err(impossible));
                    }
                    Found::Family(_) | Found::Damaged(..) => {}
                    Found::Gone => gone.push(entry),
                }
            }
            index::drop_old(&self.server, gone).await?;
            if is_last || selected.len() >= page.limit {
                return Ok(selected);
            }
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Store for RedisStore<C> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let family = step.family();
        let indexes = self.server.keys.indexes(family.id, &family.grant);
        all(indexes.map(|index| index::enter(&self.server, index, family.id, false))).await?;
        let (count, columns) = assignments(&COLUMNS, columns::write(family));
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut row = vec!["created_by".into(), format!("{}-{call}", self.mark).into()];
        row.extend(columns);
        let create = &self.server.scripts.create;
        let reply = self.step(create, family.id, family.created_at, [], (count + 2, row)).await?;
        match said(family.id, reply)? {
            Said::Committed(_) => Ok(step.created()),
            Said::Stored(_) => Ok(step.taken()),
        }
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        match walk::find(&self.server, &[id]).await?.pop() {
            Some(Found::Family(family)) => Ok(Some(*family)),
            Some(Found::Damaged(impossible, _)) => Err(impossible.into()),
            Some(Found::Gone) | None => Ok(None),
        }
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let id = step.family();
        let Some(condition) = step.guard().condition() else {
            return Ok(step.declined(self.load(id).await?));
        };
        let values = condition.values().map(|value| text(value).unwrap_or_default());
        let head = assignments(&COLUMNS[COLUMNS.len() - HEAD..], columns::write_head(step.head()));
        let advance = &self.server.scripts.advance;
        let reply = self.step(advance, id, step.guard().now, values, head).await?;
        match said(id, reply)? {
            Said::Committed(family) => Ok(step.committed(family.ok_or_else(|| missing(id))?)),
            Said::Stored(family) => Ok(step.declined(family)),
        }
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let (id, revocation) = (step.family(), step.revocation());
        let revoked = COLUMNS.iter().skip_while(|column| column.name != "revoked_at");
        let values = columns::write_revocation(revocation);
        let (count, mut columns) = assignments(revoked, values);
        columns.splice(0..0, [b"status".to_vec(), b"revoked".to_vec()]);
        let bytes = [id.as_bytes().to_vec()];
        let revoke = &self.server.scripts.revoke;
        let reply = self.step(revoke, id, revocation.at, bytes, (count + 2, columns)).await?;
        match said(id, reply)? {
            Said::Committed(Some(family)) | Said::Stored(Some(family)) => Ok(step.ended(family)),
            Said::Committed(None) | Said::Stored(None) => Ok(step.unknown()),
        }
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let next = step.next();
        let id = next.id;
        let row = assignments(&COLUMNS, columns::write(next));
        let expected = step.expected_version().to_string().into();
        let condition = [id.as_bytes().to_vec(), expected];
        let replace = &self.server.scripts.replace;
        let reply = self.step(replace, id, next.head.used_at, condition, row).await?;
        match said(id, reply)? {
            Said::Committed(_) => Ok(step.committed()),
            Said::Stored(family) => Ok(step.declined(family)),
        }
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        if page.limit == 0 {
            return Ok(Vec::new());
        }
        self.page(selector, page).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let buckets = Bucket::all_from(self.next.load(Ordering::Relaxed));
        let mut purged = 0;
        for some in buckets.chunks(STRETCH) {
            for bucket in purge::with_ended(&self.server, some, &step).await? {
                purged += self.purge_bucket(bucket, &step, step.limit() - purged).await?;
                if purged >= step.limit() {
                    self.next.store(bucket.number(), Ordering::Relaxed);
                    return Ok(purged);
                }
            }
        }
        Ok(purged)
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        scan::scan(&self.server, after, limit.max(1)).await
    }
}

/// Without the connection, whose kind is the host's.
impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = &self.server.keys;
        f.debug_struct("RedisStore")
            .field("keys", keys)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}

/// A script that wrote a family returns it.
fn missing(family: FamilyId) -> Impossible {
    Impossible { family, field: "record" }
}
