//! Redis Cluster: a master is killed under load, and its replica promoted that has not had the last writes.
//!
//! Replication is asynchronous. To lose acknowledged writes for sure, the replica is cut off and stopped first.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use heirloom::family::{Family, Reason, Status};
use heirloom::store::Store;
use heirloom::token::FamilyId;
use heirloom::{Outcome, Refusal, Request};

use super::indexes;
use super::nodes::{cut_off, families_on, is_promoted, notice_within, pair};
use super::servers::Servers;
use super::sqlite::MIX;
use crate::fleet::facts::digest;
use crate::fleet::history::{History, Rule};
use crate::fleet::load::Load;
use crate::fleet::place::Place;
use crate::fleet::random::name;
use crate::fleet::serve::{self, CLIENT, Server};
use crate::fleet::session::Mix;
use crate::fleet::wire::Why;

/// How long a node may be silent before it is taken for dead: while one is, and at other times.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// Long enough for an election, on a slow machine too.
const PROMOTED_WITHIN: Duration = Duration::from_secs(120);

/// No logout by subject: the index, too, loses entries, which is looked at by itself.
const BUSY: Mix = Mix { sessions: 300, revoke_in: 20, logout_in: 0, ..MIX };

/// What the failover has lost, family by family.
#[derive(Default)]
struct Lost {
    /// Issued, and not there.
    families: BTreeSet<FamilyId>,
    /// Ended, and alive.
    revocations: BTreeSet<FamilyId>,
    /// How many generations the store is behind the client.
    rotations: BTreeMap<FamilyId, u32>,
    /// Somebody has rotated an older token since.
    overwritten: BTreeSet<FamilyId>,
}

pub fn loses_writes() {
    let servers = Servers::start("redis-cluster");
    let place = Place::RedisCluster(servers.url.clone(), name());
    let mut load = Load::start(place.clone(), 1, BUSY);
    load.sign_in();
    let on_master = fail_over(&servers, &mut load);
    load.settle();
    assert_eq!(load.history.totals.breaches, 0, "taken for theft: {:?}", load.history.totals);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let engine = runtime.block_on(serve::open(&place)).expect("a cluster");
    let lost = runtime.block_on(lost(&engine, &load.history));
    only_lost_families_are_strange(&load.history, &lost, &on_master);
    println!("redis-cluster: {}, {:?}", lost.count(&load.history), load.history.totals);
    assert!(!lost.rotations.is_empty() && !lost.revocations.is_empty(), "nothing was lost");

    runtime.block_on(tokens_ahead_are_recognised(&engine, &load.history, &lost));
    runtime.block_on(revocations_are_applied_again(&engine, &load.history, &lost));
    runtime.block_on(indexes::lost_entries_are_entered_again(&place, &engine, &load.history));
    let (strange, rotated) = (load.history.strange.len(), load.history.totals.rotated);
    load.run(|totals, _| totals.rotated < rotated + 500);
    load.settle();
    assert_eq!(load.history.strange.len(), strange, "the others go on");
    assert_eq!(load.history.totals.breaches, 0, "{:?}", load.history.totals);
}

/// Kills a master under load when its replica has not had its last writes; says which families it had.
fn fail_over(servers: &Servers, load: &mut Load) -> BTreeSet<FamilyId> {
    rotate(load, 500);
    let (master, replica) = pair(&servers.url);
    servers.signal_node("STOP", replica);
    cut_off(master);
    rotate(load, 1_000);
    // As many ends that one of them is on the master, to be lost.
    let revoked = load.history.totals.revoked + 60;
    load.run(|totals, _| totals.revoked < revoked);
    let mut families = families_on(master);
    rotate(load, 100);
    servers.kill_node(master);
    servers.signal_node("CONT", replica);
    notice_within(NOTICED_WITHIN, &servers.url, master);
    let promoted = thread::spawn(move || {
        while !is_promoted(replica) {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let late = load.now() + PROMOTED_WITHIN;
    load.run(|_, now| !promoted.is_finished() && now < late);
    assert!(promoted.is_finished(), "no failover");
    notice_within(PATIENCE, &servers.url, master);
    // Every client finds out.
    rotate(load, 2_000);
    families.extend(families_on(replica));
    families
}

fn rotate(load: &mut Load, more: usize) {
    let rotated = load.history.totals.rotated + more;
    load.run(|totals, _| totals.rotated < rotated);
}

async fn lost(engine: &Server, history: &History) -> Lost {
    let mut lost = Lost::default();
    for (id, facts) in &history.families {
        let Some(family) = load_family(engine, *id).await else {
            lost.families.insert(*id);
            continue;
        };
        if family.status == Status::Live && facts.ended_at.is_some() {
            lost.revocations.insert(*id);
        }
        let stored = family.head.generation.min(facts.generation());
        let is_theirs = family.head.digest == digest(facts.token(stored));
        if family.head.generation == stored && !is_theirs || is_diverged(&family) {
            lost.overwritten.insert(*id);
        } else if family.head.generation < facts.generation() {
            lost.rotations.insert(*id, facts.generation() - family.head.generation);
        }
    }
    lost
}

impl Lost {
    fn all(&self) -> BTreeSet<FamilyId> {
        let by_rotation = self.rotations.keys().chain(&self.overwritten);
        by_rotation.chain(&self.families).chain(&self.revocations).copied().collect()
    }

    fn count(&self, history: &History) -> String {
        format!(
            "a failover lost {} rotations of {} families, {} revocations and {} families; {} were overwritten before \
             anybody looked; {} of {} families affected",
            self.rotations.values().sum::<u32>(),
            self.rotations.len(),
            self.revocations.len(),
            self.families.len(),
            self.overwritten.len(),
            self.all().len(),
            history.families.len(),
        )
    }
}

/// Whatever a store that keeps S8 never answers was answered for a family that has lost writes, and only with what P16
/// allows.
fn only_lost_families_are_strange(history: &History, lost: &Lost, on_master: &BTreeSet<FamilyId>) {
    let affected = lost.all();
    // A family that is lost may have been issued after the master was asked.
    let is_elsewhere = |id: &&FamilyId| !on_master.contains(*id) && !lost.families.contains(*id);
    assert_eq!(affected.iter().find(is_elsewhere), None, "on a master that lives");
    for (family, why) in &history.strange {
        let expected = match why {
            Why::AheadOfStore => lost.rotations.contains_key(family),
            Why::Diverged => lost.overwritten.contains(family),
            Why::Unknown => lost.families.contains(family),
            Why::Revoked | Why::Reused | Why::Other => false,
        };
        assert!(expected, "{family} is refused as {why:?}");
    }
    for violation in &history.violations {
        let family = violation.family.expect("a family");
        let expected = match violation.rule {
            Rule::AfterRevocation => affected.contains(&family),
            Rule::SecondSuccessor | Rule::Unjustified => lost.overwritten.contains(&family),
            Rule::SpentAccepted | Rule::Incurable | Rule::Stored => false,
        };
        assert!(expected, "{violation:?}");
    }
}

/// P16. A third of the families are left alone; of the others somebody rotates the older token that is current again,
/// once or twice, before the client comes back.
async fn tokens_ahead_are_recognised(engine: &Server, history: &History, lost: &Lost) {
    let mut times = [0; 3];
    for (id, behind) in &lost.rotations {
        let family = load_family(engine, *id).await.expect("a family");
        if family.status != Status::Live {
            continue; // Ended since.
        }
        let turn = times.iter().sum::<usize>() % times.len();
        times[turn] += 1;
        let facts = &history.families[id];
        let stored = facts.generation() - behind;
        for ahead in stored + 1..=facts.generation() {
            assert_eq!(refusal(engine, facts.token(ahead)).await, Refusal::AheadOfStore);
        }
        let mut older = facts.token(stored).to_owned();
        for _ in 0..turn {
            older = rotated(engine, &older).await;
        }
        let next = facts.token(stored + 1);
        assert_ne!(older, next, "made with another salt");
        let expected = if turn == 0 { Refusal::AheadOfStore } else { Refusal::Diverged };
        assert_eq!(refusal(engine, next).await, expected, "{id}");
        let family = load_family(engine, *id).await.expect("a family");
        assert_eq!(is_diverged(&family), turn > 0, "{family:?}");
    }
    println!("redis-cluster: left alone, overwritten once, overwritten twice: {times:?} families");
    assert!(times.iter().all(|times| *times > 0), "{times:?}");
}

/// From the events that an observer has heard. Afterwards no token of theirs is good.
async fn revocations_are_applied_again(engine: &Server, history: &History, lost: &Lost) {
    for (family, why) in &history.events {
        if let Some(why) = why {
            engine.revoke_family(*family, why.reason()).await.expect("a cluster");
        }
    }
    for id in &lost.revocations {
        let facts = &history.families[id];
        for generation in 0..=facts.generation() {
            let why = refusal(engine, facts.token(generation)).await;
            assert!(matches!(why, Refusal::Revoked(_)), "{id}: {why}");
        }
    }
}

async fn refusal(engine: &Server, token: &str) -> Refusal {
    match engine.refresh(token, Request::new(CLIENT)).await {
        Ok(Outcome::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

async fn rotated(engine: &Server, token: &str) -> String {
    match engine.refresh(token, Request::new(CLIENT)).await {
        Ok(Outcome::Granted(granted)) => granted.token.expect("a successor").into_exposed(),
        other => panic!("{other:?}"),
    }
}

async fn load_family(engine: &Server, id: FamilyId) -> Option<Family> {
    engine.store().load(id).await.expect("a cluster")
}

fn is_diverged(family: &Family) -> bool {
    matches!(&family.status, Status::Revoked(end) if end.reason == Reason::Diverged)
}
