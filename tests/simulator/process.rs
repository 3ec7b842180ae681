//! A process that can stand still. While it does nothing of it runs, and its time goes on; then it goes
//! on in the middle of whatever it was at, as after a SIGSTOP and a SIGCONT.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::task::{AbortHandle, spawn_local};

/// A process. It ends at once, wherever it is, when this is dropped.
pub struct Process {
    gate: Rc<Gate>,
    task: AbortHandle,
}

#[derive(Default)]
struct Gate {
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Process {
    /// Starts a process, in the [`LocalSet`](tokio::task::LocalSet) of the world.
    pub fn start(program: impl Future<Output = ()> + 'static) -> Self {
        let gate = Rc::new(Gate::default());
        let gated = Gated { gate: Rc::clone(&gate), program: Box::pin(program) };
        let task = spawn_local(gated).abort_handle();
        Self { gate, task }
    }

    /// It has come to its end.
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// It stands still.
    pub fn stop(&self) {
        self.gate.closed.set(true);
    }

    /// It goes on.
    pub fn go_on(&self) {
        self.gate.closed.set(false);
        if let Some(waker) = self.gate.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Gated {
    gate: Rc<Gate>,
    program: Pin<Box<dyn Future<Output = ()>>>,
}

impl Future for Gated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.gate.closed.get() {
            self.gate.waker.replace(Some(context.waker().clone()));
            return Poll::Pending;
        }
        self.program.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::LocalSet;
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_stands_still_misses_time_and_nothing_else() {
        let ticks: Rc<RefCell<Vec<u64>>> = Rc::default();
        let began = Instant::now();
        let told = Rc::clone(&ticks);
        let program = async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                told.borrow_mut().push(began.elapsed().as_secs());
            }
        };
        LocalSet::new()
            .run_until(async {
                let process = Process::start(program);
                sleep(Duration::from_millis(1500)).await;
                process.stop();
                sleep(Duration::from_secs(10)).await;
                assert_eq!(*ticks.borrow(), [1]);
                process.go_on();
                sleep(Duration::from_millis(1200)).await;
                // The tick that was due while it stood still comes at once, and then the next.
                assert_eq!(*ticks.borrow(), [1, 11, 12]);
                assert!(!process.has_ended());
                drop(process);
                sleep(Duration::from_secs(5)).await;
                assert_eq!(ticks.borrow().len(), 3);
            })
            .await;
    }
}
