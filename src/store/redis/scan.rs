//! All families, bucket by bucket.
//!
//! A stretch of a bucket comes in no order, and again in the same one only as long as the bucket stays as it is. A page ends
//! between two stretches where it can; one that is longer than a page is cut into pieces in the order of ids.

use redis::aio::ConnectionLike;

use super::key::Bucket;
use super::script::Server;
use super::walk::{self, BATCH, Found, Stretch};
use crate::family::{Family, Impossible};
use crate::store::concurrent::all;
use crate::store::{Cursor, CursorError, Scanned, Selected, StoreError};
use crate::token::FamilyId;

/// How many stretches a page looks at, or a few more: a bound on its time where there are few families.
const LOOKS: usize = 256;

/// How many buckets are looked at in one go, where they hold little.
const AT_ONCE: usize = 32;

/// The next families after a place, at most so many.
pub(super) async fn scan<C: ConnectionLike + Clone + Send + Sync>(
    server: &Server<C>,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Scanned, StoreError> {
    let mut place = after.map_or(Ok(Place::default()), |cursor| Place::read(&cursor))?;
    let (mut families, mut looked, mut at_once) = (Selected::new(), 0, 1);
    // So that a stretch hardly ever has to be cut, and two of them often make a page.
    let count = limit.div_ceil(2).min(BATCH);
    while looked < LOOKS {
        let places = place.and_the_next(at_once);
        let looks = places.iter().map(|place| walk::bucket(server, place.bucket, place.at, count));
        let stretches = all(looks).await?;
        looked += stretches.len();
        let taken = Taken::of(place, &stretches, limit - families.len(), families.is_empty());
        let ids = taken.buckets.iter().flat_map(|ids| ids.chunks(BATCH));
        let found = all(ids.map(|some| walk::find(server, some))).await?;
        families.extend(found.into_iter().flatten().filter_map(shown));
        place = match taken.next {
            Some(next) => next,
            None => return Ok(Scanned { families, next: None }),
        };
        if taken.is_full {
            break;
        }
        let fit = if taken.count() == 0 { AT_ONCE } else { (limit - families.len()) / BATCH + 1 };
        at_once = if taken.goes_on { 1 } else { (2 * at_once).min(fit).min(AT_ONCE) };
    }
    Ok(Scanned { families, next: Some(place.write()?) })
}

fn shown(found: Found) -> Option<Result<Family, Impossible>> {
    match found {
        Found::Family(family) => Some(Ok(*family)),
        Found::Damaged(impossible, _) => Some(Err(impossible)),
        Found::Gone => None,
    }
}

/// What a page takes of stretches.
struct Taken {
    /// The families, by bucket.
    buckets: Vec<Vec<FamilyId>>,
    /// Where it goes on; `None`: there is no more.
    next: Option<Place>,
    /// Whether the last bucket goes on behind its stretch.
    goes_on: bool,
    is_full: bool,
}

impl Taken {
    /// At most so many families of the stretch of a place, and of the beginnings of the buckets after it.
    fn of(place: Place, stretches: &[Stretch], left: usize, is_first: bool) -> Self {
        let mut taken =
            Self { buckets: Vec::new(), next: Some(place), goes_on: false, is_full: false };
        for stretch in stretches {
            let Some(place) = taken.next.filter(|_| !taken.goes_on) else { break };
            let (mut ids, room) = (place.rest_of(stretch), left - taken.count());
            taken.is_full = ids.len() >= room;
            if ids.len() <= room {
                taken.goes_on = stretch.next.is_some();
                taken.next = place.behind(stretch);
                taken.buckets.push(ids);
            } else if is_first && taken.count() == 0 {
                ids.truncate(room);
                taken.next = ids.last().map(|last| place.within(stretch, *last));
                taken.buckets.push(ids);
            }
            // Else it is the beginning of the next page: none of it has to be found again.
            if taken.is_full {
                break;
            }
        }
        taken
    }

    fn count(&self) -> usize {
        self.buckets.iter().map(Vec::len).sum()
    }
}

/// Where a page begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Place {
    bucket: Bucket,
    at: walk::Place,
    cut: Option<Cut>,
}

/// Within a stretch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cut {
    /// Where the stretch ended; 0: at the end of the bucket.
    end: u64,
    /// The last family of it that was shown.
    after: FamilyId,
}

impl Place {
    /// This one, and the beginnings of the buckets after it; so many in all.
    fn and_the_next(&self, count: usize) -> Vec<Self> {
        let numbers = (self.bucket.number() + 1..).map_while(Bucket::numbered);
        let next = numbers.map(|bucket| Self { bucket, ..Self::default() });
        [*self].into_iter().chain(next).take(count).collect()
    }

    /// The families of a stretch that were not shown, in the order of ids.
    ///
    /// All of them, if it is not the stretch that was cut: one that was not part of that may come before the cut.
    fn rest_of(&self, stretch: &Stretch) -> Vec<FamilyId> {
        let end = stretch.next.map_or(0, |next| next.cursor);
        let cut = self.cut.filter(|cut| stretch.at == self.at && cut.end == end);
        let is_left = |id: &FamilyId| cut.is_none_or(|cut| *id > cut.after);
        let mut ids: Vec<FamilyId> = stretch.ids.iter().copied().filter(is_left).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn within(&self, stretch: &Stretch, after: FamilyId) -> Self {
        let end = stretch.next.map_or(0, |next| next.cursor);
        Self { bucket: self.bucket, at: stretch.at, cut: Some(Cut { end, after }) }
    }

    /// `None` after the last bucket.
    fn behind(&self, stretch: &Stretch) -> Option<Self> {
        match stretch.next {
            Some(at) => Some(Self { bucket: self.bucket, at, cut: None }),
            None => {
                let bucket = Bucket::numbered(self.bucket.number() + 1)?;
                Some(Self { bucket, ..Self::default() })
            }
        }
    }

    fn write(&self) -> Result<Cursor, CursorError> {
        let mut bytes = self.bucket.number().to_be_bytes().to_vec();
        bytes.extend(self.at.process.to_be_bytes());
        bytes.extend(self.at.cursor.to_be_bytes());
        if let Some(cut) = self.cut {
            bytes.extend(cut.end.to_be_bytes());
            bytes.extend(cut.after.as_bytes());
        }
        Cursor::new(&bytes)
    }

    fn read(cursor: &Cursor) -> Result<Self, CursorError> {
        Self::parse(cursor.as_bytes()).ok_or(CursorError::Foreign)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (bucket, rest) = bytes.split_first_chunk()?;
        let (process, rest) = rest.split_first_chunk()?;
        let (cursor, rest) = rest.split_first_chunk()?;
        let number = |bytes: &[u8; 8]| u64::from_be_bytes(*bytes);
        let cut = match rest.split_first_chunk() {
            None if rest.is_empty() => None,
            None => return None,
            Some((end, after)) => {
                let after = FamilyId::from_bytes(after.try_into().ok()?);
                Some(Cut { end: number(end), after })
            }
        };
        let at = walk::Place { process: number(process), cursor: number(cursor) };
        Some(Self { bucket: Bucket::numbered(u16::from_be_bytes(*bucket))?, at, cut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(cursor: u64, ids: &[u8], next: u64) -> Stretch {
        let place = |cursor| walk::Place { process: 7, cursor };
        let ids = ids.iter().map(|byte| id(*byte)).collect();
        Stretch { at: place(cursor), ids, next: (next != 0).then(|| place(next)) }
    }

    fn id(byte: u8) -> FamilyId {
        FamilyId::from_bytes([byte; 16])
    }

    fn cut() -> Place {
        let begun = Place { bucket: Bucket::numbered(3).unwrap(), ..Place::default() };
        begun.within(&stretch(5, &[4, 2, 1, 3], 9), id(2))
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let places = [Place::default(), cut(), cut().behind(&stretch(5, &[], 9)).unwrap()];
        for place in places {
            assert_eq!(Place::read(&place.write().unwrap()), Ok(place));
        }
    }

    #[test]
    fn what_is_no_place_is_foreign() {
        let whole = cut().write().unwrap();
        for length in (1..whole.as_bytes().len()).filter(|length| *length != 18) {
            let short = Cursor::new(&whole.as_bytes()[..length]).unwrap();
            assert_eq!(Place::read(&short), Err(CursorError::Foreign), "{length}");
        }
        let long = Cursor::new(&[whole.as_bytes(), &[0]].concat()).unwrap();
        assert_eq!(Place::read(&long), Err(CursorError::Foreign));
        // A bucket that there is not.
        let mut bytes = whole.as_bytes().to_vec();
        bytes[0] = 4;
        assert_eq!(Place::read(&Cursor::new(&bytes).unwrap()), Err(CursorError::Foreign));
    }

    #[test]
    fn a_stretch_that_is_as_it_was_goes_on_behind_the_cut() {
        assert_eq!(cut().rest_of(&stretch(5, &[4, 1, 3, 2, 4], 9)), [id(3), id(4)]);
    }

    /// It may have grown over families that come before the cut, or begin again in another process.
    #[test]
    fn a_stretch_that_is_another_one_is_shown_from_its_beginning() {
        let mut other_process = stretch(5, &[4, 1, 0], 9);
        other_process.at.process = 8;
        for other in [
            stretch(5, &[4, 1, 0], 13),
            stretch(5, &[4, 1, 0], 0),
            stretch(0, &[4, 1, 0], 9),
            other_process,
        ] {
            assert_eq!(cut().rest_of(&other), [id(0), id(1), id(4)]);
        }
    }

    #[test]
    fn a_page_ends_between_two_stretches() {
        let place = Place::default();
        let stretches = [stretch(0, &[1, 2], 0), stretch(0, &[3, 4], 0), stretch(0, &[5], 0)];
        for (left, count, buckets) in [(2, 2, 1), (3, 2, 1), (4, 4, 2), (5, 5, 3), (6, 5, 3)] {
            let taken = Taken::of(place, &stretches, left, true);
            assert_eq!((taken.count(), taken.is_full), (count, left < 6), "{left}");
            let next = taken.next.unwrap();
            assert_eq!((next.bucket.number(), next.cut), (buckets, None), "{left}");
        }
        // Not even the first stretch fits beside what the page has.
        let taken = Taken::of(place, &stretches, 1, false);
        assert_eq!((taken.count(), taken.is_full, taken.next), (0, true, Some(place)));
    }

    #[test]
    fn a_stretch_that_is_longer_than_a_page_is_cut() {
        let bucket = [stretch(0, &[3, 1, 2], 0), stretch(0, &[9], 0)];
        let (mut place, mut shown) = (Place::default(), Vec::new());
        while place.bucket.number() == 0 {
            let taken = Taken::of(place, &bucket, 1, true);
            assert!(taken.is_full);
            shown.extend(taken.buckets.into_iter().flatten());
            place = taken.next.unwrap();
        }
        assert_eq!(shown, [id(1), id(2), id(3)]);
    }

    /// The stretches after it are of other buckets.
    #[test]
    fn a_bucket_that_goes_on_is_gone_on_with() {
        let stretches = [stretch(0, &[1], 5), stretch(0, &[9], 0)];
        let taken = Taken::of(Place::default(), &stretches, 9, true);
        assert_eq!(taken.buckets, [[id(1)]]);
        assert_eq!(taken.next.unwrap().at, walk::Place { process: 7, cursor: 5 });
    }

    #[test]
    fn after_the_last_bucket_comes_nothing() {
        let last = Place { bucket: Bucket::numbered(1023).unwrap(), ..Place::default() };
        assert_eq!(last.and_the_next(9), [last]);
        assert_eq!(last.behind(&stretch(5, &[], 0)), None);
        assert!(last.behind(&stretch(5, &[], 9)).is_some());
        assert_eq!(Bucket::numbered(1024), None);
    }
}
