//! One node: asked again and again on a kept connection, told what was decided on the same one.
//!
//! A second connection is always idle. When the process behind it dies its kernel ends it with a
//! FIN; together with two refused dials that is how a death is known before any silence is long
//! enough.
//!
//! A node may move: its pod is made anew, elsewhere. The connection to the process that was there
//! is kept as long as that one leads, so that it can hand over.
//!
//! There are thousands of nodes, and nearly all the time nothing is done about one. What is done is
//! boxed, so that it takes room only meanwhile.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::sentinel::{self, Ended, EndedBy, Id, NodeId};
use crate::valkey::{Closed, Connection, Credentials, Lost, OpenError, Role};

use super::Clock;
use super::aliases::Aliases;
use super::board::Board;
use super::fence::Fence;
use super::live_settings::SettingsNews;
use super::session::Session;
use super::set::Timing;
use super::stragglers::Stragglers;
use super::target::{ProcessTarget, SetTargets};

/// Between the two dials that have to be refused, in milliseconds: a proof needs both within 50.
const SECOND_DIAL_AFTER: Duration = Duration::from_millis(8);
/// How long a FIN on the idle connection may come after the end of the other. A kernel that is
/// short of time ends the connections of a dead process one by one.
const IDLE_FIN_LIMIT: Duration = Duration::from_millis(100);
/// How long its listener may outlive them.
const REFUSAL_LIMIT: Duration = Duration::from_millis(500);

/// A command for one run of a node.
#[derive(Debug)]
pub(super) struct Order {
    pub run_id: Id,
    pub command: sentinel::Command,
}

/// Watches one node.
pub(super) struct Watcher {
    pub id: NodeId,
    pub targets: watch::Receiver<SetTargets>,
    /// The process that it is now.
    pub target: Option<Rc<ProcessTarget>>,
    pub aliases: Rc<Aliases>,
    pub board: Rc<Board>,
    pub fence: Option<Rc<Fence>>,
    /// A password that was found in a file after the one before was refused.
    pub found: RefCell<Option<Credentials>>,
    pub orders: mpsc::Receiver<Box<Order>>,
    pub may_act: Rc<dyn Fn() -> bool>,
    pub clock: Clock,
    pub settings_told: Rc<dyn Fn(SettingsNews)>,
    /// How long clients may still be led here after they were to be led elsewhere.
    pub pointer_lag: Option<Duration>,
    pub stragglers: Stragglers,
    pub timing: Timing,
}

impl Watcher {
    /// Watches for ever.
    pub async fn watch(&mut self) {
        let mut targets = self.targets.clone();
        let mut said = String::new();
        let mut wait = self.timing.first_retry;
        // Names are looked up once; what a node is known by afterwards is where it was reached.
        loop {
            self.owe_answer();
            self.look_for_stragglers();
            let Some(target) = self.target.clone() else {
                self.drain();
                changed(&mut targets).await;
                self.aim(&mut targets);
                wait = self.timing.first_retry;
                continue;
            };
            let opened = tokio::select! {
                opened = Box::pin(self.open(&target)) => Some(opened),
                () = self.moved(targets.clone(), &target) => None,
            };
            match opened {
                Some(Ok(mut session)) => {
                    wait = self.timing.first_retry;
                    if !said.is_empty() {
                        info!(node = %target.dial.address, "answers again");
                        said.clear();
                    }
                    let lost = self.serve(&mut session, &mut targets).await;
                    debug!(node = %target.dial.address, %lost, "the connection was lost");
                    Box::pin(self.lose(&mut session, &lost)).await;
                }
                Some(Err(failure)) => {
                    if failure.is_silence() {
                        // That was pause enough. Who goes on after a standstill finds a question
                        // before it, and is told what it has missed with the answer.
                        wait = self.timing.first_retry;
                    }
                    let text = self.note(failure);
                    if text != said {
                        warn!(node = %target.dial.address, "{text}");
                        said = text;
                    }
                    self.drain();
                    tokio::select! {
                        () = sleep(wait) => wait = (wait * 2).min(self.timing.ping_interval),
                        () = changed(&mut targets) => {}
                    }
                }
                None => {}
            }
            if self.aim(&mut targets) {
                wait = self.timing.first_retry;
            }
        }
    }

    /// Takes in where the node is now, and says whether that is elsewhere.
    fn aim(&mut self, targets: &mut watch::Receiver<SetTargets>) -> bool {
        let (target, leaving) = {
            let targets = targets.borrow_and_update();
            self.timing = Timing::of(&targets.settings);
            let node = targets.nodes.get(self.id.index());
            (targets.process(self.id.index()).cloned(), node.is_some_and(|node| node.leaving))
        };
        let moved = match (&self.target, &target) {
            (Some(before), Some(now)) => !before.is_same_place(now),
            (None, None) => false,
            _ => true,
        };
        let dialled = |target: &Option<Rc<ProcessTarget>>| {
            target.as_ref().and_then(|target| target.dial.credentials.clone())
        };
        if dialled(&self.target) != dialled(&target) {
            self.found.replace(None);
        }
        if moved {
            self.aliases.place(self.id, target.as_ref().map(|target| &target.address));
        }
        self.target = target;
        let before = self.board.nodes.borrow().get(self.id.index()).map(|node| node.leaving);
        if before != Some(leaving) {
            self.board.update(self.id, |node| node.leaving = leaving);
        }
        moved
    }

    /// Ends when the node is to be reached in another way than by `target`.
    async fn moved(&self, mut targets: watch::Receiver<SetTargets>, target: &ProcessTarget) {
        loop {
            let process = targets.borrow_and_update().process(self.id.index()).cloned();
            if !process.is_some_and(|process| process.is_dialled_like(target)) {
                return;
            }
            changed(&mut targets).await;
        }
    }

    /// A question has been put, or a connection is not up, which is the same.
    pub(super) fn owe_answer(&self) {
        let now_ms = self.clock.now_ms();
        self.board.update(self.id, |node| node.asked_ms = node.asked_ms.or(Some(now_ms)));
    }

    /// Commands for a connection that is gone are not kept for the next one.
    fn drain(&mut self) {
        while self.orders.try_recv().is_ok() {}
        self.board.update(self.id, |node| node.busy = false);
    }

    /// Asks and tells, until the connection is lost, or another process is to be reached.
    async fn serve(
        &mut self,
        session: &mut Session,
        targets: &mut watch::Receiver<SetTargets>,
    ) -> Lost {
        let mut next_ping = Instant::now() + self.timing.ping_interval;
        let board = Rc::clone(&self.board);
        let mut terms = board.my_term.subscribe();
        session.idle = Box::pin(self.connect(&session.target)).await.ok();
        loop {
            if self.is_let_go(session, targets) {
                return Lost::Abandoned;
            }
            if self.is_to_be_set(session)
                && let Err(lost) = Box::pin(self.keep_settings(session)).await
            {
                return lost;
            }
            let retry_at = session.retry.map(|(at, _)| at);
            self.look_for_stragglers();
            let stragglers = self.stragglers.due;
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some(order) = order else { return Lost::Abandoned };
                    if let Err(lost) = Box::pin(self.obey(session, *order)).await {
                        return lost;
                    }
                }
                () = changed(targets) => {}
                closed = idle_closed(&mut session.idle) => {
                    session.idle = None;
                    if closed == Closed::Fin && Box::pin(self.is_gone(session)).await {
                        self.prove_end(session);
                        return Lost::Closed;
                    }
                }
                Ok(()) = terms.changed() => {
                    if let Err(lost) = Box::pin(self.ask(session)).await {
                        return lost;
                    }
                }
                () = sleep_until(retry_at.unwrap_or(next_ping)), if retry_at.is_some() => {
                    self.board.update(self.id, |node| node.busy = false);
                    session.retry = None;
                }
                () = sleep_until(stragglers.unwrap_or(next_ping)), if stragglers.is_some() => {
                    if let Err(lost) = self.send_stragglers_away(session).await {
                        return lost;
                    }
                }
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + self.timing.ping_interval;
                    if let Err(lost) = Box::pin(self.ask(session)).await {
                        return lost;
                    }
                    // Another process may have got the address by now.
                    if session.idle.is_none() && session.moved.is_none() {
                        session.idle = Box::pin(self.connect(&session.target)).await.ok();
                    }
                }
            }
        }
    }

    /// Whether the process of a session is to be left for the one that is there instead. While it
    /// leads, and nobody took over from it, it is not.
    fn is_let_go(
        &mut self,
        session: &mut Session,
        targets: &mut watch::Receiver<SetTargets>,
    ) -> bool {
        let (next, leaving, patience_ms) = {
            let targets = targets.borrow_and_update();
            self.timing = Timing::of(&targets.settings);
            let node = targets.nodes.get(self.id.index());
            let leaving = node.is_some_and(|node| node.leaving);
            let process = targets.process(self.id.index()).cloned();
            (process, leaving, targets.settings.failover_timeout_ms)
        };
        if let Some(next) = next.as_ref().filter(|next| next.is_same_place(&session.target)) {
            // Passwords and certificates count for the next connection.
            session.target = Rc::clone(next);
            session.moved = None;
        } else {
            let now = Instant::now();
            session.moved = session.moved.or(Some(now));
        }
        let leaving = leaving || session.moved.is_some() || session.info.ends_soon;
        let before = self.board.nodes.borrow().get(self.id.index()).map(|node| node.leaving);
        if before != Some(leaving) {
            self.board.update(self.id, |node| node.leaving = leaving);
        }
        let leads = session.info.replication.role == Role::Master;
        let patience = Duration::from_millis(patience_ms);
        let waited = session.moved.is_some_and(|since| since.elapsed() > patience);
        session.moved.is_some() && next.is_some() && (!leads || waited)
    }

    /// The connection is gone: perhaps the process is, too.
    async fn lose(&mut self, session: &mut Session, lost: &Lost) {
        self.owe_answer();
        self.drain();
        self.board.update(self.id, |node| {
            node.report = None;
            node.trouble = None;
        });
        // With a question under way it may have been reset: then the idle one alone tells.
        let by_peer = !matches!(lost, Lost::TimedOut | Lost::Abandoned);
        if by_peer && session.idle.is_some() {
            let idle = timeout(IDLE_FIN_LIMIT, idle_closed(&mut session.idle)).await;
            if idle == Ok(Closed::Fin) && self.is_gone(session).await {
                self.prove_end(session);
            }
        }
    }

    fn prove_end(&self, session: &Session) {
        let at_ms = self.clock.now_ms();
        let ended = Ended { run_id: session.run_id(), by: EndedBy::FinThenRefused, at_ms };
        self.board.end(self.id, ended);
    }

    /// Whether nobody listens any more: two dials in a row are refused. As long as the kernel
    /// takes connections and drops them at once, that is not clear yet. Of a process whose address
    /// may be another's by now, refusals prove nothing.
    async fn is_gone(&self, session: &Session) -> bool {
        let stays = || {
            let targets = self.targets.borrow();
            let process = targets.process(self.id.index());
            process.is_some_and(|process| process.is_same_place(&session.target))
        };
        let until = Instant::now() + REFUSAL_LIMIT;
        let mut refused_before = false;
        while stays() {
            match Connection::open(&session.target.dial).await {
                Err(OpenError::Refused { .. }) if refused_before => return stays(),
                Err(OpenError::Refused { .. }) => refused_before = true,
                Err(OpenError::Lost { .. }) => refused_before = false,
                _ => return false,
            }
            if Instant::now() >= until {
                return false;
            }
            sleep(SECOND_DIAL_AFTER).await;
        }
        false
    }
}

/// When an idle connection ends; never, where there is none.
async fn idle_closed(idle: &mut Option<Connection>) -> Closed {
    match idle {
        Some(connection) => connection.closed().await,
        None => std::future::pending().await,
    }
}

/// When something else is told; never, when nobody can tell anything any more.
pub(crate) async fn changed<T>(told: &mut watch::Receiver<T>) {
    if told.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
