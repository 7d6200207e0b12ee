//! S6: every family, once, in pages.

use super::clause::Violation;
use super::sample::{NOW, advanced, before, ended, grant, guard};
use super::trial::Trial;
use crate::family::{Family, Reason};
use crate::store::{Page, Selector};
use crate::token::FamilyId;

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    pages_are_complete_ascending_and_full(trial).await?;
    names_are_compared_as_they_are(trial).await?;
    families_are_shown_as_they_are_now(trial).await?;
    families_created_between_pages_do_no_harm(trial).await
}

/// Two subjects at two clients: some of each match a selector only in part.
async fn pages_are_complete_ascending_and_full(trial: &Trial<'_>) -> Result<(), Violation> {
    let (subjects, clients) = (names(trial, "user"), names(trial, "app"));
    let mut families = Vec::new();
    for (number, (subject, client)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        for first in [0x00, 0x3f, 0x7f, 0x80, 0xff, 0x5c][number..].iter().copied() {
            let mut family = named(trial, &subjects[subject], &clients[client]);
            // Ids are compared as unsigned bytes.
            let mut id: [u8; 16] = *family.id.as_bytes();
            id[0] = first;
            family.id = FamilyId::from_bytes(id);
            families.push(trial.created(family).await?);
        }
    }
    families.sort_by_key(|family| family.id);
    for (subject, client) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let (subject, client) = (&subjects[subject], &clients[client]);
        for selector in [
            Selector::subject(subject),
            Selector::client(client),
            Selector::subject_and_client(subject, client),
        ] {
            every_page_is_right(trial, &selector, &families).await?;
        }
    }
    let nobody = [
        Selector::subject(&clients[0]),
        Selector::client(&subjects[0]),
        Selector::subject_and_client(&clients[0], &subjects[0]),
        Selector::subject(""),
        // A pattern that the first of them fits.
        Selector::client(&format!("%{}", &clients[0][4..])),
    ];
    for selector in nobody {
        every_page_is_right(trial, &selector, &[]).await?;
    }
    Ok(())
}

/// Pages of each size, begun at each family, and at ids that are none.
async fn every_page_is_right(
    trial: &Trial<'_>,
    selector: &Selector,
    families: &[Family],
) -> Result<(), Violation> {
    let matching: Vec<&Family> =
        families.iter().filter(|family| selector.matches(family)).collect();
    let edges =
        [FamilyId::from_bytes([0; 16]), FamilyId::from_bytes([0xff; 16]), trial.sample.id()];
    // Of families that do not match, too: a page may begin after any id.
    let begins = families.iter().map(|family| family.id).chain(edges).map(Some).chain([None]);
    for begin in begins {
        let rest: Vec<&Family> = matching
            .iter()
            .filter(|family| begin.is_none_or(|id| family.id > id))
            .copied()
            .collect();
        for limit in [1, 2, rest.len().max(1), rest.len() + 1, 1_000, usize::MAX] {
            let page = Page { after: begin, limit };
            is_page(trial, selector, page, &rest[..limit.min(rest.len())]).await?;
        }
    }
    Ok(())
}

async fn is_page(
    trial: &Trial<'_>,
    selector: &Selector,
    page: Page,
    expected: &[&Family],
) -> Result<(), Violation> {
    let promise = "a page is of the next families that match, ascending by id, and full unless it is the last";
    let seen = trial.turn().select(selector, page).await?;
    let ids: Vec<_> = seen.iter().map(|family| family.as_ref().map(|it| it.id)).collect();
    let right = ids.iter().copied().eq(expected.iter().map(|family| Ok(family.id)));
    if !right {
        let expected: Vec<_> = expected.iter().map(|family| family.id).collect();
        let seen = format!("{page:?} of {selector:?}: {ids:?} and not {expected:?}");
        return Err(trial.broken(promise, seen));
    }
    for (seen, expected) in seen.iter().flatten().zip(expected) {
        trial.same("a selected family is as it is stored", expected, seen)?;
    }
    Ok(())
}

/// What a query, a pattern or a key put together by hand would confuse.
async fn names_are_compared_as_they_are(trial: &Trial<'_>) -> Result<(), Violation> {
    let [word, _] = names(trial, "user");
    let pairs = [
        ("x", "y"),
        ("X", "y"),
        ("x ", "y"),
        ("x:y", "z"),
        ("x", "y:z"),
        ("x|y", "z"),
        ("x", "y|z"),
        ("{x}", "{y}"),
        ("%", "_"),
        ("*", "?"),
        ("o'brien", "\"app\""),
        ("\\", "\\\\"),
        ("caf\u{e9}", "y"),
        ("cafe\u{301}", "y"),
        ("\u{1f511}", "\u{1f512}"),
    ];
    let mut families = Vec::new();
    for (subject, client) in pairs {
        let family = named(trial, &format!("{word}{subject}"), &format!("{client}{word}"));
        families.push(trial.created(family).await?);
    }
    families.sort_by_key(|family| family.id);
    for family in &families {
        let (subject, client) = (&family.grant.subject, &family.grant.client);
        for selector in [
            Selector::subject(subject),
            Selector::client(client),
            Selector::subject_and_client(subject, client),
        ] {
            let expected: Vec<&Family> =
                families.iter().filter(|family| selector.matches(family)).collect();
            let page = Page { after: None, limit: 100 };
            is_page(trial, &selector, page, &expected).await?;
        }
    }
    Ok(())
}

/// Ended ones and those whose ends are reached among them: a host lists them.
async fn families_are_shown_as_they_are_now(trial: &Trial<'_>) -> Result<(), Violation> {
    let ([subject, _], [client, _]) = (names(trial, "user"), names(trial, "app"));
    let mut families = Vec::new();
    for _ in 0..4 {
        families.push(trial.created(named(trial, &subject, &client)).await?);
    }
    let mut lapsed = named(trial, &subject, &client);
    (lapsed.expires_at, lapsed.head.idle_expires_at) =
        (Some(lapsed.created_at), Some(before(NOW, 1)));
    families.push(trial.created(lapsed).await?);

    let head = trial.sample.next_head(&families[0].head, NOW);
    let _ = trial.turn().advance(&guard(&families[0]), &head).await?;
    families[0] = advanced(&families[0], &head);
    let revocation = trial.sample.revocation(Reason::Logout);
    let _ = trial.turn().revoke(families[1].id, &revocation).await?;
    families[1] = ended(&families[1], &revocation);
    let mut next = Family { version: families[2].version + 1, ..families[2].clone() };
    grant(&mut next).attributes.clear();
    let _ = trial.turn().replace(&families[2], &next).await?;
    families[2] = next;

    families.sort_by_key(|family| family.id);
    for selector in [
        Selector::subject(&subject),
        Selector::client(&client),
        Selector::subject_and_client(&subject, &client),
    ] {
        every_page_is_right(trial, &selector, &families).await?;
    }
    Ok(())
}

async fn families_created_between_pages_do_no_harm(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "families created between pages hide none that were there, and show none twice";
    let ([subject, _], [client, _]) = (names(trial, "user"), names(trial, "app"));
    let mut there = Vec::new();
    for _ in 0..8 {
        there.push(trial.created(named(trial, &subject, &client)).await?.id);
    }
    let selector = Selector::subject(&subject);
    let mut found: Vec<FamilyId> = Vec::new();
    loop {
        let page = Page { after: found.last().copied(), limit: 3 };
        let selected = trial.turn().select(&selector, page).await?;
        found.extend(selected.iter().flatten().map(|family| family.id));
        if selected.len() < page.limit || found.len() > 100 {
            break;
        }
        if found.len() < 9 {
            for _ in 0..2 {
                let _ = trial.created(named(trial, &subject, &client)).await?;
            }
        }
    }
    if !found.is_sorted_by(|one, next| one < next) {
        return Err(trial.broken(promise, format!("not ascending: {found:?}")));
    }
    match there.iter().find(|id| !found.contains(id)) {
        Some(hidden) => Err(trial.broken(promise, format!("{hidden} is not in {found:?}"))),
        None => Ok(()),
    }
}

/// Two names, the second longer by a letter.
fn names(trial: &Trial<'_>, kind: &str) -> [String; 2] {
    let word = trial.sample.word(kind);
    [word.clone(), format!("{word}s")]
}

fn named(trial: &Trial<'_>, subject: &str, client: &str) -> Family {
    let mut family = trial.sample.family();
    let grant = grant(&mut family);
    (grant.subject, grant.client) = (subject.into(), client.into());
    family
}
