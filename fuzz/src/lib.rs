//! What the fuzz targets run. The targets are one line each, and `tests/replay.rs` runs the corpora through the same
//! functions on a stable compiler.

/// What the operations derive here: the fuzzer reads them from bytes.
macro_rules! operations {
    ($($item:item)*) => { $( #[derive(Clone, Debug, arbitrary::Arbitrary)] $item )* };
}

#[path = "../../tests/backend/mod.rs"]
pub mod backend;
#[path = "../../tests/model/mod.rs"]
pub mod model;

use arbitrary::{Arbitrary, Unstructured};
use heirloom::KeyRing;
use heirloom::key::Key;
use heirloom::token::{Parsed, Presented};

use model::driver::Driver;
use model::operation::Operation;

/// So many operations of one list are carried out: enough for a family to live and die.
const OPERATIONS: usize = 64;

/// Any bytes, as text: nothing panics, what parses prints back to the same text, and that parses the same.
pub fn parse(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let ring = ring();
    let presented = Presented::verify(&text, &ring);
    match Parsed::parse(&text) {
        Ok(parsed) => {
            assert_eq!(parsed.to_text(), text, "a second spelling of one token");
            let again = Parsed::parse(&parsed.to_text()).expect("what was printed parses");
            assert_eq!(again.position(), parsed.position());
            assert_eq!(again.key(), parsed.key());
            assert_eq!(again.prefix(), parsed.prefix());
            if let Ok(presented) = presented {
                assert_eq!(presented.position(), parsed.position());
            }
        }
        Err(malformed) => {
            let refusal = presented.expect_err("verified, and does not parse");
            assert_eq!(refusal, malformed.into(), "two reasons for one string");
        }
    }
}

/// Any list of operations on two engines over a failing and lossy store, against the model.
pub fn ops(data: &[u8]) {
    drop(drive(data));
}

/// The same, for those who ask what has been answered.
pub fn drive(data: &[u8]) -> Driver {
    let mut bytes = Unstructured::new(data);
    let mut driver = Driver::default();
    for _ in 0..OPERATIONS {
        if bytes.is_empty() {
            break;
        }
        let Ok(operation) = Operation::arbitrary(&mut bytes) else { break };
        driver.apply(&operation);
    }
    driver
}

/// The ring that the tokens of the corpus were made with: two keys, two prefixes.
pub fn ring() -> KeyRing {
    let key = |id| model::translate::key(id, 0);
    let third: Key = key(3);
    KeyRing::new(key(1)).accept(third).expect("two ids")
}
