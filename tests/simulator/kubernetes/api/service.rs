//! What kube's client takes for an HTTP connection: the way there, the answer, the way back.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::Value;
use tokio::task::spawn;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::Shared;
use super::answer::answer;
use super::refusal::Refusal;
use super::request::Asked;
use super::watch::Watch;

type Answer = Response<UnsyncBoxBody<Bytes, Error>>;

/// A connection of one client.
#[derive(Clone)]
pub struct Service {
    shared: Shared,
    client: String,
}

impl Service {
    pub fn new(shared: &Shared, client: &str) -> Self {
        Self { shared: shared.clone(), client: client.to_owned() }
    }

    async fn exchange(self, request: Request<Body>) -> Result<Answer, Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.map_err(Error::other)?;
        let asked = Asked::read(&parts, &body);
        let link = self.shared.link(&self.client);
        let chance = self.shared.chance.clone();
        if link.refused {
            sleep(link.latency.draw(&chance)).await;
            return Err(Error::new(ErrorKind::ConnectionRefused, "connection refused"));
        }
        let open = timeout(link.connect_patience, self.open()).await;
        open.map_err(|_| Error::new(ErrorKind::TimedOut, "no connection in time"))?;
        let era = self.shared.era(&self.client);
        sleep(link.latency.draw(&chance)).await;
        if link.errors > 0 && chance.happens(link.errors) {
            let refusal = self.some_error();
            self.note(&asked, refusal.code);
            return Ok(plain(refusal.code, &refusal.status()));
        }
        if asked.is_watch() {
            let begun = Watch::begin(&self.shared, &self.client, &asked);
            self.note(&asked, begun.as_ref().map_or_else(|refusal| refusal.code, |_| 200));
            return Ok(match begun {
                Err(refusal) => plain(refusal.code, &refusal.status()),
                Ok(watch) => {
                    let lines = StreamBody::new(watch.lines());
                    Response::new(UnsyncBoxBody::new(lines))
                }
            });
        }
        let answered = {
            let mut store = self.shared.store();
            answer(&mut store, &self.client, &asked)
        };
        let (code, object) = answered.unwrap_or_else(|refusal| (refusal.code, refusal.status()));
        self.note(&asked, code);
        let lost = link.loses_answers > 0 && chance.happens(link.loses_answers);
        sleep(link.latency.draw(&chance)).await;
        let open = timeout(link.patience, self.open()).await;
        if lost || open.is_err() || self.shared.era(&self.client) != era {
            if open.is_ok() {
                sleep(link.patience).await;
            }
            return Err(Error::new(ErrorKind::ConnectionReset, "the connection is dead"));
        }
        Ok(plain(code, &object))
    }

    fn note(&self, asked: &Asked, code: u16) {
        let trace = self.shared.store().trace().clone();
        trace.note(format_args!("{}: {} {code}", self.client, asked.shown()));
    }

    /// Waits until something gets through.
    async fn open(&self) {
        loop {
            let changed = self.shared.link_changed(&self.client);
            if !self.shared.link(&self.client).cut {
                return;
            }
            changed.await;
        }
    }

    fn some_error(&self) -> Refusal {
        let (code, reason) = *self.shared.chance.one_of(&[
            (409, "Conflict"),
            (410, "Expired"),
            (422, "Invalid"),
            (429, "TooManyRequests"),
            (500, "InternalError"),
            (503, "ServiceUnavailable"),
            (504, "Timeout"),
        ]);
        Refusal::new(code, reason, "it is not the API server's day")
    }
}

fn plain(code: u16, object: &Value) -> Answer {
    let body = Full::new(Bytes::from(object.to_string())).map_err(|never| match never {});
    let answer = Response::builder().status(code).header("content-type", "application/json");
    answer.body(UnsyncBoxBody::new(body)).unwrap()
}

impl tower::Service<Request<Body>> for Service {
    type Response = Answer;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // What is sent is on its way, though who sent it stands still.
        let exchange = AbortOnDropHandle::new(spawn(self.clone().exchange(request)));
        Box::pin(async move { exchange.await.map_err(Error::other)? })
    }
}
