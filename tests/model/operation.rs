//! What can happen, as plain data: one list of operations for proptest and for the fuzzer.
//!
//! Every number selects among what exists when the operation is carried out, modulo how many there are, so every
//! list of operations means something, and a shorter or smaller one too. The crate that includes the model says by
//! its macro `operations!` what these types derive beyond `Clone` and `Debug`.

operations! {
    /// One thing that happens.
    pub enum Operation {
        /// A call or a change of the surroundings, and nothing goes wrong.
        Step(Step),
        /// A call that the store or the network fails.
        Troubled(Call, Trouble),
        /// A refresh that fails, and the client's retry: the same token once more, to the other node.
        LostAnswer(Presentation, Trouble),
        /// A refresh in two steps, with other things between `begin` and `commit`; the trouble is the commit's.
        TwoSteps(Presentation, Vec<Step>, Trouble),
        /// Calls that interleave at every call of the store, as the bits say.
        Race(Call, Call, u64),
        /// The same presentation, three times at once.
        Crowd(Presentation, u64),
        /// The store comes back without its last writes, an operator opens a recovery window on a node, looks at a token, and its client
        /// comes back: at once, or around the end of the window, as the last field says.
        Recovery(u8, WindowShape, Presentation, Option<Side>),
        /// Three families of one user's, and the first token of the last of them once it is spent, at a store that fails.
        Breach(GrantShape, PolicyShape, Trouble),
    }
}

operations! {
    /// What takes one moment.
    pub enum Step {
        /// Somebody calls the engine.
        Call(Call),
        /// Clocks, key rings, processes and disks.
        Surroundings(Surroundings),
    }
}

operations! {
    /// A call of the engine.
    pub enum Call {
        /// A new family.
        Issue(GrantShape, PolicyShape),
        /// A token of another system.
        Adopt(AdoptionShape, PolicyShape),
        /// The refresh grant in one step.
        Refresh(Presentation),
        /// Token revocation by token.
        Revoke(Presentation),
        /// The end of one family.
        RevokeFamily(u8),
        /// The end of all families of a subject, a client, or both.
        RevokeAll(u8),
        /// The same, but for one family.
        RevokeOthers(u8, u8),
        /// Another scope for a family.
        ChangeGrant(u8, ScopeShape),
        /// Token introspection.
        Introspect(Presentation),
        /// What a refresh would decide.
        Explain(Presentation),
        /// The removal of at most so many families.
        Purge(u8),
    }
}

operations! {
    /// Somebody shows a string: a client, a thief, a stranger.
    pub struct Presentation {
        /// Which family.
        pub family: u8,
        /// Which of the strings released in it, counted back from the newest.
        pub back: u8,
        /// To which node.
        pub node: u8,
        /// What is done to the string before.
        pub spelling: Spelling,
        /// By the client that it was issued to.
        pub wrong_client: bool,
        /// With the right key, if there is one; a wrong one; none.
        pub proof: Proof,
        /// What is asked for.
        pub scope: ScopeShape,
        /// No resource, the granted one, a foreign one.
        pub resource: ResourceShape,
        /// Under another policy than the one that the family was issued under.
        pub policy: Option<PolicyShape>,
    }
}

impl Presentation {
    /// A genuine string, shown by its client as it should be.
    pub fn plain(family: u8, back: u8) -> Self {
        Self {
            family,
            back,
            node: 0,
            spelling: Spelling::Genuine,
            wrong_client: false,
            proof: Proof::Right,
            scope: ScopeShape::Omitted,
            resource: ResourceShape::Omitted,
            policy: None,
        }
    }
}

operations! {
    /// How a string differs from the one that was released.
    pub enum Spelling {
        /// Not at all.
        Genuine,
        /// One character of it is another.
        Altered(u8),
        /// Its last character is missing.
        Truncated,
        /// An equals sign follows.
        Padded,
        /// The same claims, tagged by somebody else's key of the same id.
        Forged,
        /// Nothing at all.
        Empty,
        /// It is another system's token instead.
        Legacy(u8),
    }
}

operations! {
    /// Which key is proved.
    pub enum Proof {
        /// The one that the family is bound to, or none if it is not bound.
        Right,
        /// Another one.
        Wrong,
        /// None.
        Missing,
    }
}

operations! {
    /// A scope, for a grant or a request.
    pub enum ScopeShape {
        /// No parameter; for a grant: no scope.
        Omitted,
        /// A parameter without a value; for a grant: no scope.
        Empty,
        /// One word.
        Read,
        /// Two.
        ReadWrite,
        /// Three.
        ReadWriteAdmin,
    }
}

operations! {
    /// A resource of a request.
    pub enum ResourceShape {
        /// None.
        Omitted,
        /// One that may have been granted.
        Own,
        /// One that never is.
        Foreign,
    }
}

operations! {
    /// What the user consents to.
    pub struct GrantShape {
        /// To which node the grant is brought.
        pub node: u8,
        /// Which of two clients.
        pub second_client: bool,
        /// Which of two subjects.
        pub second_subject: bool,
        /// Whether the tokens are bound to a key.
        pub bound: bool,
        /// The scope.
        pub scope: ScopeShape,
        /// Whether there is a resource in it.
        pub resource: bool,
        /// Whether the grant has an end of its own.
        pub ends: bool,
    }
}

operations! {
    /// A token of another system, and what it is adopted for.
    pub struct AdoptionShape {
        /// Which one.
        pub legacy: u8,
        /// Whether the host has kept only its hash.
        pub by_hash: bool,
        /// Whether it is adopted for this grant also if it was adopted before for another.
        pub other_grant: bool,
        /// The grant.
        pub grant: GrantShape,
        /// Until when it is acceptable; none: until now.
        pub until: Length,
    }
}

operations! {
    /// A recovery window.
    pub struct WindowShape {
        /// How long it is open; none: one that is open is closed.
        pub length: Length,
        /// The family that is issued just before its issue date, or on it, or after it.
        pub family: u8,
        /// On which side.
        pub side: Side,
    }
}

operations! {
    /// What the operator has chosen.
    pub struct PolicyShape {
        /// Never instead of at every use.
        pub keep: bool,
        /// What the predecessor is answered.
        pub leeway: LeewayShape,
        /// The idle lifetime.
        pub idle: Length,
        /// The absolute lifetime.
        pub absolute: Length,
        /// Whether ends are counted by the policy of now.
        pub live: bool,
        /// Whether a wrong client ends the family.
        pub wrong_client_ends: bool,
        /// Whether a wrong key ends the family.
        pub wrong_key_ends: bool,
        /// Whether a displaced token is reuse.
        pub displaced_ends: bool,
        /// What reuse ends.
        pub on_reuse: ReachShape,
        /// How many families a subject may have at a client.
        pub limit: LimitShape,
    }
}

operations! {
    /// The leeway.
    pub struct LeewayShape {
        /// What the predecessor is answered.
        pub mode: ModeShape,
        /// For how long.
        pub timer: Timer,
        /// How often: one to three times, or any number.
        pub uses: u8,
    }
}

operations! {
    /// What the predecessor is answered.
    pub enum ModeShape {
        /// The same successor again.
        Replay,
        /// Another one in its place.
        Newest,
        /// Another one beside it, up to two, three or four.
        Fork(u8),
        /// A refusal, and no breach.
        Refuse,
    }
}

operations! {
    /// When a leeway ends.
    pub enum Timer {
        /// So long after the exchange; none: there is no leeway.
        After(Length),
        /// At an instant.
        Until(u8),
        /// When the successor is used.
        UntilUsed,
    }
}

operations! {
    /// What reuse ends.
    pub enum ReachShape {
        /// Nothing.
        Nothing,
        /// The family.
        Family,
        /// All of the subject at the client.
        Client,
        /// All of the subject.
        Subject,
    }
}

operations! {
    /// How many families a subject may have at a client: one to three.
    pub enum LimitShape {
        /// Any number.
        None,
        /// The oldest go.
        Evict(u8),
        /// No more are issued.
        Refuse(u8),
    }
}

operations! {
    /// A length of time.
    pub enum Length {
        /// Ten seconds for a leeway, a minute or two for a lifetime.
        Short,
        /// Longer than the short lifetimes.
        Long,
        /// No such thing.
        None,
    }
}

operations! {
    /// What happens without a call.
    pub enum Surroundings {
        /// Both clocks move on.
        Pass(u8),
        /// Both clocks come to an edge of a family, or a millisecond before or after it.
        Edge(u8, Edge, Side),
        /// One node's clock is set apart from the other's: forward, or back.
        Skew(u8, bool, u8),
        /// Both clocks step back.
        StepBack(u8),
        /// Both clocks show the last instant there is.
        EndOfTime,
        /// A node gets another key ring.
        Keys(u8, KeyChange),
        /// A node's process starts again.
        Restart(u8),
        /// A node opens a recovery window, or closes it.
        Window(u8, WindowShape),
        /// The store comes back without its last writes.
        Failover(u8),
        /// Somebody who holds the keys and has read the store makes a token of a family: for which place, with
        /// which secret.
        KeyTheft(u8, Place, MadeUp),
    }
}

operations! {
    /// A place in a family's chain.
    pub enum Place {
        /// The predecessor's.
        Before,
        /// The current one's.
        Current,
        /// The next.
        Next,
    }
}

operations! {
    /// What a thief of keys and records can take for a secret.
    pub enum MadeUp {
        /// Anything.
        Anything,
        /// The current token's digest.
        Digest,
        /// The predecessor's digest.
        PredecessorDigest,
        /// The salt, twice.
        Salt,
    }
}

operations! {
    /// An instant at which an answer changes.
    pub enum Edge {
        /// The end of the leeway.
        Leeway,
        /// The idle end.
        Idle,
        /// The absolute end.
        Absolute,
        /// A retention after the family's end.
        Retention,
        /// The end of a node's recovery window.
        Window,
    }
}

operations! {
    /// On which side of an edge.
    pub enum Side {
        /// A millisecond before it.
        Before,
        /// On it.
        At,
        /// A millisecond after it.
        After,
    }
}

operations! {
    /// A change of a key ring.
    pub enum KeyChange {
        /// One more key is accepted.
        Accept(u8),
        /// Another of its keys mints.
        Activate(u8),
        /// One is dropped.
        Remove(u8),
        /// The key for legacy tokens comes, or goes.
        Adoption,
    }
}

operations! {
    /// What goes wrong with a call.
    pub enum Trouble {
        /// Nothing.
        None,
        /// The store does nothing at one of its calls, and reports an error.
        Before(u8),
        /// The store does it, and reports an error.
        After(u8),
        /// The store reports lost races, so many in a row, and does nothing.
        Conflicts(u8),
        /// The store reports a lost race, and has written.
        ConflictAfter(u8),
        /// The future is dropped after so many polls.
        Dropped(u8),
    }
}
