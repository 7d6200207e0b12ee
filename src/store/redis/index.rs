//! Which families a subject or a client has: sorted sets of entries, in slots of their own.
//!
//! An entry is `<id>@<when it was made, by the server's clock>`. Entries are made before the family, so that none escapes, and
//! dropped when their family is gone; but not within a day, when the creation of the family may still be under way.

use std::collections::BTreeMap;

use redis::Value;
use redis::aio::ConnectionLike;

use super::hash::{bytes, items};
use super::script::Server;
use crate::family::Family;
use crate::store::concurrent::all;
use crate::store::{Page, Selector, StoreError};
use crate::token::FamilyId;

/// How old an entry without a family must be to be dropped, in milliseconds: far more than any creation takes.
const GRACE: &str = "86400000";

/// Part of a walk through the entries that a selector asks for.
pub(super) struct Stretch {
    /// The families, each with the index that has it.
    pub(super) entries: BTreeMap<FamilyId, String>,
    /// Whether nothing comes after it.
    pub(super) is_last: bool,
}

/// Makes an entry for a family; or only if it has none.
pub(super) async fn enter<C: ConnectionLike + Clone>(
    server: &Server<C>,
    index: String,
    id: FamilyId,
    only_if_missing: bool,
) -> Result<bool, StoreError> {
    let arguments = [id.to_string().into(), u8::from(only_if_missing).to_string().into()];
    let entered = server.call(&server.scripts.enter, &[index], &arguments).await?;
    Ok(entered == Value::Int(1))
}

/// Makes the entries that families have not, and says how many.
pub(super) async fn enter_missing<C: ConnectionLike + Clone + Send + Sync>(
    server: &Server<C>,
    families: &[Family],
) -> Result<usize, StoreError> {
    let calls = families.iter().flat_map(|family| {
        let indexes = server.keys.indexes(family.id, &family.grant);
        indexes.map(|index| enter(server, index, family.id, true))
    });
    Ok(all(calls).await?.into_iter().filter(|entered| *entered).count())
}

/// The next entries after an id: at least one family's, unless there are no more.
pub(super) async fn stretch<C: ConnectionLike + Clone + Send + Sync>(
    server: &Server<C>,
    selector: &Selector,
    page: Page,
) -> Result<Stretch, StoreError> {
    let indexes = server.keys.indexes_of(selector);
    let parts = indexes.iter().map(|index| part(server, index, page));
    let parts = all(parts).await?;
    // An index that has more may have it anywhere after its last entry: nothing later is certain to be next.
    let more = parts.iter().filter(|part| !part.is_last);
    let frontier = more.filter_map(|part| part.ids.last().copied()).min();
    let mut entries = BTreeMap::new();
    for (index, part) in indexes.iter().zip(parts) {
        let certain = part.ids.into_iter().filter(|id| frontier.is_none_or(|end| *id <= end));
        entries.extend(certain.map(|id| (id, index.clone())));
    }
    Ok(Stretch { entries, is_last: frontier.is_none() })
}

/// Drops the entries of families that are gone, if they are old enough.
pub(super) async fn drop_old<C: ConnectionLike + Clone + Send + Sync>(
    server: &Server<C>,
    gone: impl IntoIterator<Item = (FamilyId, String)>,
) -> Result<(), StoreError> {
    let mut by_index = BTreeMap::<String, Vec<Vec<u8>>>::new();
    for (id, index) in gone {
        by_index.entry(index).or_insert_with(|| vec![GRACE.into()]).push(id.to_string().into());
    }
    let calls = by_index.into_iter().map(|(index, arguments)| async move {
        server.call(&server.scripts.drop, &[index], &arguments).await
    });
    all(calls).await.map(drop)
}

/// The next entries of one index.
struct Part {
    ids: Vec<FamilyId>,
    is_last: bool,
}

async fn part<C: ConnectionLike + Clone>(
    server: &Server<C>,
    index: &str,
    page: Page,
) -> Result<Part, StoreError> {
    // `A` comes after `@`: past all entries of the family.
    let mut start = page.after.map_or_else(|| "-".into(), |id| format!("({id}A").into_bytes());
    loop {
        let arguments = [start, page.limit.to_string().into()];
        let reply = server.call(&server.scripts.entries, &[index.to_owned()], &arguments).await?;
        let members = items(reply)?.into_iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
        let is_last = members.len() < page.limit;
        start = members.last().map_or_else(Vec::new, |last| [b"(", &**last].concat());
        let ids: Vec<FamilyId> = members.iter().filter_map(|member| family_of(member)).collect();
        if is_last || !ids.is_empty() {
            return Ok(Part { ids, is_last });
        }
    }
}

/// `None`: a member that is no entry of ours.
fn family_of(entry: &[u8]) -> Option<FamilyId> {
    let (text, _) = std::str::from_utf8(entry).ok()?.split_once('@')?;
    let id: FamilyId = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}
