//! Servers that mean harm, one by one.

use std::time::Duration;

use gungnir::valkey::{
    Closed, Command, Connection, ErrorReply, Lost, MAX_REPLY_BYTES, MAX_REPLY_DEPTH,
    MAX_REPLY_VALUES, Malformed, TooLarge,
};
use redis::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

const LIMIT: Duration = Duration::from_secs(1);
/// How much is on the way between the two ends, in bytes.
const PIPE_BYTES: usize = 1 << 16;

/// A connection and the server's end of it.
fn pair() -> (Connection<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(PIPE_BYTES);
    (Connection::over(ours), theirs)
}

/// A server that sends `bytes` and then stays silent.
fn saying(bytes: Vec<u8>) -> Connection<DuplexStream> {
    let (connection, mut server) = pair();
    tokio::spawn(async move {
        let sent = server.write_all(&bytes).await;
        // Keeps the connection open until the client drops it.
        let _ = (sent, server.read_to_end(&mut Vec::new()).await);
    });
    connection
}

/// A server that sends `start` and then `again` without end.
fn endless(start: &'static [u8], again: &'static [u8]) -> Connection<DuplexStream> {
    let (connection, mut server) = pair();
    tokio::spawn(async move {
        let again = again.repeat(1000);
        let mut sent = server.write_all(start).await;
        while sent.is_ok() {
            sent = server.write_all(&again).await;
        }
    });
    connection
}

async fn ping(connection: &mut Connection<DuplexStream>) -> Result<Value, Lost> {
    let mut answers = connection.request(&[Command::ping()], LIMIT).await?;
    Ok(answers.remove(0).unwrap())
}

/// Held by every test here: one connection, and no more memory than is stated.
fn assert_bounded(connection: &Connection<DuplexStream>) {
    let peak = connection.peak_buffer_bytes();
    assert!(peak <= 2 * MAX_REPLY_BYTES + 8192, "a buffer of {peak} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_huge_length_costs_nothing() {
    for (header, bound) in [
        ("$9223372036854775807\r\n".to_owned(), TooLarge::Bytes),
        ("$1048576\r\n".to_owned(), TooLarge::Bytes),
        ("*9223372036854775807\r\n".to_owned(), TooLarge::Values),
        ("*1000000000\r\n".to_owned(), TooLarge::Values),
        (format!("*{MAX_REPLY_VALUES}\r\n"), TooLarge::Values),
        ("*1\r\n".repeat(MAX_REPLY_DEPTH + 1), TooLarge::Depth),
        ("*1\r\n".repeat(10_000), TooLarge::Depth),
    ] {
        let mut connection = saying(header.into_bytes());
        assert_eq!(ping(&mut connection).await, Err(Lost::TooLarge(bound)));
        assert!(connection.peak_buffer_bytes() <= 2 * PIPE_BYTES);
    }
    // The most that may be promised reserves nothing before it comes.
    let mut connection = saying(b"*32767\r\n$1000000\r\n".to_vec());
    assert_eq!(ping(&mut connection).await, Err(Lost::TimedOut));
    assert!(connection.peak_buffer_bytes() <= 8192, "{}", connection.peak_buffer_bytes());
}

#[tokio::test(start_paused = true)]
async fn what_never_ends_is_cut_off() {
    for (start, again, lost) in [
        (&b"+"[..], &b"x"[..], Lost::TooLarge(TooLarge::Bytes)),
        (b"*32000\r\n", b"$40\r\n0123456789012345678901234567890123456789\r\n", {
            Lost::TooLarge(TooLarge::Bytes)
        }),
        (b"*20000\r\n", b"*1\r\n:1\r\n", Lost::TooLarge(TooLarge::Values)),
        (b"", b"*1\r\n", Lost::TooLarge(TooLarge::Depth)),
        (b":", b"1", Lost::Malformed(Malformed::Number)),
        (b"", b"+OK\r\n", Lost::Unasked),
    ] {
        let mut connection = endless(start, again);
        assert_eq!(ping(&mut connection).await, Err(lost));
        assert_bounded(&connection);
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_reply_passes_and_one_byte_more_does_not() {
    let header = format!("${}\r\n", MAX_REPLY_BYTES - 12);
    assert_eq!(header.len(), 10);
    let text = vec![b'x'; MAX_REPLY_BYTES - 12];
    let mut reply = [header.as_bytes(), &text, b"\r\n"].concat();
    let mut connection = saying(reply.clone());
    assert_eq!(ping(&mut connection).await, Ok(Value::BulkString(text)));
    assert_bounded(&connection);

    reply[7] += 1;
    reply.insert(10, b'x');
    let mut connection = saying(reply);
    assert_eq!(ping(&mut connection).await, Err(Lost::TooLarge(TooLarge::Bytes)));

    let many = [format!("*{}\r\n", MAX_REPLY_VALUES - 1), ":1\r\n".repeat(MAX_REPLY_VALUES - 1)];
    let mut connection = saying(many.concat().into_bytes());
    let ones = vec![Value::Int(1); MAX_REPLY_VALUES - 1];
    assert_eq!(ping(&mut connection).await, Ok(Value::Array(ones)));
    assert_bounded(&connection);
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_for_all_answers_of_a_request_and_new_for_the_next() {
    let reply = [&b"$300000\r\n"[..], &vec![b'x'; 300_000], b"\r\n"].concat();
    let (mut connection, mut server) = pair();
    let three = reply.repeat(3);
    tokio::spawn(async move {
        let mut asked = [0; 42];
        while server.read_exact(&mut asked).await.is_ok() {
            server.write_all(&three).await.unwrap();
        }
    });
    // As long as what the server waits for.
    let pings = vec![Command::ping(); 3];
    for _ in 0..5 {
        assert_eq!(connection.request(&pings, LIMIT).await.map(|answers| answers.len()), Ok(3));
    }
    assert_bounded(&connection);

    let mut connection = saying(reply.repeat(4));
    let four = vec![Command::ping(); 4];
    assert_eq!(connection.request(&four, LIMIT).await, Err(Lost::TooLarge(TooLarge::Bytes)));
    assert_bounded(&connection);
}

#[tokio::test(start_paused = true)]
async fn half_a_reply_and_silence_ends_at_the_deadline() {
    for half in ["", "+", "+PONG", "+PONG\r", "$3\r\nab", "*2\r\n+a\r\n", "*-"] {
        let mut connection = saying(half.as_bytes().to_vec());
        let began = Instant::now();
        assert_eq!(ping(&mut connection).await, Err(Lost::TimedOut), "{half:?}");
        let took = began.elapsed();
        assert!(took >= LIMIT && took < LIMIT + Duration::from_millis(5), "{took:?}");
        // Lost for good, and at once.
        let began = Instant::now();
        assert_eq!(ping(&mut connection).await, Err(Lost::TimedOut));
        assert_eq!(connection.closed().await, Closed::Failed(Lost::TimedOut));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn one_byte_at_a_time_does_not_move_the_deadline() {
    let (mut connection, mut server) = pair();
    tokio::spawn(async move {
        while server.write_all(b"+").await.is_ok() {
            sleep(LIMIT / 10).await;
        }
    });
    let began = Instant::now();
    assert_eq!(ping(&mut connection).await, Err(Lost::TimedOut));
    assert!(began.elapsed() < LIMIT + Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_is_given_up() {
    let (ours, _server) = duplex(8);
    let mut connection = Connection::over(ours);
    let request = connection.request(&[Command::info_full()], LIMIT).await;
    assert_eq!(request, Err(Lost::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_spoils_its_connection() {
    let (mut connection, mut server) = pair();
    {
        let commands = [Command::ping()];
        let request = connection.request(&commands, LIMIT);
        assert!(tokio::time::timeout(LIMIT / 2, request).await.is_err());
    }
    // The late answer must never be that of the next question.
    server.write_all(b"+PONG\r\n+late\r\n").await.unwrap();
    assert_eq!(ping(&mut connection).await, Err(Lost::Abandoned));
    assert_eq!(connection.closed().await, Closed::Failed(Lost::Abandoned));
}

#[tokio::test(start_paused = true)]
async fn more_than_was_asked_for_spoils_a_connection() {
    let mut connection = saying(b"+PONG\r\n+more\r\n".to_vec());
    assert_eq!(ping(&mut connection).await, Err(Lost::Unasked));
    let mut connection = saying(b"+more\r\n".to_vec());
    assert_eq!(connection.closed().await, Closed::Unasked);
    assert_eq!(ping(&mut connection).await, Err(Lost::Unasked));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_tells_its_end_and_may_be_waited_for_again() {
    let (mut connection, server) = pair();
    for _ in 0..3 {
        assert!(tokio::time::timeout(LIMIT, connection.closed()).await.is_err());
        assert_eq!(connection.lost(), None);
    }
    drop(server);
    assert_eq!(connection.closed().await, Closed::Fin);
    assert_eq!(connection.closed().await, Closed::Fin);
    assert_eq!(ping(&mut connection).await, Err(Lost::Closed));
}

#[tokio::test(start_paused = true)]
async fn an_end_in_the_middle_is_an_end() {
    let (mut connection, mut server) = pair();
    tokio::spawn(async move {
        server.write_all(b"$10\r\nabc").await.unwrap();
        server.read_exact(&mut [0; 4]).await.unwrap();
    });
    assert_eq!(ping(&mut connection).await, Err(Lost::Closed));
}

#[tokio::test(start_paused = true)]
async fn answers_keep_the_order_of_their_commands() {
    let mut connection = saying(b"+a\r\n-LOADING x\r\n*1\r\n-BUSY x\r\n".to_vec());
    let answers = connection.request(&vec![Command::ping(); 3], LIMIT).await.unwrap();
    assert_eq!(answers[0], Ok(Value::SimpleString("a".to_owned())));
    assert_eq!(answers[1], Err(ErrorReply::Loading));
    assert!(
        matches!(&answers[2], Ok(Value::Array(one)) if matches!(one[0], Value::ServerError(_)))
    );
    assert_eq!(connection.request(&[], LIMIT).await, Ok(Vec::new()));
    assert_eq!(connection.lost(), None);
}

#[tokio::test(start_paused = true)]
async fn an_error_never_repeats_a_secret() {
    use gungnir::valkey::{AclRule, Secret};
    let reply = "-ERR Error in ACL SETUSER modifier '>hunter2': Syntax error\r\n";
    let mut connection = saying(reply.as_bytes().to_vec());
    let rules = [AclRule::Password(Secret::new("hunter2".to_owned()))];
    let answers = connection.request(&[Command::acl_setuser("a", &rules)], LIMIT).await.unwrap();
    let shown = format!("{answers:?} {}", answers[0].as_ref().unwrap_err());
    assert!(!shown.contains("hunter2") && shown.contains("ERR"), "{shown}");
}
