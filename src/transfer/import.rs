//! Into a store.

use std::io::{BufRead, Read};

use super::error::{LineError, TransferError};
use super::line::{Content, MAX_LINE, Sum, content, header, read, verify};
use crate::family::Family;
use crate::store::{Create, Created, Store};
use crate::token::FamilyId;

/// An import, line by line, so that it can show progress and be interrupted: to go on, begin again; what is there already is
/// passed over.
///
/// Nothing that the store holds is ever overwritten.
#[derive(Debug, Default)]
pub struct Import {
    line: u64,
    families: u64,
    sum: Sum,
    over: bool,
    imported: Imported,
}

/// What an import has come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Imported {
    /// Families that were written.
    pub new: u64,
    /// Families that were there already, as they are in the file.
    pub known: u64,
    /// Families that were there already, and are not as in the file: they have gone on since, or are others. Left alone.
    pub different: Vec<FamilyId>,
}

/// Imports a file. Blocks on the file: for a command, not for a server's own threads.
///
/// # Errors
///
/// [`TransferError`]: at the first line that is wrong. The families before it are imported, none after it.
pub async fn import<S: Store>(
    store: &S,
    file: &mut (impl BufRead + Send),
) -> Result<Imported, TransferError> {
    let mut import = Import::default();
    while import.line(store, file).await? {}
    Ok(import.imported)
}

/// Reads a whole file without importing anything, and says how many families it has.
///
/// # Errors
///
/// [`TransferError`] at the first line that is wrong.
pub fn check(file: &mut impl BufRead) -> Result<u64, TransferError> {
    let mut import = Import::default();
    while !import.over {
        let _family = import.next(file)?;
    }
    Ok(import.families)
}

impl Import {
    /// An import from the first line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Imports the next line, and says whether more is to come.
    ///
    /// # Errors
    ///
    /// As [`import`]. After an error of the store, this import has passed the line: begin again from the first line.
    pub async fn line<S: Store>(
        &mut self,
        store: &S,
        file: &mut (impl BufRead + Send),
    ) -> Result<bool, TransferError> {
        if self.over {
            return Ok(false);
        }
        if let Some(family) = self.next(file)? {
            self.insert(store, family).await?;
        }
        Ok(!self.over)
    }

    /// What it has come to so far.
    pub fn imported(&self) -> &Imported {
        &self.imported
    }

    /// How many lines were read.
    pub fn lines(&self) -> u64 {
        self.line
    }

    async fn insert<S: Store>(&mut self, store: &S, family: Family) -> Result<(), TransferError> {
        let id = family.id;
        match store.create(Create::new(family.clone())).await? {
            Created::New(_) => self.imported.new += 1,
            Created::Taken => match store.load(id).await? {
                Some(stored) if stored == family => self.imported.known += 1,
                Some(_) | None => self.imported.different.push(id),
            },
        }
        Ok(())
    }

    /// The next line's family; `None` for the first and the last line.
    fn next(&mut self, file: &mut impl BufRead) -> Result<Option<Family>, TransferError> {
        self.line += 1;
        let line = self.line;
        let wrong = |error| TransferError::Line { line, error };
        let text = read_line(file)?.map_err(wrong)?;
        let (family, is_last) = self.take(&text).map_err(wrong)?;
        if is_last && !file.fill_buf()?.is_empty() {
            return Err(TransferError::Line { line: line + 1, error: LineError::Trailing });
        }
        self.over = is_last;
        Ok(family)
    }

    /// A line's family, if it has one, and whether it is the last.
    fn take(&mut self, text: &str) -> Result<(Option<Family>, bool), LineError> {
        let next = self.families + 1;
        let content = if self.line == 1 { header(text)? } else { content(text)? };
        let fields = match &content {
            Content::Header if self.line == 1 => None,
            Content::Header => return Err(LineError::Order { found: 0, expected: next }),
            Content::Family(n, fields) if *n == next => Some(fields),
            Content::Family(n, _) => {
                return Err(LineError::Order { found: *n, expected: next });
            }
            Content::End(families) if *families == self.families => None,
            Content::End(families) => {
                let (found, read) = (*families, self.families);
                return Err(LineError::Count { found, read });
            }
        };
        let sum = verify(text, self.sum)?;
        let family = fields.map(read).transpose()?;
        self.sum = sum;
        self.families += u64::from(family.is_some());
        Ok((family, matches!(content, Content::End(_))))
    }
}

/// A line without its line feed; at the end of the file, and without a line feed, it is cut.
fn read_line(file: &mut impl BufRead) -> Result<Result<String, LineError>, TransferError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    file.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
    if bytes.pop() != Some(b'\n') {
        let long = bytes.len() + 1 >= MAX_LINE;
        return Ok(Err(if long { LineError::Form("too long".to_owned()) } else { LineError::Cut }));
    }
    let text = String::from_utf8(bytes);
    Ok(text.map_err(|_| LineError::Form("not UTF-8".to_owned())))
}
