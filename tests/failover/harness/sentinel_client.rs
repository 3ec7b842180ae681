//! A client of Sentinel's protocol that may wait: it asks, or it hears what happens.

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use redis::Connection;
use redis::FromRedisValue;
use redis::RedisResult;

/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// How long an event that is waited for may take.
const EVENT_LIMIT: Duration = Duration::from_secs(20);

/// Asks once, on a connection of its own.
///
/// # Errors
/// What is answered, or that nothing is in time.
pub fn ask<T: FromRedisValue>(
    sentinel: SocketAddr,
    password: Option<&str>,
    words: &[&str],
) -> RedisResult<T> {
    let mut connection = connect(sentinel, ANSWER_LIMIT)?;
    if let Some(password) = password {
        command(&["AUTH", password]).exec(&mut connection)?;
    }
    command(words).query(&mut connection)
}

/// Hears every event from its start on.
pub struct Subscriber {
    connection: Connection,
    heard: Vec<String>,
}

impl Subscriber {
    /// Subscribes to everything.
    pub fn start(sentinel: SocketAddr) -> Self {
        let mut connection = connect(sentinel, EVENT_LIMIT).expect("a connection");
        let packed = command(&["PSUBSCRIBE", "*"]).get_packed_command();
        connection.send_packed_command(&packed).expect("it is sent");
        let answer = connection.recv_response().expect("an answer");
        let words = Vec::<String>::from_redis_value(answer).expect("words");
        assert_eq!(words, ["psubscribe", "*", "1"]);
        Self { connection, heard: Vec::new() }
    }

    /// Waits for an event, and answers every one up to it, each as `CHANNEL PAYLOAD`.
    ///
    /// # Panics
    /// When it does not come in time.
    pub fn wait_for(&mut self, event: &str) -> &[String] {
        let began = Instant::now();
        while !self.heard.iter().any(|it| it == event) {
            assert!(began.elapsed() < EVENT_LIMIT, "no `{event}` is heard: {:#?}", self.heard);
            let message = self.connection.recv_response();
            let message = message.unwrap_or_else(|error| {
                panic!("no `{event}` is heard ({error}): {:#?}", self.heard)
            });
            let words = Vec::<String>::from_redis_value(message).expect("words");
            let [kind, _, channel, payload] = &words[..] else { panic!("no message: {words:?}") };
            assert_eq!(kind, "pmessage");
            self.heard.push(format!("{channel} {payload}"));
        }
        &self.heard
    }
}

fn connect(sentinel: SocketAddr, limit: Duration) -> RedisResult<Connection> {
    let client = redis::Client::open(format!("redis://{sentinel}"))?;
    let connection = client.get_connection_with_timeout(ANSWER_LIMIT)?;
    connection.set_read_timeout(Some(limit))?;
    Ok(connection)
}

fn command(words: &[&str]) -> redis::Cmd {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command
}
