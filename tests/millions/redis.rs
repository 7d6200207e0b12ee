//! In Redis and Redis Cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use heirloom::FamilyId;
use heirloom::family::Family;
use heirloom::store::{Created, RedisStore, Store};
use heirloom::testing::create;
use redis::{Cmd, Script, cmd};

use crate::millions::patient::{self, at_once};
use crate::millions::slot;
use crate::millions::story::{
    self, LIVE, MILLION, a_million_dead_families_go_beside_a_live_load, copy_of, id, subject,
};
use crate::redis::world::{Connection, World};

/// Copies a family within its bucket: fields, time to live and end. KEYS: the family, the ends, the copies. ARGV: the text of
/// its id; of each copy the text and the bytes of its id, and its subject.
const COPY: &str = "
    local ends = redis.call('ZSCORE', KEYS[2], ARGV[1])
    for i = 3, #KEYS do
        local text, bytes, subject = unpack(ARGV, 3 * i - 7, 3 * i - 5)
        redis.call('COPY', KEYS[1], KEYS[i])
        redis.call('HSET', KEYS[i], 'id', bytes, 'subject', subject)
        redis.call('ZADD', KEYS[2], ends, text)
    end";

/// Enters families into indexes, one each, as they were 60 days ago. KEYS: indexes. ARGV: ids.
const ENTER: &str = "
    local now = redis.call('TIME')[1] * 1000 - 60 * 86400000
    for i, key in ipairs(KEYS) do
        redis.call('ZADD', key, 0, ARGV[i] .. '@' .. string.format('%015.0f', now))
    end";

/// In so many buckets families lie, and the index of a client is in so many parts.
const BUCKETS: u16 = 1_024;
const PARTS: u16 = 16;

/// Keys of its own.
struct Keys<C> {
    world: World<C>,
    store: Arc<RedisStore<C>>,
    /// What the masters used before.
    at_first: u64,
}

impl<C: Connection> Keys<C> {
    /// Copies into one bucket, beside a model that the store has put there.
    async fn fill(&self, model: &Family, numbers: impl Iterator<Item = u64> + Send) {
        let numbers: Vec<_> = numbers.collect();
        let Some((first, others)) = numbers.split_first() else { return };
        let model = copy_of(model, *first);
        let created = self.store.create(create(model.clone())).await.unwrap();
        assert!(matches!(created, Created::New(_)), "{created:?}");
        for some in others.chunks(100) {
            let keys = some.iter().map(|number| self.world.family(id(*number)));
            let mut copy = Cmd::new();
            copy.arg("EVALSHA").arg(Script::new(COPY).get_hash()).arg(some.len() + 2);
            copy.arg(self.world.family(model.id)).arg(self.world.ends(model.id));
            copy.arg(keys.collect::<Vec<_>>()).arg(model.id.to_string());
            for number in some {
                let id = id(*number);
                copy.arg(id.to_string()).arg(id.as_bytes()).arg(subject(*number));
            }
            let _: () = self.world.ask(&mut copy).await;
        }
    }

    /// Enters families into indexes of one slot.
    async fn enter(&self, entries: &[(String, FamilyId)]) {
        for some in entries.chunks(100) {
            let (keys, ids): (Vec<_>, Vec<_>) =
                some.iter().map(|(key, id)| (key, id.to_string())).unzip();
            let mut enter = Cmd::new();
            enter.arg("EVALSHA").arg(Script::new(ENTER).get_hash());
            let _: () = self.world.ask(enter.arg(keys.len()).arg(keys).arg(ids)).await;
        }
    }

    /// Makes the indexes of all families. What the store has entered for the models is too young for a purge to drop it: no
    /// family that ended a retention ago has such entries.
    async fn index_anew(&self, families: impl Iterator<Item = (FamilyId, String)> + Send) {
        let mut slots = BTreeMap::<u16, Vec<_>>::new();
        for (id, subject) in families {
            let client = format!("{:x}:web-app", id.as_bytes()[15] % 16);
            let client = (slot::of(&client), self.world.client("web-app", id));
            let subject = (slot::of(&subject), self.world.subject(&subject));
            for (slot, index) in [client, subject] {
                slots.entry(slot).or_default().push((index, id));
            }
        }
        at_once(slots.values().map(async |entries| {
            let indexes: BTreeSet<_> = entries.iter().map(|(index, _)| index).collect();
            let _: () = self.world.ask(cmd("UNLINK").arg(Vec::from_iter(indexes))).await;
            self.enter(entries).await;
        }))
        .await;
    }

    async fn know_the_scripts(&self) {
        for mut node in self.world.nodes.clone() {
            for code in [COPY, ENTER] {
                let load = cmd("SCRIPT").arg("LOAD").arg(code).exec_async(&mut node).await;
                load.unwrap();
            }
        }
    }

    /// What the masters use, in bytes.
    async fn memory(&self) -> u64 {
        let mut sum = 0;
        for mut node in self.world.nodes.clone() {
            let info: String = cmd("INFO").query_async(&mut node).await.unwrap();
            let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
            if info.contains("role:master") {
                sum += used.unwrap().parse::<u64>().unwrap();
            }
        }
        sum
    }
}

impl<C: Connection> story::Place for Keys<C> {
    type Store = RedisStore<C>;

    fn store(&self) -> Arc<RedisStore<C>> {
        Arc::clone(&self.store)
    }

    async fn copy(&self, models: &[Family], numbers: Range<u64>) {
        self.know_the_scripts().await;
        let buckets = (numbers.start..).take(BUCKETS.into()).map(|first| {
            let model = &models[usize::from(first % 2 == 1)];
            self.fill(model, (first..numbers.end).step_by(BUCKETS.into()))
        });
        at_once(buckets).await;
        let copies = numbers.map(|number| (id(number), subject(number)));
        let models = models.iter().map(|model| (model.id, model.grant.subject.to_string()));
        self.index_anew(copies.chain(models)).await;
    }

    async fn count(&self) -> u64 {
        let mut count = 0;
        for bucket in 0..BUCKETS {
            count +=
                self.world.ask::<u64>(cmd("ZCARD").arg(self.world.ends(id(bucket.into())))).await;
        }
        count
    }

    async fn figures(&self) -> String {
        let used = self.memory().await.saturating_sub(self.at_first);
        format!("{} MiB, for a million {} bytes each", used >> 20, used / MILLION)
    }
}

async fn story<C: Connection>(world: World<C>) {
    let store = Arc::new(world.open().await);
    let mut keys = Keys { world, store, at_first: 0 };
    keys.at_first = keys.memory().await;
    a_million_dead_families_go_beside_a_live_load(&keys).await;
    // Of the dead there is nothing left: no index, and no entry in one.
    let left = keys.world.keys().await;
    let subjects = left.iter().filter(|key| key.contains(":subject:")).count();
    assert_eq!(subjects, usize::try_from(LIVE).unwrap(), "{left:?}");
    let mut entries = 0;
    for part in 0..PARTS {
        let index = keys.world.client("web-app", id(part.into()));
        entries += keys.world.ask::<usize>(cmd("ZCARD").arg(index)).await;
    }
    assert_eq!(entries, usize::try_from(LIVE).unwrap());
}

#[test]
#[ignore = "takes minutes: bash scripts/test.sh"]
fn a_purge_of_a_million_goes_on_beside_a_live_load_over_redis() {
    patient::one(story);
}

#[test]
#[ignore = "takes minutes: bash scripts/test.sh"]
fn a_purge_of_a_million_goes_on_beside_a_live_load_over_redis_cluster() {
    patient::cluster(story);
}
