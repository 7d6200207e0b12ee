//! The names of the keys. None of this may ever change within a format.

use crate::grant::Grant;
use crate::store::Selector;
use crate::token::FamilyId;

/// How many hash tags the families are spread over, hence how many pieces a cluster can put on different nodes.
const BUCKETS: u16 = 1024;

/// How many keys the index of one client is spread over: it may hold most of the families there are.
const SHARDS: u8 = 16;

/// Which hash tag a family lies under: ten bits of the random end of its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Bucket(u16);

impl Bucket {
    pub(super) fn of(id: FamilyId) -> Self {
        let [.., high, low] = *id.as_bytes();
        Self(u16::from_be_bytes([high, low]) % BUCKETS)
    }

    /// All of them, beginning at one.
    pub(super) fn all_from(first: u16) -> Vec<Self> {
        (0..BUCKETS).map(|offset| Self((first % BUCKETS + offset) % BUCKETS)).collect()
    }

    /// The one of this number; `None` after the last.
    pub(super) fn numbered(number: u16) -> Option<Self> {
        (number < BUCKETS).then_some(Self(number))
    }

    pub(super) fn number(self) -> u16 {
        self.0
    }
}

/// Makes the names that begin with a prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys(Box<str>);

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self(prefix.into())
    }

    /// The hash of a family.
    pub(super) fn family(&self, id: FamilyId) -> String {
        format!("{}:{{{:03x}}}:{id}", self.0, Bucket::of(id).0)
    }

    /// All families of a bucket, by when they end.
    pub(super) fn ends(&self, bucket: Bucket) -> String {
        format!("{}:{{{:03x}}}:ends", self.0, bucket.0)
    }

    /// The version of these names and of what is behind them.
    pub(super) fn format(&self) -> String {
        format!("{}:format", self.0)
    }

    /// Where a family's entries belong.
    pub(super) fn indexes(&self, id: FamilyId, grant: &Grant) -> [String; 2] {
        let shard = Bucket::of(id).0 % u16::from(SHARDS);
        [self.subject(&grant.subject), self.client(shard, &grant.client)]
    }

    /// The keys that together index what a selector asks for.
    pub(super) fn indexes_of(&self, selector: &Selector) -> Vec<String> {
        match selector {
            Selector::Subject(subject) | Selector::SubjectAndClient(subject, _) => {
                vec![self.subject(subject)]
            }
            Selector::Client(client) => {
                (0..SHARDS).map(|shard| self.client(shard.into(), client)).collect()
            }
        }
    }

    fn subject(&self, name: &str) -> String {
        format!("{}:subject:{{{}}}", self.0, Plain(name))
    }

    fn client(&self, shard: u16, name: &str) -> String {
        format!("{}:client:{{{shard:x}:{}}}", self.0, Plain(name))
    }
}

/// A name without braces, which would end the hash tag; no two names become one.
struct Plain<'a>(&'a str);

impl std::fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '{' => f.write_str("%7B"),
            '}' => f.write_str("%7D"),
            '%' => f.write_str("%25"),
            other => std::fmt::Write::write_char(f, other),
        })
    }
}
