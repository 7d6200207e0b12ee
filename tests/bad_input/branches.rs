//! Impossible families with branches, displaced tokens and records that are kept (S9).

use std::time::Duration;

use heirloom::family::{Branch, Family, Impossible};
use heirloom::store::StoreErrorKind;
use heirloom::{
    Engine, Error, Grant, KeyRing, Leeway, MemoryStore, Outcome, Policy, Request, Timestamp,
};
use pollster::block_on;

use super::world::{CLIENT, START, in_generation_1, key};

/// A branch as the engine leaves it: number 1, of generation 1.
fn branch(number: u16) -> Branch {
    let leeway = Leeway::fork(Duration::from_secs(10), 2);
    let policy = Policy::builder().leeway(leeway).build().unwrap();
    let engine = Engine::new(MemoryStore::new(), KeyRing::new(key()), policy).with_clock(START);
    let root = block_on(engine.issue(Grant::new("alice", CLIENT))).unwrap().token.unwrap();
    for _ in 0..2 {
        let outcome = block_on(engine.refresh(root.expose(), Request::new(CLIENT))).unwrap();
        assert!(matches!(outcome, Outcome::Granted(_)));
    }
    let mut branch = engine.store().snapshot().pop().unwrap().branches.live.pop().unwrap();
    branch.number = number;
    branch
}

/// A family with so many branches beside the first, which is possible up to 31.
fn branched(family: &mut Family, branches: u16) {
    family.branches.made = branches;
    family.branches.live = (1..=branches).map(branch).collect();
}

fn broken(family: &mut Family, edit: impl FnOnce(&mut Branch)) {
    branched(family, 2);
    edit(&mut family.branches.live[1]);
}

type Edit = fn(&mut Family);

const IMPOSSIBLE: [(&str, &str, Edit); 16] = [
    ("branches", "unordered", |family| {
        branched(family, 2);
        family.branches.live.reverse();
    }),
    ("branches", "one number twice", |family| broken(family, |branch| branch.number = 1)),
    ("branches", "a number beyond those made", |family| {
        branched(family, 2);
        family.branches.made = 1;
    }),
    ("branches", "live, and none made", |family| {
        branched(family, 1);
        family.branches.made = 0;
    }),
    ("branches", "number 0", |family| {
        branched(family, 1);
        family.branches.live[0].number = 0;
    }),
    ("branches", "born after its current token", |family| {
        broken(family, |branch| branch.born = branch.head.generation + 1);
    }),
    ("branches", "born in generation 0", |family| broken(family, |branch| branch.born = 0)),
    ("branches", "its own origin", |family| broken(family, |branch| branch.origin = 2)),
    ("branches", "a later one's", |family| broken(family, |branch| branch.origin = u16::MAX)),
    ("branches", "32 beside the first", |family| branched(family, 32)),
    ("branches", "used before it was rotated", |family| {
        broken(family, |branch| branch.head.used_at = Timestamp::ZERO);
    }),
    ("branches", "over before it was used", |family| {
        broken(family, |branch| branch.head.idle_expires_at = Some(branch.head.used_at));
    }),
    ("branches", "without a predecessor", |family| {
        broken(family, |branch| branch.head.predecessor = None);
    }),
    ("displaced", "in generation 0", |family| {
        family.head.generation = 0;
        family.head.predecessor = None;
        family.head.displaced = true;
    }),
    ("kept_until", "before its creation", |family| {
        let before = family.created_at.saturating_sub(Duration::from_millis(1));
        family.kept_until = Some(before);
    }),
    ("kept_until", "at zero", |family| family.kept_until = Some(Timestamp::ZERO)),
];

#[test]
fn an_impossible_branch_or_mark_is_refused_by_id_and_field_and_nothing_is_lost() {
    for (field, story, edit) in IMPOSSIBLE {
        let world = in_generation_1();
        let id = world.family;
        world.engine.store().edit(move |family| {
            if family.id == id {
                edit(family);
            }
        });
        let expected = StoreErrorKind::Impossible(Impossible { family: id, field });
        let request = Request::new(CLIENT);
        let errors = [
            world.error(&world.token),
            block_on(world.engine.begin(&world.token, request)).map(drop).unwrap_err(),
            block_on(world.engine.introspect(&world.token)).map(drop).unwrap_err(),
            block_on(world.engine.explain(&world.token, request)).map(drop).unwrap_err(),
            block_on(world.engine.revoke(&world.token, request)).map(drop).unwrap_err(),
        ];
        for error in errors {
            match error {
                Error::Store(error) => assert_eq!(error.kind(), expected, "{story}"),
                other => panic!("{story}: {other}"),
            }
        }
        world.engine.store().tell(None);
        world.assert_nothing_lost();
    }
}

/// What is near to impossible, and is not.
#[test]
fn a_family_at_its_bounds_is_possible() {
    let world = in_generation_1();
    let edits: [Edit; 5] = [
        |family| branched(family, 31),
        |family| {
            branched(family, 2);
            family.branches.made = u16::MAX;
        },
        |family| {
            branched(family, 1);
            family.branches.live.clear();
        },
        |family| family.head.displaced = true,
        |family| family.kept_until = Some(family.created_at),
    ];
    for edit in edits {
        let mut family = world.stored();
        edit(&mut family);
        assert_eq!(family.check(), Ok(()));
    }
}
