//! Handovers that people ask for, by the control socket or by Sentinel's protocol: one at a time.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::discovery::HandoverReply;
use crate::runtime::{Asked, ControlReply};
use crate::sentinel::{Hold, NodeId, Wish};
use crate::valkey::Address;

/// A handover that is undone sooner than this was not slow: between the last look at the master and
/// its freeze came a PING for its replicas, which comes once a second, and the target lacks it.
const QUICK: Duration = Duration::from_secs(2);
/// How often such a handover is begun.
const MAX_ATTEMPTS: u32 = 3;

/// Passes wishes on to the set.
pub(super) struct Wishes {
    set: mpsc::Sender<Asked>,
    addresses: Vec<Address>,
    under_way: Cell<bool>,
}

/// Why a wish was not granted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Somebody waits for another one.
    UnderWay,
    /// The rules say no.
    Hold(Hold),
    /// It names no node of the set; why.
    NoSuchNode(String),
    /// The process ends.
    Ending,
}

/// Says that a wish is under way, as long as somebody waits for it.
struct UnderWay<'a>(&'a Cell<bool>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Wishes {
    /// With where the set takes them from.
    pub(super) fn new(addresses: &[Address]) -> (Self, mpsc::Receiver<Asked>) {
        let (set, asked) = mpsc::channel(1);
        (Self { set, addresses: addresses.to_vec(), under_way: Cell::new(false) }, asked)
    }

    /// Asks for a handover, to this node or the best one, and waits for its outcome. When that wait
    /// is given up, a handover that has begun goes on.
    pub(super) async fn hand_over(&self, to: Option<&str>) -> Result<(), Refusal> {
        let node = to.map(|to| self.find(to)).transpose()?;
        if self.under_way.replace(true) {
            return Err(Refusal::UnderWay);
        }
        let _under_way = UnderWay(&self.under_way);
        let mut attempts = 1;
        loop {
            let began = Instant::now();
            let outcome = self.pass_on(Wish::Switchover(node)).await;
            let undone = matches!(outcome, Err(Refusal::Hold(Hold::HandoverUndone)));
            if !undone || began.elapsed() > QUICK || attempts == MAX_ATTEMPTS {
                return outcome;
            }
            attempts += 1;
        }
    }

    /// Passes one wish on and waits for its outcome.
    async fn pass_on(&self, wish: Wish) -> Result<(), Refusal> {
        let (reply, outcome) = oneshot::channel();
        self.set.try_send(Asked { wish, reply }).map_err(|_| Refusal::UnderWay)?;
        outcome.await.map_err(|_| Refusal::Ending)?.map_err(Refusal::Hold)
    }

    fn find(&self, text: &str) -> Result<NodeId, Refusal> {
        let address = text.parse::<Address>();
        let address = address.map_err(|error| Refusal::NoSuchNode(error.to_string()))?;
        let index = self.addresses.iter().position(|it| *it == address);
        index.map(NodeId::at).ok_or_else(|| {
            let known: Vec<String> = self.addresses.iter().map(|it| format!("`{it}`")).collect();
            let known = known.join(", ");
            Refusal::NoSuchNode(format!("`{address}` is none of the nodes: {known}"))
        })
    }

    fn describe(&self, hold: Hold) -> String {
        hold.describe(&|node| self.addresses[node.index()].to_string())
    }

    /// What `gungnir switchover` is told.
    pub(super) fn control_reply(&self, refusal: &Refusal) -> ControlReply {
        match refusal {
            Refusal::UnderWay => ControlReply::Refused("another handover is under way".to_owned()),
            Refusal::Hold(hold) => ControlReply::Refused(self.describe(*hold)),
            Refusal::NoSuchNode(why) => ControlReply::Invalid(why.clone()),
            Refusal::Ending => ControlReply::Refused("this process is ending".to_owned()),
        }
    }

    /// What a client of Sentinel is told.
    pub(super) fn discovery_reply(&self, outcome: Result<(), Refusal>) -> HandoverReply {
        match outcome {
            Ok(()) => HandoverReply::Accepted,
            Err(Refusal::UnderWay) => HandoverReply::InProgress,
            Err(Refusal::Hold(Hold::NobodyElse | Hold::NotInSync(_))) => {
                HandoverReply::NoGoodReplica
            }
            Err(Refusal::Hold(hold)) => HandoverReply::Refused(self.describe(hold)),
            Err(Refusal::NoSuchNode(why)) => HandoverReply::Refused(why),
            Err(Refusal::Ending) => HandoverReply::Refused("this process is ending".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes() -> (Wishes, mpsc::Receiver<Asked>) {
        Wishes::new(&["a:1", "b:2"].map(|it| it.parse().unwrap()))
    }

    #[tokio::test]
    async fn a_wish_is_passed_on_and_its_outcome_back() {
        let (wishes, mut asked) = wishes();
        let set = async {
            let Asked { wish, reply } = asked.recv().await.unwrap();
            assert_eq!(wish, Wish::Switchover(Some(NodeId(1))));
            reply.send(Err(Hold::NotInSync(NodeId(1)))).unwrap();
            let Asked { wish, reply } = asked.recv().await.unwrap();
            assert_eq!(wish, Wish::Switchover(None));
            reply.send(Ok(())).unwrap();
        };
        let people = async {
            let refusal = wishes.hand_over(Some("b:2")).await.unwrap_err();
            assert_eq!(
                wishes.control_reply(&refusal),
                ControlReply::Refused("`b:2` does not follow the master closely enough".to_owned())
            );
            wishes.hand_over(None).await.unwrap();
        };
        tokio::join!(set, people);
    }

    #[tokio::test]
    async fn a_node_that_is_none_is_no_wish() {
        let (wishes, mut asked) = wishes();
        for (to, why) in [
            ("c:3", "`c:3` is none of the nodes: `a:1`, `b:2`"),
            ("b", "`b` has no port; write `host:port`"),
        ] {
            let refusal = wishes.hand_over(Some(to)).await.unwrap_err();
            assert_eq!(wishes.control_reply(&refusal), ControlReply::Invalid(why.to_owned()));
        }
        assert!(asked.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_ping_has_undone_is_begun_again_and_what_was_slow_is_not() {
        for (takes, granted_at, begun) in [
            (Duration::from_millis(500), 2, 2),
            (Duration::from_millis(500), 9, MAX_ATTEMPTS),
            (QUICK + Duration::from_millis(1), 2, 1),
        ] {
            let (wishes, mut asked) = wishes();
            let count = Cell::new(0);
            let set = async {
                while let Some(Asked { wish: _, reply }) = asked.recv().await {
                    count.set(count.get() + 1);
                    tokio::time::sleep(takes).await;
                    let granted = count.get() == granted_at;
                    let undone = Err(Hold::HandoverUndone);
                    reply.send(if granted { Ok(()) } else { undone }).unwrap();
                }
            };
            let outcome = tokio::select! {
                () = set => panic!("wishes are taken for ever"),
                outcome = wishes.hand_over(None) => outcome,
            };
            assert_eq!(count.get(), begun, "{takes:?}");
            assert_eq!(outcome.is_ok(), begun == granted_at, "{takes:?}");
        }
    }

    #[tokio::test]
    async fn the_second_of_two_is_told_of_the_first() {
        let (wishes, mut asked) = wishes();
        let mut first = Box::pin(wishes.hand_over(None));
        tokio::select! {
            biased;
            _ = &mut first => panic!("nobody has answered"),
            () = std::future::ready(()) => {}
        }
        let second = wishes.hand_over(None).await;
        assert!(matches!(wishes.discovery_reply(second), HandoverReply::InProgress));
        // Who gives up makes room; the set is still at the first one.
        drop(first);
        let third = wishes.hand_over(None).await.unwrap_err();
        assert!(matches!(third, Refusal::UnderWay));
        assert!(asked.recv().await.unwrap().reply.is_closed());
    }
}
