//! Who of several operators may act: the holder of one Lease object, as long as it keeps renewing it.
//!
//! ```text
//! Keeper ─ every second ─▶ read, or write with the version that was read ─▶ Leadership (a deadline)
//! ```
//!
//! **Guarantees.** A clock is never compared with another machine's: the holder counts from the
//! moment it *sent* the renewal that succeeded, and whoever waits counts from the moment it first saw
//! the record unchanged. [`Leadership::may_act`] turns false before the others may take over, with
//! room for an effect that was begun in the last moment. A lease that is given back is given back
//! after the last change under it was answered.
//!
//! **Assumptions.** The clocks of two machines run at the same speed to within a fifth.

mod claim;
mod other;
mod under_way;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use super::outside::WallClock;

pub use other::OtherOperator;

use claim::{Claim, Move, Watched};
use under_way::UnderWay;

/// How the lease is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long others wait for a record that does not change.
    pub duration: Duration,
    /// How long after the last renewal the holder goes on at most.
    pub renew_deadline: Duration,
    /// How often it is renewed, or looked at.
    pub retry_period: Duration,
    /// How long an effect may take that was begun in the last moment.
    pub effect_timeout: Duration,
}

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(5),
            renew_deadline: Duration::from_secs(3),
            retry_period: Duration::from_secs(1),
            effect_timeout: Duration::from_secs(1),
        }
    }
}

impl LeaseTimes {
    /// Until when an effect may begin after a renewal that was sent at `sent`.
    fn acts_until(&self, sent: Instant) -> Instant {
        sent + self.renew_deadline.saturating_sub(self.effect_timeout)
    }
}

/// Where the lease is, and who asks for it.
#[derive(Debug, Clone)]
pub struct LeaseName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Who asks: different for every process, or two would take each other for themselves.
    pub identity: String,
}

impl LeaseName {
    /// As an election's record names it: `namespace/name`.
    #[must_use]
    pub fn recorded(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// Whether this process may act. Cheap to clone and to ask.
#[derive(Debug, Clone)]
pub struct Leadership {
    until: watch::Receiver<Option<Instant>>,
    resign: mpsc::Sender<()>,
    under_way: UnderWay,
}

impl Leadership {
    /// Whether an effect may begin now.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Until when effects may begin, as far as is known now.
    #[must_use]
    pub fn acts_until(&self) -> Option<Instant> {
        *self.until.borrow()
    }

    /// A client that changes something only while this process may act. The lease is not given back
    /// while a change of its is under way.
    #[must_use]
    pub fn client(&self, client: Client) -> Client {
        let leadership = self.clone();
        self.under_way.client(client, move || leadership.may_act())
    }

    /// Waits until the lease is won, renewed or lost.
    pub async fn changed(&mut self) {
        if self.until.changed().await.is_err() {
            // Without a keeper nothing changes any more.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until this process may act.
    pub async fn gained(&mut self) {
        while !self.may_act() {
            self.changed().await;
        }
    }

    /// Gives the lease up, so that another operator looks at the world with its own eyes. This one
    /// takes it again only when nobody else has.
    pub fn resign(&self) {
        // One that waits already is as good.
        let _ = self.resign.try_send(());
    }
}

/// Keeps the lease.
pub struct Keeper {
    api: Api<Lease>,
    name: LeaseName,
    times: LeaseTimes,
    watched: Option<Watched>,
    until: watch::Sender<Option<Instant>>,
    resigned: mpsc::Receiver<()>,
    not_before: Option<Instant>,
    /// A write was sent whose answer has not been read.
    unanswered: bool,
    under_way: UnderWay,
    clock: WallClock,
}

impl Keeper {
    /// A keeper that holds nothing yet, and what tells others whether it does.
    #[must_use]
    pub fn new(
        client: Client,
        name: LeaseName,
        times: LeaseTimes,
        clock: WallClock,
    ) -> (Self, Leadership) {
        let (until, receiver) = watch::channel(None);
        let (resign, resigned) = mpsc::channel(1);
        let api = Api::namespaced(client, &name.namespace);
        let keeper = Self {
            api,
            name,
            times,
            watched: None,
            until,
            resigned,
            not_before: None,
            unanswered: false,
            under_way: UnderWay::new(),
            clock,
        };
        let under_way = keeper.under_way.clone();
        (keeper, Leadership { until: receiver, resign, under_way })
    }

    /// Takes the lease when it is free, renews it until `end`, and gives it back.
    pub async fn keep(&mut self, end: impl Future<Output = ()>) {
        tokio::select! {
            () = self.renew() => {}
            () = end => info!("ends: asked to"),
        }
        self.give_back().await;
    }

    /// Takes the lease when it is free, and renews it; for ever.
    async fn renew(&mut self) {
        loop {
            let began = Instant::now();
            self.once(began).await;
            let next = began + self.times.retry_period;
            tokio::select! {
                () = sleep_until(next) => {}
                Some(()) = self.resigned.recv() => {
                    warn!("gives the lease up, so that another operator takes a look");
                    // What was begun in the last moment has ended before another operator acts.
                    self.until.send_replace(None);
                    sleep(self.times.effect_timeout).await;
                    self.give_back().await;
                    // Long enough for everybody who waits to have seen it free.
                    self.not_before = Some(Instant::now() + self.times.duration);
                }
            }
        }
    }

    /// Gives the lease back if it is held, once everything that was begun under it has been answered.
    async fn give_back(&mut self) {
        self.until.send_replace(None);
        // By then the lease has run out for whoever waits for it, too.
        if timeout(self.times.duration, self.under_way.nothing()).await.is_err() {
            warn!("a change is not answered: the lease is not given back, it runs out");
            return;
        }
        if self.unanswered {
            // It may have been done: the record says so.
            self.watched = None;
            self.look().await;
        }
        let Some(watched) = self.watched.take() else { return };
        if watched.claim.holder.as_deref() != Some(&self.name.identity) {
            return;
        }
        let lease = watched.claim.released();
        let parameters = PostParams::default();
        let written = self.api.replace(&self.name.name, &parameters, &lease);
        match timeout(self.times.retry_period, written).await {
            Ok(Ok(_)) => info!("has given the lease back"),
            Ok(Err(error)) => warn!(%error, "could not give the lease back; it runs out"),
            Err(_) => warn!("could not give the lease back in time; it runs out"),
        }
    }

    async fn once(&mut self, began: Instant) {
        if self.not_before.is_some_and(|instant| began < instant) {
            return;
        }
        let held = self.until.borrow().is_some();
        if self.watched.is_none() || !held {
            self.look().await;
        }
        let me = self.name.identity.clone();
        match claim::next_move(&me, self.watched.as_ref(), began) {
            Move::Wait => {}
            Move::Take => self.write(began, true).await,
            Move::Renew => self.write(began, false).await,
        }
        let lapsed = self.until.borrow().is_some_and(|until| Instant::now() >= until);
        if lapsed {
            warn!("the lease could not be renewed in time: nothing is changed until it is");
            self.until.send_replace(None);
        }
    }

    /// Reads the record; notes when it was first seen as it is.
    async fn look(&mut self) {
        let read = timeout(self.times.renew_deadline, self.api.get_opt(&self.name.name)).await;
        match read {
            Ok(Ok(lease)) => {
                let claim = lease.map(|lease| Claim::of(&lease)).unwrap_or_default();
                Watched::see(&mut self.watched, claim, Instant::now());
            }
            Ok(Err(error)) => debug!(%error, "the lease cannot be read"),
            Err(_) => debug!("the lease cannot be read in time"),
        }
    }

    /// Writes the record with the version that was read, so that of two writers one wins.
    async fn write(&mut self, sent: Instant, take: bool) {
        let Some(watched) = &self.watched else { return };
        let lease = watched.claim.claimed_by(
            &self.name.identity,
            &self.name.namespace,
            &self.name.name,
            self.times.duration,
            self.clock.now(),
        );
        let parameters = PostParams::default();
        let written = async {
            if watched.claim.version.is_none() {
                self.api.create(&parameters, &lease).await
            } else {
                self.api.replace(&self.name.name, &parameters, &lease).await
            }
        };
        self.unanswered = true;
        let answer = timeout(self.times.renew_deadline, written).await;
        self.unanswered = answer.is_err();
        match answer {
            Ok(Ok(lease)) => {
                if take {
                    info!(identity = %self.name.identity, "has the lease");
                }
                Watched::see(&mut self.watched, Claim::of(&lease), Instant::now());
                self.until.send_replace(Some(self.times.acts_until(sent)));
            }
            Ok(Err(kube::Error::Api(status))) if status.is_conflict() => {
                // Somebody else wrote: whoever it was, the record says who leads.
                self.until.send_replace(None);
                self.watched = None;
            }
            Ok(Err(error)) => {
                warn!(%error, "the lease cannot be written");
                if !take {
                    return;
                }
                self.watched = None;
            }
            Err(_) => warn!("the lease cannot be written in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use hyper::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use tower::service_fn;

    use super::*;

    /// A free lease, and an API server that takes its time for everything else.
    fn api(answered: &Arc<Mutex<Vec<Method>>>) -> Client {
        let answered = Arc::clone(answered);
        let serve = service_fn(move |request: Request<Body>| {
            let answered = Arc::clone(&answered);
            async move {
                let (head, body) = request.into_parts();
                if head.method == Method::PATCH {
                    sleep(Duration::from_millis(700)).await;
                }
                let written = body.collect_bytes().await.unwrap_or_default();
                let mut lease: Value = serde_json::from_slice(&written).unwrap_or_default();
                let mut answered = answered.lock().unwrap();
                answered.push(head.method);
                lease["metadata"]["name"] = json!("gungnir");
                lease["metadata"]["resourceVersion"] = json!(answered.len().to_string());
                Ok::<_, Infallible>(Response::new(Body::from(lease.to_string().into_bytes())))
            }
        });
        Client::new(serve, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_given_back_after_what_was_begun_under_it() {
        let answered = Arc::default();
        let client = api(&answered);
        let name = LeaseName {
            namespace: "default".to_owned(),
            name: "gungnir".to_owned(),
            identity: "me".to_owned(),
        };
        let (mut keeper, mut leadership) =
            Keeper::new(client.clone(), name, LeaseTimes::default(), WallClock::System);
        let acting = leadership.client(client);
        let patch = || {
            let request = Request::patch("/").body(Body::from(b"{}".to_vec())).unwrap();
            acting.send(request)
        };
        let (ask, asked) = tokio::sync::oneshot::channel::<()>();
        let acts = async {
            leadership.gained().await;
            let (began, ()) = tokio::join!(patch(), async {
                sleep(Duration::from_millis(10)).await;
                ask.send(()).unwrap();
            });
            began.unwrap();
            // It was asked to end: whatever comes now is not begun.
            patch().await.unwrap_err();
        };
        tokio::join!(keeper.keep(async { drop(asked.await) }), acts);
        assert_eq!(
            *answered.lock().unwrap(),
            [Method::GET, Method::PUT, Method::PATCH, Method::PUT],
            "looked at, taken, used, given back"
        );
    }
}
