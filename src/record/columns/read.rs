//! From columns to a family, or to the first column that cannot be.

use std::array;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{COLUMNS, Column, Value, branches};
use crate::family::{Family, Head, Impossible, Predecessor, Reason, Reuse, Revocation, Status};
use crate::grant::{Binding, Grant};
use crate::key::KeyId;
use crate::scope::Scope;
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// Reads the row that is stored under an id; the values are asked for in the order of the [`COLUMNS`]. `None` for a
/// value that is not of the column's kind.
///
/// # Errors
///
/// [`Impossible`] with the id and the first column that cannot be.
pub fn read<'a>(
    id: FamilyId,
    mut value: impl FnMut(usize, &Column) -> Option<Value<'a>>,
) -> Result<Family, Impossible> {
    let impossible = |field| Impossible { family: id, field };
    let mut row = [const { Value::Null }; COLUMNS.len()];
    for (index, column) in COLUMNS.iter().enumerate() {
        row[index] = value(index, column).ok_or(impossible(column.name))?;
    }
    let family = Row { values: row.into_iter(), next: 0 }.family().map_err(impossible)?;
    if family.id != id {
        return Err(impossible("id"));
    }
    family.check_all()?;
    Ok(family)
}

/// Reads one column after the other; an error is a column's name.
struct Row<'a> {
    values: array::IntoIter<Value<'a>, { COLUMNS.len() }>,
    next: usize,
}

type Field<T> = Result<T, &'static str>;

impl<'a> Row<'a> {
    fn family(mut self) -> Field<Family> {
        let id = FamilyId::from_bytes(self.required(array)?);
        let version = self.required(integer)?;
        let live = self.required(|status| match &*text(status)? {
            "live" => Some(true),
            "revoked" => Some(false),
            _ => None,
        })?;
        let grant = self.grant()?;
        let created_at = self.required(instant)?;
        let expires_at = self.optional(instant)?;
        let kept_until = self.optional(instant)?;
        let status = self.status(live)?;
        let branches = self.optional(|value| branches::read(&text(value)?))?.unwrap_or_default();
        let branches_end_at = self.optional(instant)?;
        let head = self.head()?;
        let grant = Arc::new(grant);
        let family = Family {
            id,
            version,
            grant,
            created_at,
            expires_at,
            kept_until,
            status,
            head,
            branches,
        };
        if family.branches_end_at() == branches_end_at {
            Ok(family)
        } else {
            Err("branches_end_at")
        }
    }

    fn grant(&mut self) -> Field<Grant> {
        let subject = self.required(text)?;
        let mut grant = Grant::new(&subject, &self.required(text)?);
        grant.scope = self.required(|value| {
            let text = text(value)?;
            let scope = Scope::new(&text);
            (scope.as_str() == text).then_some(scope)
        })?;
        grant.resources = self.required(parse)?;
        grant.attributes = self.required(parse)?;
        let method = self.optional(text)?;
        let thumbprint = self.present(method.is_some(), array)?;
        grant.binding = match (method.as_deref(), thumbprint) {
            (Some("jkt"), Some(thumbprint)) => Some(Binding::Jkt(thumbprint)),
            (Some("x5t#S256"), Some(thumbprint)) => Some(Binding::X5tS256(thumbprint)),
            (Some(_), _) => return Err("binding_method"),
            (None, _) => None,
        };
        grant.not_after = self.optional(instant)?;
        Ok(grant)
    }

    /// What a revocation writes is there exactly when the family is revoked.
    fn status(&mut self, live: bool) -> Field<Status> {
        let at = self.present(!live, instant)?;
        let reason = self.present(!live, text)?;
        let call = self.present(!live, integer)?;
        let reuse = self.reuse(reason.as_deref() == Some("reuse"))?;
        let (Some(at), Some(reason), Some(call)) = (at, reason, call) else {
            return Ok(Status::Live);
        };
        let reason = reason_named(&reason, reuse).ok_or("reason")?;
        Ok(Status::Revoked(Revocation { at, reason, call }))
    }

    fn reuse(&mut self, expected: bool) -> Field<Option<Reuse>> {
        let behind = self.present(expected, small)?;
        let since = self.present(expected, integer)?;
        let used = self.present(expected, flag)?;
        let (Some(generations_behind), Some(since), Some(successor_used)) = (behind, since, used)
        else {
            return Ok(None);
        };
        let since_rotation = Duration::from_millis(since);
        Ok(Some(Reuse { generations_behind, since_rotation, successor_used }))
    }

    fn head(&mut self) -> Field<Head> {
        let head = Head {
            generation: self.required(small)?,
            digest: Digest::from_bytes(self.required(array)?),
            key: KeyId::new(self.required(small)?),
            rotated_at: self.required(instant)?,
            used_at: self.required(instant)?,
            idle_expires_at: self.optional(instant)?,
            predecessor: None,
            displaced: false,
        };
        // All of it, or nothing.
        let digest = self.optional(array)?;
        let exchanged = digest.is_some();
        let salt = self.present(exchanged, array)?;
        let closed = self.present(exchanged, flag)?;
        let displaced = self.required(flag)?;
        let replays = self.present(exchanged, small)?;
        let was_displaced = self.present(exchanged, flag)?;
        let predecessor = digest.zip(salt).zip(closed).zip(replays).zip(was_displaced);
        let predecessor = predecessor.map(|((((digest, salt), closed), replays), displaced)| {
            let (digest, salt) = (Digest::from_bytes(digest), Salt::from_bytes(salt));
            Predecessor { digest, salt, closed, replays, displaced }
        });
        Ok(Head { predecessor, displaced, ..head })
    }

    /// The next column, which may be NULL. The function says `None` to a value that cannot be.
    fn optional<T>(&mut self, read: impl FnOnce(Value<'a>) -> Option<T>) -> Field<Option<T>> {
        let name = self.name();
        self.next += 1;
        match self.values.next().ok_or(name)? {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or(name),
        }
    }

    /// The next column, which may not be NULL.
    fn required<T>(&mut self, read: impl FnOnce(Value<'a>) -> Option<T>) -> Field<T> {
        let name = self.name();
        self.optional(read)?.ok_or(name)
    }

    /// The next column, which is NULL unless it is expected.
    fn present<T>(
        &mut self,
        expected: bool,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Field<Option<T>> {
        let name = self.name();
        let value = self.optional(read)?;
        if value.is_some() == expected { Ok(value) } else { Err(name) }
    }

    fn name(&self) -> &'static str {
        COLUMNS.get(self.next).map_or("columns", |column| column.name)
    }
}

fn integer(value: Value<'_>) -> Option<u64> {
    match value {
        Value::Integer(integer) => Some(integer),
        _ => None,
    }
}

fn small<T: TryFrom<u64>>(value: Value<'_>) -> Option<T> {
    integer(value).and_then(|integer| T::try_from(integer).ok())
}

fn instant(value: Value<'_>) -> Option<Timestamp> {
    match value {
        Value::Timestamp(instant) => Some(instant),
        _ => None,
    }
}

fn flag(value: Value<'_>) -> Option<bool> {
    match value {
        Value::Flag(flag) => Some(flag),
        _ => None,
    }
}

fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn parse<T: DeserializeOwned>(value: Value<'_>) -> Option<T> {
    serde_json::from_str(&text(value)?).ok()
}

fn array<const N: usize>(value: Value<'_>) -> Option<[u8; N]> {
    match value {
        Value::Bytes(bytes) => bytes.as_ref().try_into().ok(),
        _ => None,
    }
}

fn reason_named(name: &str, reuse: Option<Reuse>) -> Option<Reason> {
    Some(match name {
        "reuse" => Reason::Reuse(reuse?),
        "diverged" => Reason::Diverged,
        "wrong_client" => Reason::WrongClient,
        "wrong_binding" => Reason::WrongBinding,
        "client_request" => Reason::ClientRequest,
        "logout" => Reason::Logout,
        "consent_withdrawn" => Reason::ConsentWithdrawn,
        "credential_change" => Reason::CredentialChange,
        "administrator" => Reason::Administrator,
        "evicted" => Reason::Evicted,
        "related_reuse" => Reason::RelatedReuse,
        "moved" => Reason::Moved,
        _ => return None,
    })
}
