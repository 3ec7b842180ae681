//! The ways to the API server: so many requests at once on each.
//!
//! When every cluster has something to say at once, as after a start or when a node with many
//! masters dies, each request would otherwise open a connection of its own and wait at the API
//! server until it is given up. What decides does not wait behind what only shows it.

use hyper::Request;
use kube::Client;
use kube::client::Body;
use tower::limit::ConcurrencyLimit;
use tower::service_fn;

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
    pub fn new(client: &Client) -> Self {
        Self { decisions: lane(client, DECISIONS), labels: lane(client, LABELS) }
    }
}

/// A client that asks so much at once, and has the rest wait in order.
fn lane(client: &Client, at_once: usize) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let send = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(ConcurrencyLimit::new(send, at_once), namespace)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
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
        let client = lane(&Client::new(slow, "default"), 3);
        let ask = || async {
            let request = Request::new(Vec::new());
            client.request_text(request).await.expect("an answer");
            all.fetch_add(1, Ordering::Relaxed);
        };
        futures_util::future::join_all((0..20).map(|_| ask())).await;
        assert_eq!((most.load(Ordering::Relaxed), all.into_inner()), (3, 20));
        assert_eq!(now.load(Ordering::Relaxed), 0);
    }
}
