//! The watchers of a set: one a node, however many nodes there are by now.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, AbortRegistration, Abortable};
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use super::aliases::Aliases;
use super::board::Board;
use super::fence::Fence;
use super::set::{SetSetup, Timing};
use super::stragglers::Stragglers;
use super::target::SetTargets;
use super::watcher::{Order, Watcher, changed};
use crate::sentinel::NodeId;

/// Those who watch, by node.
pub(super) struct Crew {
    aliases: Rc<Aliases>,
    board: Rc<Board>,
    fence: Option<Rc<Fence>>,
    posts: RefCell<Vec<Post>>,
}

/// The way to one of them.
struct Post {
    orders: mpsc::Sender<Box<Order>>,
    end: AbortHandle,
}

impl Crew {
    pub fn new(setup: &SetSetup, board: &Rc<Board>) -> Self {
        Self {
            aliases: Rc::new(Aliases::new()),
            board: Rc::clone(board),
            fence: setup.fence.clone().map(Rc::new),
            posts: RefCell::default(),
        }
    }

    /// Gives a node a command, unless it has one under way.
    pub fn send(&self, node: NodeId, order: Order) -> bool {
        let posts = self.posts.borrow();
        posts.get(node.index()).is_some_and(|post| post.orders.try_send(Box::new(order)).is_ok())
    }

    /// Watches for ever.
    pub async fn work(&self, setup: &SetSetup) {
        let mut watching = FuturesUnordered::new();
        let mut targets = setup.targets.clone();
        loop {
            // What it is watched for is not held any longer than this.
            let present = targets.borrow_and_update().clone();
            let new = self.man(setup, &present);
            drop(present);
            watching.extend(new.into_iter().map(|(mut watcher, end)| {
                // Once here, not once more as an argument.
                Abortable::new(async move { watcher.watch().await }, end)
            }));
            tokio::select! {
                Some(_) = watching.next() => {}
                () = changed(&mut targets) => {}
            }
        }
    }

    /// Gives every node a post, and ends those of nodes that are gone; who is to begin to watch.
    fn man(&self, setup: &SetSetup, present: &SetTargets) -> Vec<(Watcher, AbortRegistration)> {
        self.board.take(present, setup.clock.now_ms());
        let stay = present.nodes.len().min(self.len());
        for gone in self.posts.borrow_mut().drain(stay..) {
            gone.end.abort();
        }
        // All are known by name before the first of them is asked whom it follows.
        let new = self.len()..present.nodes.len();
        for index in new.clone() {
            let address = present.process(index).map(|process| &process.address);
            self.aliases.place(NodeId::at(index), address);
        }
        let begin = |index| {
            // A node has one command under way at most. A channel has room for many all the same:
            // what goes through it is boxed.
            let (sender, orders) = mpsc::channel(1);
            let (end, registration) = AbortHandle::new_pair();
            self.posts.borrow_mut().push(Post { orders: sender, end });
            let watcher = Watcher {
                id: NodeId::at(index),
                targets: setup.targets.clone(),
                target: present.process(index).cloned(),
                aliases: Rc::clone(&self.aliases),
                board: Rc::clone(&self.board),
                fence: self.fence.clone(),
                found: RefCell::default(),
                orders,
                may_act: Rc::clone(&setup.may_act),
                clock: setup.clock,
                settings_told: Rc::clone(&setup.settings_told),
                pointer_lag: setup.pointer_lag,
                stragglers: Stragglers::default(),
                timing: Timing::of(&present.settings),
            };
            (watcher, registration)
        };
        new.map(begin).collect()
    }

    fn len(&self) -> usize {
        self.posts.borrow().len()
    }
}
