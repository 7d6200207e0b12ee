//! What the liar does at each step.

use heirloom::family::{Family, Impossible, Status};
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::{FamilyId, Page, Selected, Selector, Store};

use super::super::lie::Lie;
use super::Liar;

const LOOKS_BEFORE_IT_ADVANCES: [Lie; 2] = [Lie::LooksBeforeItAdvances, Lie::LooksBeforeItWaits];

impl Store for Liar {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let _visit = self.begin(&[Lie::LooksBeforeItCreates]).await;
        let family = step.family().clone();
        if self.lie == Lie::LooksBeforeItCreates {
            let taken = self.records().families.contains_key(&family.id);
            self.gap().await;
            if !taken {
                self.write(&mut self.records(), family);
            }
            return Ok(if taken { step.taken() } else { step.created() });
        }
        let mut records = self.records();
        let stored = records.families.get(&family.id).cloned();
        let damaged = records.damaged.contains(&family.id);
        if stored.is_none() || self.lie == Lie::IndexesWhatWasTaken {
            records.index.push((family.clone(), family.id));
        }
        let overwrites = match (self.lie, &stored) {
            (_, None) | (Lie::OverwritesATakenId, _) => true,
            (Lie::OverwritesTheDamaged, _) => damaged,
            (Lie::ReplacesATakenIdOfAnEarlierVersion, Some(stored)) => {
                stored.version < family.version
            }
            _ => false,
        };
        if !overwrites {
            let free = self.lie == Lie::ReportsATakenIdAsFree;
            return Ok(if free { step.created() } else { step.taken() });
        }
        if self.lie == Lie::OverwritesTheDamaged {
            records.damaged.retain(|id| *id != family.id);
        }
        records.first.insert(family.id, family.clone());
        self.write(&mut records, family);
        Ok(step.created())
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        let _visit = self.begin(&[]).await;
        let records = self.records();
        if self.lie == Lie::RepairsWhatItLoads {
            return Ok(records.families.get(&id).cloned());
        }
        if records.damaged.contains(&id) && self.lie == Lie::TakesTheDamagedForUnknown {
            return Ok(None);
        }
        if records.damaged.contains(&id) && self.lie == Lie::FailsWithAnotherId {
            let family = FamilyId::from_bytes([1; 16]);
            return Err(Impossible { family, field: "attributes" }.into());
        }
        let family = records.read(id)?;
        if self.lie == Lie::RemembersWhatItLoaded
            && let Some(family) = family.clone()
        {
            return Ok(Some(self.loaded.lock().unwrap().entry(id).or_insert(family).clone()));
        }
        Ok(family)
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let _visit = self.begin(&LOOKS_BEFORE_IT_ADVANCES).await;
        if self.lie == Lie::WritesAnAdvanceInTwoSteps {
            return self.advance_in_two_steps(step).await;
        }
        let id = step.family();
        let snapshot = self.records().read(id).unwrap_or_default();
        if LOOKS_BEFORE_IT_ADVANCES.contains(&self.lie) {
            self.gap().await;
        }
        let mut records = self.records();
        let family = match self.lie {
            Lie::LooksBeforeItAdvances => snapshot.clone(),
            _ => self.seen(&mut records, id, Lie::RepairsWhatItAdvances)?,
        };
        let Some(mut family) = family else {
            if self.lie == Lie::CreatesWhatItAdvances {
                let made = records.first.values().next().cloned();
                records.families.extend(made.map(|mut family| {
                    family.id = id;
                    (id, family)
                }));
            }
            return Ok(step.declined(None));
        };
        let (holds, declined) = (self.holds(&step, &family), family.clone());
        if holds || self.lie == Lie::WritesWhatItDeclines {
            family.head = step.head().clone();
            family.version += match self.lie {
                Lie::DoesNotCountAnAdvance => 0,
                Lie::CountsAnAdvanceTwice => 2,
                _ => 1,
            };
            if let Lie::Heads(mangle) = self.lie {
                mangle.0(&mut family);
            }
            self.write(&mut records, family.clone());
        }
        Ok(match self.lie {
            _ if holds => step.committed(family),
            Lie::DeclinesWithNothing => step.declined(None),
            Lie::LooksBeforeItWaits => step.declined(snapshot),
            Lie::DeclinesWithWhatItSawFirst => {
                let seen = self.loaded.lock().unwrap().entry(id).or_insert(declined).clone();
                step.declined(Some(seen))
            }
            _ => step.declined(Some(declined)),
        })
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let _visit = self.begin(&[Lie::LooksBeforeItRevokes]).await;
        let id = step.family();
        let snapshot = self.records().read(id).unwrap_or_default();
        if self.lie == Lie::LooksBeforeItRevokes {
            self.gap().await;
        }
        let mut records = self.records();
        let family = match self.lie {
            Lie::LooksBeforeItRevokes => snapshot,
            _ => self.seen(&mut records, id, Lie::RepairsWhatItRevokes)?,
        };
        let Some(mut family) = family else {
            if self.lie == Lie::RevokesWhatIsUnknown
                && let Some(mut other) = records.first.values().next().cloned()
            {
                other.id = id;
                let _ = step.apply(&mut other);
                return Ok(step.ended(other));
            }
            return Ok(step.unknown());
        };
        let version = family.version;
        let expired = family.expires_at.is_some_and(|end| end == family.created_at);
        if self.lie == Lie::EndsOnlyWhatHasNotExpired && expired {
            return Ok(step.ended(family));
        }
        let live = step.apply(&mut family);
        if !live && self.lie == Lie::TheLastReasonWins {
            family.status = Status::Revoked(step.revocation().clone());
        }
        if live && self.lie == Lie::DoesNotCountARevocation {
            family.version = version;
        }
        if !live && self.lie == Lie::CountsARevocationAgain {
            family.version += 1;
        }
        self.write(&mut records, family.clone());
        let other = match self.lie {
            Lie::SaysBeforeOfItsOwn => family.head.used_at.as_millis() % 2 == 0,
            _ => false,
        };
        if other || (self.lie == Lie::ClaimsWhatWasBefore && !live) {
            let mut told = step.revocation().clone();
            told.call ^= u64::from(other);
            family.status = Status::Revoked(told);
        }
        Ok(step.ended(family))
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let _visit = self.begin(&[Lie::LooksBeforeItReplaces]).await;
        let id = step.next().id;
        let snapshot = self.records().read(id).unwrap_or_default();
        if self.lie == Lie::LooksBeforeItReplaces {
            self.gap().await;
        }
        let mut records = self.records();
        let family = match self.lie {
            Lie::LooksBeforeItReplaces => snapshot,
            _ => records.read(id)?,
        };
        let Some(mut family) = family else {
            if self.lie == Lie::InsertsWhatItReplaces {
                self.write(&mut records, step.next().clone());
            }
            return Ok(step.declined(None));
        };
        let (version, expected) = (family.version, step.expected_version());
        let live = family.status == Status::Live;
        let replaces = match self.lie {
            Lie::IgnoresTheVersion => live,
            Lie::ReplacesNewerVersions => live && version >= expected,
            Lie::ReplacesOlderVersions => live && version <= expected,
            Lie::ReplacesTheDead => version == expected,
            _ => live && version == expected,
        };
        if !replaces {
            return Ok(step.declined(Some(family)));
        }
        let next = step.next().clone();
        match self.lie {
            Lie::ReplacesTheGrantAlone => {
                (family.grant, family.version) = (next.grant, next.version);
            }
            Lie::ReplacesTheHeadAlone => (family.head, family.version) = (next.head, next.version),
            _ => family = next,
        }
        self.write(&mut records, family);
        Ok(step.committed())
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let _visit = self.begin(&[]).await;
        let records = self.records();
        let mut ids: Vec<FamilyId> = records.families.keys().copied().collect();
        if self.lie == Lie::ComparesIdsAsSigned {
            ids.sort_by_key(|id| id.as_bytes().map(|byte| byte.wrapping_add(128)));
        }
        let begins = |id: &FamilyId| match page.after {
            None => true,
            Some(after) if self.lie == Lie::BeginsAtAndNotAfter => *id >= after,
            Some(after) => *id > after,
        };
        let stored = |id: &FamilyId| match self.lie {
            Lie::ShowsWhatWasCreated => records.first.get(id),
            _ => records.families.get(id),
        };
        let indexed = |id: &FamilyId| {
            let of = |(family, entry): &(Family, FamilyId)| entry == id && selector.matches(family);
            self.lie == Lie::IndexesWhatWasTaken && records.index.iter().any(of)
        };
        let matches = |id: &FamilyId| {
            stored(id).is_some_and(|family| self.matches(selector, family)) || indexed(id)
        };
        let limit = match self.lie {
            Lie::IgnoresTheLimit => usize::MAX,
            _ => page.limit,
        };
        let mut found: Vec<FamilyId> = match self.lie {
            Lie::FiltersAfterTheLimit => {
                ids.iter().filter(|id| begins(id)).take(limit).copied().collect()
            }
            _ => ids.iter().filter(|id| begins(id) && matches(id)).take(limit).copied().collect(),
        };
        found.retain(matches);
        match self.lie {
            Lie::MissesTheLast if found.len() > 1 && found.len() < limit => drop(found.pop()),
            Lie::SelectsInReverse => found.reverse(),
            Lie::HidesTheDamaged => found.retain(|id| !records.damaged.contains(id)),
            _ => {}
        }
        let read = |id: &FamilyId| match records.damaged.contains(id) {
            true if self.lie != Lie::RepairsWhatItLoads => {
                Some(Err(Impossible { family: *id, field: "attributes" }))
            }
            _ => stored(id).cloned().map(Ok),
        };
        let selected: Selected = found.iter().filter_map(read).collect();
        match selected.iter().find_map(|family| family.as_ref().err()) {
            Some(impossible) if self.lie == Lie::FailsForTheDamaged => Err((*impossible).into()),
            _ => Ok(selected),
        }
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let _visit = self.begin(&[Lie::LooksBeforeItPurges]).await;
        let limit = match self.lie {
            Lie::PurgesOverTheLimit => step.limit().saturating_add(1),
            Lie::PurgesOneLessThanItMay => step.limit().saturating_sub(1),
            _ => step.limit(),
        };
        let mut due = Vec::new();
        for (id, family) in &self.records().families {
            if self.is_due(step, family) {
                due.push(*id);
            }
        }
        if self.lie == Lie::LooksBeforeItPurges {
            self.gap().await;
        }
        let mut records = self.records();
        let (mut purged, mut taken) = (0, 0);
        for id in due {
            if taken == limit {
                break;
            }
            if records.damaged.contains(&id) {
                match self.lie {
                    Lie::PurgesWhatItCannotRead => records.damaged.retain(|it| *it != id),
                    Lie::StopsAtWhatItCannotRead => {
                        return Err(Impossible { family: id, field: "attributes" }.into());
                    }
                    _ => continue,
                }
            }
            let again = records.families.get(&id).is_some_and(|family| self.is_due(step, family));
            if again || self.lie == Lie::LooksBeforeItPurges {
                purged += usize::from(records.families.remove(&id).is_some());
                records.first.remove(&id);
                taken += 1;
            }
        }
        Ok(if self.lie == Lie::MiscountsAPurge && purged > 1 { purged - 1 } else { purged })
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let _visit = self.begin(&[]).await;
        self.scanned(after, limit)
    }
}
