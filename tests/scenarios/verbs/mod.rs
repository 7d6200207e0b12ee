//! The verbs, by group.

mod each;
mod host;
mod import;
mod look;
mod policy;
mod race;
mod refresh;
mod show;
mod store;
mod strings;
mod surgery;

use serde_json::Value;

use super::expect::words;
use super::fields::{Check, Fields};
use super::op::At;
use super::outcome::Word;
use super::step::{Act, Actor};
use super::world::World;

/// An act, and the feature tags that it needs.
type Needing = (Act, Vec<String>);

/// Reads the fields of a verb.
///
/// # Errors
///
/// An unknown verb, a field that is missing or wrong.
pub fn parse(verb: &str, fields: &mut Fields) -> Check<Needing> {
    let act = match verb {
        "refresh"
        | "issue"
        | "revoke_token"
        | "revoke_family"
        | "revoke_subject"
        | "revoke_client"
        | "revoke_subject_client"
        | "purge" => refresh::request(verb, fields)?,
        "refresh_if_any" => refresh::if_any(fields)?,
        "refresh_if_none" => refresh::if_none(fields)?,
        "refresh_chain" => refresh::chain(fields)?,
        "refresh_each" => each::refresh(fields)?,
        "revoke_each" => each::revoke(fields)?,
        "issue_many" => each::issue(fields)?,
        "concurrent" => race::concurrent(fields)?,
        "concurrent_ops" => race::concurrent_ops(fields)?,
        "concurrent_chains" => race::concurrent_chains(fields)?,
        "set_policy" => policy::set(fields)?,
        "build_policy" => return policy::build(fields),
        "engine_keys" => policy::engine_keys(fields)?,
        "host_hook" => host::hook(fields)?,
        "client_status" => host::client_status(fields)?,
        "subject_status" => host::subject_status(fields)?,
        "client_scopes" => host::client_scopes(fields)?,
        "use_access" => return host::lacking(fields, "access_tokens", &["token", "expect"]),
        "drop_access_tokens" => return host::lacking(fields, "access_tokens", &["family"]),
        "import_legacy" => import::legacy(fields)?,
        verb => quiet(verb, fields)?,
    };
    Ok((act, Vec::new()))
}

/// Verbs that ask nothing of an engine but to look, and those of the store and of strings.
fn quiet(verb: &str, fields: &mut Fields) -> Check<Act> {
    match verb {
        "introspect" => look::introspect(fields),
        "assert_states" => look::assert_states(fields),
        "assert_tokens" => show::assert_tokens(fields),
        "assert_tokens_do_not_contain" => show::assert_tokens_do_not_contain(fields),
        "collect_public_error" => show::collect_public_error(fields),
        "assert_all_equal" => show::assert_all_equal(fields),
        "assert_renderings_have_no" => show::assert_renderings_have_no(fields),
        "fault" => store::fault(fields),
        "restart" => store::restart(fields),
        "snapshot_store" => store::snapshot(fields),
        "restore_store" => store::restore(fields),
        "assert_store_has_no" => store::assert_has_no(fields),
        "assert_store_size" => store::assert_size(fields),
        "assert_store_ops" => store::assert_ops(fields),
        "delete_family_record" => surgery::delete_family(fields),
        "delete_token_record" => surgery::delete_token(fields),
        "damage_each_record" => surgery::damage(fields),
        "extract_stored_identifiers" => surgery::extract_identifiers(fields),
        "literal" => strings::literal(fields),
        "literal_repeat" => strings::literal_repeat(fields),
        "literal_family_id" => strings::literal_family_id(fields),
        "foreign_token" => strings::foreign_token(fields),
        "derive" => strings::derive(fields),
        "derive_all" => strings::derive_all(fields),
        other => Err(format!("unknown verb `{other}`")),
    }
}

/// A request that stands inside another verb.
fn nested(value: &Value) -> Check<(At, Option<String>)> {
    let mut fields = Fields::new("operation", value)?;
    let verb = fields.text_or("do", "refresh")?;
    let at = At::parse(&verb, &mut fields)?;
    let named = fields.text("as")?;
    fields.finish()?;
    Ok((at, named))
}

/// A verb that nobody but the host or the operator sees, and that comes to one word.
fn simple(
    fields: &mut Fields,
    does: impl Into<String>,
    act: impl Fn(&mut World) -> Check<Word> + Send + 'static,
) -> Check<Act> {
    let (wanted, does) = (words(fields)?, does.into());
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let word = act(world)?;
        world.tell(actor.or("operator"), does.clone(), String::new(), None);
        if wanted.is_empty() || wanted.contains(&word) {
            Ok(())
        } else {
            Err(format!("came to {}", word.as_str()))
        }
    }))
}
