//! A store that keeps the contract but for one duty.

#[path = "liar/meeting.rs"]
mod meeting;
#[path = "liar/scan.rs"]
mod scan;
#[path = "liar/steps.rs"]
mod steps;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::thread::{self, ThreadId};

use heirloom::conformance::{Factory, Failure};
use heirloom::family::{Family, Impossible, Status};
use heirloom::store::{Advance, Purge, StoreError, Written};
use heirloom::{FamilyId, Selector, Timestamp};

use self::meeting::{Meeting, Visit};
use super::lie::{Gap, Lie};

#[derive(Default, Clone)]
struct Records {
    families: BTreeMap<FamilyId, Family>,
    first: BTreeMap<FamilyId, Family>,
    /// Subject and client as they were presented with a create.
    index: Vec<(Family, FamilyId)>,
    damaged: Vec<FamilyId>,
}

type Shared = Arc<Mutex<Records>>;

/// One handle.
pub struct Liar {
    lie: Lie,
    gap: Gap,
    home: ThreadId,
    meeting: Arc<Meeting>,
    records: Shared,
    loaded: Mutex<BTreeMap<FamilyId, Family>>,
    scanned: Mutex<Option<FamilyId>>,
}

/// Opens handles on one set of records.
pub struct Liars {
    lie: Lie,
    gap: Gap,
    on_any_thread: bool,
    meeting: Arc<Meeting>,
    records: Mutex<(std::sync::Weak<Mutex<Records>>, Option<Shared>, usize)>,
}

impl Liars {
    pub fn new(lie: Lie) -> Self {
        let shared = Shared::default();
        // One that forgets lives as long as its handles.
        let kept = (lie != Lie::ForgetsWhenClosed).then(|| Arc::clone(&shared));
        let records = Mutex::new((Arc::downgrade(&shared), kept, 0));
        let (gap, meeting) = (Gap::Await, Arc::default());
        Self { lie, gap, on_any_thread: false, meeting, records }
    }

    /// Without an await point.
    pub fn with_gap(self, gap: Gap) -> Self {
        Self { gap, ..self }
    }

    pub fn on_any_thread(self) -> Self {
        Self { on_any_thread: true, ..self }
    }
}

impl Factory for Liars {
    type Store = Liar;

    async fn open(&self) -> Result<Liar, Failure> {
        let mut state = self.records.lock().unwrap();
        let mut records = state.0.upgrade().unwrap_or_default();
        state.0 = Arc::downgrade(&records);
        state.2 += 1;
        // The kit opens three handles at first, and others later.
        if self.lie == Lie::FlushesLater && state.2 > 3 {
            let mut flushed = records.lock().unwrap().clone();
            let last = flushed.index.last().map(|(_, id)| *id);
            flushed.families.retain(|id, _| Some(*id) != last);
            records = Arc::new(Mutex::new(flushed));
        }
        let (lie, gap, home) = (self.lie, self.gap, thread::current().id());
        let (meeting, loaded, scanned) =
            (Arc::clone(&self.meeting), Mutex::default(), Mutex::default());
        Ok(Liar { lie, gap, home, meeting, records, loaded, scanned })
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        let records = self.records.lock().unwrap().0.upgrade().ok_or("closed")?;
        records.lock().unwrap().damaged.push(id);
        Ok(())
    }

    fn on_any_thread(&self) -> bool {
        self.on_any_thread
    }
}

async fn pause() {
    let mut polled = false;
    poll_fn(|context| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Records {
    fn read(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        if self.damaged.contains(&id) {
            return Err(Impossible { family: id, field: "attributes" }.into());
        }
        Ok(self.families.get(&id).cloned())
    }
}

impl Liar {
    /// Before a call: a trip to a server, for a liar that has one. The call is over when the visit is dropped.
    async fn begin(&self, looks: &[Lie]) -> Option<Visit<'_>> {
        let looks = looks.contains(&self.lie);
        assert!(
            !self.is_away() || self.lie != Lie::PanicsOnOtherThreads,
            "no runtime on this thread"
        );
        match self.gap {
            Gap::Await => pause().await,
            Gap::Meet if !self.is_away() => self.meeting.is_over(),
            Gap::Meet if !looks => return Some(self.meeting.visit()),
            Gap::Meet | Gap::Spin(_) => {}
        }
        None
    }

    /// Between the look and the write.
    async fn gap(&self) {
        match self.gap {
            Gap::Await => pause().await,
            Gap::Meet if self.is_away() => self.meeting.looked(),
            Gap::Meet => {}
            Gap::Spin(turns) => (0..turns).for_each(|_| std::hint::spin_loop()),
        }
    }

    /// Whether a race is run on threads: the kit makes all other calls on the thread that has opened the store.
    fn is_away(&self) -> bool {
        thread::current().id() != self.home
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }

    fn write(&self, records: &mut Records, mut family: Family) {
        if let Lie::Mangles(mangle) = self.lie {
            mangle.0(&mut family);
        }
        records.families.insert(family.id, family);
    }

    /// Reads a family for a write, and mends it where that is the lie.
    fn seen(
        &self,
        records: &mut Records,
        id: FamilyId,
        mends: Lie,
    ) -> Result<Option<Family>, StoreError> {
        if self.lie == mends {
            records.damaged.retain(|damaged| *damaged != id);
        }
        records.read(id)
    }

    fn holds(&self, step: &Advance, family: &Family) -> bool {
        let asked_again = family.head == *step.head() && self.lie == Lie::SaysYesWhenAskedAgain;
        match self.lie {
            Lie::Guards(wrong) => wrong.0(step.guard(), family),
            _ => step.guard().holds(family) || asked_again,
        }
    }

    /// Whoever drops it in between leaves half of it.
    async fn advance_in_two_steps(&self, step: Advance) -> Result<Written, StoreError> {
        let family = self.records().read(step.family())?;
        let Some(mut family) = family.filter(|family| self.holds(&step, family)) else {
            let family = self.records().read(step.family())?;
            return Ok(step.declined(family));
        };
        family.head = step.head().clone();
        self.write(&mut self.records(), family.clone());
        self.gap().await;
        family.version += 1;
        self.write(&mut self.records(), family.clone());
        Ok(step.committed(family))
    }

    fn matches(&self, selector: &Selector, family: &Family) -> bool {
        let grant = &family.grant;
        let lower = |text: &str| text.to_lowercase();
        match (self.lie, selector) {
            (Lie::HidesTheEnded, _) if family.status != Status::Live => false,
            (Lie::SelectsBySubjectAlone, Selector::SubjectAndClient(subject, _)) => {
                *grant.subject == **subject
            }
            (Lie::SelectsInAnyCase, Selector::Subject(subject)) => {
                lower(&grant.subject) == lower(subject)
            }
            (Lie::SelectsByBeginnings, Selector::Client(client)) => {
                grant.client.starts_with(&**client)
            }
            (Lie::JoinsSubjectAndClient, Selector::SubjectAndClient(subject, client)) => {
                format!("{}:{}", grant.subject, grant.client) == format!("{subject}:{client}")
            }
            _ => selector.matches(family),
        }
    }

    fn is_due(&self, step: Purge, family: &Family) -> bool {
        let before = step.ended_before();
        let past = |end: Option<Timestamp>| end.is_some_and(|end| end < before);
        let at = match &family.status {
            Status::Live => None,
            Status::Revoked(revocation) => Some(revocation.at),
        };
        match self.lie {
            Lie::PurgesAtTheEnd => family.ended_at().is_some_and(|end| end <= before),
            Lie::PurgesByTheEndAlone => {
                let ends = [family.expires_at, family.head.idle_expires_at];
                past(at.or(ends.into_iter().flatten().min()))
            }
            Lie::PurgesByTheAbsoluteEndAlone => {
                past(at.or(family.expires_at).map(|end| end.max(family.head.used_at)))
            }
            Lie::PurgesTheEndless => {
                step.is_due(family) || family.ended_at().is_none() && family.head.used_at < before
            }
            Lie::PurgesBy(end) => past(end.0(family)),
            Lie::PurgesTheLiveAlone => step.is_due(family) && at.is_none(),
            _ => step.is_due(family),
        }
    }
}
