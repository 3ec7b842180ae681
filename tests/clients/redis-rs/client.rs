//! redis-rs's Sentinel client, writing one number after another: see ../README.md.

use std::env;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{Commands, Connection, ConnectionAddr, RedisResult};

/// The one place that knows which version was built.
const LOCK: &str = include_str!("Cargo.lock");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [addresses, name, seconds] = &arguments[..] else {
        eprintln!("usage: client HOST:PORT,... NAME SECONDS");
        return ExitCode::from(2);
    };
    let mut client = client(addresses, name).expect("the addresses are as they should be");
    let limit = Duration::from_secs(seconds.parse().expect("a number of seconds"));

    println!(r#"{{"version":"{}"}}"#, version());
    let start = Instant::now();
    let mut connection = None;
    let mut number = 1_u64;
    while start.elapsed() < limit {
        if let Err(error) = write(&mut client, &mut connection, number) {
            // A connection is to one server for ever: the client is asked for another.
            connection = None;
            let error = plain(&error.to_string());
            let t_us = now_us();
            println!(r#"{{"t_us":{t_us},"n":{number},"ok":false,"error":"{error}"}}"#);
            sleep(Duration::from_millis(10));
            continue;
        }
        println!(r#"{{"t_us":{},"n":{number},"ok":true}}"#, now_us());
        number += 1;
        sleep(Duration::from_millis(1));
    }
    ExitCode::SUCCESS
}

fn client(addresses: &str, name: &str) -> RedisResult<SentinelClient> {
    let addresses = addresses.split(',').map(|address| {
        let (host, port) = address.rsplit_once(':').expect("HOST:PORT");
        ConnectionAddr::Tcp(host.to_owned(), port.parse().expect("a port"))
    });
    let master = SentinelServerType::Master;
    let mut builder = SentinelClientBuilder::new(addresses, name.to_owned(), master)?;
    if let Ok(password) = env::var("SENTINEL_PASSWORD") {
        builder = builder.set_client_to_sentinel_password(password);
    }
    builder.build()
}

fn write(
    client: &mut SentinelClient,
    connection: &mut Option<Connection>,
    number: u64,
) -> RedisResult<()> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(client.get_connection()?),
    };
    connection.set(format!("redis-rs:{number}"), number)
}

fn now_us() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set").as_micros()
}

/// The text without what would have to be escaped in JSON.
fn plain(text: &str) -> String {
    text.replace(|c: char| matches!(c, '"' | '\\') || c.is_control(), "'")
}

fn version() -> &'static str {
    let redis = LOCK.split("[[package]]").find(|package| package.contains("name = \"redis\"\n"));
    let version = redis.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    version.expect("the lock file has redis")
}
