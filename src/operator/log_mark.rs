//! What every log line about a cluster carries: which cluster, and the epoch that it is in.
//!
//! A cluster has one span, and a new one with each epoch: formats for people keep every value that a
//! span ever had. It is entered when a future of the cluster is polled: a line costs what it says, and
//! a ping costs nothing.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;

use tracing::span::EnteredSpan;
use tracing::{Span, error_span};

use super::facts::ClusterKey;

/// The mark of one cluster's lines.
pub struct LogMark {
    key: ClusterKey,
    epoch: Cell<Option<u64>>,
    span: RefCell<Span>,
    entered: RefCell<Option<EnteredSpan>>,
}

impl LogMark {
    /// The mark of a cluster whose epoch is not known yet.
    #[must_use]
    pub fn new(key: ClusterKey) -> Self {
        let span = RefCell::new(span(&key, None));
        Self { key, epoch: Cell::new(None), span, entered: RefCell::default() }
    }

    /// Lines are of this epoch from now on.
    pub fn set_epoch(&self, epoch: Option<u64>) {
        if self.epoch.replace(epoch) == epoch {
            return;
        }
        let span = span(&self.key, epoch);
        // One after the other, so that the new one is not within the old.
        if self.entered.take().is_some() {
            self.entered.replace(Some(span.clone().entered()));
        }
        self.span.replace(span);
    }

    /// Does something whose lines get the mark.
    pub fn on<T>(&self, act: impl FnOnce() -> T) -> T {
        let span = self.span.borrow().clone();
        self.entered.replace(Some(span.entered()));
        let _left = Left(self);
        act()
    }
}

/// Leaves the span when it is dropped, whatever happens.
struct Left<'m>(&'m LogMark);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.entered.take();
    }
}

/// A future whose lines get the mark.
pub fn marked<T>(mark: Rc<LogMark>, future: impl Future<Output = T>) -> impl Future<Output = T> {
    // There is one a cluster, and it is large: it is moved here once.
    let mut future = Box::pin(future);
    poll_fn(move |context| mark.on(|| future.as_mut().poll(context)))
}

/// What lines of a cluster carry that is looked at once.
#[must_use]
pub fn span(key: &ClusterKey, epoch: Option<u64>) -> Span {
    // Lines of every level are in it, and it is in none, whoever makes it.
    error_span!(parent: None, "set", cluster = %key, epoch)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::subscriber::{NoSubscriber, with_default};
    use tracing::{Dispatch, info};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn take(&self) -> Vec<String> {
            let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    fn three_lines() {
        let key = ClusterKey { namespace: "ns".to_owned(), name: "shop".to_owned() };
        let mark = LogMark::new(key);
        mark.on(|| info!("not known yet"));
        mark.set_epoch(Some(1));
        mark.on(|| {
            info!("the first");
            mark.set_epoch(Some(2));
            info!("the second");
        });
        info!("of no cluster");
    }

    #[test]
    fn a_line_carries_its_cluster_and_the_epoch_of_now_in_both_formats() {
        let lines = Lines::default();
        // Where there is one subscriber, what other threads do decides what is written.
        let _beside = Dispatch::new(NoSubscriber::default());
        let writer = lines.clone();
        let builder = tracing_subscriber::fmt().with_writer(move || writer.clone());
        with_default(builder.json().finish(), three_lines);
        let read = |line: &String| -> Value { serde_json::from_str(line).unwrap() };
        let json: Vec<Value> = lines.take().iter().map(read).collect();
        let marks: Vec<(&Value, &Value)> =
            json.iter().map(|line| (&line["span"]["cluster"], &line["span"]["epoch"])).collect();
        let (shop, none) = (&Value::from("ns/shop"), &Value::Null);
        let [first, second] = [&Value::from(1), &Value::from(2)];
        assert_eq!(marks, [(shop, none), (shop, first), (shop, second), (none, none)]);

        let writer = lines.clone();
        let builder = tracing_subscriber::fmt().with_writer(move || writer.clone());
        with_default(builder.with_ansi(false).finish(), three_lines);
        let text = lines.take();
        let marks = ["set{cluster=ns/shop}", "set{cluster=ns/shop epoch=1}"];
        let marks = marks.into_iter().chain(["set{cluster=ns/shop epoch=2}", module_path!()]);
        assert_eq!(text.len(), 4);
        for (line, mark) in text.iter().zip(marks) {
            let shown = line.split_once(" INFO ").map(|(_, rest)| rest.split(": ").next());
            assert_eq!(shown, Some(Some(mark)), "{line}");
        }
    }
}
