//! What the liar shows of all its families.

use heirloom::family::{Family, Impossible, Status};
use heirloom::store::{Cursor, Scanned, StoreError};
use heirloom::{FamilyId, Timestamp};

use super::super::lie::Lie;
use super::{Liar, Records};

/// What families are ordered by, and where a page begins.
type Place = (Timestamp, FamilyId);

impl Liar {
    /// In the order of ids, each after the last that was shown, unless that is the lie.
    pub(super) fn scanned(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let records = self.records();
        let mut places: Vec<Place> = records.families.values().map(|it| self.place(it)).collect();
        places.sort();
        let place = after.as_ref().and_then(|cursor| cursor.id().ok());
        let mut rest = self.rest(&places, after)?;
        let all = rest.len();
        if self.lie != Lie::ScanIgnoresTheLimit {
            rest.truncate(limit);
        }
        let mut last = rest.last().map(|(_, id)| *id);
        let mut is_over = rest.len() == all || self.lie == Lie::ScanEndsWithItsFirstPage;
        match self.lie {
            Lie::ScanSkipsOneBetweenPages if !is_over => {
                let skipped = places.iter().skip_while(|(_, id)| Some(*id) != last).nth(1);
                last = skipped.map(|(_, id)| *id).or(last);
            }
            Lie::ScanBeginsAgainAtTheEnd if is_over => {
                (is_over, last) = (false, Some(FamilyId::from_bytes([0; 16])));
            }
            Lie::ScanStaysAtTheEnd => {
                last = last.or(place);
                is_over = last.is_none();
            }
            _ => {}
        }
        *self.scanned.lock().unwrap() = last.filter(|_| !is_over);
        let next = last.filter(|_| !is_over).map(|id| self.cursor(&places, id));
        let mut families = Vec::new();
        for (_, id) in rest {
            families.extend(self.show(&records, id)?);
        }
        Ok(Scanned { families, next })
    }

    fn place(&self, family: &Family) -> Place {
        match self.lie {
            Lie::ScanGoesByTheEnd => (family.ended_at().unwrap_or(Timestamp::MAX), family.id),
            _ => (Timestamp::ZERO, family.id),
        }
    }

    fn cursor(&self, places: &[Place], id: FamilyId) -> Cursor {
        let place = places.iter().position(|(_, other)| *other == id);
        let bytes = match (self.lie, place) {
            (Lie::ScanCountsWhatItHasShown, Some(place)) => (place + 1).to_be_bytes().to_vec(),
            (Lie::ScanGoesByTheEnd, Some(place)) => {
                let (end, id) = places[place];
                [&end.as_millis().to_be_bytes()[..], id.as_bytes()].concat()
            }
            _ => id.as_bytes().to_vec(),
        };
        Cursor::new(&bytes).unwrap()
    }

    fn rest(&self, places: &[Place], after: Option<Cursor>) -> Result<Vec<Place>, StoreError> {
        let Some(cursor) = after else { return Ok(places.to_vec()) };
        if self.lie == Lie::ScanCountsWhatItHasShown
            && let Ok(shown) = cursor.as_bytes().try_into()
        {
            return Ok(places.iter().skip(usize::from_be_bytes(shown)).copied().collect());
        }
        let mut begin = (Timestamp::ZERO, cursor.id());
        if self.lie == Lie::ScanGoesByTheEnd
            && let Some((end, id)) = cursor.as_bytes().split_first_chunk()
        {
            begin = (Timestamp::from_millis(u64::from_be_bytes(*end)), Cursor::new(id)?.id());
        }
        let (end, id) = begin;
        let id = match (self.lie, *self.scanned.lock().unwrap()) {
            (Lie::ScanTakesAnyCursor, _) => id.unwrap_or(FamilyId::from_bytes([0; 16])),
            (Lie::ScanKeepsItsPlaceInTheHandle, Some(own)) => id.map(|_| own)?,
            _ => id?,
        };
        let begins = |place: &&Place| match self.lie {
            Lie::ScanBeginsAtAndNotAfter => **place >= (end, id),
            Lie::ScanGoesByHalfOfTheId => place.1.as_bytes()[8..] > id.as_bytes()[8..],
            _ => **place > (end, id),
        };
        Ok(places.iter().filter(begins).copied().collect())
    }

    fn show(
        &self,
        records: &Records,
        id: FamilyId,
    ) -> Result<Option<Result<Family, Impossible>>, StoreError> {
        let impossible = Impossible { family: id, field: "attributes" };
        if records.damaged.contains(&id) {
            match self.lie {
                Lie::ScanHidesTheDamaged => return Ok(None),
                Lie::ScanFailsForTheDamaged => return Err(impossible.into()),
                Lie::ScanRepairsTheDamaged => {}
                _ => return Ok(Some(Err(impossible))),
            }
        }
        let created = (self.lie == Lie::ScanShowsWhatWasCreated).then_some(&records.first);
        let family = created.unwrap_or(&records.families).get(&id).cloned();
        let lapsed = |family: &Family| family.expires_at == Some(family.created_at);
        let last = records.index.last().map(|(_, id)| *id);
        let is_hidden = |family: &Family| match self.lie {
            Lie::ScanHidesTheEnded => family.status != Status::Live,
            Lie::ScanHidesTheLapsed => lapsed(family),
            Lie::ScanLagsByOneCreation => Some(family.id) == last,
            _ => false,
        };
        Ok(family.filter(|family| !is_hidden(family)).map(Ok))
    }
}
