//! What the operator asks of the API server, by the API server's own log.

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

use crate::install::NAMESPACE;

/// The log, from one moment on.
#[derive(Debug)]
pub struct Audit {
    log: PathBuf,
    from: u64,
}

/// Requests, and how many there were: `patch services`.
pub type Requests = BTreeMap<String, usize>;

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

    /// How many of them change something.
    pub fn writes(&self) -> usize {
        let reads = |request: &str| request.starts_with("get ") || request.starts_with("list ");
        let requests = self.requests();
        requests.iter().filter(|(request, _)| !reads(request)).map(|(_, count)| count).sum()
    }

    fn lines(&self) -> Vec<Value> {
        let mut file = File::open(&self.log).expect("the audit log");
        file.seek(SeekFrom::Start(self.from)).expect("a file has places");
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        // The last line may be half there.
        lines.filter_map(|line| serde_json::from_str(&line).ok()).collect()
    }
}

fn request(line: &Value) -> Option<String> {
    let user = line["user"]["username"].as_str()?;
    let verb = line["verb"].as_str()?;
    let resource = line["objectRef"]["resource"].as_str().unwrap_or_default();
    let counts = user.starts_with(&format!("system:serviceaccount:{NAMESPACE}:"))
        && line["stage"] == "ResponseComplete"
        && verb != "watch"
        && resource != "leases";
    let subresource = line["objectRef"]["subresource"].as_str();
    let subresource = subresource.map_or_else(String::new, |name| format!("/{name}"));
    counts.then(|| format!("{verb} {resource}{subresource}"))
}
