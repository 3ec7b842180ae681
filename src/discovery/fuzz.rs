//! Arbitrary bytes, split anywhere, through one client's edge: no panic, bounded, well-formed.

use bytes::BytesMut;
use redis_protocol::codec::Resp2;
use tokio::sync::broadcast::Receiver;
use tokio_util::codec::Decoder;

use super::event::{Event, Happening, Subject};
use super::fixture::{client, config, first, publisher, shared};
use super::limits::{MAX_REQUEST_BYTES, OUTPUT_HIGH_WATER_BYTES};
use super::{Config, Secret};

/// How many byte strings the fuzz takes.
const STRINGS: u64 = 1_000_000;

/// The most bytes that come at once.
const CHUNK: usize = 4 << 10;

/// The longest single reply of the commands below: HELP and COMMAND.
const MAX_REPLY_BYTES: usize = 32 << 10;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

fn request(words: &[&str]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    request.into_bytes()
}

/// Requests to mutate: every kind that is answered.
fn corpus() -> Vec<Vec<u8>> {
    let lines = [
        "PING",
        "PING hello",
        "HELLO",
        "HELLO 2",
        "HELLO 3",
        "HELLO 3 AUTH default sesame",
        "HELLO 3 SETNAME a",
        "AUTH sesame",
        "AUTH default sesame",
        "CLIENT SETNAME x",
        "CLIENT GETNAME",
        "CLIENT SETINFO LIB-NAME y",
        "CLIENT ID",
        "CLIENT INFO",
        "CLIENT REPLY OFF",
        "CLIENT REPLY SKIP",
        "CLIENT REPLY ON",
        "CLIENT NO-EVICT on",
        "INFO sentinel",
        "ROLE",
        "COMMAND COUNT",
        "RESET",
        "QUIT",
        "SENTINEL MASTERS",
        "SENTINEL MASTER demo",
        "SENTINEL REPLICAS demo",
        "SENTINEL SENTINELS demo",
        "SENTINEL CKQUORUM demo",
        "SENTINEL MYID",
        "SENTINEL GET-MASTER-ADDR-BY-NAME demo",
        "SENTINEL PENDING-SCRIPTS",
        "SENTINEL IS-MASTER-DOWN-BY-ADDR 10.0.0.1 6379 0 *",
        "SENTINEL FAILOVER demo",
        "SENTINEL MONITOR a b 1 1",
        "SUBSCRIBE +switch-master",
        "SUBSCRIBE a b c",
        "UNSUBSCRIBE",
        "UNSUBSCRIBE a",
        "PSUBSCRIBE *",
        "PSUBSCRIBE [+-]sdown ?*",
        "PUNSUBSCRIBE",
        "FOO bar baz",
    ];
    let split = |line: &&str| request(&line.split(' ').collect::<Vec<_>>());
    let mut corpus: Vec<Vec<u8>> = lines.iter().map(split).collect();
    corpus.extend(lines.iter().map(|line| format!("{line}\r\n").into_bytes()));
    for odd in ["*1\r\n$99999\r\n", "*-1\r\n", "*0\r\n", "*64\r\n", "$1\r\na\r\n", "'a\" \\x4\r\n"]
    {
        corpus.push(odd.into());
    }
    corpus
}

/// Requests whose replies are long; they come less often, for the test's own time.
const HEAVY: &[&str] = &[
    "COMMAND\r\n",
    "COMMAND DOCS ping\r\n",
    "COMMAND INFO sentinel\r\n",
    "COMMAND LIST\r\n",
    "SENTINEL HELP\r\n",
    "CLIENT HELP\r\n",
    "INFO\r\n",
];

/// A string of random bytes, a request, a mutated one, or a few.
fn string(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match dice.below(8) {
        0 => bytes.extend((0..dice.below(40)).map(|_| dice.next().to_le_bytes()[0])),
        1 => {
            const OFTEN: &[u8] = b"*$:+-0123456789\r\n\r\n'\"\\ PING";
            bytes.extend((0..dice.below(40)).map(|_| OFTEN[dice.below(OFTEN.len())]));
        }
        2 => {
            for _ in 0..dice.below(4) {
                bytes.extend_from_slice(&corpus[dice.below(corpus.len())]);
            }
        }
        _ => bytes.extend_from_slice(&corpus[dice.below(corpus.len())]),
    }
    if dice.below(64) == 0 {
        bytes.extend_from_slice(HEAVY[dice.below(HEAVY.len())].as_bytes());
    }
    if dice.below(2) == 0 {
        for _ in 0..=dice.below(3) {
            let at = dice.below(bytes.len() + 1);
            match dice.below(5) {
                0 => bytes.insert(at, dice.next().to_le_bytes()[0]),
                1 => bytes.truncate(at),
                2 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
                3 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
        }
    }
    bytes
}

/// How many whole replies of RESP2 there are; anything else fails.
fn replies(mut bytes: BytesMut) -> usize {
    let mut count = 0;
    while !bytes.is_empty() {
        // The codec takes no list that is none.
        if bytes.starts_with(b"*-1\r\n") {
            let _ = bytes.split_to(5);
        } else {
            match Resp2::default().decode(&mut bytes) {
                Ok(Some(_)) => {}
                other => panic!("{other:?}: {bytes:?}"),
            }
        }
        count += 1;
    }
    count
}

#[test]
fn whatever_bytes_come_cost_a_bounded_answer() {
    let corpus = corpus();
    let mut dice = Dice(u64::from(std::process::id()));
    let seed = dice.0;
    let publisher = publisher();
    let guarded = Config { password: Some(Secret::new("sesame")), ..config() };
    let servers = [shared(&publisher, config()), shared(&publisher, guarded)];
    let master = Subject::Master { set: "demo".into(), address: first() };
    let event = Event::About(Happening::Down, master);
    let mut edge = client(&servers[0]);
    let mut said_hello = false;
    let (mut answered, mut refused, mut checked) = (0_u64, 0_u64, 0_u64);
    for round in 0..STRINGS {
        let bytes = string(&mut dice, &corpus);
        let mut rest = &bytes[..];
        while !rest.is_empty() && !edge.is_over() && edge.may_read() {
            let (now, later) = rest.split_at(1 + dice.below(rest.len().min(CHUNK)));
            rest = later;
            edge.input.extend_from_slice(now);
            answered += u64::from(edge.work());
            let (input, output) = (edge.input.len(), edge.output.len());
            assert!(input <= MAX_REQUEST_BYTES + CHUNK, "{seed}: {input} bytes wait");
            let most = OUTPUT_HIGH_WATER_BYTES + MAX_REPLY_BYTES;
            assert!(output <= most, "{seed}: {output} bytes of replies");
        }
        if round % 16 == 0 {
            let directory = servers[0].feed.directory();
            publisher.publish(directory, std::slice::from_ref(&event));
            let heard = edge.session.events.as_mut().map(Receiver::try_recv);
            if let Some(Ok(message)) = heard {
                edge.hear(&message);
            }
        }
        refused += u64::from(edge.session.closing);
        let over = edge.session.closing || dice.below(8) == 0;
        // Who has changed to RESP3 and back was told some of it in that.
        said_hello |= bytes.windows(5).any(|word| word.eq_ignore_ascii_case(b"hello"));
        if over && !said_hello {
            checked += replies(edge.output.split()) as u64;
        }
        if over {
            edge = client(&servers[dice.below(2)]);
            said_hello = false;
        } else if dice.below(3) == 0 {
            // It takes everything.
            edge.output.clear();
            edge.count();
        }
    }
    drop(edge);
    for shared in &servers {
        let count = |counter: &std::sync::atomic::AtomicUsize| {
            counter.load(std::sync::atomic::Ordering::Relaxed)
        };
        assert_eq!(count(&shared.clients), 0);
        assert_eq!(count(&shared.subscribers), 0);
        assert_eq!(count(&shared.output_bytes), 0);
    }
    // The strings are worth something: many are requests, many are none.
    assert!(
        answered > STRINGS / 4 && refused > STRINGS / 20 && checked > STRINGS / 100,
        "{answered} answered, {refused} refused, {checked} replies checked"
    );
}
