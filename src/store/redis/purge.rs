//! Removing what ended long ago, bucket by bucket.

use redis::Value;
use redis::aio::ConnectionLike;

use super::hash::{bytes, items, unexpected};
use super::key::Bucket;
use super::script::Server;
use super::walk::{BATCH, Found, find, id};
use crate::family::Family;
use crate::store::concurrent::all;
use crate::store::{Purge, StoreError};
use crate::token::FamilyId;

/// Those of some buckets in which something has ended.
pub(super) async fn with_ended<C: ConnectionLike + Clone + Send + Sync>(
    server: &Server<C>,
    buckets: &[Bucket],
    step: &Purge,
) -> Result<Vec<Bucket>, StoreError> {
    let looks = buckets.iter().map(|&bucket| async move {
        let members = ended(server, bucket, step, [0, 1]).await?;
        Ok((!members.is_empty()).then_some(bucket))
    });
    Ok(all(looks).await?.into_iter().flatten().collect())
}

/// Removes at most so many families of a bucket that are due, and returns them.
///
/// What cannot be read is left and passed over. A family that changes meanwhile is left too: its version tells.
pub(super) async fn purge<C: ConnectionLike + Clone>(
    server: &Server<C>,
    bucket: Bucket,
    step: &Purge,
    limit: usize,
) -> Result<Vec<Family>, StoreError> {
    let (mut purged, mut passed) = (Vec::new(), 0);
    while purged.len() < limit {
        let count = BATCH.min(limit - purged.len());
        let members = ended(server, bucket, step, [passed, count]).await?;
        let ids: Vec<FamilyId> = members.iter().flatten().copied().collect();
        let found = if ids.is_empty() { Vec::new() } else { find(server, &ids).await? };
        let (candidates, left) = candidates(step, ids, found);
        passed += left + members.iter().filter(|member| member.is_none()).count();
        purged.extend(remove(server, bucket, candidates).await?);
        if members.len() < count {
            break;
        }
    }
    Ok(purged)
}

/// The next of those that ended first, from a place on; `None` for a member that is no id.
async fn ended<C: ConnectionLike + Clone>(
    server: &Server<C>,
    bucket: Bucket,
    step: &Purge,
    [passed, count]: [usize; 2],
) -> Result<Vec<Option<FamilyId>>, StoreError> {
    let before = step.ended_before().as_millis().to_string();
    let arguments = [before.into(), passed.to_string().into(), count.to_string().into()];
    let reply = server.call(&server.scripts.ended, &[server.keys.ends(bucket)], &arguments).await?;
    items(reply)?.into_iter().map(|member| Ok(id(bucket, &bytes(member)?))).collect()
}

/// A family that is due, or an id whose family has gone by itself.
struct Candidate(FamilyId, Option<Box<Family>>);

/// Sorts out what may be removed, and counts what may not.
fn candidates(step: &Purge, ids: Vec<FamilyId>, found: Vec<Found>) -> (Vec<Candidate>, usize) {
    let all = ids.len();
    let candidates = ids.into_iter().zip(found).filter_map(|(id, found)| match found {
        Found::Family(family) if step.is_due(&family) => Some(Candidate(id, Some(family))),
        Found::Gone => Some(Candidate(id, None)),
        Found::Family(_) | Found::Damaged(..) => None,
    });
    let candidates: Vec<_> = candidates.collect();
    let left = all - candidates.len();
    (candidates, left)
}

/// Removes those that are still as they were found, in one step.
async fn remove<C: ConnectionLike + Clone>(
    server: &Server<C>,
    bucket: Bucket,
    candidates: Vec<Candidate>,
) -> Result<Vec<Family>, StoreError> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let (mut keys, mut arguments) = (vec![server.keys.ends(bucket)], Vec::new());
    for Candidate(id, family) in &candidates {
        keys.push(server.keys.family(*id));
        let version = family.as_ref().map_or_else(String::new, |family| family.version.to_string());
        arguments.extend([id.to_string().into(), version.into()]);
    }
    let removed = items(server.call(&server.scripts.purge, &keys, &arguments).await?)?;
    if removed.len() != candidates.len() {
        return Err(unexpected());
    }
    let went = candidates.into_iter().zip(removed).filter(|(_, removed)| *removed == Value::Int(1));
    Ok(went.filter_map(|(Candidate(_, family), _)| family.map(|family| *family)).collect())
}
