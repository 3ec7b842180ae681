//! Writes the record and the pointer, one after the other, while nodes go on being watched.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::warn;

use crate::sentinel::{NodeId, Pointer, Record};

use super::board::Board;
use super::store::{Store, StoreError, Versioned};

/// How long to wait after a failure, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// What is to be written.
#[derive(Debug)]
pub(super) enum Order {
    /// The record, if it is still of that version.
    Record(Record, u64),
    /// Where clients are sent.
    Pointer(Pointer),
    /// Which nodes were seen to start as replicas of nowhere.
    Gated(BTreeSet<NodeId>),
    /// Somebody else may have written.
    Reread,
}

/// Reads what there is; returns once the store has answered.
pub(super) async fn begin<S: Store>(store: &mut S, board: &Board) {
    let mut wait = BACKOFF.0;
    loop {
        let read = async { Ok::<_, StoreError>((store.read().await?, store.pointer().await?)) };
        match read.await {
            Ok((versioned, pointer)) => {
                take(board, versioned);
                board.pointer.set(pointer);
                return;
            }
            Err(error) => pause(&mut wait, &error).await,
        }
    }
}

/// Writes what it is told to, for ever. While it works, the board says so.
pub(super) async fn write_all<S: Store>(
    mut store: S,
    board: &Board,
    mut orders: mpsc::Receiver<Order>,
) {
    while let Some(order) = orders.recv().await {
        let mut wait = BACKOFF.0;
        match order {
            Order::Record(record, version) => match store.write(&record, version).await {
                Ok(version) => {
                    if record.term > board.my_term() {
                        board.my_term.send_replace(record.term);
                    }
                    take(board, Versioned { record: Some(record), version });
                }
                Err(error) => {
                    pause(&mut wait, &error).await;
                    reread(&mut store, board, &mut wait).await;
                }
            },
            Order::Pointer(pointer) => match store.point(pointer).await {
                Ok(()) => board.pointer.set(Some(pointer)),
                // The rules ask for it again, if it is still so.
                Err(error) => {
                    pause(&mut wait, &error).await;
                    if let Ok(pointer) = store.pointer().await {
                        board.pointer.set(pointer);
                    }
                }
            },
            Order::Gated(gated) => {
                if let Err(error) = store.remember_gated(gated).await {
                    pause(&mut wait, &error).await;
                }
                continue;
            }
            Order::Reread => begin(&mut store, board).await,
        }
        // What was ordered in the meantime is part of the same work.
        if orders.is_empty() {
            board.writing.set(false);
        }
        board.changed.notify_one();
    }
}

/// After a failed write nobody knows which record stands: it is read until that is known.
async fn reread<S: Store>(store: &mut S, board: &Board, wait: &mut Duration) {
    loop {
        match store.read().await {
            Ok(versioned) => return take(board, versioned),
            Err(error) => pause(wait, &error).await,
        }
    }
}

fn take(board: &Board, Versioned { record, version }: Versioned) {
    *board.record.borrow_mut() = record;
    board.version.set(version);
}

async fn pause(wait: &mut Duration, error: &StoreError) {
    match error {
        StoreError::Conflict => {}
        StoreError::Unavailable(cause) => {
            warn!(%cause, "{error}; it is tried again");
            sleep(*wait).await;
            *wait = (*wait * 2).min(BACKOFF.1);
        }
    }
}
