//! A client that writes all the time, wherever clients are sent, and remembers what was
//! acknowledged: held by the master and one replica.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::pod::PORT;
use crate::world::World;

const LIMIT: Duration = Duration::from_secs(1);
/// Between two writes. Several tests run at once, and what is tested needs the processors, too.
const PAUSE: Duration = Duration::from_millis(2);

/// Writes until it is stopped.
pub struct Writer {
    target: Arc<Mutex<Option<Ipv4Addr>>>,
    ends: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<u64>>>,
    thread: JoinHandle<()>,
    follow: tokio::task::JoinHandle<()>,
}

impl Writer {
    pub fn start(world: &std::rc::Rc<World>) -> Self {
        let target: Arc<Mutex<Option<Ipv4Addr>>> = Arc::default();
        let ends = Arc::new(AtomicBool::new(false));
        let acknowledged: Arc<Mutex<Vec<u64>>> = Arc::default();
        let follow = {
            let (world, target) = (std::rc::Rc::clone(world), Arc::clone(&target));
            spawn_local(async move {
                loop {
                    let pointer = world.pointer().await;
                    *target.lock().unwrap() = pointer.map(|(pod, _)| world.pods[pod].address());
                    sleep(Duration::from_millis(20)).await;
                }
            })
        };
        let thread = {
            let (target, ends, acknowledged) =
                (Arc::clone(&target), Arc::clone(&ends), Arc::clone(&acknowledged));
            thread::spawn(move || write(&target, &ends, &acknowledged))
        };
        Self { target, ends, acknowledged, thread, follow }
    }

    /// How many writes were acknowledged so far.
    pub fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Stops, and gives the acknowledged writes that the master lacks.
    pub async fn lost(self, world: &World) -> Vec<u64> {
        self.ends.store(true, Ordering::Relaxed);
        self.follow.abort();
        self.thread.join().unwrap();
        let (master, _) = world.pointer().await.unwrap();
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        assert!(!acknowledged.is_empty(), "nothing was ever acknowledged");
        let is_there = |number: &u64| {
            let key = format!("write-{number}");
            world.pods[master].ask::<Option<u64>>(&["GET", &key]).unwrap() == Some(*number)
        };
        acknowledged.into_iter().filter(|number| !is_there(number)).collect()
    }
}

fn write(target: &Mutex<Option<Ipv4Addr>>, ends: &AtomicBool, acknowledged: &Mutex<Vec<u64>>) {
    let mut number = 0;
    while !ends.load(Ordering::Relaxed) {
        let Some(address) = *target.lock().unwrap() else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        let client = redis::Client::open((address.to_string(), PORT)).unwrap();
        let Ok(mut connection) = client.get_connection_with_timeout(LIMIT) else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        connection.set_read_timeout(Some(LIMIT)).unwrap();
        while !ends.load(Ordering::Relaxed) && *target.lock().unwrap() == Some(address) {
            thread::sleep(PAUSE);
            number += 1;
            let key = format!("write-{number}");
            let set: redis::RedisResult<()> =
                redis::cmd("SET").arg(&key).arg(number).query(&mut connection);
            if set.is_err() {
                thread::sleep(Duration::from_millis(5));
                break;
            }
            let held: redis::RedisResult<u64> =
                redis::cmd("WAIT").arg(1).arg(500).query(&mut connection);
            match held {
                Ok(held) if held >= 1 => acknowledged.lock().unwrap().push(number),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}
