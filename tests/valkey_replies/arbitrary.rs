//! Replies that a seed decides: whole, spoilt, random.

use std::cell::Cell;
use std::time::Duration;

use gungnir::valkey::{
    Answer, Command, Connection, Info, Lost, MAX_REPLY_BYTES, RoleReply, ServerConfig, Transaction,
    User,
};

use crate::reference::{Reading, Tree, read};
use crate::script::{End, Script};
use crate::seed::Seed;

/// No clock runs here: a deadline passes as soon as nothing else can happen.
const LIMIT: Duration = Duration::from_secs(1);
/// What a buffer may hold beyond twice of what has arrived, in bytes.
const SPARE_BYTES: usize = 2 * 4096;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// One request for `count` answers; checks what holds whatever comes.
async fn ask(bytes: &[u8], count: usize, seed: &mut Seed, end: End) -> Result<Vec<Answer>, Lost> {
    let pings = vec![Command::ping(); count];
    let mut connection = Connection::over(Script::new(bytes.to_vec(), seed, end));
    let answers = connection.request(&pings, LIMIT).await;
    let peak = connection.peak_buffer_bytes();
    assert!(peak <= 2 * MAX_REPLY_BYTES + SPARE_BYTES, "a buffer of {peak} bytes");
    assert!(peak <= 2 * bytes.len() + SPARE_BYTES, "{peak} bytes for {}", bytes.len());
    // What is lost stays lost, and gives the same reason.
    assert_eq!(connection.lost(), answers.as_ref().err());
    if let Err(lost) = &answers {
        assert_eq!(connection.request(&pings[..1], LIMIT).await.as_ref(), Err(lost));
    }
    answers
}

/// Runs each case and names the seed of the one that fails.
fn each_seed(cases: std::ops::Range<u64>, case: &impl AsyncFn(&mut Seed)) {
    struct Named(u64);
    impl Drop for Named {
        fn drop(&mut self) {
            if std::thread::panicking() {
                #[expect(clippy::print_stderr, reason = "the message of a failing test")]
                {
                    eprintln!("seed {}", self.0);
                }
            }
        }
    }
    let runtime = runtime();
    for number in cases {
        let named = Named(number);
        runtime.block_on(case(&mut Seed::new(number)));
        drop(named);
    }
}

/// 3,000 requests of 1 to 399 replies, 600,000 in sum.
#[test]
fn whole_replies_come_back_equal() {
    let replies = Cell::new(0);
    each_seed(0..3000, &async |seed: &mut Seed| {
        let count = 1 + seed.below(399);
        let mut bytes = Vec::new();
        let mut trees = Vec::with_capacity(count);
        while trees.len() < count && bytes.len() < MAX_REPLY_BYTES / 2 {
            let tree = Tree::random(seed, 12, 5);
            tree.write(&mut bytes);
            trees.push(tree);
        }
        let end = seed.pick(&[End::Fin, End::Reset, End::Silence]);
        let answers = ask(&bytes, trees.len(), seed, end).await.unwrap();
        for (tree, answer) in trees.iter().zip(&answers) {
            assert!(tree.is(answer), "{tree:?} came back as {answer:?}");
        }
        assert_eq!(answers.len(), trees.len());
        replies.set(replies.get() + trees.len());
    });
    assert!(replies.get() > 550_000, "{} replies", replies.get());
}

/// How often each outcome was seen: a test that sees only one proves little.
#[derive(Debug, Default)]
struct Seen {
    whole: Cell<u32>,
    half: Cell<u32>,
    bad: Cell<u32>,
    large: Cell<u32>,
}

impl Seen {
    /// What the connection says of bytes is what the reference reader says.
    async fn agree(&self, bytes: &[u8], seed: &mut Seed) {
        let end = seed.pick(&[End::Fin, End::Reset, End::Silence]);
        let outcome = ask(bytes, 1, seed, end).await;
        let expected = read(bytes);
        let (agrees, count) = match (&outcome, &expected) {
            (Ok(answers), Reading::Whole(tree, _)) => (tree.is(&answers[0]), &self.whole),
            // Bytes after the reply are seen when they come in the same piece.
            (Err(Lost::Unasked), Reading::Whole(_, length)) => (*length < bytes.len(), &self.whole),
            (Err(Lost::Closed), Reading::Half) => (end == End::Fin, &self.half),
            (Err(Lost::Reset), Reading::Half) => (end == End::Reset, &self.half),
            (Err(Lost::TimedOut), Reading::Half) => (end == End::Silence, &self.half),
            (Err(Lost::Malformed(_)), Reading::Bad) => (true, &self.bad),
            (Err(Lost::TooLarge(_)), Reading::Large) => (true, &self.large),
            _ => (false, &self.bad),
        };
        assert!(agrees, "{outcome:?} instead of {expected:?}\n{}", bytes.escape_ascii());
        count.set(count.get() + 1);
    }

    fn assert_all(&self) {
        let counts = [&self.whole, &self.half, &self.bad, &self.large].map(Cell::get);
        assert!(counts.iter().all(|count| *count > 500), "{self:?}");
    }
}

#[test]
fn spoilt_replies_are_told_from_whole_ones() {
    let seen = Seen::default();
    each_seed(0..280_000, &async |seed: &mut Seed| {
        let mut bytes = Vec::new();
        Tree::random(seed, 12, 5).write(&mut bytes);
        for _ in 0..=seed.below(3) {
            spoil(&mut bytes, seed);
        }
        seen.agree(&bytes, seed).await;
    });
    seen.assert_all();
}

fn spoil(bytes: &mut Vec<u8>, seed: &mut Seed) {
    const TELLING: &[u8] = b"+-:$*\r\n0123456789-\0\xff%>";
    let at = seed.below(bytes.len() + 1);
    match seed.below(7) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, seed.pick(TELLING)),
        2 if at < bytes.len() => bytes[at] = seed.pick(TELLING),
        3 if at < bytes.len() => bytes[at] ^= 1 << seed.below(8),
        4 => {
            let large =
                seed.pick(&["$1048577\r\n", "*32768\r\n", "99999999", "*1\r\n*1\r\n*1\r\n"]);
            bytes.splice(at..at, large.bytes());
        }
        5 if at < bytes.len() => {
            bytes.remove(at);
        }
        _ => {
            let again = bytes[at..].to_vec();
            bytes.splice(at..at, again);
        }
    }
}

#[test]
fn random_bytes_are_survived() {
    const LIKELY: &[&str] = &[
        "+",
        "-",
        ":",
        "$",
        "*",
        "\r\n",
        "\r",
        "\n",
        "-1",
        "0",
        "1",
        "2",
        "9",
        "$3\r\nabc\r\n",
        "*2\r\n",
        "*1\r\n",
        ":1\r\n",
        "+OK\r\n",
        "*1000000000\r\n",
        "$1048577\r\n",
        "9223372036854775807",
        "1048576",
        "32768",
    ];
    let seen = Seen::default();
    each_seed(0..180_000, &async |seed: &mut Seed| {
        let mut bytes = Vec::new();
        for _ in 0..seed.below(24) {
            if seed.once_in(6) {
                bytes.push(seed.byte());
            } else {
                bytes.extend(seed.pick(LIKELY).as_bytes());
            }
        }
        seen.agree(&bytes, seed).await;
    });
    seen.assert_all();
}

/// A value of the right shape for one of the readers, or of any.
fn nearly(seed: &mut Seed) -> Vec<u8> {
    const ROLE: &[u8] = b"*5\r\n+slave\r\n+10.0.0.1\r\n:6379\r\n+connected\r\n:7\r\n";
    const CONFIG: &[u8] = b"*4\r\n+port\r\n+6379\r\n+replicaof\r\n+10.0.0.1 6379\r\n";
    const USER: &[u8] = b"*4\r\n+flags\r\n*1\r\n+on\r\n+passwords\r\n*1\r\n+a\r\n";
    let mut bytes = match seed.below(4) {
        0 => ROLE.to_vec(),
        1 => CONFIG.to_vec(),
        2 => USER.to_vec(),
        _ => {
            let mut bytes = Vec::new();
            Tree::random(seed, 12, 5).write(&mut bytes);
            bytes
        }
    };
    spoil(&mut bytes, seed);
    bytes
}

#[test]
fn every_reader_survives_every_value() {
    let transaction = Transaction::new(vec![Command::ping()]);
    let read_well = Cell::new(0);
    each_seed(0..40_000, &async |seed: &mut Seed| {
        let bytes = nearly(seed);
        let Ok(mut answers) = ask(&bytes, 1, seed, End::Fin).await else { return };
        if let Ok(value) = &answers[0] {
            let well = [
                RoleReply::parse(value).is_ok(),
                ServerConfig::parse(value).is_ok(),
                User::parse(value).is_ok(),
                User::names(value).is_ok(),
            ];
            read_well.set(read_well.get() + u32::from(well.contains(&true)));
        }
        answers.resize(3, Ok(redis::Value::Okay));
        answers.reverse();
        // Read or refused: nothing else may happen.
        let _ = transaction.read(answers);
    });
    assert!(read_well.get() > 500, "{read_well:?}");
}

#[test]
fn info_survives_every_text() {
    const SAMPLES: &[&[u8]] = &[
        include_bytes!("../../src/valkey/info/samples/master-9.txt"),
        include_bytes!("../../src/valkey/info/samples/replica-8.txt"),
        include_bytes!("../../src/valkey/info/samples/syncing-7.txt"),
    ];
    let read_well = Cell::new(0);
    let original = Info::parse(SAMPLES[0]).unwrap();
    each_seed(0..20_000, &async |seed: &mut Seed| {
        let mut text = seed.pick(SAMPLES).to_vec();
        for _ in 0..=seed.below(4) {
            spoil(&mut text, seed);
        }
        let mut info = original.clone();
        match info.merge_light(&text) {
            Ok(()) => read_well.set(read_well.get() + 1),
            Err(_) => assert_eq!(info, original),
        }
        if let Ok(info) = Info::parse(&text) {
            assert!(info.replication.followers.len() <= 64);
        }
    });
    assert!(read_well.get() > 500, "{read_well:?}");
}
