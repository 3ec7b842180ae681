//! One set: its watchers, its writer, and the loop that decides.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::sentinel::{
    Action, Hold, LONGEST_REST_MS, Local, Millis, Node, NodeId, Observation, Record, Request,
    Settings, Wish, step,
};
use crate::valkey::ServerConfig;

use super::Clock;
use super::board::Board;
use super::crew::Crew;
use super::fence::Fence;
use super::live_settings::SettingsNews;
use super::store::Store;
use super::target::SetTargets;
use super::{watcher, writer};

/// How long a process waits for an answer, by the settings of its set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Between two questions.
    pub ping_interval: Duration,
    /// Until a connection that owes an answer is given up and made anew.
    pub answer: Duration,
    /// For the questions of a new connection.
    pub request: Duration,
    /// Until a node that could not be reached is dialled again, at first.
    pub first_retry: Duration,
}

impl Timing {
    pub fn of(settings: &Settings) -> Self {
        let down_after = Duration::from_millis(settings.down_after_ms);
        // As Sentinel does: a link with a PING older than half the patience is made anew.
        let answer = (down_after / 2).clamp(Duration::from_millis(200), Duration::from_secs(15));
        Self {
            ping_interval: Duration::from_millis(settings.ping_interval_ms),
            answer,
            request: answer,
            first_retry: Duration::from_millis(10),
        }
    }
}

/// What a set is watched with.
pub struct SetSetup {
    /// What it is watched for; the present value counts.
    pub targets: watch::Receiver<SetTargets>,
    /// Shuts out leaders that were replaced; `None` where no users may be made.
    pub fence: Option<Fence>,
    /// Whether this process may act right now; asked before each effect.
    pub may_act: Rc<dyn Fn() -> bool>,
    /// The clock that everything is told by.
    pub clock: Clock,
    /// Is told when servers were set to what [`NodeTarget::live`](super::NodeTarget::live) says.
    pub settings_told: Rc<dyn Fn(SettingsNews)>,
    /// How long clients may still be led to where the pointer pointed before it was moved; `None`
    /// where clients read it themselves. Those of a node that no longer leads are then sent away
    /// once more.
    pub pointer_lag: Option<Duration>,
    /// After how long a leader that finds itself superseded, and may act all the while, begins a
    /// term above: by then whoever took over has lost the right to act. `None` where nothing takes
    /// that right away.
    pub reclaims_after: Option<Duration>,
}

/// What somebody asks of a set.
#[derive(Debug)]
pub struct Asked {
    /// The wish.
    pub wish: Wish,
    /// Gets the outcome, unless the set stops being watched. Dropping the other end withdraws the
    /// wish.
    pub reply: oneshot::Sender<Wished>,
}

/// How a wish ended.
pub type Wished = Result<(), Hold>;

/// Is told of every step.
pub trait Observer {
    /// A step was taken; its actions are about to be performed.
    fn stepped(&mut self, seen: &Observation, local: &Local, actions: &[Action], now_ms: Millis);
}

/// Watches a set for ever. Dropping the future ends it; nothing stays behind.
pub async fn watch_set<S: Store>(
    setup: SetSetup,
    mut store: S,
    mut asked: mpsc::Receiver<Asked>,
    observer: &mut dyn Observer,
) {
    let board = Rc::new(Board::new(&setup.targets.borrow()));
    Box::pin(writer::begin(&mut store, &board)).await;
    let crew = Crew::new(&setup, &board);
    let (writes, orders) = mpsc::channel(4);
    let write = writer::write_all(&mut store, &board, orders);
    let decide = decide(&setup, &board, &crew, &writes, &mut asked, observer);
    // None of them ends but by being dropped.
    tokio::select! {
        () = crew.work(&setup) => {}
        () = write => {}
        () = decide => {}
    }
}

/// Observes, steps, performs; again whenever something has changed.
async fn decide(
    setup: &SetSetup,
    board: &Board,
    crew: &Crew,
    writes: &mpsc::Sender<Box<writer::Order>>,
    asked: &mut mpsc::Receiver<Asked>,
    observer: &mut dyn Observer,
) {
    let mut local = Local::default();
    let mut replies = Replies::default();
    let mut remembered = gated(&board.observation(false));
    let mut targets = setup.targets.clone();
    let (mut reread, mut leadership) = {
        let targets = targets.borrow();
        (targets.reread, targets.leadership)
    };
    let mut led = (setup.may_act)();
    let mut superseded_since = None;
    loop {
        let now_ms = setup.clock.now_ms();
        let leading = (setup.may_act)();
        let (hint, now_leadership) = {
            let targets = targets.borrow_and_update();
            (targets.reread, targets.leadership)
        };
        led &= now_leadership == leadership;
        let leads_again = leading && !led;
        if (leads_again || hint != reread)
            && writes.try_send(Box::new(writer::Order::Reread)).is_ok()
        {
            reread = hint;
            led = leading;
            leadership = now_leadership;
            if leads_again {
                // Somebody else may have led meanwhile: a new term, on what is recorded now.
                board.my_term.send_replace(0);
                board.writing.set(true);
            }
        }
        led &= leading;
        let seen = board.observation(leading && led);
        let (next, actions) = step(&local, &seen, now_ms);
        observer.stepped(&seen, &next, &actions, now_ms);
        local = next;
        let superseded = seen.leading && matches!(local.hold, Some(Hold::Superseded(_)));
        superseded_since = superseded.then(|| superseded_since.unwrap_or(now_ms));
        if let (Some(since), Some(limit)) = (superseded_since, setup.reclaims_after)
            && u128::from(now_ms - since) > limit.as_millis()
        {
            // The next look finds that leading has begun anew.
            led = false;
            superseded_since = None;
        }
        let now_gated = gated(&seen);
        if now_gated != remembered
            && writes.try_send(Box::new(writer::Order::Gated(now_gated.clone()))).is_ok()
        {
            remembered = now_gated;
        }
        let mut wake_ms = now_ms + seen.settings.ping_interval_ms.min(LONGEST_REST_MS);
        for action in actions {
            match action {
                Action::Send { node, run_id, command } => {
                    let sent = crew.send(node, watcher::Order { run_id, command });
                    board.update_quietly(node, |it| it.busy |= sent);
                }
                Action::Write(record) => {
                    let order = writer::Order::Record(record, board.version.get());
                    let sent = writes.try_send(Box::new(order)).is_ok();
                    board.writing.set(sent || board.writing.get());
                }
                Action::PointService { node, epoch } => {
                    let pointer = crate::sentinel::Pointer { node, epoch };
                    let order = writer::Order::Pointer(pointer);
                    let sent = writes.try_send(Box::new(order)).is_ok();
                    board.writing.set(sent || board.writing.get());
                }
                Action::Answer { request, outcome } => replies.answer(board, request, outcome),
                Action::Tell(_) => {}
                Action::WakeAt(at_ms) => wake_ms = wake_ms.min(at_ms),
            }
        }
        tokio::select! {
            () = board.changed.notified() => {}
            () = watcher::changed(&mut targets) => {}
            () = sleep_until(setup.clock.instant(wake_ms)) => {}
            Some(wish) = asked.recv(), if replies.is_free() => replies.ask(board, wish),
            () = replies.given_up() => replies.withdraw(board),
        }
    }
}

/// The nodes that are known to start as replicas of nowhere.
fn gated(seen: &Observation) -> BTreeSet<NodeId> {
    let gated = seen.nodes.iter().enumerate().filter(|(_, node)| node.gated);
    gated.map(|(index, _)| NodeId::at(index)).collect()
}

/// The wish under way, and who waits for it. Others wait in their queue.
#[derive(Default)]
struct Replies {
    last: u64,
    waiting: Option<oneshot::Sender<Wished>>,
}

impl Replies {
    fn is_free(&self) -> bool {
        self.waiting.is_none()
    }

    fn ask(&mut self, board: &Board, Asked { wish, reply }: Asked) {
        if reply.is_closed() {
            // Whoever asked has given up before it was this one's turn.
            return;
        }
        self.last += 1;
        self.waiting = Some(reply);
        board.request.set(Some(Request { id: self.last, wish }));
    }

    /// Waits until whoever asked for what is under way no longer wants to know.
    async fn given_up(&mut self) {
        match &mut self.waiting {
            Some(reply) => reply.closed().await,
            None => std::future::pending().await,
        }
    }

    /// What nobody waits for makes room for the next. What it has begun goes on by the record.
    fn withdraw(&mut self, board: &Board) {
        self.waiting = None;
        board.request.set(None);
    }

    fn answer(&mut self, board: &Board, request: u64, outcome: Wished) {
        if request == self.last
            && let Some(reply) = self.waiting.take()
        {
            board.request.set(None);
            // Who asked may have gone.
            let _ = reply.send(outcome);
            board.changed.notify_one();
        }
    }
}

/// What a first look has found.
#[derive(Debug)]
pub struct Look {
    /// What is known of the set, as if it had no record.
    pub seen: Observation,
    /// Why it cannot be taken over as it is.
    pub hold: Option<Hold>,
    /// What each node said that gave no report.
    pub said: Vec<Option<String>>,
    /// The configuration of each node that gave one.
    pub configs: Vec<Option<ServerConfig>>,
}

/// Looks at a set once, changing nothing: until every node has answered, or is known not to, or
/// `limit` has passed; and what the rules would say to taking it over as it is.
pub async fn look_once(setup: &SetSetup, limit: Duration) -> Look {
    let board = Rc::new(Board::new(&setup.targets.borrow()));
    let crew = Crew::new(setup, &board);
    let deadline = Instant::now() + limit;
    let heard = |(node, said): (&Node, &Option<String>)| {
        node.report.is_some() || node.trouble.is_some() || said.is_some()
    };
    let wait = async {
        while !board.nodes.borrow().iter().zip(board.said.borrow().iter()).all(heard) {
            board.changed.notified().await;
        }
    };
    let both = async {
        tokio::select! {
            () = crew.work(setup) => {}
            () = wait => {}
        }
    };
    // Whoever has not answered by now is seen as silent.
    let _ = timeout_at(deadline, both).await;
    let mut seen = board.observation(true);
    let now_ms = setup.clock.now_ms();
    seen.my_term = 1;
    seen.record = Some(Record::without_master(1, 0));
    for node in &mut seen.nodes {
        // Terms of earlier leaders are no matter here.
        node.highest_term = 0;
    }
    let (local, _) = step(&Local::default(), &seen, now_ms);
    Look { seen, hold: local.hold, said: board.said.take(), configs: board.configs.take() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::fixture::{n, settings};

    #[tokio::test]
    async fn a_wish_that_nobody_waits_for_makes_room_for_the_next() {
        let targets = SetTargets { settings: settings(), nodes: vec![], reread: 0, leadership: 0 };
        let (board, mut replies) = (Board::new(&targets), Replies::default());
        let (reply, outcome) = oneshot::channel();
        replies.ask(&board, Asked { wish: Wish::Switchover(Some(n(1))), reply });
        assert!(!replies.is_free() && board.request.get().is_some());
        drop(outcome);
        replies.given_up().await;
        replies.withdraw(&board);
        assert!(replies.is_free() && board.request.get().is_none());
    }
}
