//! What lies between the operator and the API server: it notes every request, and spoils some.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::{Body as HttpBody, Bytes};
use kube::client::Body;
use serde_json::json;
use tokio::sync::Notify;
use tower::{BoxError, Layer, Service};

/// A request, as `PATCH /api/v1/namespaces/ns/services/shop-client`, with what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PATCH`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// `fieldManager=…` and the like.
    pub query: String,
}

impl Seen {
    /// A watch or the first list of one.
    pub fn watches(&self) -> bool {
        self.query.contains("watch=") || self.query.contains("limit=")
    }

    /// About the lease.
    pub fn is_lease(&self) -> bool {
        self.path.contains("/leases")
    }

    /// Whether kinds are served, and by which schema: once at the start.
    pub fn discovers(&self) -> bool {
        let kinds = self.path.starts_with("/apis/") && self.path.split('/').count() == 4;
        kinds || self.path.contains("/customresourcedefinitions/")
    }
}

/// When who asks too much may ask again, as the API server says it.
pub const RETRY_AFTER_S: u64 = 1;

/// How a request is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answered with this code, and not done.
    Refused(u16),
    /// Done, and answered with this code all the same.
    DoneThenRefused(u16),
    /// Done, and never answered.
    DoneThenSilent,
    /// The connection breaks.
    Broken,
    /// Not done, and answered with this object.
    Answered(&'static str),
    /// Done when the tap is opened.
    Held,
}

type Spoil = Box<dyn FnMut(&Seen) -> Option<Fault> + Send>;

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    spoil: Option<Spoil>,
    gate: Arc<Notify>,
}

/// Notes and spoils. Clones share.
#[derive(Clone, Default)]
pub struct Tap(Arc<Mutex<State>>);

impl Tap {
    /// Every request since the last call, but for watches, discovery and the lease.
    pub fn take(&self) -> Vec<Seen> {
        let seen = std::mem::take(&mut self.0.lock().unwrap().seen);
        let beside = |seen: &Seen| seen.watches() || seen.is_lease() || seen.discovers();
        seen.into_iter().filter(|seen| !beside(seen)).collect()
    }

    /// Has requests spoilt.
    pub fn spoil(&self, spoil: impl FnMut(&Seen) -> Option<Fault> + Send + 'static) {
        self.0.lock().unwrap().spoil = Some(Box::new(spoil));
    }

    /// Lets the request that is held go on.
    pub fn open(&self) {
        let gate = Arc::clone(&self.0.lock().unwrap().gate);
        gate.notify_waiters();
    }

    fn note(&self, seen: Seen) -> Option<Fault> {
        let mut state = self.0.lock().unwrap();
        let fault = state.spoil.as_mut().and_then(|spoil| spoil(&seen));
        state.seen.push(seen);
        fault
    }
}

impl<S> Layer<S> for Tap {
    type Service = Tapped<S>;

    fn layer(&self, inner: S) -> Tapped<S> {
        Tapped { inner, tap: self.clone() }
    }
}

/// A service with a tap.
#[derive(Clone)]
pub struct Tapped<S> {
    inner: S,
    tap: Tap,
}

impl<S, B> Service<Request<Body>> for Tapped<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Send,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Either<B, Full<Bytes>>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let seen = Seen {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
        };
        match self.tap.note(seen) {
            None => {
                let done = self.inner.call(request);
                Box::pin(async move { Ok(done.await?.map(Either::Left)) })
            }
            Some(Fault::Refused(code)) => Box::pin(async move { Ok(refusal(code)) }),
            Some(Fault::Answered(object)) => {
                Box::pin(async move { Ok(answer(200, object.into())) })
            }
            Some(Fault::Held) => {
                let gate = Arc::clone(&self.tap.0.lock().unwrap().gate);
                let done = self.inner.call(request);
                Box::pin(async move {
                    gate.notified().await;
                    Ok(done.await?.map(Either::Left))
                })
            }
            Some(Fault::Broken) => Box::pin(async { Err("the connection broke".into()) }),
            Some(Fault::DoneThenRefused(code)) => {
                let done = self.inner.call(request);
                Box::pin(async move { done.await.map(|_| refusal(code)) })
            }
            Some(Fault::DoneThenSilent) => {
                let done = self.inner.call(request);
                Box::pin(async move {
                    let _ = done.await;
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                    Err("never".into())
                })
            }
        }
    }
}

fn refusal<B>(code: u16) -> Response<Either<B, Full<Bytes>>> {
    let reason = match code {
        409 => "Conflict",
        410 => "Expired",
        422 => "Invalid",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let details = match code {
        429 => json!({ "retryAfterSeconds": RETRY_AFTER_S }),
        _ => json!({}),
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": "spoilt by the test", "details": details,
    });
    answer(code, status.to_string())
}

fn answer<B>(code: u16, body: String) -> Response<Either<B, Full<Bytes>>> {
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.body(Either::Right(Full::from(body))).unwrap()
}
