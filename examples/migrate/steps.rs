//! What is done, in this order, while clients go on. Each step may be cut off and begun again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use crate::Failure;
use crate::clients::Clients;
use crate::fleet::Fleet;
use crate::folder::{Folder, Stage};
use crate::show::Show;

/// How many clients refresh at once, and how many tokens are adopted or checked at once.
const AT_ONCE: u64 = 16;

/// How many tokens or families a page has.
const PAGE: u64 = 1000;

/// What came of it, in this run.
pub struct Report {
    adopted: u64,
    refreshes: u64,
    rotations: u64,
    replays: u64,
    lost_answers: u64,
    moved: u64,
    breaches: u64,
    checked: u64,
    pub lost: Vec<String>,
}

pub async fn all(
    fleet: &Arc<Fleet>,
    clients: &Arc<Clients>,
    tokens: u64,
    folder: &mut Folder,
    show: &Show,
) -> Result<Report, Failure> {
    let mut load = JoinSet::new();
    for first in 1..=AT_ONCE.min(tokens) {
        let (fleet, clients) = (Arc::clone(fleet), Arc::clone(clients));
        let every = AT_ONCE.min(tokens);
        load.spawn(async move { clients.go_on(&fleet, first, every, tokens).await });
    }
    let moved = over(fleet, tokens, folder, show).await?;
    clients.is_over.store(true, Ordering::Relaxed);
    while let Some(stopped) = load.join_next().await {
        stopped??;
    }
    check(fleet, clients, tokens, show).await?;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Report {
        adopted: count(&fleet.heard.adopted),
        refreshes: count(&clients.refreshes),
        rotations: count(&fleet.heard.rotated),
        replays: count(&fleet.heard.replayed),
        lost_answers: count(&clients.lost_answers),
        moved,
        breaches: count(&fleet.heard.reused),
        checked: tokens,
        lost: clients.lost(),
    })
}

/// All the way over; says how many families a walk has moved.
async fn over(
    fleet: &Arc<Fleet>,
    tokens: u64,
    folder: &mut Folder,
    show: &Show,
) -> Result<u64, Failure> {
    if folder.stage() == Stage::Adopting {
        adopt(fleet, tokens, folder, show).await?;
        enter(fleet, folder, Stage::Following).await?;
    }
    if folder.stage() == Stage::Following {
        // After an interruption too: not before every node follows.
        enter(fleet, folder, Stage::Pulling).await?;
    }
    let mut moved = 0;
    if folder.stage() == Stage::Pulling {
        moved = walk(fleet, tokens, show).await?;
        enter(fleet, folder, Stage::Over).await?;
    }
    Ok(moved)
}

/// The nodes first: what is written down is where all of them are, or were about to be.
async fn enter(fleet: &Fleet, folder: &mut Folder, stage: Stage) -> Result<(), Failure> {
    fleet.enter(stage).await?;
    folder.enter(stage)
}

/// In bulk, so that the legacy table can go; clients whose turn has not come are adopted when they come.
async fn adopt(
    fleet: &Arc<Fleet>,
    tokens: u64,
    folder: &mut Folder,
    show: &Show,
) -> Result<(), Failure> {
    let step = show.step("adopted", tokens);
    loop {
        let page = fleet.legacy().after(folder.adopted(), PAGE)?;
        let Some(last) = page.last().map(|token| token.row) else { break };
        let (mut adopting, mut page) = (JoinSet::new(), page.into_iter());
        loop {
            while adopting.len() < usize::try_from(4 * AT_ONCE)?
                && let Some(token) = page.next()
            {
                let fleet = Arc::clone(fleet);
                adopting.spawn(async move { fleet.adopt(&token).await });
            }
            match adopting.join_next().await {
                Some(adopted) => adopted??,
                None => break,
            }
        }
        folder.set_adopted(last)?;
        step.at(last);
    }
    step.done();
    Ok(())
}

/// Until a walk finds nothing that is left.
async fn walk(fleet: &Fleet, tokens: u64, show: &Show) -> Result<u64, Failure> {
    let (moving, limit) = (fleet.pulling(), usize::try_from(PAGE)?);
    let step = show.step("moved by a walk", tokens);
    let mut all = 0;
    loop {
        let (mut moved, mut seen, mut after) = (0, 0, None);
        loop {
            let page = moving.move_page(after, limit).await?;
            if let Some(impossible) = page.impossible.first() {
                return Err(impossible.to_string().into());
            }
            moved += u64::try_from(page.moved)?;
            seen += PAGE;
            step.at(seen.min(tokens));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        all += moved;
        if moved == 0 {
            step.done();
            return Ok(all);
        }
    }
}

/// Every client once more, in the new store alone.
async fn check(
    fleet: &Arc<Fleet>,
    clients: &Arc<Clients>,
    tokens: u64,
    show: &Show,
) -> Result<(), Failure> {
    let (step, checked) = (Arc::new(show.step("checked", tokens)), Arc::new(AtomicU64::new(0)));
    let mut checking = JoinSet::new();
    let every = (4 * AT_ONCE).min(tokens);
    for first in 1..=every {
        let (fleet, clients) = (Arc::clone(fleet), Arc::clone(clients));
        let (step, checked) = (Arc::clone(&step), Arc::clone(&checked));
        checking.spawn(async move {
            let mut row = first;
            while row <= tokens {
                clients.refresh(&fleet, row).await?;
                step.at(checked.fetch_add(1, Ordering::Relaxed) + 1);
                row += every;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(done) = checking.join_next().await {
        done??;
    }
    Ok(())
}

impl Report {
    fn figures(&self) -> [(&'static str, u64); 8] {
        [
            ("adopted", self.adopted),
            ("refreshes", self.refreshes),
            ("rotations", self.rotations),
            ("answers lost", self.lost_answers),
            ("replays", self.replays),
            ("moved by a walk", self.moved),
            ("breaches", self.breaches),
            ("checked in the new store", self.checked),
        ]
    }

    pub fn text(&self, tokens: u64, target: &str, seconds: f64) -> String {
        let mut text =
            format!("{tokens} tokens, sqlite to {target}, {seconds:.1} s; in this run:\n");
        for (name, figure) in self.figures() {
            text += &format!("  {name}: {figure}\n");
        }
        for why in self.lost.iter().take(20) {
            text += &format!("  lost: {why}\n");
        }
        text + &format!("sessions lost: {}", self.lost.len())
    }

    pub fn json(&self, tokens: u64, target: &str, seconds: f64) -> String {
        let mut report = serde_json::json!({
            "tokens": tokens,
            "target": target,
            "seconds": seconds,
            "sessions_lost": self.lost.len(),
            "lost": self.lost.iter().take(20).collect::<Vec<_>>(),
        });
        for (name, figure) in self.figures() {
            report[name.replace(' ', "_")] = figure.into();
        }
        report.to_string()
    }
}
