//! The operator as it runs, with a tap on its requests.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gungnir::operator::{LeaseName, LeaseTimes, Options, Outside, Scope, run_on};
use kube::Config;
use kube::client::ClientBuilder;
use tokio::time::{Instant, sleep};

use crate::child::Child;
use crate::tap::{Seen, Tap};

/// How often requests are counted.
const COUNT_PERIOD: Duration = Duration::from_millis(100);

/// Who has asked nothing for so long has settled.
const SETTLED: Duration = Duration::from_secs(15);

/// What was asked: `gungnir PATCH services`, how often.
pub type Requests = BTreeMap<String, usize>;

/// What a while cost.
#[derive(Debug)]
pub struct Cost {
    /// Requests beside watches and the lease.
    pub requests: Requests,
    /// Processors kept busy.
    pub cores: f64,
}

impl Cost {
    /// Requests of a field manager, its reads included, events apart.
    pub fn requests_of(&self, manager: &str) -> usize {
        let prefix = format!("{manager} ");
        let counts = |name: &&String| name.starts_with(&prefix) && !name.ends_with(" events");
        self.requests.iter().filter(|(name, _)| counts(name)).map(|(_, count)| count).sum()
    }
}

/// A process of the operator.
pub struct Operated(Child);

impl Operated {
    pub fn start() -> Self {
        Self(Child::start(&["--operator".to_owned()]))
    }

    /// What it asked since the last time.
    pub fn cost(&mut self) -> Cost {
        let requests = serde_json::from_str(&self.0.ask("requests")).unwrap();
        Cost { requests, cores: 0.0 }
    }

    /// What it asked until it asked nothing any more: the last labels and annotations come last.
    pub async fn settled(&mut self, limit: Duration) -> Cost {
        let (mut all, began) = (self.cost(), Instant::now());
        loop {
            sleep(SETTLED).await;
            let more = self.cost().requests;
            if more.is_empty() {
                return all;
            }
            assert!(began.elapsed() < limit, "it does not come to rest: {more:#?}");
            for (name, count) in more {
                *all.requests.entry(name).or_default() += count;
            }
        }
    }

    /// What it costs while nothing happens.
    pub async fn at_rest(&mut self, rest: Duration) -> Cost {
        self.cost();
        let (ticks, began) = (self.0.processor_ticks(), Instant::now());
        sleep(rest).await;
        let used = (self.0.processor_ticks() - ticks) as f64 / 100.0;
        let cores = used / began.elapsed().as_secs_f64();
        Cost { cores, ..self.cost() }
    }

    /// What it holds, and the most that it ever held, in MiB.
    pub fn memory_mib(&self) -> [f64; 2] {
        ["VmRSS:", "VmHWM:"].map(|name| self.0.memory_kib(name) as f64 / 1024.0)
    }
}

/// Is the operator; says what it has asked whenever a line comes, until none comes any more.
pub async fn operate() {
    let tap = Tap::default();
    let config = Config::infer().await.unwrap();
    let client = ClientBuilder::try_from(config).unwrap().with_layer(&tap).build();
    let options = Options {
        scope: Scope::Cluster,
        lease: LeaseName {
            namespace: "default".to_owned(),
            name: "gungnir-operator".to_owned(),
            identity: format!("bench-{}", std::process::id()),
        },
        lease_times: LeaseTimes::default(),
        outside: Outside::default(),
        listen: None,
        discovery: None,
        pause_all: false,
    };
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let counted = Arc::new(Mutex::new(Requests::new()));
    let count = {
        let counted = Arc::clone(&counted);
        move || {
            let mut requests = counted.lock().unwrap();
            for seen in tap.take() {
                *requests.entry(name_of(&seen)).or_default() += 1;
            }
        }
    };
    let counts = count.clone();
    // Often, since what was seen takes room that is not the operator's.
    std::thread::spawn(move || {
        loop {
            counts();
            std::thread::sleep(COUNT_PERIOD);
        }
    });
    std::thread::spawn(move || {
        println!("ready");
        for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
            count();
            let requests = std::mem::take(&mut *counted.lock().unwrap());
            println!("{}", serde_json::to_string(&requests).unwrap());
        }
        let _ = ended.send(());
    });
    Box::pin(run_on(client, options, async { drop(end.await) })).await.unwrap();
}

/// `gungnir PATCH services`: who asks, as field managers tell. Of what is only read, the cluster and
/// the Service are the sentinel's, after a write that came too late.
fn name_of(seen: &Seen) -> String {
    let mut parts = seen.path.split('/').skip_while(|part| *part != "namespaces").skip(2);
    let kind = parts.next().unwrap_or(&seen.path);
    let manager = seen.query.split('&').find_map(|part| part.strip_prefix("fieldManager="));
    let reads = seen.method == "GET" && ["valkeyclusters", "services"].contains(&kind);
    let is_sentinel = manager == Some("gungnir-sentinel") || reads;
    let manager = if is_sentinel { "gungnir-sentinel" } else { "gungnir" };
    format!("{manager} {} {kind}", seen.method)
}
