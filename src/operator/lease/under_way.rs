//! What was begun under the lease and has not been answered. The lease is not given back before: a
//! change that arrives late would be one of somebody who leads no more.

use hyper::{Method, Request};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tower::{BoxError, service_fn};

/// How many changes are under way. Clones count together.
#[derive(Debug, Clone)]
pub(super) struct UnderWay(watch::Sender<usize>);

/// A change that is under way until this is dropped.
struct Change(UnderWay);

impl UnderWay {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Waits until nothing is.
    pub async fn nothing(&self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }

    /// A client whose changes count, and are sent only while `may_act` says so.
    pub fn client(
        &self,
        client: Client,
        may_act: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Client {
        let namespace = client.default_namespace().to_owned();
        let under_way = self.clone();
        let send = service_fn(move |request: Request<Body>| {
            let changes = request.method() != Method::GET;
            // Counted first: whoever has just seen none sends none afterwards.
            let change = changes.then(|| under_way.begin());
            let (client, may_act) = (client.clone(), may_act.clone());
            async move {
                let _until_answered = change;
                if changes && !may_act() {
                    return Err(BoxError::from("the lease was lost"));
                }
                client.send(request).await.map_err(BoxError::from)
            }
        });
        Client::new(send, namespace)
    }

    fn begin(&self) -> Change {
        self.0.send_modify(|count| *count += 1);
        Change(self.clone())
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use hyper::Response;
    use tokio::time::{Instant, sleep, timeout};
    use tower::limit::ConcurrencyLimit;

    use super::*;

    /// A server that answers after that time, over it a client of whoever leads, and what was sent.
    struct Fixture {
        under_way: UnderWay,
        client: Client,
        leads: Arc<AtomicBool>,
        sent: Arc<AtomicUsize>,
    }

    fn leading(answers_after: Duration) -> Fixture {
        let (leads, sent) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&sent);
        let server = service_fn(move |_: Request<Body>| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(answers_after).await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        let (under_way, asked) = (UnderWay::new(), Arc::clone(&leads));
        let may_act = move || asked.load(Ordering::Relaxed);
        let client = under_way.client(Client::new(server, "default"), may_act);
        Fixture { under_way, client, leads, sent }
    }

    fn request(method: Method) -> Request<Body> {
        Request::builder().method(method).uri("/").body(Body::empty()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_under_way_once_each_change_was_answered_or_given_up() {
        let Fixture { under_way, client, leads, sent } = leading(Duration::from_millis(50));
        let ask = |method: Method| client.send(request(method));
        let began = Instant::now();
        let (answer, read, ()) = tokio::join!(ask(Method::PATCH), ask(Method::GET), async {
            sleep(Duration::from_millis(1)).await;
            under_way.nothing().await;
            assert_eq!(began.elapsed(), Duration::from_millis(50), "until it was answered");
        });
        answer.unwrap();
        read.unwrap();
        // A read changes nothing.
        let reading = timeout(Duration::from_millis(10), ask(Method::GET)).await;
        reading.unwrap_err();
        let began = Instant::now();
        under_way.nothing().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        // Nobody who leads no more sends a change.
        leads.store(false, Ordering::Relaxed);
        ask(Method::PATCH).await.unwrap_err();
        ask(Method::GET).await.unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_lost_the_lease_while_waiting_for_its_turn_changes_nothing_and_reads_on() {
        let Fixture { client, leads, sent, .. } = leading(Duration::from_millis(5));
        // As elections have it: the turn comes first.
        let send = service_fn(move |request: Request<Body>| {
            let client = client.clone();
            async move { client.send(request).await }
        });
        let client = Client::new(ConcurrencyLimit::new(send, 1), "default");
        let ask = |method: Method| client.send(request(method));
        let lose = async {
            sleep(Duration::from_millis(2)).await;
            leads.store(false, Ordering::Relaxed);
        };
        let all = tokio::join!(ask(Method::PATCH), ask(Method::PATCH), ask(Method::GET), lose);
        assert!(all.0.is_ok() && all.2.is_ok());
        let refused = all.1.expect_err("it was sent after the lease was lost").to_string();
        assert!(refused.contains("the lease was lost"), "{refused}");
        assert_eq!(sent.load(Ordering::Relaxed), 2);
    }
}
