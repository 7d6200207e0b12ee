//! What a store says and keeps, against what the step itself does to a family.

use std::sync::Arc;

use heirloom::family::{Family, Revocation};
use heirloom::store::{Created, Revoked, Store, Written};
use heirloom::testing;
use heirloom::{Reason, Timestamp};

use crate::guard_in_stores::possible::{Sampler, Trial};

/// How many steps were taken, and how many were not.
#[derive(Clone, Copy, Default, Debug)]
pub struct Count {
    pub taken: usize,
    pub refused: usize,
}

impl Count {
    pub fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.refused += other.refused;
    }

    fn of(taken: bool) -> Self {
        Self { taken: taken.into(), refused: (!taken).into() }
    }
}

async fn create<S: Store>(store: &S, family: &Family) {
    let created = store.create(testing::create(family.clone())).await.unwrap();
    assert!(matches!(created, Created::New(_)));
}

async fn load<S: Store>(store: &S, family: &Family) -> Option<Family> {
    store.load(family.id).await.unwrap()
}

pub async fn advance<S: Store>(store: Arc<S>, trial: Trial) -> Count {
    let Trial { mut family, guard, head, .. } = trial;
    create(&*store, &family).await;
    let holds = guard.holds(&family);
    let taken = testing::advance(guard.clone(), head.clone()).apply(&mut family);
    assert_eq!(taken, holds);
    let written = store.advance(testing::advance(guard.clone(), head)).await.unwrap();
    is_written(&written, taken, &family, &format!("{guard:?}"));
    assert_eq!(load(&*store, &family).await, Some(family));
    Count::of(taken)
}

pub async fn revoke<S: Store>(store: Arc<S>, trial: Trial) -> Count {
    let Trial { mut family, guard, random, .. } = trial;
    create(&*store, &family).await;
    let revocation = Revocation { at: guard.now, reason: Reason::Logout, call: random >> 11 };
    let step = || testing::revoke(family.id, revocation.clone());
    let (step, again) = (step(), step());
    let taken = step.apply(&mut family);
    match store.revoke(step).await.unwrap() {
        Revoked::ByThisCall(committed) => assert!(taken && *committed.family() == family),
        Revoked::Before(seen) => assert!(!taken && seen == family),
        Revoked::Unknown => panic!("it was created"),
    }
    let told = store.revoke(again).await.unwrap();
    assert_eq!(matches!(told, Revoked::ByThisCall(_)), taken, "told again");
    assert_eq!(load(&*store, &family).await, Some(family));
    Count::of(taken)
}

pub async fn replace<S: Store>(store: Arc<S>, trial: Trial) -> Count {
    let Trial { mut family, head, random, .. } = trial;
    create(&*store, &family).await;
    let mut seen = family.clone();
    if random.is_multiple_of(3) {
        seen.version = (seen.version ^ (1 << (random % 50))).max(1);
    }
    let step = || testing::replace(&seen, |next| next.head = head.clone());
    let taken = step().apply(&mut family);
    let written = store.replace(step()).await.unwrap();
    is_written(&written, taken, &family, &format!("{} seen", seen.version));
    assert_eq!(load(&*store, &family).await, Some(family));
    Count::of(taken)
}

/// The answer, and the family that comes with it.
fn is_written(written: &Written, taken: bool, family: &Family, case: &str) {
    match written {
        Written::Committed(committed) => {
            assert!(taken, "committed, and the guard fails: {case} on {family:?}");
            assert_eq!(committed.family(), family);
        }
        Written::Declined(Some(seen)) => {
            assert!(!taken, "declined, and the guard holds: {case} on {family:?}");
            assert_eq!(seen, family);
        }
        Written::Declined(None) => panic!("it was created"),
    }
}

/// Purges are of the whole store: so each goes by an instant later than all that were there before.
pub async fn purge<S: Store>(store: &S, sampler: &mut Sampler, families: usize) -> Count {
    let mut count = Count::default();
    for _ in 0..families / 20 {
        let trials: Vec<Trial> = (0..20).map(|_| sampler.next()).collect();
        let ends = trials.iter().filter_map(|trial| trial.family.ended_at());
        let Some(middle) = median(ends.collect()) else { continue };
        let before = sampler.around(middle);
        // What is left of other trials goes first.
        while store.purge(testing::purge(before, 100)).await.unwrap() == 100 {}
        for trial in &trials {
            create(store, &trial.family).await;
        }
        let step = testing::purge(before, 100);
        let due = trials.iter().filter(|trial| step.is_due(&trial.family)).count();
        assert_eq!(store.purge(step).await.unwrap(), due, "before {before:?}");
        for Trial { family, .. } in trials {
            let kept = load(store, &family).await;
            assert_eq!(kept.is_none(), step.is_due(&family), "before {before:?}: {family:?}");
            count.add(Count::of(kept.is_none()));
        }
    }
    count
}

fn median(mut instants: Vec<Timestamp>) -> Option<Timestamp> {
    instants.sort();
    instants.get(instants.len() / 2).copied()
}
