//! S10: every family there is, in bounded pages, to the end.

use std::collections::{BTreeMap, BTreeSet};

use super::boxed::DynFactory;
use super::clause::Violation;
use super::sample::{DAY, NOW, PURGED_BEFORE, advanced, before, ended, guard};
use super::trial::{Trial, told};
use crate::family::{Family, Impossible, Reason, Revocation, Status};
use crate::store::{Cursor, Store, StoreErrorKind};
use crate::token::FamilyId;

/// How many pages in a row may show nothing new before the scan has no end.
const PATIENCE: usize = 10_000;

pub(super) async fn check(trial: &Trial<'_>, factory: &dyn DynFactory) -> Result<(), Violation> {
    let once = !factory.scans_may_repeat();
    let shown = every_family_is_shown(trial, once).await?;
    a_cursor_may_be_used_again(trial).await?;
    families_are_shown_as_they_are_now(trial, once).await?;
    families_that_change_are_shown(trial, once).await?;
    families_that_go_hide_no_other(trial, once, shown).await?;
    families_that_come_hide_no_other(trial, once).await?;
    a_foreign_cursor_is_refused(trial).await?;
    a_damaged_record_is_shown_as_such(trial, factory, once).await
}

/// A scan from a place to its end, by all handles in turn.
struct Walk<'a> {
    trial: &'a Trial<'a>,
    limit: usize,
    next: Option<Cursor>,
    is_over: bool,
    /// Of families that were asked about, as often as they were shown.
    shown: BTreeMap<FamilyId, Vec<Result<Family, Impossible>>>,
    seen: BTreeSet<FamilyId>,
    pages_of_nothing: usize,
}

impl<'a> Walk<'a> {
    fn new<'f>(
        trial: &'a Trial<'a>,
        limit: usize,
        families: impl IntoIterator<Item = &'f Family>,
    ) -> Self {
        let shown = families.into_iter().map(|family| (family.id, Vec::new())).collect();
        let seen = BTreeSet::new();
        Self { trial, limit, next: None, is_over: false, shown, seen, pages_of_nothing: 0 }
    }

    async fn page(&mut self) -> Result<(), Violation> {
        let scanned = self.trial.turn().scan(self.next.as_ref(), self.limit).await?;
        let count = scanned.families.len();
        if count > self.limit {
            let seen = format!("{count} of at most {}", self.limit);
            return Err(self.trial.broken("a page is of at most so many families", seen));
        }
        self.pages_of_nothing += 1;
        for family in scanned.families {
            let id = family.as_ref().map_or_else(|why| why.family, |family| family.id);
            if self.seen.insert(id) {
                self.pages_of_nothing = 0;
            }
            if let Some(shown) = self.shown.get_mut(&id) {
                shown.push(family);
            }
        }
        if self.pages_of_nothing > PATIENCE {
            let seen = format!("{PATIENCE} pages with nothing new");
            return Err(self.trial.broken("a scan comes to its end", seen));
        }
        (self.next, self.is_over) = (scanned.next.clone(), scanned.next.is_none());
        Ok(())
    }

    async fn walked(mut self) -> Result<Self, Violation> {
        while !self.is_over {
            self.page().await?;
        }
        Ok(self)
    }

    fn has_shown(&self, family: &Family) -> bool {
        self.seen.contains(&family.id)
    }

    /// Whether it has shown these, and what it has shown of them last is as they are.
    fn is_complete<'f>(
        &self,
        promise: &str,
        once: bool,
        families: impl IntoIterator<Item = &'f Family>,
    ) -> Result<(), Violation> {
        for family in families {
            let shown = self.shown.get(&family.id).map_or(&[][..], Vec::as_slice);
            match shown {
                [] => {
                    let seen =
                        format!("{} is not among them, in pages of {}", family.id, self.limit);
                    return Err(self.trial.broken(promise, seen));
                }
                [_, _, ..] if once => {
                    let seen = format!("{} comes {} times", family.id, shown.len());
                    return Err(self.trial.broken("a scan shows no family twice", seen));
                }
                [.., Ok(seen)] => self.trial.same(promise, family, seen)?,
                [.., Err(impossible)] => {
                    return Err(self.trial.broken(promise, impossible.to_string()));
                }
            }
        }
        Ok(())
    }
}

async fn every_family_is_shown(trial: &Trial<'_>, once: bool) -> Result<Vec<Family>, Violation> {
    let promise = "a scan shows every family, ended ones too, as it is stored";
    let mut families = Vec::new();
    for family in of_all_kinds(trial).into_iter().chain(of_odd_ids(trial)) {
        families.push(trial.created(family).await?);
    }
    for limit in [1, 2, 7, usize::MAX] {
        let walk = Walk::new(trial, limit, &families).walked().await?;
        walk.is_complete(promise, once, &families)?;
    }
    for family in &families {
        trial.stands("a scan changes nothing", family).await?;
    }
    Ok(families)
}

/// Live, ended in each way, and without an end.
fn of_all_kinds(trial: &Trial<'_>) -> [Family; 5] {
    let mut families = [(); 5].map(|()| trial.sample.family());
    let [_, revoked, lapsed, idle, endless] = &mut families;
    *revoked = ended(revoked, &trial.sample.revocation(Reason::Logout));
    lapsed.expires_at = Some(lapsed.created_at);
    idle.head.idle_expires_at = Some(before(NOW, 1));
    (endless.expires_at, endless.head.idle_expires_at) = (None, None);
    families
}

/// At the edges of all ids, and many that have one half in common: whatever a store divides them by, a page ends among them.
fn of_odd_ids(trial: &Trial<'_>) -> Vec<Family> {
    let common: [u8; 8] = trial.sample.bytes();
    let mut ids = Vec::new();
    for first in [0x00, 0x3f, 0x7f, 0x80, 0xff] {
        let mut id = *trial.sample.id().as_bytes();
        id[0] = first;
        ids.push(id);
    }
    for half in [0, 8].into_iter().cycle().take(24) {
        let mut id = *trial.sample.id().as_bytes();
        id[half..half + 8].copy_from_slice(&common);
        ids.push(id);
    }
    let family = |id| Family { id: FamilyId::from_bytes(id), ..trial.sample.family() };
    ids.into_iter().map(family).collect()
}

/// Pages are asked for again after an error, and walks are gone on with by another process.
async fn a_cursor_may_be_used_again(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "from a cursor on, a scan shows all that was not shown before it";
    let families = some(trial, 12).await?;
    let mut walk = Walk::new(trial, 3, &families);
    let (mut left, mut places) = (families.len(), Vec::new());
    while !walk.is_over {
        walk.page().await?;
        let rest: Vec<Family> = families.iter().filter(|it| !walk.has_shown(it)).cloned().collect();
        if rest.len() + 3 <= left {
            left = rest.len();
            places.push((walk.next.clone(), rest));
        }
    }
    for (place, rest) in places {
        let again = Walk { next: place, ..Walk::new(trial, 5, &rest) };
        if again.next.is_some() {
            again.walked().await?.is_complete(promise, false, &rest)?;
        }
    }
    Ok(())
}

async fn families_are_shown_as_they_are_now(
    trial: &Trial<'_>,
    once: bool,
) -> Result<(), Violation> {
    let promise = "a scan shows what every handle has written, as soon as that was acknowledged";
    let mut family = some(trial, 1).await?.remove(0);
    for write in 0..3 {
        let walk = Walk::new(trial, 1_000, [&family]).walked().await?;
        walk.is_complete(promise, once, [&family])?;
        match write {
            0 => rotate(trial, &mut family).await?,
            1 => revoke(trial, &mut family).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Whatever they are ordered by: a change must not move one to where the walk has been.
async fn families_that_change_are_shown(trial: &Trial<'_>, once: bool) -> Result<(), Violation> {
    let promise = "a scan shows families that change meanwhile";
    let mut families = some(trial, 16).await?;
    let mut walk = Walk::new(trial, 2, &families);
    let mut revokes = [true, false].into_iter().cycle();
    while !walk.is_over {
        walk.page().await?;
        let left = families.iter_mut().filter(|it| it.status == Status::Live);
        // The next one of those that are there to be shown, whichever that is.
        for family in left.filter(|it| !walk.has_shown(it)).take(2) {
            match revokes.next() {
                Some(true) => revoke(trial, family).await?,
                _ => rotate(trial, family).await?,
            }
        }
    }
    walk.is_complete(promise, once, &families)
}

/// A place that is counted in families is another one when some before it are gone.
async fn families_that_go_hide_no_other(
    trial: &Trial<'_>,
    once: bool,
    mut families: Vec<Family>,
) -> Result<(), Violation> {
    const BATCH: usize = 9;
    let mut doomed = Vec::new();
    for _ in 0..2 * BATCH {
        let at = before(PURGED_BEFORE, DAY / 2);
        let mut family = Family { created_at: at, expires_at: Some(at), ..trial.sample.family() };
        (family.head.rotated_at, family.head.used_at) = (at, at);
        family.head.idle_expires_at = None;
        doomed.push(trial.created(family).await?);
    }
    families.extend(some(trial, 2 * BATCH).await?);
    let mut walk = Walk::new(trial, 3, &families);
    while !walk.is_over {
        walk.page().await?;
        let seen = doomed.iter().filter(|family| walk.has_shown(family)).count();
        if seen >= BATCH {
            while trial.turn().purge(PURGED_BEFORE, BATCH).await? == BATCH {}
        }
    }
    walk.is_complete("families that go meanwhile hide none that stays", once, &families)
}

async fn families_that_come_hide_no_other(trial: &Trial<'_>, once: bool) -> Result<(), Violation> {
    let families = some(trial, 12).await?;
    let mut walk = Walk::new(trial, 3, &families);
    let mut pages = 0;
    while !walk.is_over {
        walk.page().await?;
        pages += 1;
        // Not for ever: the walk might never catch up.
        if pages <= 24 {
            some(trial, 1).await?;
        }
    }
    walk.is_complete("families that come meanwhile hide none that was there", once, &families)
}

/// Longer than most that a store makes, and of chance.
async fn a_foreign_cursor_is_refused(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a cursor that the store has not made is refused as unusable";
    let bytes: [u8; Cursor::MAX_BYTES] = trial.sample.bytes();
    let foreign = Cursor::new(&bytes).map_err(|error| trial.broken(promise, told(&error)))?;
    for handle in trial.handles() {
        match handle.store().scan(Some(foreign.clone()), 9).await {
            Err(error) if error.kind() == StoreErrorKind::Unusable => {}
            Err(error) => return Err(trial.broken(promise, told(&error))),
            Ok(page) => {
                let seen = format!("a page of {}", page.families.len());
                return Err(trial.broken(promise, seen));
            }
        }
    }
    Ok(())
}

async fn a_damaged_record_is_shown_as_such(
    trial: &Trial<'_>,
    factory: &dyn DynFactory,
    once: bool,
) -> Result<(), Violation> {
    let promise = "a scan shows why a record is refused, and all the others";
    let mut families = some(trial, 5).await?;
    let damaged = families.remove(2);
    trial.damage(factory, damaged.id).await?;
    for limit in [1, usize::MAX] {
        let all = families.iter().chain([&damaged]);
        let walk = Walk::new(trial, limit, all).walked().await?;
        walk.is_complete(promise, once, &families)?;
        let shown = walk.shown.get(&damaged.id).map_or(&[][..], Vec::as_slice);
        let is_refused = |it: &Result<Family, Impossible>| match it {
            Ok(family) => family.check().is_err(),
            Err(impossible) => !impossible.field.is_empty(),
        };
        if shown.is_empty() || !shown.iter().all(is_refused) || (once && shown.len() > 1) {
            let seen = format!("{} of {}: {} times", damaged.id, limit, shown.len());
            return Err(trial.broken(promise, seen));
        }
    }
    Ok(())
}

async fn some(trial: &Trial<'_>, count: usize) -> Result<Vec<Family>, Violation> {
    let mut families = Vec::new();
    for _ in 0..count {
        families.push(trial.created(trial.sample.family()).await?);
    }
    Ok(families)
}

async fn rotate(trial: &Trial<'_>, family: &mut Family) -> Result<(), Violation> {
    let head = trial.sample.next_head(&family.head, NOW);
    let written = trial.turn().advance(&guard(family), &head).await?;
    *family = advanced(family, &head);
    trial.committed("a rotation beside a scan is committed", family, &written)
}

async fn revoke(trial: &Trial<'_>, family: &mut Family) -> Result<(), Violation> {
    let revocation: Revocation = trial.sample.revocation(Reason::Logout);
    let _ = trial.turn().revoke(family.id, &revocation).await?;
    *family = ended(family, &revocation);
    Ok(())
}
