//! Decides every step of a trace again and compares.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use serde_json::error::Category;

use super::super::names::SetNames;
use super::{Decision, HEAD, Head, Line, MAX_LINE_BYTES, VERSION};
use crate::sentinel::{
    Action, Follower, Hold, Link, Local, Millis, Node, NodeId, Observation, Pointer, Record,
    Report, Request, Role, Upstream, Wish, step,
};

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the trace cannot be read")]
    Read(#[from] io::Error),
    /// Its first line is not that of a trace.
    #[error("this is not a trace; `gungnir sentinel --record FILE` writes one")]
    NotATrace,
    /// A later release wrote it.
    #[error(
        "line {line}: the trace is of version {found}, and this gungnir knows version {VERSION}; \
         replay it with the release that wrote it, or a later one"
    )]
    Newer {
        /// Which line, from 1.
        line: u64,
        /// Its version.
        found: u64,
    },
    /// A line is not understood.
    #[error("line {line}, column {column}: {cause}; another release may have written it")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// Where in it, from 1.
        column: usize,
        /// What is wrong.
        cause: String,
    },
    /// A line says what no process has ever seen.
    #[error("line {line}: {cause}")]
    Impossible {
        /// Which line, from 1.
        line: u64,
        /// What.
        cause: String,
    },
}

/// One step, decided again.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its line in the trace, from 1.
    pub line: u64,
    /// Whose step it is.
    pub names: Arc<SetNames>,
    /// Whether it is the first of its process.
    pub first: bool,
    /// When it was taken.
    pub now_ms: Millis,
    /// What was seen.
    pub seen: Observation,
    /// What is decided today.
    pub actions: Vec<Action>,
    /// Why nothing is done today.
    pub hold: Option<Hold>,
    /// How that differs from what was decided then; no step follows one that differs.
    pub difference: Option<Box<Difference>>,
}

/// Two decisions about one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The one in the trace.
    pub recorded: Decision,
    /// The one of today.
    pub today: Decision,
}

/// The steps of a trace, each decided as it is read. The last line may be a half one: its process
/// was killed.
#[derive(Debug)]
pub struct Replay<R> {
    reader: R,
    /// The number of the last line that was read.
    line: u64,
    /// A line that was read to find out what comes after another.
    ahead: Option<Vec<u8>>,
    names: Option<Arc<SetNames>>,
    local: Local,
    ended: bool,
    cut: bool,
}

/// Replays a trace.
pub fn replay<R: BufRead>(reader: R) -> Replay<R> {
    Replay {
        reader,
        line: 0,
        ahead: None,
        names: None,
        local: Local::default(),
        ended: false,
        cut: false,
    }
}

impl<R: BufRead> Iterator for Replay<R> {
    type Item = Result<Step, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let step = self.step().transpose();
        self.ended = match &step {
            None | Some(Err(_)) => true,
            Some(Ok(step)) => step.difference.is_some(),
        };
        step
    }
}

impl<R: BufRead> Replay<R> {
    /// Whether a process was killed while it wrote a line.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    fn step(&mut self) -> Result<Option<Step>, ReplayError> {
        loop {
            let Some(text) = self.read()? else {
                return if self.names.is_none() { Err(ReplayError::NotATrace) } else { Ok(None) };
            };
            if text.starts_with(HEAD) {
                match serde_json::from_slice(&text) {
                    Ok(head) => self.begin(head)?,
                    Err(error) => self.tolerate(&error)?,
                }
                continue;
            }
            let Some(names) = self.names.clone() else { return Err(ReplayError::NotATrace) };
            match serde_json::from_slice(&text) {
                Ok(line) => return self.decide(names, line).map(Some),
                Err(error) => self.tolerate(&error)?,
            }
        }
    }

    fn begin(&mut self, Head { gungnir_trace, name, nodes }: Head) -> Result<(), ReplayError> {
        if gungnir_trace > VERSION {
            return Err(ReplayError::Newer { line: self.line, found: gungnir_trace });
        }
        self.names = Some(Arc::new(SetNames::new(name, nodes)));
        self.local = Local::default();
        Ok(())
    }

    fn decide(&mut self, names: Arc<SetNames>, line: Line) -> Result<Step, ReplayError> {
        let Line { now_ms, seen, actions, hold } = line;
        let recorded = Decision { actions, hold };
        let impossible = |cause| Err(ReplayError::Impossible { line: self.line, cause });
        let nodes = names.nodes().len();
        if seen.nodes.len() != nodes {
            return impossible(format!("{} nodes are seen of {nodes}", seen.nodes.len()));
        }
        if let Some(foreign) = nodes_named(&seen).into_iter().find(|id| id.index() >= nodes) {
            return impossible(format!("node {} is named of {nodes}", foreign.0));
        }
        let last_ms = self.local.last_step_ms;
        if let Some(last_ms) = last_ms.filter(|last_ms| *last_ms > now_ms) {
            return impossible(format!("time goes back from {last_ms} to {now_ms} ms"));
        }
        let (local, actions) = step(&self.local, &seen, now_ms);
        let hold = local.hold;
        self.local = local;
        let today = Decision::new(&actions, hold);
        let difference = (recorded != today).then(|| Box::new(Difference { recorded, today }));
        let (line, first) = (self.line, last_ms.is_none());
        Ok(Step { line, names, first, now_ms, seen, actions, hold, difference })
    }

    /// A line that ends too early is forgiven where its process must have ended with it.
    fn tolerate(&mut self, error: &serde_json::Error) -> Result<(), ReplayError> {
        let line = self.line;
        let half = matches!(error.classify(), Category::Eof);
        if half && self.names.is_some() {
            self.ahead = self.read()?;
            if self.ahead.as_ref().is_none_or(|next| next.starts_with(HEAD)) {
                self.line -= u64::from(self.ahead.is_some());
                self.cut = true;
                return Ok(());
            }
        }
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let cause = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Err(ReplayError::Line { line, column: error.column(), cause })
    }

    /// The next line, without its end.
    fn read(&mut self) -> Result<Option<Vec<u8>>, ReplayError> {
        if let Some(text) = self.ahead.take() {
            self.line += 1;
            return Ok(Some(text));
        }
        let mut text = Vec::new();
        let limit = MAX_LINE_BYTES + 1;
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if text.len() as u64 == limit {
            return Err(if self.names.is_none() {
                ReplayError::NotATrace
            } else {
                let cause = format!("it is longer than {MAX_LINE_BYTES} bytes");
                ReplayError::Impossible { line: self.line, cause }
            });
        }
        text.pop_if(|last| *last == b'\n');
        Ok(Some(text))
    }
}

/// Every node that an observation names. Without `..`: what learns to name one more is asked here
/// too, or this does not compile.
fn nodes_named(seen: &Observation) -> Vec<NodeId> {
    let Observation {
        settings: _,
        record,
        my_term: _,
        leading: _,
        writing: _,
        nodes,
        service,
        request,
    } = seen;
    let mut named = Vec::new();
    if let Some(record) = record {
        let Record {
            term: _,
            epoch: _,
            phase: _,
            target,
            master,
            history: _,
            previous_history: _,
            base_offset: _,
            in_sync,
            w: _,
        } = record;
        named.extend(*target);
        named.extend(master.iter().chain(in_sync).map(|member| member.node));
    }
    named.extend(service.map(|Pointer { node, epoch: _ }| node));
    named.extend(request.and_then(|Request { id: _, wish }| match wish {
        Wish::Switchover(node) => node,
        Wish::Promote(node) => Some(node),
    }));
    for node in nodes {
        let Node {
            asked_ms: _,
            trouble: _,
            report,
            ended: _,
            paused_until_ms: _,
            busy: _,
            highest_term: _,
            shut_out: _,
            gated: _,
            leaving: _,
            last_run: _,
            remembered: _,
            blank: _,
        } = node;
        named.extend(report.iter().flat_map(nodes_reported));
    }
    named
}

fn nodes_reported(report: &Report) -> Vec<NodeId> {
    let Report {
        asked_ms: _,
        run_id: _,
        home: _,
        role,
        loading: _,
        priority: _,
        history: _,
        previous_history: _,
        offset: _,
        keys: _,
        min_replicas_to_write: _,
        followers,
    } = report;
    let upstream = match role {
        Role::Replica(Link { upstream: Upstream::Node(node), .. }) => Some(*node),
        Role::Replica(Link { upstream: Upstream::Nowhere | Upstream::Stranger, .. })
        | Role::Master => None,
    };
    let followers = followers.iter().map(|Follower { node, online: _, offset: _ }| *node);
    followers.chain(upstream).collect()
}
