//! The ways to the API server: so many requests at once on each.
//!
//! When every cluster has something to say at once, as after a start or when a node with many
//! masters dies, each request would otherwise open a connection of its own and wait at the API
//! server until it is given up. What decides does not wait behind what only shows it.
//!
//! Nothing is changed by whoever has lost the lease meanwhile: waiting for its turn, between two
//! tries, or standing still.

use std::sync::Arc;

use hyper::{Method, Request};
use kube::Client;
use kube::client::Body;
use tower::limit::ConcurrencyLimit;
use tower::{BoxError, service_fn};

use super::MayAct;

/// How many records and Services are read and written at once.
const DECISIONS: usize = 32;
/// How many labels and annotations are written at once.
const LABELS: usize = 8;

/// The ways that the elections of a process share.
#[derive(Clone)]
pub(super) struct Lanes {
    /// For the record and the Service.
    pub decisions: Client,
    /// For labels of pods and annotations of volumes.
    pub labels: Client,
}

impl Lanes {
    /// Over one client.
    pub fn new(client: &Client, may_act: &MayAct) -> Self {
        let lane = |at_once| lane(client, may_act, at_once);
        Self { decisions: lane(DECISIONS), labels: lane(LABELS) }
    }
}

/// A client that asks so much at once, and has the rest wait in order.
fn lane(client: &Client, may_act: &MayAct, at_once: usize) -> Client {
    let namespace = client.default_namespace().to_owned();
    let (client, may_act) = (client.clone(), Arc::clone(may_act));
    let send = service_fn(move |request: Request<Body>| {
        let (client, may_act) = (client.clone(), Arc::clone(&may_act));
        async move {
            if request.method() != Method::GET && !may_act() {
                return Err(BoxError::from("the lease was lost"));
            }
            client.send(request).await.map_err(BoxError::from)
        }
    });
    Client::new(ConcurrencyLimit::new(send, at_once), namespace)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use hyper::Response;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_at_once_and_every_one_in_the_end() {
        let (now, most, all) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
        let (under_way, highest) = (Arc::clone(&now), Arc::clone(&most));
        let slow = service_fn(move |_: Request<Body>| {
            let (now, most) = (Arc::clone(&under_way), Arc::clone(&highest));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                sleep(Duration::from_millis(5)).await;
                now.fetch_sub(1, Ordering::Relaxed);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let leads: MayAct = Arc::new(|| true);
        let client = lane(&Client::new(slow, "default"), &leads, 3);
        let ask = || async {
            let request = Request::new(Vec::new());
            client.request_text(request).await.expect("an answer");
            all.fetch_add(1, Ordering::Relaxed);
        };
        futures_util::future::join_all((0..20).map(|_| ask())).await;
        assert_eq!((most.load(Ordering::Relaxed), all.into_inner()), (3, 20));
        assert_eq!(now.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_lost_the_lease_while_waiting_changes_nothing_and_reads_on() {
        let leads = Arc::new(AtomicBool::new(true));
        let asked = Arc::new(AtomicUsize::new(0));
        let (may_act, heard) = (Arc::clone(&leads), Arc::clone(&asked));
        let slow = service_fn(move |_: Request<Body>| {
            heard.fetch_add(1, Ordering::Relaxed);
            async {
                sleep(Duration::from_millis(5)).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let may_act: MayAct = Arc::new(move || may_act.load(Ordering::Relaxed));
        let client = lane(&Client::new(slow, "default"), &may_act, 1);
        let ask = |method: Method| {
            let mut request = Request::new(Vec::new());
            *request.method_mut() = method;
            client.request_text(request)
        };
        let lose = async {
            sleep(Duration::from_millis(2)).await;
            leads.store(false, Ordering::Relaxed);
        };
        let all = tokio::join!(ask(Method::PATCH), ask(Method::PATCH), ask(Method::GET), lose);
        assert!(all.0.is_ok() && all.2.is_ok());
        let refused = all.1.expect_err("it was sent after the lease was lost").to_string();
        assert!(refused.contains("the lease was lost"), "{refused}");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
