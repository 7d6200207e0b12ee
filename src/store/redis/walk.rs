//! Reading many families: what is behind each id.

use redis::Value;
use redis::aio::ConnectionLike;

use super::hash::{Fields, bytes, items, unexpected};
use super::key::Bucket;
use super::script::Server;
use crate::family::{Family, Impossible};
use crate::store::{Selector, StoreError};
use crate::token::FamilyId;

/// How many families one script reads or removes: other calls get their turn in between.
pub(super) const BATCH: usize = 64;

/// What is behind an id.
pub(super) enum Found {
    Family(Box<Family>),
    /// A record that cannot be, and whether a selector may mean it, as far as can be told.
    Damaged(Impossible, Names),
    Gone,
}

/// Subject and client of a record that cannot be read, as far as they are there.
pub(super) struct Names {
    subject: Option<Vec<u8>>,
    client: Option<Vec<u8>>,
}

impl Names {
    /// Whether a selector may mean this record.
    pub(super) fn may_match(&self, selector: &Selector) -> bool {
        let is = |field: &Option<Vec<u8>>, name: &str| {
            field.as_ref().is_none_or(|it| it == name.as_bytes())
        };
        match selector {
            Selector::Subject(subject) => is(&self.subject, subject),
            Selector::Client(client) => is(&self.client, client),
            Selector::SubjectAndClient(subject, client) => {
                is(&self.subject, subject) && is(&self.client, client)
            }
        }
    }
}

/// Reads families of one bucket, in one step.
pub(super) async fn find<C: ConnectionLike + Clone>(
    server: &Server<C>,
    ids: &[FamilyId],
) -> Result<Vec<Found>, StoreError> {
    let keys: Vec<String> = ids.iter().map(|id| server.keys.family(*id)).collect();
    let replies = items(server.call(&server.scripts.load, &keys, &[]).await?)?;
    if replies.len() != ids.len() {
        return Err(unexpected());
    }
    ids.iter().zip(replies).map(|(id, reply)| found(*id, reply)).collect()
}

/// Families of one bucket that can be read, whatever their number.
pub(super) async fn families<C: ConnectionLike + Clone>(
    server: &Server<C>,
    ids: &[FamilyId],
) -> Result<Vec<Family>, StoreError> {
    let mut families = Vec::new();
    for some in ids.chunks(BATCH) {
        families.extend(find(server, some).await?.into_iter().filter_map(|found| match found {
            Found::Family(family) => Some(*family),
            Found::Damaged(..) | Found::Gone => None,
        }));
    }
    Ok(families)
}

/// A place in a walk through a bucket, in the order of one process of Redis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    pub(super) process: u64,
    /// 0: at the beginning, of whichever process.
    pub(super) cursor: u64,
}

/// Part of a walk through a bucket.
pub(super) struct Stretch {
    /// Where it began: not where it should have, but at the beginning, if another process has the bucket now.
    pub(super) at: Place,
    pub(super) ids: Vec<FamilyId>,
    /// Where it goes on; `None`: that was all.
    pub(super) next: Option<Place>,
}

/// About so many of the ids of a bucket, from a place on; all of a small one. Each that stays there during the whole walk is found.
pub(super) async fn bucket<C: ConnectionLike + Clone>(
    server: &Server<C>,
    bucket: Bucket,
    from: Place,
    count: usize,
) -> Result<Stretch, StoreError> {
    let process = format!("{:016x}", from.process);
    let arguments =
        [from.cursor.to_string().into(), count.to_string().into(), process.into_bytes()];
    let keys = [server.keys.ends(bucket)];
    let reply = items(server.call(&server.scripts.bucket, &keys, &arguments).await?)?;
    let [process, cursor, scanned]: [Value; 3] = reply.try_into().map_err(|_| unexpected())?;
    let [next, members]: [Value; 2] = items(scanned)?.try_into().map_err(|_| unexpected())?;
    let process = number(process, 16)?;
    let at = Place { process, cursor: number(cursor, 10)? };
    let next = Some(number(next, 10)?).filter(|cursor| *cursor != 0);
    let next = next.map(|cursor| Place { process, cursor });
    // Each member is followed by its score.
    let members =
        items(members)?.into_iter().step_by(2).map(bytes).collect::<Result<Vec<_>, _>>()?;
    let ids = members.iter().filter_map(|member| id(bucket, member)).collect();
    Ok(Stretch { at, ids, next })
}

fn number(text: Value, radix: u32) -> Result<u64, StoreError> {
    let text = bytes(text)?;
    let number = std::str::from_utf8(&text).ok().and_then(|it| u64::from_str_radix(it, radix).ok());
    number.ok_or_else(unexpected)
}

/// The id that a member of a bucket is. `None` for what no script writes there: no id, another spelling of one, or one of
/// another bucket, whose family lies elsewhere.
pub(super) fn id(bucket: Bucket, member: &[u8]) -> Option<FamilyId> {
    let id: FamilyId = std::str::from_utf8(member).ok()?.parse().ok()?;
    (id.to_string().as_bytes() == member && Bucket::of(id) == bucket).then_some(id)
}

fn found(id: FamilyId, reply: Value) -> Result<Found, StoreError> {
    let mut parts = items(reply)?.into_iter();
    match (parts.next(), parts.next()) {
        (Some(Value::Int(0)), Some(fields)) => {
            let fields = Fields::new(fields)?;
            if fields.is_empty() {
                return Ok(Found::Gone);
            }
            Ok(fields.family(id).map_or_else(
                |impossible| Found::Damaged(impossible, names(&fields)),
                |family| Found::Family(Box::new(family)),
            ))
        }
        (Some(Value::Int(2)), Some(_)) => {
            let nothing = Names { subject: None, client: None };
            Ok(Found::Damaged(Impossible { family: id, field: "record" }, nothing))
        }
        _ => Err(unexpected()),
    }
}

fn names(fields: &Fields) -> Names {
    let field = |name| fields.field(name).map(<[u8]>::to_vec);
    Names { subject: field("subject"), client: field("client") }
}
