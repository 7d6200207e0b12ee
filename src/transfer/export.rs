//! Out of a store.

use std::io::Write;

use super::error::TransferError;
use super::line::{Sum, VERSION, Writer, is_moved};
use crate::family::Impossible;
use crate::store::{Cursor, Scanned, Store};

/// An export, page by page, so that it can show progress and be interrupted.
///
/// ```
/// use heirloom::transfer::Export;
/// # use heirloom::{MemoryStore, Store};
///
/// # pollster::block_on(async {
/// # let (store, mut file) = (MemoryStore::new(), Vec::new());
/// let mut export = Export::new();
/// while export.page(&store, &mut file, 1000).await? {
///     eprintln!("{} families", export.families());
/// }
/// # Ok::<(), heirloom::transfer::TransferError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Export {
    next: Option<Cursor>,
    families: u64,
    bytes: u64,
    sum: Sum,
    begun: bool,
    over: bool,
    impossible: Vec<Impossible>,
}

/// Exports all families of a store. Blocks on the file: for a command, not for a server's own threads.
///
/// # Errors
///
/// [`TransferError`] of the store or the file, which then is cut: begin again, or use [`Export`].
pub async fn export<S: Store>(
    store: &S,
    file: &mut (impl Write + Send),
) -> Result<Export, TransferError> {
    let mut export = Export::new();
    while export.page(store, file, 1000).await? {}
    Ok(export)
}

impl Export {
    /// An export that begins with the first line.
    pub fn new() -> Self {
        let (families, bytes, sum, impossible) = (0, 0, Sum::default(), Vec::new());
        Self { next: None, families, bytes, sum, begun: false, over: false, impossible }
    }

    /// One that goes on after the page of a [mark](Self::mark): cut the file off after as many [bytes](Self::bytes), and write
    /// on there. The result is the file that an uninterrupted export would have written, as far as the store is the same.
    ///
    /// # Errors
    ///
    /// [`TransferError::Mark`]: not a mark, or one of another version of the format.
    pub fn resume(mark: &str) -> Result<Self, TransferError> {
        Self::marked(mark).ok_or(TransferError::Mark)
    }

    fn marked(mark: &str) -> Option<Self> {
        let mut parts = mark.split(' ');
        let mut number = || parts.next()?.parse::<u64>().ok();
        let (version, families, bytes) = (number()?, number()?, number()?);
        let sum = Sum::from_text(parts.next()?)?;
        let next = parts.next()?.parse().ok()?;
        let whole = version == VERSION && parts.next().is_none();
        whole.then(|| Self { next: Some(next), families, bytes, sum, begun: true, ..Self::new() })
    }

    /// Writes a page of at most so many families, and says whether more is to come.
    ///
    /// # Errors
    ///
    /// [`TransferError`] of the store, and nothing was written; or of the file, which may have got a part: cut it off after as
    /// many [bytes](Self::bytes) as before. Then call again.
    pub async fn page<S: Store>(
        &mut self,
        store: &S,
        file: &mut (impl Write + Send),
        limit: usize,
    ) -> Result<bool, TransferError> {
        if self.over {
            return Ok(false);
        }
        let Scanned { families, next } = store.scan(self.next.clone(), limit).await?;
        let mut page = Writer { text: String::new(), sum: self.sum };
        if !self.begun {
            page.header();
        }
        let (mut n, mut impossible) = (self.families, Vec::new());
        for found in families {
            match found {
                // It goes on in another store.
                Ok(family) if is_moved(&family) => {}
                Ok(family) => {
                    n += 1;
                    page.family(n, &family);
                }
                Err(damaged) => impossible.push(damaged),
            }
        }
        if next.is_none() {
            page.end(n);
        }
        file.write_all(page.text.as_bytes())?;
        file.flush()?;
        self.impossible.append(&mut impossible);
        self.bytes += u64::try_from(page.text.len()).unwrap_or(u64::MAX);
        (self.families, self.sum, self.begun, self.over) = (n, page.sum, true, next.is_none());
        self.next = next;
        Ok(!self.over)
    }

    /// How many families were written.
    pub fn families(&self) -> u64 {
        self.families
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Those whose records cannot be, and that are not in the file; since it was begun or resumed.
    pub fn impossible(&self) -> &[Impossible] {
        &self.impossible
    }

    /// Where to go on after an interruption; `None` before the first page and after the last. Keep it when the page is safely
    /// in the file.
    pub fn mark(&self) -> Option<String> {
        let next = self.next.as_ref()?;
        let (families, bytes, sum) = (self.families, self.bytes, self.sum.to_text());
        Some(format!("{VERSION} {families} {bytes} {sum} {next}"))
    }
}

impl Default for Export {
    fn default() -> Self {
        Self::new()
    }
}
