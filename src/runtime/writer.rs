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

/// Writes what it is told to, for ever. While it works, the board says so, and only then the work
/// takes room.
pub(super) async fn write_all<S: Store>(
    store: &mut S,
    board: &Board,
    mut orders: mpsc::Receiver<Box<Order>>,
) {
    while let Some(order) = orders.recv().await {
        let mut wait = BACKOFF.0;
        match *order {
            Order::Record(record, version) => match Box::pin(store.write(&record, version)).await {
                Ok(version) => {
                    if record.term > board.my_term() {
                        board.my_term.send_replace(record.term);
                    }
                    take(board, Versioned { record: Some(record), version });
                }
                Err(error) => {
                    pause(&mut wait, &error).await;
                    Box::pin(reread(store, board, &mut wait)).await;
                }
            },
            Order::Pointer(pointer) => match Box::pin(store.point(pointer)).await {
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
            }
            Order::Reread => Box::pin(begin(store, board)).await,
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

#[cfg(test)]
mod tests {
    use super::super::target::{NodeTarget, SetTargets};
    use super::*;
    use crate::sentinel::{Durability, Phase, Policy, ReplicaOrder, Settings};

    /// Keeps nothing, and has no trouble.
    struct Memory(u64);

    impl Store for Memory {
        async fn read(&mut self) -> Result<Versioned, StoreError> {
            Ok(Versioned { record: None, version: self.0 })
        }

        async fn write(&mut self, _: &Record, _: u64) -> Result<u64, StoreError> {
            self.0 += 1;
            Ok(self.0)
        }

        async fn pointer(&mut self) -> Result<Option<Pointer>, StoreError> {
            Ok(None)
        }

        async fn remember_gated(&mut self, _: BTreeSet<NodeId>) -> Result<(), StoreError> {
            Ok(())
        }

        async fn point(&mut self, _: Pointer) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn board() -> Board {
        let settings = Settings {
            ping_interval_ms: 100,
            down_after_ms: 3000,
            failover_timeout_ms: 60_000,
            min_replicas_to_write: 1,
            min_replicas_max_lag_s: 1,
            replica_order: ReplicaOrder::DataFirst,
            policy: Policy::Consistency,
            durability: Durability::Required,
            may_appoint_first: false,
            auto_failover: true,
            shuts_out: false,
        };
        Board::new(&SetTargets {
            settings,
            nodes: vec![NodeTarget::default(); 3],
            reread: 0,
            leadership: 0,
        })
    }

    fn record() -> Order {
        let record = Record { phase: Phase::Stable, ..Record::without_master(7, 1) };
        Order::Record(record, 0)
    }

    #[tokio::test]
    async fn in_whatever_order_it_comes_the_writing_ends() {
        let pointer = || Order::Pointer(Pointer { node: NodeId(1), epoch: 1 });
        let gated = || Order::Gated(BTreeSet::from([NodeId(0)]));
        for orders in [
            vec![record()],
            vec![record(), gated()],
            vec![gated(), record()],
            vec![pointer(), record(), gated()],
            vec![gated()],
        ] {
            let board = board();
            let told = format!("{orders:?}");
            let (sender, receiver) = mpsc::channel(4);
            for order in orders {
                sender.try_send(Box::new(order)).unwrap();
                board.writing.set(true);
            }
            drop(sender);
            write_all(&mut Memory(0), &board, receiver).await;
            assert!(!board.writing.get(), "{told}");
        }
    }

    #[tokio::test]
    async fn a_term_is_told_once_it_is_written() {
        let board = board();
        let terms = board.my_term.subscribe();
        let (sender, receiver) = mpsc::channel(1);
        sender.try_send(Box::new(record())).unwrap();
        drop(sender);
        write_all(&mut Memory(0), &board, receiver).await;
        assert!(terms.has_changed().unwrap());
        assert_eq!(*terms.borrow(), 7);
    }
}
