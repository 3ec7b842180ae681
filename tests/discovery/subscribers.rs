//! Ten thousand subscribers of one process hear one move.
//!
//! The server and the clients are processes of their own, both this very test under another role,
//! so that each has its descriptors and the server's memory is its own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gungnir::discovery::limits::IDLE_CLIENT_BYTES;
use gungnir::discovery::{Address, Directory, Event, Instance, Publisher, Set};

use crate::ours::{Ours, config};
use crate::wire::request;

/// How many there are.
const SUBSCRIBERS: usize = 10_000;

/// The descriptors that a process needs for them.
const DESCRIPTORS: usize = SUBSCRIBERS + 200;

/// How long all of them may take to subscribe, or to hear, on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How long the last may hear after the first: more than enough, less than a client's patience.
const MAX_SPREAD: Duration = Duration::from_secs(5);

/// Which part of the test a process plays, and the port it is about.
const ROLE: &str = "GUNGNIR_TEST_ROLE";

/// What a part tells begins with it; the test harness writes lines of its own.
const SAYS: &str = "says: ";

const OLD: [&str; 2] = ["10.0.0.1", "6379"];
const NEW: [&str; 2] = ["10.0.0.2", "6380"];

/// A part of the test.
struct Part {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Part {
    fn start(role: &str) -> Self {
        // More descriptors than a shell starts with; the hard limit is the machine's.
        let raise = "ulimit -n \"$1\" && shift && exec \"$@\"";
        let mut process = Command::new("bash")
            .args(["-c", raise, "raise", &DESCRIPTORS.to_string()])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "subscribers::ten_thousand_hear_of_one_move", "--nocapture"])
            .env(ROLE, role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    /// The words of what it says next.
    fn says(&mut self) -> Vec<u64> {
        loop {
            let mut line = String::new();
            let count = self.output.read_line(&mut line).unwrap();
            let need = "the hard limit of descriptors (ulimit -Hn) must allow it";
            assert!(count > 0, "a part of the test ended; it needs {DESCRIPTORS}: {need}");
            if let Some((_, said)) = line.split_once(SAYS) {
                return said.split_whitespace().map(|word| word.parse().unwrap()).collect();
            }
        }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.input, "{word}").unwrap();
        self.input.flush().unwrap();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(words: &[u64]) {
    let words: Vec<String> = words.iter().map(u64::to_string).collect();
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n{SAYS}{}", words.join(" ")).unwrap();
    output.flush().unwrap();
}

/// Waits for the next word from the test.
fn told() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn number(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap()
}

/// The memory of this process that is really there, in bytes.
fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn directory(master: [&str; 2]) -> Arc<Directory> {
    let mut set = Set::new(Instant::now());
    set.master = Some(Instance::at(master[0], master[1].parse().unwrap()));
    let mut directory = Directory::default();
    directory.sets.insert("demo".into(), Arc::new(set));
    Arc::new(directory)
}

/// Says its port; then its memory as often as it is asked, and what a move took to publish.
fn serve() {
    let publisher = Publisher::new();
    publisher.publish(directory(OLD), &[]);
    let ours = Ours::start(config(), publisher.feed());
    say(&[ours.port.into()]);
    let address = |[host, port]: [&str; 2]| Address::new(host, port.parse().unwrap());
    loop {
        match told().as_str() {
            "memory" => say(&[resident_bytes()]),
            "move" => {
                let (old, new) = (address(OLD), address(NEW));
                let began = Instant::now();
                let event = Event::SwitchMaster { set: "demo".into(), old, new };
                publisher.publish(directory(NEW), &[event]);
                say(&[number(began.elapsed())]);
            }
            _ => return,
        }
    }
}

/// Connects and subscribes; says so; then how many heard the move, and when the first and the last
/// did, in microseconds since it was told to listen.
fn listen(port: u16) {
    let message = format!(
        "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$32\r\ndemo {} {}\r\n",
        OLD.join(" "),
        NEW.join(" ")
    );
    let subscribed = "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";
    let mut clients = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let mut client = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.write_all(request(&["CLIENT", "SETNAME", "subscriber"]).as_bytes()).unwrap();
        client.write_all(request(&["SUBSCRIBE", "+switch-master"]).as_bytes()).unwrap();
        clients.push(client);
    }
    let expect = |client: &mut TcpStream, expected: &str| {
        let mut found = vec![0; expected.len()];
        client.read_exact(&mut found).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), expected);
    };
    for client in &mut clients {
        expect(client, "+OK\r\n");
        expect(client, subscribed);
    }
    say(&[clients.len() as u64]);
    assert_eq!(told(), "listen");
    let began = Instant::now();
    let (mut first, mut last) = (None, Duration::ZERO);
    for client in &mut clients {
        expect(client, &message);
        first.get_or_insert(began.elapsed());
        last = began.elapsed();
    }
    // Who has heard and asks is told the new address.
    for client in clients.iter_mut().step_by(100) {
        client.write_all(request(&["UNSUBSCRIBE"]).as_bytes()).unwrap();
        expect(client, "*3\r\n$11\r\nunsubscribe\r\n$14\r\n+switch-master\r\n:0\r\n");
        let ask = request(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "demo"]);
        client.write_all(ask.as_bytes()).unwrap();
        expect(client, "*2\r\n$8\r\n10.0.0.2\r\n$4\r\n6380\r\n");
    }
    say(&[clients.len() as u64, number(first.unwrap()), number(last)]);
}

#[test]
#[allow(clippy::print_stderr)] // figures for people
fn ten_thousand_hear_of_one_move() {
    match env::var(ROLE).as_deref() {
        Ok("server") => return serve(),
        Ok(port) => return listen(port.parse().unwrap()),
        Err(_) => {}
    }
    let mut server = Part::start("server");
    let port = server.says()[0];
    server.tell("memory");
    let before = server.says()[0];
    let mut clients = Part::start(&port.to_string());
    assert_eq!(clients.says(), [SUBSCRIBERS as u64]);
    server.tell("memory");
    let idle = server.says()[0];
    let each = (idle - before) / SUBSCRIBERS as u64;
    clients.tell("listen");
    server.tell("move");
    let published = server.says()[0];
    let heard = clients.says();
    let [count, first, last] = heard[..] else { panic!("{heard:?}") };
    server.tell("memory");
    let after = server.says()[0];
    eprintln!(
        "{count} heard; a subscriber costs {each} bytes; published in {published} µs; the first \
         heard after {first} µs, the last after {last} µs; {before}, {idle}, {after} bytes resident"
    );
    assert_eq!(count, SUBSCRIBERS as u64);
    assert!(each <= IDLE_CLIENT_BYTES as u64, "a subscriber costs {each} bytes");
    assert!(last - first <= number(MAX_SPREAD), "from {first} to {last} µs");
    // Nothing of the move stays.
    assert!(after - before <= (idle - before) * 3 / 2, "{before}, {idle}, {after} bytes");
}
