//! What has happened, as far as a property is about it.

use super::packed::Entry;
use super::property::Property;
use super::server::Server;

/// The history of a world, for the properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Facts {
    /// How many writes were taken; each is its number.
    pub writes: u8,
    /// The writes that were acknowledged, as bits.
    pub acknowledged: u16,
    /// How many histories have begun.
    pub names: u8,
    /// Which deciding process was the last to get the lease.
    pub leader: u8,
    /// The recorded master of each epoch, four bits each: its place + 1.
    ruled: u64,
    /// The node that was sent a promotion in each epoch.
    elected: u64,
    /// An older record was put in place.
    pub restored: bool,
    /// People have said that writes may be lost, or were told that they may be.
    pub lossy: bool,
    /// Properties that were violated on the way here.
    broken: u16,
}

/// Enters a node for an epoch. Returns whether it is the one that was there, or the first.
fn enter(ledger: &mut u64, epoch: u8, place: u8) -> bool {
    let shift = 4 * u32::from(epoch % 16);
    let before = *ledger >> shift & 0xf;
    let entry = u64::from(place) + 1;
    if before == 0 {
        *ledger |= entry << shift;
    }
    before == 0 || before == entry
}

impl Facts {
    /// One write is there; in a healthy set it is acknowledged, and node 0 rules.
    pub fn start(healthy: bool) -> Self {
        Self {
            writes: 1,
            acknowledged: if healthy { 0b10 } else { 0 },
            names: 1,
            leader: 0,
            ruled: if healthy { 0x10 } else { 0 },
            elected: 0,
            restored: false,
            lossy: false,
            broken: 0,
        }
    }

    pub fn break_(&mut self, property: Property) {
        self.broken |= property.bit();
    }

    pub fn is_broken(&self, property: Property) -> bool {
        self.broken & property.bit() != 0
    }

    /// Breaks a property unless something is true.
    pub fn expect(&mut self, property: Property, holds: bool) {
        if !holds {
            self.break_(property);
        }
    }

    /// Writes that as many replicas have acknowledged as the master asks for, one at least, count
    /// from now on.
    pub fn acknowledge<const N: usize>(&mut self, master: &Server<N>) {
        for place in 0..master.offset() {
            let holders = master.held.iter().flatten().filter(|held| held.offset > place).count();
            if holders >= usize::from(master.w.max(1)) {
                self.acknowledged |= 1 << master.log.get(place);
            }
        }
    }

    /// A promotion is sent.
    pub fn elect(&mut self, epoch: u8, place: u8) {
        let only = enter(&mut self.elected, epoch, place) || self.restored;
        self.expect(Property::NoDoubleFailover, only);
    }

    /// The record was written.
    pub fn record<const N: usize>(&mut self, before: &Entry<N>, after: &Entry<N>) {
        let grows = after.term >= before.term && after.epoch >= before.epoch;
        self.expect(Property::ResourceVersionConsistency, grows);
        if let (gungnir::sentinel::Phase::Stable, Some((place, _))) = (after.phase, after.master) {
            let only = enter(&mut self.ruled, after.epoch, place) || self.restored;
            self.expect(Property::NoDoubleFailover, only);
        }
    }

    /// The Service was moved.
    pub fn point(&mut self, before: Option<(u8, u8)>, (place, epoch): (u8, u8)) {
        let recorded = self.ruled >> (4 * u32::from(epoch % 16)) & 0xf == u64::from(place) + 1;
        let forward = before.is_none_or(|(_, before)| before <= epoch);
        self.expect(Property::ServiceConsistency, self.restored || (recorded && forward));
    }
}
