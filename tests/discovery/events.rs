//! A real failover, heard from a real Sentinel and from our server: the same messages.

use std::sync::Arc;
use std::time::Instant;

use gungnir::discovery::{Address, Event, Happening, Publisher, Role, Subject};

use crate::ours::{Ours, config};
use crate::real::{LIMIT, NAME, Watched};
use crate::support::valkey::install;
use crate::wire::{Client, Value};

/// The channels of a failover whose messages are compared, and how a client subscribes to each.
const CHANNELS: &[&str] = &[
    "+switch-master",
    "+new-epoch",
    "+try-failover",
    "+failover-state-select-slave",
    "+selected-slave",
    "+failover-state-send-slaveof-noone",
    "+failover-state-wait-promotion",
    "-role-change",
    "+promoted-slave",
    "+failover-state-reconf-slaves",
    "+slave-reconf-sent",
    "+slave-reconf-inprog",
    "+slave-reconf-done",
    "+failover-end",
    "+slave",
    "+sdown",
];

/// A client that hears everything, by channels or by a pattern.
fn subscriber(port: u16, resp3: bool, pattern: bool) -> Client {
    let mut client = Client::connect(port);
    if resp3 {
        client.ask("HELLO 3");
    }
    if pattern {
        client.ask("PSUBSCRIBE [-+]*");
    } else {
        client.request(&format!("SUBSCRIBE {}", CHANNELS.join(" ")));
        for _ in CHANNELS {
            client.read();
        }
    }
    client
}

/// Channel and payload of a message.
fn said(message: &Value) -> (String, String) {
    let (Value::List(parts) | Value::Push(parts)) = message else { panic!("{message:?}") };
    match &parts[..] {
        [.., Value::Text(channel), Value::Text(payload)] => (channel.clone(), payload.clone()),
        _ => panic!("no message: {message:?}"),
    }
}

/// What a real Sentinel published from a failover until the new master's replica was down.
fn heard(watched: &mut Watched, clients: &mut [Client]) -> Vec<Vec<Value>> {
    assert_eq!(
        Client::connect(watched.sentinel.port).ask(&format!("SENTINEL FAILOVER {NAME}")),
        Value::Simple("OK".into())
    );
    let began = Instant::now();
    let mut heard: Vec<Vec<Value>> = vec![Vec::new(); clients.len()];
    for (client, heard) in clients.iter_mut().zip(&mut heard) {
        let mut replicas = 0;
        // Both replicas of the new master end what a failover says.
        while replicas < 2 {
            assert!(began.elapsed() < LIMIT, "{heard:#?}");
            let message = client.read();
            replicas += usize::from(said(&message).0 == "+slave");
            heard.push(message);
        }
    }
    let (_, switch) = said(heard[0].iter().find(|m| said(m).0 == "+switch-master").unwrap());
    let new_port: u16 = switch.rsplit(' ').next().unwrap().parse().unwrap();
    let at = watched.servers.iter().rposition(|server| server.port != new_port).unwrap();
    let dead = watched.servers.remove(at).port;
    for (client, heard) in clients.iter_mut().zip(&mut heard) {
        loop {
            assert!(began.elapsed() < LIMIT, "{heard:#?}");
            let message = client.read();
            let (channel, payload) = said(&message);
            if channel == "+sdown" && payload.contains(&format!("127.0.0.1:{dead} ")) {
                heard.push(message);
                break;
            }
        }
    }
    heard
}

/// The event of ours that a real one's channel and payload are about.
fn event(channel: &str, payload: &str, replicas: &[u16], old: u16) -> Option<Event> {
    let at = |port: u16| Address::new("127.0.0.1", port);
    let set = || NAME.to_owned();
    let words: Vec<&str> = payload.split(' ').collect();
    let port = |at: usize| words.get(at).and_then(|word| word.parse().ok());
    // Whom it is about, from the ports alone: the payload is what is compared.
    let subject = || {
        if words[0] == "master" {
            return Subject::Master { set: set(), address: at(old) };
        }
        let about = replicas.iter().chain([&old]).find(|replica| port(3) == Some(**replica));
        let master = port(7).unwrap();
        Subject::Replica { set: set(), address: at(*about.unwrap()), master: at(master) }
    };
    let about = |happening| Some(Event::About(happening, subject()));
    match channel {
        "+switch-master" => {
            let new = at(port(4).unwrap());
            Some(Event::SwitchMaster { set: set(), old: at(old), new })
        }
        "+new-epoch" => Some(Event::NewEpoch(1)),
        "-role-change" => {
            let subject = subject();
            Some(Event::RoleChange { subject, reported: Role::Master, wanted: false })
        }
        "+try-failover" => about(Happening::TryFailover),
        "+failover-state-select-slave" => about(Happening::SelectReplica),
        "+selected-slave" => about(Happening::SelectedReplica),
        "+failover-state-send-slaveof-noone" => about(Happening::SendReplicaofNoOne),
        "+failover-state-wait-promotion" => about(Happening::WaitPromotion),
        "+promoted-slave" => about(Happening::PromotedReplica),
        "+failover-state-reconf-slaves" => about(Happening::ReconfReplicas),
        "+slave-reconf-sent" => about(Happening::ReconfSent),
        "+slave-reconf-inprog" => about(Happening::ReconfInProgress),
        "+slave-reconf-done" => about(Happening::ReconfDone),
        "+failover-end" => about(Happening::FailoverEnd),
        "+slave" => about(Happening::Replica),
        "+sdown" => about(Happening::Down),
        // Votes among Sentinels, and steps that are its own.
        _ => None,
    }
}

#[test]
fn a_failover_is_heard_as_from_a_real_sentinel() {
    const KINDS: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];
    for installed in &install() {
        let mut watched = Watched::start(installed);
        let ports: Vec<u16> = watched.servers.iter().map(|server| server.port).collect();
        let real_port = watched.sentinel.port;
        let mut clients = KINDS.map(|(resp3, pattern)| subscriber(real_port, resp3, pattern));
        let heard = heard(&mut watched, &mut clients);

        let mut compared = 0;
        for ((resp3, pattern), real) in KINDS.into_iter().zip(&heard) {
            let publisher = Publisher::new();
            let ours = Ours::start(config(), publisher.feed());
            let mut client = subscriber(ours.port, resp3, pattern);
            for message in real {
                let (channel, payload) = said(message);
                let event = event(&channel, &payload, &ports[1..], ports[0]);
                if let Some(event) = event {
                    publisher.publish(Arc::default(), &[event]);
                    assert_eq!(client.read(), *message, "{}", installed.version);
                    compared += 1;
                }
            }
        }
        // Each client heard at least the failover's own steps.
        assert!(compared >= KINDS.len() * 12, "{compared} messages");
    }
}
