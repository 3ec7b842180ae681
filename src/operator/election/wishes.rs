//! What people ask for by annotations becomes a wish, until it is granted.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;
use tracing::info;

use crate::runtime::Asked;
use crate::sentinel::{NodeId, Wish};

use super::desk::Desk;
use super::record::node_of;

/// The first wait after a refusal, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// While nobody may be asked, how often that is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What the facts ask for now.
fn wanted(desk: &Desk) -> Option<Wish> {
    let facts = desk.facts.borrow();
    let node = |pod: &String| -> Option<NodeId> { node_of(&facts.key.name, pod) };
    let promote = facts.promote.as_ref().and_then(node).map(Wish::Promote);
    promote.or_else(|| {
        let to = facts.switchover_to.as_ref().and_then(node)?;
        Some(Wish::Switchover(Some(to)))
    })
}

/// Asks for what is wanted, for ever. What was granted is not asked for again before something else
/// was wanted, or nothing.
pub(super) async fn ask(
    desk: &Desk,
    may_act: &Rc<dyn Fn() -> bool>,
    mut facts: watch::Receiver<()>,
    wishes: mpsc::Sender<Asked>,
) {
    let mut granted: Option<Wish> = None;
    let mut wait = BACKOFF.0;
    loop {
        facts.borrow_and_update();
        let now = wanted(desk);
        let asks = now.filter(|wish| granted != Some(*wish));
        if now.is_none() {
            granted = None;
        }
        let Some(wish) = asks else {
            wait = BACKOFF.0;
            if facts.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            continue;
        };
        if !may_act() {
            sleep(LOOK_AGAIN).await;
            continue;
        }
        let (reply, outcome) = oneshot::channel();
        if wishes.send(Asked { wish, reply }).await.is_err() {
            std::future::pending::<()>().await;
        }
        match outcome.await {
            Ok(Ok(())) => {
                granted = Some(wish);
                wait = BACKOFF.0;
            }
            Ok(Err(hold)) => {
                let name = |node: NodeId| format!("{}-{}", desk.facts.borrow().key.name, node.0);
                let cluster = desk.facts.borrow().key.to_string();
                info!(%cluster, "not granted: {}", hold.describe(&name));
                tokio::select! {
                    () = sleep(wait) => wait = (wait * 2).min(BACKOFF.1),
                    Ok(()) = facts.changed() => {}
                }
            }
            Err(_) => sleep(LOOK_AGAIN).await,
        }
    }
}
