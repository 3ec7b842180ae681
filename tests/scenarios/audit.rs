//! What the operator asks of the API server, by the API server's own log.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use crate::install::NAMESPACE;
use crate::stages::nanoseconds;

/// The log, from one moment on.
#[derive(Debug)]
pub struct Audit {
    log: PathBuf,
    from: u64,
}

/// Requests, and how many there were: `patch services`.
pub type Requests = BTreeMap<String, usize>;

/// A request that changed something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// When it came, as the log has it; texts of different times compare as these do.
    at: String,
    /// The operator's pod that sent it.
    pub pod: String,
    /// What it did: `patch services shop-client`.
    pub what: String,
}

impl Audit {
    /// From now on; nothing for a cluster whose log is out of reach.
    pub fn start() -> Option<Self> {
        let folder = env::var_os("GUNGNIR_TEST_CLUSTER")?;
        let log = PathBuf::from(folder).join("log/audit.log");
        let from = log.metadata().ok()?.len();
        Some(Self { log, from })
    }

    /// What the operator asked since, beside watches and its lease.
    pub fn requests(&self) -> Requests {
        self.lines().iter().filter_map(request).fold(Requests::new(), |mut requests, request| {
            *requests.entry(request).or_default() += 1;
            requests
        })
    }

    /// When a request of anybody came that changed an object whose name begins so, and when it was
    /// done: of those that were done at `since` or later the first. In nanoseconds since 1970.
    pub fn changed(&self, resource: &str, name: &str, since: u64) -> Option<(u64, u64)> {
        let lines = self.lines();
        let changes = lines.iter().filter(|line| {
            let object = &line["objectRef"];
            let verb = line["verb"].as_str().unwrap_or_default();
            line["stage"] == "ResponseComplete"
                && ["create", "patch", "update"].contains(&verb)
                && line["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300)
                && object["resource"] == resource
                && object["subresource"].is_null()
                && object["name"].as_str().is_some_and(|it| it.starts_with(name))
        });
        let time = |line: &Value, of: &str| nanoseconds(line[of].as_str()?);
        let times = changes.filter_map(|line| {
            Some((time(line, "requestReceivedTimestamp")?, time(line, "stageTimestamp")?))
        });
        times.filter(|(_, done)| *done >= since).min_by_key(|(_, done)| *done)
    }

    /// How many of them change something.
    pub fn writes(&self) -> usize {
        let reads = |request: &str| request.starts_with("get ") || request.starts_with("list ");
        let requests = self.requests();
        requests.iter().filter(|(request, _)| !reads(request)).map(|(_, count)| count).sum()
    }

    /// What an operator's pod changed after another one had taken the lease, and before it had it
    /// again. A pod that had the lease before is told by `leader`.
    pub fn changes_without_lease(&self, leader: &str) -> Vec<Change> {
        let mut changes: Vec<Change> = self.lines().iter().filter_map(change).collect();
        changes.sort_unstable();
        let mut holder = leader.to_owned();
        let mut found = Vec::new();
        for change in changes {
            if change.what.starts_with("update leases") {
                holder = change.pod;
            } else if change.pod != holder {
                found.push(change);
            }
        }
        found
    }

    /// What was refused as outdated (409), and was not done later on.
    pub fn conflicts_left(&self) -> Vec<String> {
        let mut left = BTreeSet::new();
        for line in self.lines() {
            let Some((verb, resource)) = verb_and_resource(&line) else { continue };
            let object = &line["objectRef"];
            let what = format!("{verb} {resource} {} {}", object["namespace"], object["name"]);
            match line["responseStatus"]["code"].as_u64() {
                Some(409) if resource != "leases" => left.insert(what),
                Some(..300) => left.remove(&what),
                _ => false,
            };
        }
        left.into_iter().collect()
    }

    /// Every right that a request took since: `patch apps statefulsets`.
    pub fn rights(&self) -> BTreeSet<String> {
        let lines = self.lines();
        let rights = lines.iter().filter_map(|line| {
            let (verb, resource) = verb_and_resource(line)?;
            // What is served here, everybody may ask.
            if resource.is_empty() {
                return None;
            }
            let group = line["objectRef"]["apiGroup"].as_str().unwrap_or_default();
            // An apply that makes something takes both.
            let makes = verb == "patch" && line["responseStatus"]["code"] == 201;
            let create = makes.then(|| format!("create {group} {resource}"));
            Some(create.into_iter().chain([format!("{verb} {group} {resource}")]))
        });
        rights.flatten().collect()
    }

    /// Whether a pod other than `leader` has taken the lease.
    pub fn has_another_leader(&self, leader: &str) -> bool {
        let changes = self.lines();
        let mut changes = changes.iter().filter_map(change);
        changes.any(|change| change.what.starts_with("update leases") && change.pod != leader)
    }

    fn lines(&self) -> Vec<Value> {
        let mut file = File::open(&self.log).expect("the audit log");
        file.seek(SeekFrom::Start(self.from)).expect("a file has places");
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        // The last line may be half there.
        lines.filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }
}

/// What it asks for, beside watches and the lease.
fn request(line: &Value) -> Option<String> {
    let (verb, resource) = verb_and_resource(line)?;
    (verb != "watch" && resource != "leases").then(|| format!("{verb} {resource}"))
}

fn change(line: &Value) -> Option<Change> {
    let (verb, resource) = verb_and_resource(line)?;
    let is_done = line["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300);
    let reads = ["get", "list", "watch"].contains(&verb.as_str());
    // A bound token names the pod that it was given to.
    let pod = line["user"]["extra"]["authentication.kubernetes.io/pod-name"][0].as_str()?;
    let name = line["objectRef"]["name"].as_str().unwrap_or_default();
    (is_done && !reads).then(|| Change {
        at: line["requestReceivedTimestamp"].as_str().unwrap_or_default().to_owned(),
        pod: pod.to_owned(),
        what: format!("{verb} {resource} {name}"),
    })
}

/// Of a finished request of the operator.
fn verb_and_resource(line: &Value) -> Option<(String, String)> {
    let user = line["user"]["username"].as_str()?;
    let counts = user.starts_with(&format!("system:serviceaccount:{NAMESPACE}:"))
        && line["stage"] == "ResponseComplete";
    let verb = line["verb"].as_str().filter(|_| counts)?;
    let resource = line["objectRef"]["resource"].as_str().unwrap_or_default();
    let part = line["objectRef"]["subresource"].as_str();
    let part = part.map_or_else(String::new, |name| format!("/{name}"));
    Some((verb.to_owned(), format!("{resource}{part}")))
}
