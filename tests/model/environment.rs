//! The world that decisions are made in: servers, the network between them, the record's store.
//! Everything that can happen to it without a decision is here, a function each.

use super::configuration::{Configuration, Faults};
use super::decider::{Decider, Pause, place_of};
use super::facts::Facts;
use super::packed::{Age, Entry, Order, RUNS_A_HOME};
use super::property::Property;
use super::server::{Held, Place, Server, Wire};

/// One instant of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State<const N: usize> {
    pub servers: [Server<N>; N],
    /// A process whose pod was deleted by force while its machine was cut off: it runs on, and
    /// only clients beside it reach it.
    pub ghost: Option<Server<N>>,
    /// `cut[a]` has the bit b: nothing passes from a to b.
    pub cut: [u8; N],
    /// What the store holds; its term is 0 while there is none.
    pub record: Entry<N>,
    pub service: Option<(u8, u8)>,
    pub deciders: [Decider<N>; 2],
    pub facts: Facts,
    /// The faults that may still happen.
    pub left: Faults,
}

impl<const N: usize> State<N> {
    pub fn passes(&self, from: usize, to: usize) -> bool {
        self.cut[from] >> to & 1 == 0
    }

    fn is_open(&self, one: usize, other: usize) -> bool {
        self.passes(one, other) && self.passes(other, one)
    }

    /// The master that a node is told to follow.
    pub fn upstream(&self, place: usize) -> Option<usize> {
        match self.servers[place].place {
            Place::Follows(master) => Some(master.into()),
            Place::Leads | Place::Nowhere => None,
        }
    }

    /// A node closes its replication connections; who can notice that does.
    fn hang_up(&mut self, place: usize) {
        if let Some(master) = self.upstream(place)
            && self.passes(place, master)
        {
            self.servers[master].held[place] = None;
        }
        for other in 0..N {
            let open = self.passes(place, other) && self.servers[place].held[other].is_some();
            let other = &mut self.servers[other];
            if open && other.follows(place) && matches!(other.wire, Wire::Up | Wire::Silent) {
                other.wire = Wire::Lost;
            }
        }
    }

    /// A command is done.
    pub fn obey(&mut self, config: &Configuration, place: usize, order: Order) {
        if matches!(order, Order::Follow(_)) && !config.attaches {
            return;
        }
        let turns = match order {
            Order::Freeze | Order::Follow(_) => true,
            Order::Promote(_) => !self.servers[place].leads(),
            Order::ShutOut(node) => {
                self.reset(node.into());
                false
            }
            Order::Pause | Order::Resume | Order::Look | Order::SetW(_) | Order::LetIn(_) => false,
        };
        if turns {
            self.hang_up(place);
        }
        if matches!(order, Order::Promote(_)) && turns {
            self.facts.names += 1;
        }
        self.servers[place].obey(order, self.facts.names);
    }

    /// A process ends. `proven`: who reaches the node has a FIN and two refusals.
    pub fn kill(&mut self, place: usize, proven: bool) {
        let run = self.servers[place].run;
        for decider in 0..2 {
            if !self.reaches(decider, place) {
                continue;
            }
            let seen = &mut self.deciders[decider].seen[place];
            seen.lose();
            seen.pause = Pause::No;
            if proven {
                seen.ended = Some((run, Age::Now));
            }
        }
        self.hang_up(place);
        let server = &mut self.servers[place];
        (server.up, server.hung, server.paused) = (false, false, false);
        server.held = [None; N];
    }

    /// A process begins, with the first so many of its writes.
    pub fn start(&mut self, config: &Configuration, place: usize, keep: u8) {
        if keep == 0 {
            self.facts.names += 1;
        }
        self.servers[place].start(keep, self.facts.names, config.gate);
    }

    /// The pod of a node is deleted by force and made anew elsewhere; nobody but clients reaches
    /// what ran in it.
    pub fn move_away(&mut self, config: &Configuration, place: usize, keep: u8) {
        let old = self.servers[place];
        for decider in 0..2 {
            if self.reaches(decider, place) {
                self.deciders[decider].seen[place].lose();
            }
        }
        self.ghost = Some(old);
        let server = &mut self.servers[place];
        server.run = (old.run / RUNS_A_HOME + 1) * RUNS_A_HOME;
        server.term = 0;
        self.start(config, place, keep);
    }

    /// A process stands still, with all its connections.
    pub fn hang(&mut self, place: usize) {
        for decider in 0..2 {
            self.overlook(decider, place);
        }
        self.servers[place].hung = true;
    }

    /// Nothing passes between a node and anybody, without a word.
    pub fn isolate(&mut self, place: usize, from_deciders: u8) {
        for other in (0..N).filter(|other| *other != place) {
            self.cut[place] |= 1 << other;
            self.cut[other] |= 1 << place;
        }
        for decider in (0..2).filter(|it| from_deciders >> it & 1 == 1) {
            self.cut_off(decider, place);
        }
    }

    /// A deciding process does not reach a node any more.
    pub fn cut_off(&mut self, decider: usize, place: usize) {
        self.overlook(decider, place);
        self.deciders[decider].cut |= 1 << place;
    }

    /// Nodes reach each other again.
    pub fn heal_links(&mut self) {
        self.cut = [0; N];
    }

    /// Deciding processes reach every node again.
    pub fn heal_sight(&mut self) {
        self.deciders.iter_mut().for_each(|it| it.cut = 0);
    }

    /// A replica and its master hear from each other, or find that they are not connected. Returns
    /// whether anything came of it.
    pub fn sync(&mut self, place: usize) -> bool {
        let Some(master) = self.upstream(place) else { return false };
        let before = (self.servers[place], self.servers[master].held[place]);
        let there = self.servers[master];
        let connected = matches!(self.servers[place].wire, Wire::Up | Wire::Silent);
        if !self.servers[place].answers() || (there.up && there.hung) {
            return false;
        }
        let accepted = there.up && there.leads() && there.shut >> place & 1 == 0;
        if !self.passes(master, place) || (!connected && !self.is_open(master, place)) {
            return false;
        }
        if !accepted || (connected && there.held[place].is_none()) {
            if connected && self.is_open(master, place) {
                self.servers[place].wire = Wire::Lost;
            }
        } else {
            let had = self.servers[place].offset();
            let wiped = self.servers[place].receive(&there);
            if wiped && had > 0 && there.offset() == 0 {
                self.facts.break_(Property::NeverWipedByEmptyMaster);
            }
            if self.passes(place, master) {
                let offset = self.servers[place].offset();
                self.servers[master].held[place] = Some(Held { offset, late: false });
                self.facts.acknowledge(&self.servers[master]);
            }
        }
        before != (self.servers[place], self.servers[master].held[place])
    }

    /// Time passes, much of it.
    pub fn wait(&mut self, config: &Configuration) {
        let before = *self;
        for place in 0..N {
            let Some(master) = before.upstream(place) else { continue };
            let (here, there) = (before.servers[place], before.servers[master]);
            let alive = here.answers() && there.answers() && there.leads();
            let listed = there.held[place].is_some();
            let hears = alive && listed && before.passes(master, place);
            let server = &mut self.servers[place];
            server.wire = match server.wire {
                Wire::Never => Wire::Never,
                Wire::Up | Wire::Silent if hears => Wire::Up,
                Wire::Up => Wire::Silent,
                Wire::Silent | Wire::Lost | Wire::LostLong => Wire::LostLong,
            };
        }
        for master in 0..N {
            for place in 0..N {
                let here = before.servers[place];
                let wired = matches!(here.wire, Wire::Up | Wire::Silent) && here.follows(master);
                let acknowledges = wired && here.answers() && before.passes(place, master);
                let held = &mut self.servers[master].held[place];
                *held = match *held {
                    Some(held) if acknowledges && before.servers[master].answers() => {
                        Some(Held { late: false, ..held })
                    }
                    Some(held) if !held.late => Some(Held { late: true, ..held }),
                    _ => None,
                };
            }
            self.servers[master].paused = false;
        }
        if let Some(ghost) = &mut self.ghost {
            ghost.held.iter_mut().flatten().for_each(|held| held.late = true);
        }
        for decider in (0..2).filter(|it| before.deciders[*it].active) {
            let still = before.deciders[decider].still;
            self.deciders[decider].memory.wait(!still);
            for place in 0..N {
                let reached = before.reaches(decider, place);
                let seen = &mut self.deciders[decider].seen[place];
                seen.ended = seen.ended.map(|(run, _)| (run, Age::Old));
                if seen.pause == Pause::Held {
                    seen.pause = Pause::Over;
                }
                if still {
                    seen.report = seen.report.map(|(report, _)| (report, Age::Old));
                } else if reached {
                    self.look(config, decider, place, Age::Recent);
                } else {
                    seen.silent = true;
                    seen.lose();
                }
            }
        }
        self.forget_what_is_asked_again(config);
    }

    /// A process that asks everybody before each step does not keep what it was told before.
    pub fn forget_what_is_asked_again(&mut self, config: &Configuration) {
        if !config.looks_apart {
            for decider in 0..2 {
                for place in 0..N {
                    if self.deciders[decider].steps() && self.reaches(decider, place) {
                        let seen = &mut self.deciders[decider].seen[place];
                        (seen.report, seen.silent, seen.ended) = (None, false, None);
                    }
                }
            }
        }
    }

    /// A client's write, if the node takes one.
    pub fn write(&mut self, place: usize) -> bool {
        if !self.servers[place].takes_writes() {
            return false;
        }
        self.facts.writes += 1;
        self.servers[place].log.push(self.facts.writes);
        true
    }

    /// A replication link is reset, and nobody has died.
    pub fn reset(&mut self, place: usize) {
        if let Some(master) = self.upstream(place) {
            self.servers[place].wire = Wire::Lost;
            self.servers[master].held[place] = None;
        }
    }

    /// A firewall closes and refuses what a process has with a node: it looks like its end.
    pub fn pretend_end(&mut self, decider: usize, place: usize) {
        let run = self.servers[place].run;
        let it = &mut self.deciders[decider];
        it.seen[place].lose();
        it.seen[place].ended = Some((run, Age::Now));
        it.cut |= 1 << place;
    }

    /// Another process leads. The one before goes on believing in itself only if leases overlap.
    pub fn take_over(&mut self, config: &Configuration) {
        let old = usize::from(self.facts.leader);
        let new = 1 - old;
        self.facts.leader = place_of(new);
        for place in 0..N {
            self.overlook(old, place);
        }
        self.deciders[old].leading = config.leases_overlap;
        self.deciders[old].still = !config.leases_overlap;
        let cut = self.deciders[new].cut;
        self.deciders[new] =
            Decider { active: true, leading: true, service: self.service, cut, ..Decider::ABSENT };
    }

    /// Somebody puts an older copy of the record in its place.
    pub fn restore(&mut self, copy: Entry<N>) {
        let current = self.record;
        for it in &mut self.deciders {
            it.outdated = it.outdated.or(Some(current));
        }
        self.record = copy;
        self.facts.restored = true;
    }
}
