//! From an operation, which only selects, to what is asked: by whom, of which node, at which instant.

use heirloom::testing;
use heirloom::token::Position;

use super::driver::Driver;
use super::history::Token;
use super::operation::{
    AdoptionShape, Call, Edge, KeyChange, MadeUp, Place, PolicyShape, Presentation, Proof,
    ResourceShape, Side, Spelling, Surroundings, WindowShape,
};
use super::translate::{self, CLIENTS, KEYS, SUBJECTS};
use super::words::{
    Ask, Asked, END_OF_TIME, FamilyNo, LEGACIES, Millis, Resource, Rules, Showing, Window,
    legacy_text,
};

/// Lengths that clocks move by.
const STEPS: [Millis; 8] = [1, 999, 3_600, 5_000, 9_999, 30_000, 61_000, 3_600_000];

impl Driver {
    /// What is asked; `None` when there is nothing yet that could be shown or meant.
    pub fn ask(&self, call: &Call) -> Option<Ask> {
        let shown = |presentation: &Presentation, asked: fn(Showing) -> Asked| {
            Some((presentation.node, asked(self.showing(presentation)?)))
        };
        let (node, call) = match call {
            Call::Issue(shape, policy) => {
                let now = self.node(shape.node).now();
                let consent = translate::consent(shape, now);
                (shape.node, Asked::Issue(consent, translate::rules(policy)))
            }
            Call::Adopt(shape, policy) => self.adopt(shape, policy),
            Call::Refresh(presentation) => shown(presentation, Asked::Refresh)?,
            Call::Revoke(presentation) => shown(presentation, Asked::Revoke)?,
            Call::Introspect(presentation) => shown(presentation, Asked::Introspect)?,
            Call::Explain(presentation) => shown(presentation, Asked::Explain)?,
            Call::RevokeFamily(family) => (*family, Asked::RevokeFamily(self.family(*family)?)),
            Call::RevokeAll(which) => (*which, revoke_all(*which, None)),
            Call::RevokeOthers(which, keep) => {
                (*which, revoke_all(*which, Some(self.family(*keep)?)))
            }
            Call::ChangeGrant(family, scope) => {
                let no = self.family(*family)?;
                let mut consent = self.model.issued[no].0.clone();
                consent.scope = translate::words(scope).unwrap_or_default();
                (*family, Asked::ChangeGrant(no, consent))
            }
            Call::Purge(limit) => (*limit, Asked::Purge { limit: usize::from(*limit % 5) }),
        };
        Some(self.heard_by(node, call))
    }

    /// The same, as a node hears it now.
    pub fn heard_by(&self, node: u8, call: Asked) -> Ask {
        let at = self.node(node);
        let ring = at.ring();
        let accepted = ring.accepted.clone();
        let (now, window) = (at.now(), at.window());
        Ask { node: usize::from(node % 2), now, shown_at: now, ring, accepted, window, call }
    }

    /// For the grant that it was adopted for before, unless the host has mixed them up.
    fn adopt(&self, shape: &AdoptionShape, policy: &PolicyShape) -> (u8, Asked) {
        let now = self.node(shape.grant.node).now();
        let legacy = usize::from(shape.legacy) % LEGACIES;
        let before = self.model.legacies.get(&legacy).filter(|_| !shape.other_grant);
        let consent = match before {
            Some((no, _)) => self.model.issued[*no].0.clone(),
            None => translate::consent(&shape.grant, now),
        };
        let until = now + translate::length(&shape.until, 30_000, 200_000).unwrap_or_default();
        let (by_hash, rules) = (shape.by_hash, translate::rules(policy));
        let until = until.min(END_OF_TIME);
        (shape.grant.node, Asked::Adopt { legacy, by_hash, consent, rules, until })
    }

    pub fn showing(&self, presentation: &Presentation) -> Option<Showing> {
        let no = self.family(presentation.family)?;
        let released = self.model.released(no);
        let token = *released.get(usize::from(presentation.back) % released.len().max(1))?;
        let genuine = self.model.tokens[token].text.clone()?;
        let text = self.spelled(&genuine, &presentation.spelling);
        let (consent, issued_under) = &self.model.issued[no];
        let client = match presentation.wrong_client {
            true => CLIENTS[usize::from(consent.client == CLIENTS[0])],
            false => consent.client,
        };
        let is_text = |known: &Token| known.text.as_ref() == Some(&text);
        let token = self.model.tokens.iter().position(is_text);
        Some(Showing {
            token,
            ours: token.is_some_and(|token| self.model.tokens[token].key.is_some()),
            text,
            client,
            proof: match presentation.proof {
                Proof::Right => consent.key,
                Proof::Wrong => Some(KEYS[1]),
                Proof::Missing => None,
            },
            scope: translate::words(&presentation.scope),
            resource: match presentation.resource {
                ResourceShape::Omitted => None,
                ResourceShape::Own => Some(Resource::Own),
                ResourceShape::Foreign => Some(Resource::Foreign),
            },
            rules: rules(presentation.policy.as_ref(), issued_under),
        })
    }

    fn spelled(&self, genuine: &str, spelling: &Spelling) -> String {
        let mut text = genuine.to_owned();
        match spelling {
            Spelling::Genuine => {}
            Spelling::Altered(at) => {
                let at = usize::from(*at) % text.chars().count();
                let alter = |(no, was)| match was {
                    _ if no != at => was,
                    'A' => 'B',
                    _ => 'A',
                };
                text = text.chars().enumerate().map(alter).collect();
            }
            Spelling::Truncated => {
                let _last = text.pop();
            }
            Spelling::Padded => text.push('='),
            // Version, key, family and generation are the first 24 bytes: 32 characters.
            Spelling::Forged => {
                let secret = text.len().checked_sub(64).filter(|at| text.is_char_boundary(*at));
                let secret = secret.unwrap_or_default();
                text.replace_range(secret.., &self.foreign[self.foreign.len() - 64..]);
            }
            Spelling::Empty => text.clear(),
            Spelling::Legacy(no) => text = legacy_text(usize::from(*no)),
        }
        text
    }

    fn family(&self, selector: u8) -> Option<FamilyNo> {
        usize::from(selector).checked_rem(self.model.issued.len())
    }

    /// What happens without a call: to clocks, rings, processes and disks.
    pub fn surround(&mut self, change: &Surroundings) {
        match change {
            Surroundings::Pass(step) => {
                for node in 0..2 {
                    self.set_clock(node, self.node(node).now() + length(*step));
                }
            }
            Surroundings::Edge(family, edge, side) => {
                if let Some(edge) = self.edge(*family, edge) {
                    let instant = match side {
                        Side::Before => edge - 1,
                        Side::At => edge,
                        Side::After => edge + 1,
                    };
                    (0..2).for_each(|node| self.set_clock(node, instant));
                }
            }
            Surroundings::Skew(node, ahead, step) => {
                let other = self.node(node.wrapping_add(1)).now();
                let skewed = if *ahead { other + length(*step) } else { other - length(*step) };
                self.set_clock(*node, skewed);
            }
            Surroundings::StepBack(step) => {
                for node in 0..2 {
                    self.set_clock(node, self.node(node).now() - length(*step));
                }
            }
            Surroundings::EndOfTime => (0..2).for_each(|node| self.set_clock(node, END_OF_TIME)),
            Surroundings::Keys(node, change) => self.change_keys(*node, change),
            Surroundings::Restart(node) => self.restart(*node),
            Surroundings::Window(node, shape) => self.set_window(*node, shape),
            Surroundings::Failover(lost) => self.fail_over(usize::from(*lost)),
            Surroundings::KeyTheft(family, place, made_up) => {
                self.steal_key(*family, place, made_up);
            }
        }
    }

    fn steal_key(&mut self, selector: u8, place: &Place, made_up: &MadeUp) {
        let Some(no) = self.family(selector) else { return };
        let Some(family) = self.model.kept.get(&no) else { return };
        let line = family.newest_line();
        let (line, current) = (line.number, line.current().place);
        let place = match place {
            Place::Before => current.saturating_sub(1),
            Place::Current => current,
            Place::Next => current + 1,
        };
        let key = self.node(0).ring().active;
        let branch = u16::try_from(line).expect("a small number");
        let secret = self.made_up(no, branch, made_up);
        let generation = u32::try_from(place).expect("a small number");
        let position = Position { family: self.ids[no], branch, generation };
        let token = testing::token(&translate::key(key, 0), position, secret);
        self.model.forge(no, line, place, key, token.into_exposed());
    }

    /// The window closes so long from now, and the family was issued on the given side of its date.
    pub fn set_window(&self, node: u8, shape: &WindowShape) {
        let now = self.node(node).now();
        let length = translate::length(&shape.length, 20_000, 3_600_000);
        let kept = self.family(shape.family).and_then(|no| self.model.kept.get(&no));
        let issued_at = kept.map_or(now, |family| family.issued_at);
        let issued_before = match shape.side {
            Side::Before => issued_at + 1,
            Side::At => issued_at,
            Side::After => issued_at - 1,
        };
        let until = |length: Millis| (now + length).min(END_OF_TIME);
        let window = length.map(|length| Window { until: until(length), issued_before });
        self.node(node).set_window(window);
    }

    fn made_up(&self, no: FamilyNo, branch: u16, made_up: &MadeUp) -> [u8; 32] {
        let records = self.records();
        let head = records[&self.ids[no]].head_of(branch).expect("a line that is remembered");
        let anything = [0x5a; 32];
        let predecessor = head.predecessor.as_ref();
        match made_up {
            MadeUp::Anything => anything,
            MadeUp::Digest => *head.digest.as_bytes(),
            MadeUp::PredecessorDigest => {
                predecessor.map_or(anything, |predecessor| *predecessor.digest.as_bytes())
            }
            MadeUp::Salt => predecessor.map_or(anything, |predecessor| {
                let salt = *predecessor.salt.as_bytes();
                std::array::from_fn(|at| salt[at % 16])
            }),
        }
    }

    fn edge(&self, selector: u8, edge: &Edge) -> Option<Millis> {
        let no = self.family(selector)?;
        let (family, rules) = (self.model.kept.get(&no)?, &self.model.issued[no].1);
        let line = family.newest_line();
        match edge {
            Edge::Leeway => rules.leeway?.end(line.current().since),
            Edge::Idle => family.ends(line, rules).1,
            Edge::Absolute => family.ends(line, rules).0,
            Edge::Retention => family.forgettable_after(),
            Edge::Window => Some(self.node(selector).window()?.until),
        }
    }

    fn change_keys(&self, node: u8, change: &KeyChange) {
        let mut ring = self.node(node).ring();
        let key = |selector: u8| 1 + selector % 3;
        match change {
            KeyChange::Accept(selector) => {
                ring.accepted.insert(key(*selector));
            }
            KeyChange::Activate(selector) => {
                if ring.accepted.contains(&key(*selector)) {
                    ring.active = key(*selector);
                }
            }
            KeyChange::Remove(selector) => {
                if ring.active != key(*selector) {
                    ring.accepted.remove(&key(*selector));
                }
            }
            KeyChange::Adoption => ring.adopts = !ring.adopts,
        }
        self.node(node).set_ring(ring);
    }
}

fn length(selector: u8) -> Millis {
    STEPS[usize::from(selector) % STEPS.len()]
}

fn revoke_all(which: u8, keep: Option<FamilyNo>) -> Asked {
    let subject = Some(SUBJECTS[usize::from(which & 1)]);
    let client = Some(CLIENTS[usize::from(which >> 1 & 1)]);
    match which >> 2 & 3 {
        0 | 1 => Asked::RevokeAll { subject, client, keep },
        2 => Asked::RevokeAll { subject, client: None, keep },
        _ => Asked::RevokeAll { subject: None, client, keep },
    }
}

fn rules(other: Option<&PolicyShape>, issued_under: &Rules) -> Rules {
    other.map_or_else(|| issued_under.clone(), translate::rules)
}
