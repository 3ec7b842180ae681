//! One script, asked of a real Sentinel and of our server: the answers are equal, or the table
//! says why not.

use std::collections::BTreeSet;
use std::sync::Arc;

use gungnir::discovery::{Config, Publisher, Secret};

use crate::differences::{DIFFERENCES, Difference, GUARDED_DIFFERENCES};
use crate::ours::{ID, Ours, config};
use crate::real::{NAME, Sentinel, Watched};
use crate::script::{CONNECTIONS, GUARDED};
use crate::support::valkey::{Installed, install};
use crate::wire::{self, Client, Value};

/// What follows every request, so that it is known where its replies end, and what is said to it
/// (the second to who has subscribed).
struct Mark {
    request: &'static str,
    replies: fn() -> [Value; 2],
}

const PING: Mark = Mark {
    request: "*2\r\n$4\r\nPING\r\n$8\r\nthat-all\r\n",
    replies: || {
        let text = Value::Text("that-all".into());
        [text.clone(), Value::List(vec![Value::Text("pong".into()), text])]
    },
};

/// It is answered to who has not signed in, too.
const AUTH: Mark = Mark {
    request: "*4\r\n$4\r\nAUTH\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
    replies: || [Value::Error("ERR syntax error".into()), Value::End],
};

/// Fields whose numbers change while one looks.
const VARYING: &[&str] = &[
    "link-pending-commands",
    "last-ping-sent",
    "last-ok-ping-reply",
    "last-ping-reply",
    "s-down-time",
    "info-refresh",
    "role-reported-time",
    "slave-repl-offset",
    // Of HELLO.
    "id",
    "version",
];

/// The version's series, as the table of differences names it.
fn series(installed: &Installed) -> &'static str {
    let all = ["8.0", "8.1", "9"];
    let of = all.into_iter().find(|series| installed.version.starts_with(&format!("{series}.")));
    of.unwrap_or_else(|| panic!("a version that no row is about: {}", installed.version))
}

/// Everything that one request is answered with.
fn replies(client: &mut Client, request: &str, mark: &Mark) -> Vec<Value> {
    // In one piece, so that who closes has read all of it.
    let raw = request.strip_prefix('<').and_then(|raw| raw.strip_suffix('>'));
    let raw = raw.map(|raw| raw.replace("\\r", "\r").replace("\\n", "\n"));
    let request = raw.unwrap_or_else(|| wire::request(&request.split(' ').collect::<Vec<_>>()));
    client.send((request + mark.request).as_bytes());
    let marked = (mark.replies)();
    let mut replies = Vec::new();
    loop {
        let reply = client.read();
        let over = reply == Value::End;
        if !over && marked.contains(&reply) {
            return replies;
        }
        replies.push(reply);
        if over {
            return replies;
        }
    }
}

/// What is left of a reply without what changes by itself.
fn steady(value: Value) -> Value {
    let pair = |(key, value): (Value, Value)| {
        let varies = matches!(&key, Value::Text(name) if VARYING.contains(&name.as_str()));
        let value = match value {
            Value::Text(text) if varies => Value::Text(shape(&text)),
            Value::Integer(_) if varies => Value::Integer(0),
            other => steady(other),
        };
        (key, value)
    };
    match value {
        Value::Map(pairs) => Value::Map(pairs.into_iter().map(pair).collect()),
        Value::List(items) => {
            let mut steady_items = Vec::new();
            let mut items = items.into_iter();
            while let Some(item) = items.next() {
                let known = matches!(&item, Value::Text(name) if VARYING.contains(&name.as_str()));
                if known && let Some(value) = items.next() {
                    let (key, value) = pair((item, value));
                    steady_items.extend([key, value]);
                } else {
                    steady_items.push(steady(item));
                }
            }
            Value::List(steady_items)
        }
        Value::Text(text) if text == ID || is_id(&text) => Value::Text("<40 digits>".into()),
        other => other,
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Digits as one `0`.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if shape.ends_with('0') => {}
            '0'..='9' => shape.push('0'),
            other => shape.push(other),
        }
    }
    shape
}

/// Brings lists whose order Sentinel leaves open into one.
fn ordered(request: &str, mut replies: Vec<Value>) -> Vec<Value> {
    if ["SENTINEL REPLICAS", "SENTINEL SLAVES"].iter().any(|start| request.starts_with(start))
        && let [Value::List(items)] = &mut replies[..]
    {
        items.sort();
    }
    if request == "CLIENT ID" && matches!(replies[..], [Value::Integer(_)]) {
        replies = vec![Value::Integer(0)];
    }
    replies
}

/// Asks both, and tells every difference that no row allows.
struct Comparison {
    series: &'static str,
    mark: &'static Mark,
    rows: &'static [Difference],
    real: u16,
    ours: u16,
    master: u16,
    faults: Vec<String>,
    needed: BTreeSet<&'static str>,
    compared: usize,
}

impl Comparison {
    fn run(&mut self, connections: &[&[&'static str]]) {
        for (requests, resp3) in connections.iter().flat_map(|c| [(c, false), (c, true)]) {
            let (mut real, mut ours) = (Client::connect(self.real), Client::connect(self.ours));
            if resp3 {
                let hello = |client: &mut Client| replies(client, "HELLO 3", &PING).len();
                assert_eq!((hello(&mut real), hello(&mut ours)), (1, 1));
            }
            for request in *requests {
                self.request(&mut real, &mut ours, request, resp3);
            }
        }
    }

    /// Fails when an answer differs without a reason, or a reason is without a difference.
    fn judge(&self) {
        assert!(self.faults.is_empty(), "\n{}", self.faults.join("\n"));
        let about = |row: &&Difference| row.series.is_empty() || row.series.contains(&self.series);
        let idle = self.rows.iter().filter(about).map(|row| row.request);
        let idle: Vec<_> = idle.filter(|request| !self.needed.contains(request)).collect();
        assert!(idle.is_empty(), "{}: no difference any more: {idle:?}", self.series);
    }

    fn request(
        &mut self,
        real: &mut Client,
        ours: &mut Client,
        request: &'static str,
        resp3: bool,
    ) {
        let sent = request.replace("{host}", "127.0.0.1");
        let sent = sent.replace("{port}", &self.master.to_string());
        let ask = |client: &mut Client| {
            let found: Vec<_> = replies(client, &sent, self.mark).into_iter().map(steady).collect();
            ordered(request, found)
        };
        let (theirs, said) = (ask(real), ask(ours));
        self.compared += 1;
        let row = self.rows.iter().find(|row| {
            row.request == request && (row.series.is_empty() || row.series.contains(&self.series))
        });
        let told = format!(
            "{} {request} in {}:\n  real {theirs:?}\n  ours {said:?}",
            self.series,
            if resp3 { "RESP3" } else { "RESP2" }
        );
        match row {
            _ if theirs == said => {}
            Some(row) if (row.holds)(&theirs, &said) => {
                self.needed.insert(row.request);
            }
            Some(row) => self.faults.push(format!("{told}\n  not even {}", row.reason)),
            None => self.faults.push(told),
        }
    }
}

#[test]
fn every_answer_is_that_of_a_real_sentinel() {
    for installed in &install() {
        let watched = Watched::start(installed);
        let publisher = Publisher::new();
        let ours = Ours::start(config(), publisher.feed());
        publisher.publish(Arc::new(watched.directory()), &[]);
        let mut comparison = Comparison {
            series: series(installed),
            mark: &PING,
            rows: DIFFERENCES,
            real: watched.sentinel.port,
            ours: ours.port,
            master: watched.servers[0].port,
            faults: Vec::new(),
            needed: BTreeSet::new(),
            compared: 0,
        };
        comparison.run(CONNECTIONS);
        comparison.judge();
        assert!(comparison.compared > 300, "{} answers", comparison.compared);
    }
}

#[test]
fn passwords_are_asked_as_by_a_real_sentinel() {
    for installed in &install() {
        let real = Sentinel::start(installed, 1, "requirepass sesame");
        let publisher = Publisher::new();
        let guarded = Config { password: Some(Secret::new("sesame")), ..config() };
        let ours = Ours::start(guarded, publisher.feed());
        let mut comparison = Comparison {
            series: series(installed),
            mark: &AUTH,
            rows: GUARDED_DIFFERENCES,
            real: real.port,
            ours: ours.port,
            master: 1,
            faults: Vec::new(),
            needed: BTreeSet::new(),
            compared: 0,
        };
        // Without RESP3: a client that has not signed in cannot change to it.
        for requests in GUARDED {
            let (mut theirs, mut said) = (Client::connect(real.port), Client::connect(ours.port));
            for request in *requests {
                comparison.request(&mut theirs, &mut said, request, false);
            }
        }
        comparison.judge();
    }
}

/// A replica that died is told as Sentinel tells it.
#[test]
fn a_dead_replica_is_told_as_by_a_real_sentinel() {
    use gungnir::discovery::Flag;
    for installed in &install() {
        let mut watched = Watched::start(installed);
        let mut directory = watched.directory();
        let dead = watched.servers.pop().unwrap();
        let name = format!("127.0.0.1:{}", dead.port);
        drop(dead);
        let mut set = (*directory.sets[NAME]).clone();
        let replica = set
            .replicas
            .iter_mut()
            .find(|replica| name.ends_with(&format!(":{}", replica.port)))
            .unwrap();
        replica.down_age_ms = Some(10);
        replica.flags.insert(Flag::Disconnected);
        directory.sets.insert(NAME.into(), Arc::new(set));
        let publisher = Publisher::new();
        publisher.publish(Arc::new(directory), &[]);
        let ours = Ours::start(config(), publisher.feed());
        watched.wait_for_replicas(|replica| {
            replica.field("name").as_deref() != Some(&name)
                || replica.field("flags").as_deref() == Some("s_down,slave,disconnected")
        });
        let ask = |port: u16| {
            let request = format!("SENTINEL REPLICAS {NAME}");
            let found = replies(&mut Client::connect(port), &request, &PING);
            ordered(&request, found.into_iter().map(steady).collect())
        };
        assert_eq!(ask(watched.sentinel.port), ask(ours.port), "{}", installed.version);
    }
}
