//! Races across processes: four servers over one store, ten thousand families with hot ones among them, refresh and
//! revoke mixed, thieves, and one server killed in the middle. The history of all calls is checked: one successor (P1),
//! none after a revocation (P3), a breach only for a spent token that was really shown (P2), the store at the end as
//! its clients know it, and no error that a retry does not cure.
//!
//! An order is claimed only where one call was answered before another was sent: what overlaps may come out either way.

#[path = "backend/connect.rs"]
mod connect;
mod crashes;
mod fleet;
#[path = "processes/lies.rs"]
mod lies;
#[path = "processes/races.rs"]
mod races;
#[path = "processes/removed.rs"]
mod removed;

fn main() {
    fleet::trials::run(|| {
        let mut trials = lies::trials();
        trials.extend(races::trials());
        trials.extend(crashes::trials());
        trials
    });
}
