//! Which operations are likely: mostly those that honest clients make, often enough all others.

use proptest::prelude::*;

use crate::model::operation::{
    AdoptionShape, Call, Edge, GrantShape, KeyChange, LeewayShape, Length, LimitShape, MadeUp,
    ModeShape, Operation, Place, PolicyShape, Presentation, Proof, ReachShape, ResourceShape,
    ScopeShape, Side, Spelling, Step, Surroundings, Timer, Trouble, WindowShape,
};

thread_local! {
    /// Made once: it is asked for each operation of each list.
    static OPERATION: BoxedStrategy<Operation> = any_operation();
}

/// Anything that can happen once a family has been issued.
pub fn operation() -> BoxedStrategy<Operation> {
    OPERATION.with(Clone::clone)
}

fn any_operation() -> BoxedStrategy<Operation> {
    let race = (racer(), racer(), any::<u64>());
    prop_oneof![
        24 => step().prop_map(Operation::Step),
        4 => (call(), trouble()).prop_map(|(call, trouble)| Operation::Troubled(call, trouble)),
        5 => (presentation(), trouble())
            .prop_map(|(shown, trouble)| Operation::LostAnswer(shown, trouble)),
        5 => two_steps(),
        3 => race.prop_map(|(first, second, turns)| Operation::Race(first, second, turns)),
        2 => (presentation(), any::<u64>())
            .prop_map(|(shown, turns)| Operation::Crowd(shown, turns)),
        2 => (0..6_u8, window(), presentation(), prop::option::weighted(0.4, side())).prop_map(
            |(lost, window, shown, side)| Operation::Recovery(lost, window, shown, side)
        ),
        2 => breach(),
    ]
    .boxed()
}

/// Most end more than their family, at a store that fails at any of it.
fn breach() -> BoxedStrategy<Operation> {
    let reach = prop_oneof![
        1 => Just(ReachShape::Family),
        3 => Just(ReachShape::Client),
        3 => Just(ReachShape::Subject),
    ];
    let trouble = prop_oneof![
        2 => Just(Trouble::None),
        3 => (0..7_u8).prop_map(Trouble::Before),
        1 => (0..7_u8).prop_map(Trouble::After),
        1 => trouble(),
        2 => (0..16_u8).prop_map(Trouble::Dropped),
    ];
    (grant(), policy(), reach, trouble)
        .prop_map(|(grant, policy, on_reuse, trouble)| {
            let policy = PolicyShape { on_reuse, keep: false, limit: LimitShape::None, ..policy };
            Operation::Breach(grant, policy, trouble)
        })
        .boxed()
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Before), Just(Side::At), Just(Side::After)]
}

/// A new family.
pub fn issue() -> BoxedStrategy<Call> {
    (grant(), policy()).prop_map(|(grant, policy)| Call::Issue(grant, policy)).boxed()
}

fn adopt() -> BoxedStrategy<Call> {
    (adoption(), policy()).prop_map(|(adoption, policy)| Call::Adopt(adoption, policy)).boxed()
}

fn two_steps() -> BoxedStrategy<Operation> {
    let trouble = prop_oneof![3 => Just(Trouble::None), 1 => trouble()];
    (presentation(), prop::collection::vec(step(), 0..3), trouble)
        .prop_map(|(shown, between, trouble)| Operation::TwoSteps(shown, between, trouble))
        .boxed()
}

fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        3 => call().prop_map(Step::Call),
        2 => surroundings().prop_map(Step::Surroundings),
    ]
    .boxed()
}

fn call() -> BoxedStrategy<Call> {
    prop_oneof![
        16 => presentation().prop_map(Call::Refresh),
        2 => issue(),
        2 => adopt(),
        1 => presentation().prop_map(Call::Revoke),
        1 => selector().prop_map(Call::RevokeFamily),
        1 => any::<u8>().prop_map(Call::RevokeAll),
        1 => (any::<u8>(), selector()).prop_map(|(which, keep)| Call::RevokeOthers(which, keep)),
        2 => (selector(), scope()).prop_map(|(family, scope)| Call::ChangeGrant(family, scope)),
        2 => presentation().prop_map(Call::Introspect),
        2 => presentation().prop_map(Call::Explain),
        2 => any::<u8>().prop_map(Call::Purge),
    ]
    .boxed()
}

fn racer() -> BoxedStrategy<Call> {
    prop_oneof![
        6 => presentation().prop_map(Call::Refresh),
        1 => adopt(),
        1 => presentation().prop_map(Call::Revoke),
        1 => selector().prop_map(Call::RevokeFamily),
        1 => (selector(), scope()).prop_map(|(family, scope)| Call::ChangeGrant(family, scope)),
    ]
    .boxed()
}

/// One of the first few families.
fn selector() -> impl Strategy<Value = u8> {
    0..3_u8
}

prop_compose! {
    fn presentation()(
        family in selector(),
        back in prop_oneof![8 => Just(0), 4 => Just(1), 2 => 2..6_u8],
        node in 0..2_u8,
        spelling in spelling(),
        wrong_client in prop::bool::weighted(0.04),
        proof in prop_oneof![20 => Just(Proof::Right), 1 => Just(Proof::Wrong), 1 => Just(Proof::Missing)],
        scope in prop_oneof![5 => Just(ScopeShape::Omitted), 3 => scope()],
        resource in prop_oneof![
            8 => Just(ResourceShape::Omitted),
            1 => Just(ResourceShape::Own),
            1 => Just(ResourceShape::Foreign),
        ],
        policy in prop_oneof![
            10 => Just(None),
            2 => policy().boxed().prop_map(Some),
            1 => lifted().prop_map(Some),
        ],
    ) -> Presentation {
        Presentation { family, back, node, spelling, wrong_client, proof, scope, resource, policy }
    }
}

prop_compose! {
    fn grant()(
        node in 0..2_u8,
        second_client: bool,
        second_subject: bool,
        bound: bool,
        scope in prop_oneof![3 => Just(ScopeShape::ReadWrite), 1 => scope()],
        resource: bool,
        ends in prop::bool::weighted(0.2),
    ) -> GrantShape {
        GrantShape { node, second_client, second_subject, bound, scope, resource, ends }
    }
}

prop_compose! {
    fn adoption()(
        // Often the same.
        legacy in prop_oneof![3 => Just(0_u8), 2 => 1..5_u8],
        by_hash: bool,
        other_grant in prop::bool::weighted(0.3),
        grant in grant(),
        until in length(),
    ) -> AdoptionShape {
        AdoptionShape { legacy, by_hash, other_grant, grant, until }
    }
}

prop_compose! {
    fn window()(
        length in prop_oneof![4 => Just(Length::Short), 4 => Just(Length::Long), 1 => Just(Length::None)],
        family in selector(),
        side in prop_oneof![6 => Just(Side::Before), 1 => Just(Side::At), 1 => Just(Side::After)],
    ) -> WindowShape {
        WindowShape { length, family, side }
    }
}

prop_compose! {
    fn leeway()(
        mode in prop_oneof![
            6 => Just(ModeShape::Replay),
            4 => Just(ModeShape::Newest),
            4 => (0..3_u8).prop_map(ModeShape::Fork),
            2 => Just(ModeShape::Refuse),
        ],
        timer in prop_oneof![
            6 => length().prop_map(Timer::After),
            1 => (0..16_u8).prop_map(Timer::Until),
            2 => Just(Timer::UntilUsed),
        ],
        uses in prop_oneof![3 => Just(0_u8), 2 => 1..4_u8],
    ) -> LeewayShape {
        LeewayShape { mode, timer, uses }
    }
}

fn reach() -> impl Strategy<Value = ReachShape> {
    prop_oneof![
        1 => Just(ReachShape::Nothing),
        5 => Just(ReachShape::Family),
        1 => Just(ReachShape::Client),
        1 => Just(ReachShape::Subject),
    ]
}

fn limit() -> impl Strategy<Value = LimitShape> {
    prop_oneof![
        5 => Just(LimitShape::None),
        2 => (0..3_u8).prop_map(LimitShape::Evict),
        1 => (0..3_u8).prop_map(LimitShape::Refuse),
    ]
}

prop_compose! {
    fn policy()(
        keep in prop::bool::weighted(0.2),
        leeway in leeway(),
        idle in length(),
        absolute in length(),
        live in prop::bool::weighted(0.3),
        wrong_client_ends in prop::bool::weighted(0.3),
        wrong_key_ends in prop::bool::weighted(0.3),
        displaced_ends in prop::bool::weighted(0.4),
        on_reuse in reach(),
        limit in limit(),
    ) -> PolicyShape {
        PolicyShape {
            keep,
            leeway,
            idle,
            absolute,
            live,
            wrong_client_ends,
            wrong_key_ends,
            displaced_ends,
            on_reuse,
            limit,
        }
    }
}

/// One that keeps tokens, and has lifted the idle end that was stored.
fn lifted() -> BoxedStrategy<PolicyShape> {
    policy().prop_map(|policy| PolicyShape { keep: true, idle: Length::None, ..policy }).boxed()
}

fn length() -> BoxedStrategy<Length> {
    prop_oneof![3 => Just(Length::Short), 3 => Just(Length::Long), 1 => Just(Length::None)].boxed()
}

fn scope() -> BoxedStrategy<ScopeShape> {
    prop_oneof![
        Just(ScopeShape::Omitted),
        Just(ScopeShape::Empty),
        Just(ScopeShape::Read),
        Just(ScopeShape::ReadWrite),
        Just(ScopeShape::ReadWriteAdmin),
    ]
    .boxed()
}

fn spelling() -> BoxedStrategy<Spelling> {
    prop_oneof![
        60 => Just(Spelling::Genuine),
        2 => any::<u8>().prop_map(Spelling::Altered),
        1 => Just(Spelling::Truncated),
        1 => Just(Spelling::Padded),
        1 => Just(Spelling::Forged),
        1 => Just(Spelling::Empty),
        2 => (0..5_u8).prop_map(Spelling::Legacy),
    ]
    .boxed()
}

fn trouble() -> BoxedStrategy<Trouble> {
    prop_oneof![
        (0..3_u8).prop_map(Trouble::Before),
        (0..3_u8).prop_map(Trouble::After),
        prop_oneof![1..5_u8, Just(20)].prop_map(Trouble::Conflicts),
        (0..3_u8).prop_map(Trouble::ConflictAfter),
        (0..8_u8).prop_map(Trouble::Dropped),
    ]
    .boxed()
}

fn surroundings() -> BoxedStrategy<Surroundings> {
    let edge = prop_oneof![
        Just(Edge::Leeway),
        Just(Edge::Idle),
        Just(Edge::Absolute),
        Just(Edge::Retention),
        Just(Edge::Window)
    ];
    let place = prop_oneof![Just(Place::Before), Just(Place::Current), Just(Place::Next)];
    let made_up = prop_oneof![
        Just(MadeUp::Anything),
        Just(MadeUp::Digest),
        Just(MadeUp::PredecessorDigest),
        Just(MadeUp::Salt),
    ];
    let keys = prop_oneof![
        1 => (0..3_u8).prop_map(KeyChange::Accept),
        3 => (0..3_u8).prop_map(KeyChange::Activate),
        1 => (0..3_u8).prop_map(KeyChange::Remove),
        1 => Just(KeyChange::Adoption),
    ];
    prop_oneof![
        12 => (0..8_u8).prop_map(Surroundings::Pass),
        12 => (selector(), edge, side())
            .prop_map(|(family, edge, side)| Surroundings::Edge(family, edge, side)),
        3 => (0..2_u8, any::<bool>(), 0..7_u8)
            .prop_map(|(node, ahead, step)| Surroundings::Skew(node, ahead, step)),
        3 => (0..7_u8).prop_map(Surroundings::StepBack),
        1 => Just(Surroundings::EndOfTime),
        7 => (0..2_u8, keys).prop_map(|(node, change)| Surroundings::Keys(node, change)),
        1 => (0..2_u8).prop_map(Surroundings::Restart),
        2 => (0..2_u8, window())
            .prop_map(|(node, window)| Surroundings::Window(node, window)),
        4 => (0..4_u8).prop_map(Surroundings::Failover),
        1 => (selector(), place, made_up)
            .prop_map(|(family, place, secret)| Surroundings::KeyTheft(family, place, secret)),
    ]
    .boxed()
}
