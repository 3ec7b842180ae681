//! What people ask for by annotations becomes a wish, until it is granted.
//!
//! What was granted is recorded in `status.election.served`, by the annotation's whole value, and
//! kept there as long as the annotation says so: whoever leads next does not do it again. The same
//! is asked for once more by another value (`POD/ANYTHING` means `POD`), or after the annotation
//! was gone.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep;
use tracing::{debug, info};

use crate::operator::{Annotation, ClusterFacts};
use crate::runtime::{Asked, changed};
use crate::sentinel::{NodeId, Wish};

use super::desk::Desk;
use super::record::node_of;
use super::store::ClusterStore;

/// The first wait after a refusal, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));
/// While nobody may be asked, how often that is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The longest value of an annotation that is understood: a pod's name and as much again.
const MAX_VALUE_BYTES: usize = 128;

/// Something that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    /// As it is recorded when it was done.
    text: String,
    wish: Wish,
}

/// What a pod that has to take over is recorded under.
const HEIR: &str = "heir";

/// What the facts ask for, the most urgent first.
fn requests(facts: &ClusterFacts) -> Vec<Request> {
    let request = |name: &str, value: Option<&String>, wish: fn(NodeId) -> Wish| {
        let value = value.filter(|value| value.len() <= MAX_VALUE_BYTES)?;
        let pod = value.split_once('/').map_or(value.as_str(), |(pod, _)| pod);
        let name = name.rsplit('/').next().unwrap_or_default();
        let wish = wish(node_of(&facts.key.name, pod)?);
        Some(Request { text: format!("{name}={value}"), wish })
    };
    let switchover = |node| Wish::Switchover(Some(node));
    let promote = request(Annotation::Promote.key(), facts.promote.as_ref(), Wish::Promote);
    // An annotation that stands there, done or not to be done, keeps no pod from its restart.
    let heir = request(HEIR, facts.heir.as_ref(), switchover);
    let to = facts.switchover_to.as_ref();
    let people = request(Annotation::SwitchoverTo.key(), to, switchover);
    promote.into_iter().chain(heir).chain(people).collect()
}

/// What is to be asked for next: the first that was not granted yet.
fn most_urgent(requests: Vec<Request>, served: &[String]) -> Option<Request> {
    requests.into_iter().find(|request| !served.contains(&request.text))
}

/// What was granted, recorded or not yet.
#[derive(Debug, Default)]
struct Granted(Vec<String>);

impl Granted {
    /// What is to be recorded now: what was granted and is still asked for.
    fn served(&mut self, requests: &[Request], recorded: &[String]) -> Vec<String> {
        self.0.retain(|text| requests.iter().any(|request| request.text == *text));
        let texts = requests.iter().map(|request| &request.text);
        texts.filter(|text| self.0.contains(text) || recorded.contains(text)).cloned().collect()
    }
}

/// Waits longer after each refusal, and not at all once there is news.
struct Patience(Duration);

impl Patience {
    async fn rest(&mut self, facts: &mut watch::Receiver<()>) {
        tokio::select! {
            () = sleep(self.0) => self.0 = (self.0 * 2).min(BACKOFF.1),
            Ok(()) = facts.changed() => {}
        }
    }
}

/// Asks for what is wanted, for ever.
///
/// What was done is known before anything is asked for, and what nobody asks for any more is forgotten
/// before anything else is done: whoever ends in the middle leaves nothing behind that would keep the
/// same from being done once it is asked for anew.
pub(super) async fn ask(
    desk: &Desk,
    store: &ClusterStore,
    may_act: &Rc<dyn Fn() -> bool>,
    mut facts: watch::Receiver<()>,
    wishes: mpsc::Sender<Asked>,
) {
    let mut granted = Granted::default();
    let mut patience = Patience(BACKOFF.0);
    let mut targets = desk.targets();
    loop {
        facts.borrow_and_update();
        targets.borrow_and_update();
        let Some(recorded) = desk.served() else {
            // Whatever is read aims anew.
            changed(&mut targets).await;
            continue;
        };
        let requests = requests(&desk.facts.borrow());
        let served = granted.served(&requests, &recorded);
        let next = most_urgent(requests, &served);
        // What was asked for and done since is not to be forgotten because of older facts.
        let is_early = desk.is_behind() && recorded.iter().any(|text| !served.contains(text));
        if is_early || (next.is_none() && served == recorded) {
            patience = Patience(BACKOFF.0);
            changed(&mut facts).await;
            continue;
        }
        if !may_act() {
            sleep(LOOK_AGAIN).await;
            continue;
        }
        if served != recorded {
            match Box::pin(store.serve(&served)).await {
                Ok(true) => continue,
                // There is no record that could keep it.
                Ok(false) => {}
                Err(error) => {
                    debug!(?error, "what was served could not be recorded yet");
                    patience.rest(&mut facts).await;
                    continue;
                }
            }
        }
        let Some(Request { text, wish }) = next else {
            // The record changes for other reasons, too: then it is tried again on the new one.
            patience.rest(&mut facts).await;
            continue;
        };
        let (reply, outcome) = oneshot::channel();
        if wishes.send(Asked { wish, reply }).await.is_err() {
            std::future::pending::<()>().await;
        }
        match until_another(desk, &mut facts, &served, &text, outcome).await {
            None => {}
            Some(Ok(Ok(()))) => {
                granted.0.push(text);
                patience = Patience(BACKOFF.0);
            }
            Some(Ok(Err(hold))) => {
                let key = desk.facts.borrow().key.clone();
                let name = |node: NodeId| format!("{}-{}", key.name, node.0);
                info!("not granted: {}", hold.describe(&name));
                patience.rest(&mut facts).await;
            }
            Some(Err(_)) => sleep(LOOK_AGAIN).await,
        }
    }
}

/// Waits for the outcome of a request; `None` when another one is more urgent by then, or people want
/// it no more. Then it is withdrawn: what cannot be granted now keeps nothing else from being asked.
async fn until_another<T>(
    desk: &Desk,
    facts: &mut watch::Receiver<()>,
    served: &[String],
    text: &str,
    mut outcome: oneshot::Receiver<T>,
) -> Option<Result<T, oneshot::error::RecvError>> {
    loop {
        tokio::select! {
            outcome = &mut outcome => return Some(outcome),
            Ok(()) = facts.changed() => {
                let next = most_urgent(requests(&desk.facts.borrow()), served);
                if next.is_none_or(|next| next.text != text) {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::facts;
    use tokio::time::timeout;

    use super::*;
    use crate::operator::Outside;

    fn asked(promote: Option<&str>, switchover_to: Option<&str>) -> Vec<Request> {
        let mut facts = facts(3);
        facts.promote = promote.map(str::to_owned);
        facts.switchover_to = switchover_to.map(str::to_owned);
        requests(&facts)
    }

    fn texts(requests: &[Request]) -> Vec<&str> {
        requests.iter().map(|request| request.text.as_str()).collect()
    }

    #[test]
    fn an_annotation_names_a_pod_and_perhaps_more() {
        let switchover = |node| Wish::Switchover(Some(NodeId(node)));
        for (value, wish) in [
            ("shop-1", Some(switchover(1))),
            ("shop-2/2026-01-01T12:00:00Z", Some(switchover(2))),
            ("shop-2/", Some(switchover(2))),
            ("shop-1 ", None),
            ("other-1", None),
            ("", None),
            (&format!("shop-1/{}", "x".repeat(MAX_VALUE_BYTES)), None),
        ] {
            let asked = asked(None, Some(value));
            let text = format!("switchover-to={value}");
            assert_eq!(
                asked,
                wish.map(|wish| Request { text, wish }).into_iter().collect::<Vec<_>>()
            );
        }
        let both = asked(Some("shop-0"), Some("shop-1"));
        assert_eq!(texts(&both), ["promote=shop-0", "switchover-to=shop-1"]);
        assert_eq!(both[0].wish, Wish::Promote(NodeId(0)));
    }

    #[test]
    fn an_annotation_that_stands_there_keeps_nobody_from_taking_over() {
        let mut facts = facts(3);
        facts.switchover_to = Some("shop-2".to_owned());
        facts.heir = Some("shop-0".to_owned());
        let both = requests(&facts);
        assert_eq!(texts(&both), ["heir=shop-0", "switchover-to=shop-2"]);
        // And what was done for it is not done again afterwards.
        let recorded = vec!["switchover-to=shop-2".to_owned()];
        let served = Granted::default().served(&both, &recorded);
        assert_eq!(served, recorded);
        facts.heir = None;
        assert_eq!(Granted::default().served(&requests(&facts), &served), recorded);
    }

    #[test]
    fn what_was_served_is_known_as_long_as_it_is_asked_for() {
        let recorded =
            |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let old = recorded(&["switchover-to=shop-1"]);
        // Another process did it.
        let mut granted = Granted::default();
        assert_eq!(granted.served(&asked(None, Some("shop-1")), &old), old);
        // Another value is another request, and a new one beside it leaves it served.
        assert_eq!(granted.served(&asked(None, Some("shop-1/2")), &old), recorded(&[]));
        assert_eq!(granted.served(&asked(Some("shop-0"), Some("shop-1")), &old), old);
        // Done, and not recorded yet.
        granted.0 = recorded(&["promote=shop-0"]);
        let both = asked(Some("shop-0"), Some("shop-1"));
        let served = granted.served(&both, &old);
        assert_eq!(served, recorded(&["promote=shop-0", "switchover-to=shop-1"]));
        // Once the annotations are gone, so is the memory of them.
        assert_eq!(granted.served(&[], &served), recorded(&[]));
        assert_eq!(granted.served(&both, &[]), recorded(&[]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_withdrawn_when_something_more_urgent_is_asked_for() {
        let of = |promote: Option<&str>, switchover_to: Option<&str>| {
            let mut facts = facts(3);
            facts.promote = promote.map(str::to_owned);
            facts.switchover_to = switchover_to.map(str::to_owned);
            facts
        };
        for (promote, to, kept) in [
            (None, Some("shop-1"), true),
            (Some("shop-2"), Some("shop-1"), false),
            (None, Some("shop-2"), false),
            (None, None, false),
        ] {
            let before = of(None, Some("shop-1"));
            let desk = Desk::new(before, "test/one".to_owned(), Outside::default());
            let (changed, mut facts) = watch::channel(());
            let (reply, outcome) = oneshot::channel::<()>();
            desk.facts.replace(of(promote, to));
            changed.send_replace(());
            let waits = until_another(&desk, &mut facts, &[], "switchover-to=shop-1", outcome);
            let withdrawn = timeout(Duration::from_secs(1), waits).await;
            assert_eq!(withdrawn.is_err(), kept, "{promote:?} {to:?}");
            assert!(reply.is_closed(), "nobody waits for it any more");
        }
    }
}
