//! A server's place in histories: ids, offsets, and the backlog that others can go on from.

use std::collections::VecDeque;

use gungnir::valkey::Id;

use crate::chance::Chance;

use super::stream::Entry;

/// No history.
pub const NONE: Id = Id::from_bytes([0; 20]);

/// A new id.
pub fn new_id(chance: &Chance) -> Id {
    let mut bytes = [0; 20];
    for half in bytes.chunks_mut(7) {
        let drawn = chance.below(1 << 56).to_le_bytes();
        half.copy_from_slice(&drawn[..half.len()]);
    }
    Id::from_bytes(bytes)
}

/// The history that a server is on, and the one before.
#[derive(Debug, Clone)]
pub struct History {
    pub id: Id,
    pub earlier: Id,
    /// The first byte that is no longer of the earlier one; -1 when there is none.
    pub earlier_until: i64,
    pub offset: u64,
    pub backlog: Option<Backlog>,
}

/// The last entries of the history.
#[derive(Debug, Clone)]
pub struct Backlog {
    /// The first byte that is kept; it is the next one while nothing is.
    pub first: u64,
    pub bytes: u64,
    entries: VecDeque<Entry>,
}

impl History {
    pub fn new(chance: &Chance) -> Self {
        Self { id: new_id(chance), earlier: NONE, earlier_until: -1, offset: 0, backlog: None }
    }

    /// What is written from now on is of another history; this one ends here.
    pub fn shift(&mut self, next: Id) {
        self.earlier = self.id;
        self.earlier_until = i64::try_from(self.offset).unwrap() + 1;
        self.id = next;
    }

    pub fn forget_earlier(&mut self) {
        self.earlier = NONE;
        self.earlier_until = -1;
    }

    pub fn begin_backlog(&mut self) {
        let first = self.offset + 1;
        self.backlog.get_or_insert(Backlog { first, bytes: 0, entries: VecDeque::new() });
    }

    /// Goes on by one entry.
    pub fn push(&mut self, entry: &Entry, limit_bytes: u64) {
        self.offset += entry.bytes;
        let Some(backlog) = &mut self.backlog else { return };
        backlog.bytes += entry.bytes;
        backlog.entries.push_back(entry.clone());
        while backlog.bytes > limit_bytes {
            let Some(dropped) = backlog.entries.pop_front() else { break };
            backlog.bytes -= dropped.bytes;
            backlog.first += dropped.bytes;
        }
    }

    /// What somebody lacks who asks for this history from a byte on; `None` when he has to be sent
    /// everything.
    pub fn continuation(&self, id: Id, from: u64) -> Option<Vec<Entry>> {
        let of_earlier = id == self.earlier
            && self.earlier != NONE
            && i64::try_from(from).unwrap() <= self.earlier_until;
        let backlog = self.backlog.as_ref()?;
        if (id != self.id && !of_earlier)
            || from < backlog.first
            || from > backlog.first + backlog.bytes
        {
            return None;
        }
        let mut at = backlog.first + backlog.bytes;
        let lacks = backlog.entries.iter().rev().take_while(|entry| {
            let is_lacked = at > from;
            at -= entry.bytes;
            is_lacked
        });
        let mut lacks: Vec<Entry> = lacks.cloned().collect();
        lacks.reverse();
        Some(lacks)
    }
}
