//! The replication section: who follows whom, and how far.

use crate::valkey::id::Id;

use super::InfoError;
use super::fields::{Field, lines, parts};

/// How many replicas of one server are kept; a set has 8 at most.
pub(super) const MAX_FOLLOWERS: usize = 64;

/// What a server says of its history and its links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// Master, or replica of whom.
    pub role: Role,
    /// The history that it is on.
    pub master_replid: Id,
    /// The history that it was on before, up to [`Replication::second_repl_offset`].
    pub master_replid2: Option<Id>,
    /// How much of its history it has, in bytes.
    pub master_repl_offset: u64,
    /// The first byte that is no longer of the earlier history.
    pub second_repl_offset: Option<u64>,
    /// The servers that follow this one, at most 64.
    pub followers: Vec<Follower>,
    /// How many follow it, by its own count.
    pub connected_replicas: u32,
    /// How many of them are near enough for writes; `None` while `min-replicas-to-write` is 0.
    pub good_replicas: Option<u32>,
    /// Whether the server is handing over by its own `FAILOVER` command.
    pub failover_in_progress: bool,
}

/// What a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It takes writes.
    Master,
    /// It follows, or would if it could.
    Replica(Replica),
}

/// A replica's view of its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The master's host, as this server was told it.
    pub host: String,
    /// The master's port.
    pub port: u16,
    /// Whether the link is up.
    pub link: Link,
    /// How long ago it last heard the master, in seconds; `None` without a link.
    pub last_io_s: Option<u64>,
    /// How far its clock, which those seconds are read from, was in the second of this answer, in
    /// milliseconds; 0 when it does not say.
    pub second_ms: u64,
    /// Whether it is being sent the whole data set.
    pub sync_in_progress: bool,
    /// Whether it refuses writes of clients.
    pub read_only: bool,
    /// How much of the history it has received, in bytes; 0 when it has none.
    pub read_offset: u64,
    /// How much of it is in its data, in bytes; 0 when it has none.
    pub offset: u64,
    /// Its `replica-priority`: 0 never wins, else the lowest first.
    pub priority: u32,
}

/// The link of a replica to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It follows.
    Up,
    /// It does not.
    Down {
        /// Since when, in seconds; `None` when it has not been up since the process started.
        for_s: Option<u64>,
    },
}

/// A replica as the server that it follows lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    /// Its host, as it announces itself or as the link shows it.
    pub host: String,
    /// Where it listens; 0 before it has said so.
    pub port: u16,
    /// Whether it is past the transfer. It may still be loading: ask it.
    pub online: bool,
    /// How much it has acknowledged, in bytes.
    pub offset: u64,
    /// How long ago it last acknowledged, in seconds.
    pub lag_s: u64,
}

impl Replication {
    /// Reads a replication section, alone or among others.
    ///
    /// # Errors
    /// [`InfoError`] names the first field that is missing or malformed.
    pub fn parse(text: &[u8]) -> Result<Self, InfoError> {
        let mut found = Lines::default();
        for (name, value) in lines(text) {
            found.take(name, value);
        }
        found.build()
    }
}

/// The lines that are used.
pub(super) struct Lines<'a> {
    role: Field<'a>,
    replid: Field<'a>,
    replid2: Field<'a>,
    offset: Field<'a>,
    second_offset: Field<'a>,
    connected: Field<'a>,
    good: Field<'a>,
    failover: Field<'a>,
    host: Field<'a>,
    port: Field<'a>,
    link: Field<'a>,
    link_down: Field<'a>,
    last_io: Field<'a>,
    time: Field<'a>,
    sync: Field<'a>,
    read_only: Field<'a>,
    read_offset: Field<'a>,
    replica_offset: Field<'a>,
    priority: Field<'a>,
    followers: Vec<&'a [u8]>,
}

impl Default for Lines<'_> {
    fn default() -> Self {
        Self {
            role: Field::named("role"),
            replid: Field::named("master_replid"),
            replid2: Field::named("master_replid2"),
            offset: Field::named("master_repl_offset"),
            second_offset: Field::named("second_repl_offset"),
            connected: Field::named("connected_slaves"),
            good: Field::named("min_slaves_good_slaves"),
            failover: Field::named("master_failover_state"),
            host: Field::named("master_host"),
            port: Field::named("master_port"),
            link: Field::named("master_link_status"),
            link_down: Field::named("master_link_down_since_seconds"),
            last_io: Field::named("master_last_io_seconds_ago"),
            time: Field::named("server_time_usec"),
            sync: Field::named("master_sync_in_progress"),
            read_only: Field::named("slave_read_only"),
            read_offset: Field::named("slave_read_repl_offset"),
            replica_offset: Field::named("slave_repl_offset"),
            priority: Field::named("slave_priority"),
            followers: Vec::new(),
        }
    }
}

impl<'a> Lines<'a> {
    /// Whether the line is of this section; it is kept then.
    pub(super) fn take(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        let field = match name {
            b"role" => &mut self.role,
            b"master_replid" => &mut self.replid,
            b"master_replid2" => &mut self.replid2,
            b"master_repl_offset" => &mut self.offset,
            b"second_repl_offset" => &mut self.second_offset,
            b"connected_slaves" => &mut self.connected,
            b"min_slaves_good_slaves" => &mut self.good,
            b"master_failover_state" => &mut self.failover,
            b"master_host" => &mut self.host,
            b"master_port" => &mut self.port,
            b"master_link_status" => &mut self.link,
            b"master_link_down_since_seconds" => &mut self.link_down,
            b"master_last_io_seconds_ago" => &mut self.last_io,
            b"server_time_usec" => &mut self.time,
            b"master_sync_in_progress" => &mut self.sync,
            b"slave_read_only" => &mut self.read_only,
            b"slave_read_repl_offset" => &mut self.read_offset,
            b"slave_repl_offset" => &mut self.replica_offset,
            b"slave_priority" => &mut self.priority,
            _ => return self.take_follower(name, value),
        };
        field.set(value);
        true
    }

    /// `slave0:ip=…`; the name has a number and nothing else after it.
    fn take_follower(&mut self, name: &[u8], value: &'a [u8]) -> bool {
        let number = name.strip_prefix(b"slave").unwrap_or_default();
        let is_follower = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        if is_follower && self.followers.len() < MAX_FOLLOWERS {
            self.followers.push(value);
        }
        is_follower
    }

    pub(super) fn build(&self) -> Result<Replication, InfoError> {
        let role = match self.role.bytes()? {
            b"master" => Role::Master,
            b"slave" => Role::Replica(self.replica()?),
            _ => return Err(self.role.malformed()),
        };
        let earlier = self.replid2.id()?;
        let good = if self.good.is_there() { Some(self.good.number()?) } else { None };
        Ok(Replication {
            role,
            master_replid: self.replid.id()?,
            master_replid2: (!earlier.is_zero()).then_some(earlier),
            master_repl_offset: self.offset.number()?,
            second_repl_offset: self.second_offset.natural()?,
            followers: self
                .followers
                .iter()
                .map(|line| follower(line))
                .collect::<Result<_, _>>()?,
            connected_replicas: self.connected.number()?,
            good_replicas: good,
            failover_in_progress: self.failover.is_there() && !self.failover.is(b"no-failover"),
        })
    }

    fn replica(&self) -> Result<Replica, InfoError> {
        let link = match self.link.bytes()? {
            b"up" => Link::Up,
            b"down" => Link::Down { for_s: self.link_down.natural()? },
            _ => return Err(self.link.malformed()),
        };
        // What a replica has received is a newer line than what it has applied.
        let read_offset =
            if self.read_offset.is_there() { self.read_offset } else { self.replica_offset };
        let time_us = if self.time.is_there() { self.time.number::<u64>()? } else { 0 };
        let second_ms = time_us % 1_000_000 / 1000;
        Ok(Replica {
            host: self.host.word()?.to_owned(),
            port: self.port.number()?,
            link,
            last_io_s: self.last_io.natural()?,
            second_ms,
            sync_in_progress: self.sync.flag()?,
            read_only: self.read_only.flag()?,
            read_offset: read_offset.natural()?.unwrap_or(0),
            offset: self.replica_offset.natural()?.unwrap_or(0),
            priority: self.priority.number()?,
        })
    }
}

fn follower(line: &[u8]) -> Result<Follower, InfoError> {
    let named = Field::named;
    let (mut host, mut port, mut state) =
        (named("slave ip"), named("slave port"), named("slave state"));
    let (mut offset, mut lag) = (named("slave offset"), named("slave lag"));
    for (name, value) in parts(line) {
        match name {
            b"ip" => host.set(value),
            b"port" => port.set(value),
            b"state" => state.set(value),
            b"offset" => offset.set(value),
            b"lag" => lag.set(value),
            _ => {}
        }
    }
    Ok(Follower {
        host: host.word()?.to_owned(),
        port: port.number()?,
        online: state.bytes()? == b"online",
        offset: offset.natural()?.unwrap_or(0),
        lag_s: lag.natural()?.unwrap_or(0),
    })
}
