//! Where the election record lives: the first of the two ports of the runtime.

use std::future::Future;
use std::io;

use crate::sentinel::{Pointer, Record};

/// The record with the version that a write of it has to name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The record; `None` when none has ever been written.
    pub record: Option<Record>,
    /// Which one it is. Only equality means anything.
    pub version: u64,
}

/// Why a record was not written, or not read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote in between; read it again.
    #[error("the record was changed by somebody else")]
    Conflict,
    /// It cannot be reached now; try again later.
    #[error("the record cannot be written or read")]
    Unavailable(#[source] io::Error),
}

/// Keeps the record and the pointer that clients follow. One process writes at a time; a write by
/// any other makes the next one here a conflict.
pub trait Store {
    /// The record as it is now.
    fn read(&mut self) -> impl Future<Output = Result<Versioned, StoreError>>;

    /// Replaces the record if it is still of `version`; returns the new version once it would
    /// survive a crash.
    fn write(
        &mut self,
        record: &Record,
        version: u64,
    ) -> impl Future<Output = Result<u64, StoreError>>;

    /// Where clients are sent now, if that is known.
    fn pointer(&mut self) -> impl Future<Output = Result<Option<Pointer>, StoreError>>;

    /// Sends clients to a node.
    fn point(&mut self, pointer: Pointer) -> impl Future<Output = Result<(), StoreError>>;
}
