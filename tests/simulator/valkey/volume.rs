//! A volume: what outlives a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gungnir::valkey::Id;

use super::stream::{Data, Text, Write};

/// A pod's data folder. Clones are the same folder.
#[derive(Debug, Clone, Default)]
pub struct Volume(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
pub struct Disk {
    pub rdb: Option<Rdb>,
    pub aof: Option<Aof>,
    pub is_full: bool,
}

/// A snapshot, and where in which history it was taken, when the server knew.
#[derive(Debug, Clone)]
pub struct Rdb {
    pub data: Data,
    pub history: Option<(Id, u64)>,
}

/// An append-only file.
#[derive(Debug, Clone, Default)]
pub struct Aof {
    /// What a loss of power leaves.
    synced: BTreeMap<Text, Text>,
    /// What the kernel has and the disk has not.
    unsynced: Vec<Write>,
}

impl Aof {
    pub fn of(data: &Data) -> Self {
        Self { synced: BTreeMap::clone(data), unsynced: Vec::new() }
    }

    pub fn append(&mut self, write: Write) {
        self.unsynced.push(write);
    }

    pub fn sync(&mut self) {
        for write in self.unsynced.drain(..) {
            write.apply(&mut self.synced);
        }
    }

    /// What a server reads from it.
    pub fn data(&self) -> Data {
        let mut data = self.synced.clone();
        self.unsynced.iter().for_each(|write| write.apply(&mut data));
        Arc::new(data)
    }
}

impl Volume {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// While it is full, nothing more is written to it.
    pub fn set_full(&self, is_full: bool) {
        self.with(|disk| disk.is_full = is_full);
    }

    /// The power fails: of what was not synced, only so many writes per mille got to the disk.
    pub fn lose_power(&self, kept_per_mille: usize) {
        self.with(|disk| {
            if let Some(aof) = &mut disk.aof {
                aof.unsynced.truncate(aof.unsynced.len() * kept_per_mille / 1000);
                aof.sync();
            }
        });
    }

    pub fn with<R>(&self, act: impl FnOnce(&mut Disk) -> R) -> R {
        act(&mut self.0.lock().unwrap())
    }
}
