//! One connection: its two ends, and what is on the way between them.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::wire::ProcessId;

/// One end of one connection. The end that connected is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndId {
    pub connection: u64,
    pub side: usize,
}

impl EndId {
    /// The end at the other side.
    pub fn other(self) -> Self {
        Self { side: 1 - self.side, ..self }
    }
}

/// What is sent: bytes, or between simulated servers a message that is never written out.
#[derive(Debug)]
pub enum Frame<M> {
    Bytes(Vec<u8>),
    Message(M),
}

/// How the other side ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Fin,
    Reset,
    /// It was never there: nobody listens.
    Refused,
}

/// What is on the way.
#[derive(Debug)]
pub enum Packet<M> {
    Syn,
    SynAck,
    Refuse,
    Data(Frame<M>),
    Fin,
    Reset,
}

impl<M> Packet<M> {
    /// After which time TCP sends it again.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Syn | Self::SynAck | Self::Refuse => Duration::from_secs(1),
            Self::Data(_) | Self::Fin | Self::Reset => Duration::from_millis(200),
        }
    }
}

/// Whose an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Somebody outside, who reads and writes by himself.
    Link,
    /// A process, which is told by events.
    Process(ProcessId),
}

/// How far an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It does not exist yet: the SYN is on its way.
    Unborn,
    Connecting,
    Open,
    /// Its kernel knows it no more.
    Gone,
}

/// One end, and the direction that leads away from it.
#[derive(Debug)]
pub struct End<M> {
    pub address: SocketAddr,
    pub owner: Owner,
    pub state: State,
    /// What has arrived and was not read.
    pub inbox: VecDeque<Frame<M>>,
    pub ended: Option<Ended>,
    /// It said that it writes no more.
    pub shut: bool,
    pub waker: Option<Waker>,
    /// When the last packet that left here arrives: none overtakes another.
    pub last_arrival: Option<Instant>,
    /// Packets that left here, so far.
    pub sent: u64,
    /// Packets that did not get through, by their order, and since when.
    pub held: BTreeMap<u64, Packet<M>>,
    pub held_since: Option<Instant>,
}

impl<M> End<M> {
    pub fn new(address: SocketAddr, owner: Owner, state: State) -> Self {
        Self {
            address,
            owner,
            state,
            inbox: VecDeque::new(),
            ended: None,
            shut: false,
            waker: None,
            last_arrival: None,
            sent: 0,
            held: BTreeMap::new(),
            held_since: None,
        }
    }

    /// Ends it without a word.
    pub fn forget(&mut self) {
        self.state = State::Gone;
        self.inbox.clear();
    }
}

#[derive(Debug)]
pub struct Connection<M> {
    pub ends: [End<M>; 2],
}

impl<M> Connection<M> {
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|end| matches!(end.state, State::Gone | State::Unborn))
    }
}
