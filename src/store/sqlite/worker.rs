//! The threads that own the connections: one that writes, and those that read beside it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_channel::oneshot;
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::schema::{is_locked, patiently};
use crate::store::StoreError;

/// How many calls share a flush at most: a bound on how long the first of them waits.
const BATCH: usize = 256;

/// The queues to the threads. Dropped, it waits for what is under way.
pub(super) struct Workers {
    writer: Option<Sender<Box<dyn Job>>>,
    reader: Option<Sender<Box<dyn Job>>>,
    /// The writer's first.
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; the writer waits so long for the lock of another process.
    pub(super) fn start(
        writer: Connection,
        lock_wait: Duration,
        readers: impl IntoIterator<Item = Connection>,
    ) -> Result<Self, io::Error> {
        let (to_writer, writes) = channel();
        let (to_reader, reads) = channel();
        let mut workers =
            Self { writer: Some(to_writer), reader: Some(to_reader), threads: Vec::new() };
        workers.spawn("heirloom-writer", move || write_all(&writer, lock_wait, &writes))?;
        let reads = Arc::new(Mutex::new(reads));
        for reader in readers {
            let reads = Arc::clone(&reads);
            workers.spawn("heirloom-reader", move || read_all(&reader, &reads))?;
        }
        Ok(workers)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), io::Error> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Waits for the threads to end, but for the first ones.
    fn join(&mut self, first: usize) {
        while self.threads.len() > first
            && let Some(thread) = self.threads.pop()
        {
            // One that panicked has answered nothing: its callers have been told so.
            let _ = thread.join();
        }
    }

    /// Carries out work in the next batch, and answers when that is flushed. If its future is dropped before its turn it is
    /// not begun; after that it is done.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(self.writer.as_ref(), work).await
    }

    /// Carries out work on a connection that only reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        send(self.reader.as_ref(), work).await
    }
}

impl Drop for Workers {
    /// The writer last: whoever closes alone takes the write-ahead log into the file and removes it. Of connections that
    /// close at once each leaves that to the other.
    fn drop(&mut self) {
        self.reader = None;
        self.join(1);
        self.writer = None;
        self.join(0);
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers").field("threads", &self.threads.len()).finish()
    }
}

async fn send<T: Send + 'static>(
    queue: Option<&Sender<Box<dyn Job>>>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    let sent = queue.is_some_and(|queue| queue.send(Box::new(Call::Asked(work, reply))).is_ok());
    let answer = if sent { answer.await.ok() } else { None };
    answer.unwrap_or_else(|| Err(StoreError::unavailable(Gone)))
}

/// The thread of a store has ended: it panicked.
#[derive(Debug, thiserror::Error)]
#[error("the thread that owns the SQLite connection has ended")]
struct Gone;

/// Work, and to whom its result goes, in three states.
trait Job: Send {
    /// Does the work; `false` if it failed, and what it had begun must be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Sends the result, or the error that has undone it.
    fn answer(self: Box<Self>, undone: Option<StoreError>);
}

enum Call<W, T> {
    Asked(W, Reply<T>),
    Done(Result<T, StoreError>, Reply<T>),
    Taken,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

impl<W, T> Job for Call<W, T>
where
    W: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        match std::mem::replace(self, Self::Taken) {
            // Given up before its turn: it would be carried out late, at an instant that has passed.
            Self::Asked(_, reply) if reply.is_canceled() => true,
            Self::Asked(work, reply) => {
                let result = work(connection);
                let succeeded = result.is_ok();
                *self = Self::Done(result, reply);
                succeeded
            }
            Self::Done(..) | Self::Taken => false,
        }
    }

    fn answer(self: Box<Self>, undone: Option<StoreError>) {
        // Nobody may be waiting any more.
        let _ = match (*self, undone) {
            (Self::Done(Err(own), reply), _) => reply.send(Err(own)),
            (Self::Done(_, reply) | Self::Asked(_, reply), Some(error)) => reply.send(Err(error)),
            (Self::Done(result, reply), None) => reply.send(result),
            (Self::Asked(..) | Self::Taken, _) => Ok(()),
        };
    }
}

fn read_all(connection: &Connection, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        // The lock is held while waiting: the others wait for it instead.
        let next = queue.lock().recv();
        let Ok(mut job) = next else { return };
        job.run(connection);
        job.answer(None);
    }
}

fn write_all(connection: &Connection, lock_wait: Duration, queue: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(BATCH - 1));
        let flushed = write(connection, lock_wait, &mut batch).map_err(Arc::new);
        if flushed.as_ref().is_err_and(|error| is_locked(error)) {
            // Who came meanwhile has waited as well: nobody waits for more than one lock.
            batch.extend(queue.try_iter());
        }
        for job in batch {
            job.answer(flushed.as_ref().err().map(|why| StoreError::unavailable(Arc::clone(why))));
        }
    }
}

/// One transaction, one flush. On an error nobody is told of a success.
fn write(
    connection: &Connection,
    lock_wait: Duration,
    batch: &mut [Box<dyn Job>],
) -> rusqlite::Result<()> {
    let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    let mut transaction = patiently(lock_wait, begin)?;
    for job in batch {
        let savepoint = transaction.savepoint()?;
        if job.run(&savepoint) {
            savepoint.commit()?;
        } else {
            // Also undone by SQLite itself, with the whole transaction, on a full disk or an I/O error: then this fails.
            savepoint.finish()?;
        }
    }
    transaction.commit()
}
