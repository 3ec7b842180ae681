//! Patterns, against a real server: how many of its subscribers a channel reaches.

use std::sync::Arc;

use gungnir::discovery::{Address, Event, Happening, Publisher, Subject};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::ours::{Ours, config};
use crate::support::valkey::{ServerSetup, install};
use crate::wire::{Client, Value};

/// How many patterns are tried.
const PATTERNS: usize = 3000;

/// What our server publishes on in this test.
const CHANNELS: [(Happening, &str); 3] = [
    (Happening::Down, "+sdown"),
    (Happening::Replica, "+slave"),
    (Happening::AbortNoGoodReplica, "-failover-abort-no-good-slave"),
];

#[test]
fn patterns_match_what_they_match_on_a_real_server() {
    let installed = install().pop().unwrap();
    let server = installed.start(&ServerSetup::default());
    let publisher = Publisher::new();
    let ours = Ours::start(config(), publisher.feed());
    let mut asked = Client::connect(server.port);
    let mut runner = TestRunner::default();
    // Half are made of anything, half of a channel's name with some letters as patterns.
    let piece = proptest::sample::select(vec![
        "*", "?", "[", "]", "^", "-", "\\", "+", "s", "a", "sd", "own", "l", "ave", "[+s]", "[^x]",
        "[a-z]", "[z-a]", "-good", "",
    ]);
    let anything = proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat());
    let change = proptest::sample::select(vec![
        "@", "@", "@", "@", "@", "?", "*", "[@]", "[^@]", "[x@", "[+-z]", "\\@", "@*", "[!-@]", "",
    ]);
    let name = proptest::sample::select(CHANNELS.map(|(_, channel)| channel).to_vec());
    let changed = (name, proptest::collection::vec(change, 32)).prop_map(|(name, changes)| {
        let letters = name.chars().map(String::from).zip(changes);
        letters.map(|(letter, change)| change.replace('@', &letter)).collect::<String>()
    });
    let pattern = proptest::prop_oneof![anything, changed];
    let (mut matched, mut tried) = (0, 0);
    while tried < PATTERNS {
        let pattern = pattern.new_tree(&mut runner).unwrap().current();
        if pattern.is_empty() {
            continue;
        }
        tried += 1;
        let (mut theirs, mut said) = (Client::connect(server.port), Client::connect(ours.port));
        theirs.words(&["PSUBSCRIBE", &pattern]);
        said.words(&["PSUBSCRIBE", &pattern]);
        assert_eq!(theirs.read(), said.read());
        // What is published last ends what may be heard before.
        said.words(&["SUBSCRIBE", "+new-epoch"]);
        said.read();
        for (happening, channel) in CHANNELS {
            let address = Address::new("10.0.0.1", 6379);
            let subject = Subject::Master { set: "demo".into(), address };
            let event = Event::About(happening, subject);
            publisher.publish(Arc::default(), &[event, Event::NewEpoch(1)]);
            let mut heard = false;
            loop {
                let Value::List(parts) = said.read() else { panic!("no message") };
                heard |= parts[2] == Value::Text(channel.into());
                if parts[0] == Value::Text("message".into()) {
                    break;
                }
            }
            let reached = asked.ask(&format!("PUBLISH {channel} x"));
            assert_eq!(reached, Value::Integer(i64::from(heard)), "{pattern} {channel}");
            matched += usize::from(heard);
        }
        // So that the next PUBLISH does not reach this one.
        theirs.words(&["PUNSUBSCRIBE"]);
        loop {
            let told = theirs.read();
            if matches!(&told, Value::List(parts) if parts[0] == Value::Text("punsubscribe".into()))
            {
                break;
            }
        }
    }
    // Neither all nor none: the patterns are worth something.
    assert!((PATTERNS / 10..PATTERNS * 2).contains(&matched), "{matched} matched");
}
