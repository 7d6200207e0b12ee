//! Exports that stop and go on.

use std::io;

use heirloom::MemoryStore;
use heirloom::family::Impossible;
use heirloom::store::SqliteStore;
use heirloom::testing::{Fault, FaultStore};
use heirloom::transfer::{Export, TransferError};
use pollster::block_on;

use crate::transfer::sample::{everything, families, file, import};

#[test]
fn an_export_that_goes_on_from_any_mark_writes_the_same_file() {
    let sample = everything();
    let whole = file(&sample.store);
    for limit in [1, 2, 5, 100] {
        let (mut written, mut pages) = (Vec::new(), 0);
        let mut export = Export::new();
        loop {
            let more = block_on(export.page(&sample.store, &mut written, limit)).unwrap();
            pages += 1;
            assert_eq!(export.bytes(), u64::try_from(written.len()).unwrap());
            assert_eq!(more, export.mark().is_some());
            let Some(mark) = export.mark() else { break };
            // Something of the next page had come into the file when the process died.
            let length = written.len();
            written.extend_from_slice(b"{\"n\":");
            export = Export::resume(&mark).unwrap();
            assert_eq!(export.bytes(), u64::try_from(length).unwrap());
            written.truncate(length);
        }
        assert_eq!(written, whole);
        assert!(limit > 50 || pages > 3);
    }
}

#[test]
fn an_export_from_a_file_goes_on_in_another_process() {
    let sample = everything();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("families.db");
    let whole = file(&sample.store);
    import(&SqliteStore::open(&path).unwrap(), &whole).unwrap();
    let (mut written, mut mark) = (Vec::new(), None::<String>);
    loop {
        let store = SqliteStore::open(&path).unwrap();
        let mut export = mark.map_or_else(Export::new, |it| Export::resume(&it).unwrap());
        let more = block_on(export.page(&store, &mut written, 3)).unwrap();
        mark = export.mark();
        if !more {
            break;
        }
    }
    assert_eq!(written, whole);
}

#[test]
fn an_export_stops_at_an_error_of_the_store_and_goes_on_where_it_was() {
    let sample = everything();
    let whole = file(&sample.store);
    let store = FaultStore::new(std::sync::Arc::clone(&sample.store));
    for call in 0..5 {
        let (mut export, mut written) = (Export::new(), Vec::new());
        store.fail_at(Fault::Before, call);
        let mut failed = 0;
        loop {
            match block_on(export.page(&store, &mut written, 4)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(TransferError::Store(_)) => failed += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((failed, &written), (1, &whole));
    }
}

/// A disk that is full after so many bytes.
struct Full(Vec<u8>, usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.1.saturating_sub(self.0.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = &bytes[..bytes.len().min(room)];
        self.0.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_export_onto_a_full_disk_goes_on_when_there_is_room() {
    let sample = everything();
    let whole = file(&sample.store);
    for room in (0..whole.len()).step_by(211) {
        let (mut export, mut disk) = (Export::new(), Full(Vec::new(), room));
        loop {
            let before = export.bytes();
            match block_on(export.page(&sample.store, &mut disk, 4)) {
                Ok(true) => {}
                Ok(false) => break,
                Err(TransferError::File(_)) => {
                    assert_eq!(export.bytes(), before);
                    disk.0.truncate(usize::try_from(before).unwrap());
                    disk.1 = usize::MAX;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(disk.0, whole);
    }
}

#[test]
fn what_is_no_mark_is_refused() {
    let sample = everything();
    let mut export = Export::new();
    assert_eq!(export.mark(), None);
    block_on(export.page(&sample.store, &mut Vec::new(), 2)).unwrap();
    let mark = export.mark().unwrap();
    let newer = format!("9{mark}");
    let longer = format!("{mark} 7");
    for text in ["", " ", "1", "1 2 3", &mark[..mark.len() - 1], &mark[2..], &newer, &longer] {
        assert!(matches!(Export::resume(text), Err(TransferError::Mark)), "{text:?}");
    }
}

#[test]
fn a_record_that_cannot_be_is_named_and_hides_no_other() {
    let sample = everything();
    let all = sample.families();
    let store = FaultStore::new(std::sync::Arc::clone(&sample.store));
    let damage = Impossible { family: all[3].id, field: "grant" };
    store.poison(all[3].id, Some(damage));
    let (mut export, mut written) = (Export::new(), Vec::new());
    while block_on(export.page(&store, &mut written, 5)).unwrap() {}
    assert_eq!(export.impossible(), [damage]);
    let other = MemoryStore::new();
    import(&other, &written).unwrap();
    assert_eq!(families(&other).len(), all.len() - 1);
}
