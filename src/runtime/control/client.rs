//! Asks a sentinel one question.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{ControlError, ControlReply, ControlRequest};

/// The longest answer; an explanation of nine nodes has a few thousand bytes.
const MAX_REPLY_BYTES: u64 = 1 << 20;

/// Asks the sentinel that listens at `path`, and waits for its answer for `limit` at most.
///
/// # Errors
///
/// [`ControlError`] when nobody listens there, or what comes is no answer. Whether a handover that
/// was not answered was done is unknown then.
pub async fn ask(
    path: &Path,
    request: &ControlRequest,
    limit: Duration,
) -> Result<ControlReply, ControlError> {
    let late = |_| ControlError::Late { path: path.to_owned(), limit };
    timeout(limit, converse(path, request)).await.map_err(late)?
}

async fn converse(path: &Path, request: &ControlRequest) -> Result<ControlReply, ControlError> {
    let own = || path.to_owned();
    let mut stream = UnixStream::connect(path).await.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            ControlError::NobodyListens { path: own(), source }
        }
        _ => ControlError::Connect { path: own(), source },
    })?;
    let ended = |source| ControlError::Ended { path: own(), source };
    let not_understood = |source| ControlError::NotUnderstood { path: own(), source };
    let mut line = serde_json::to_vec(request).map_err(not_understood)?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(ended)?;
    let mut reply = Vec::new();
    let mut answers = BufReader::new(stream).take(MAX_REPLY_BYTES + 1);
    answers.read_until(b'\n', &mut reply).await.map_err(ended)?;
    if reply.len() as u64 > MAX_REPLY_BYTES {
        return Err(ControlError::TooLong { path: own(), limit_bytes: MAX_REPLY_BYTES });
    }
    if reply.is_empty() {
        return Err(ended(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&reply).map_err(not_understood)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tokio::net::UnixListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// What is made of an answer.
    async fn answered(bytes: &[u8]) -> Result<ControlReply, ControlError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let listener = UnixListener::bind(&path).unwrap();
        let answer = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut asked = String::new();
            stream.read_line(&mut asked).await.unwrap();
            assert_eq!(asked, "{\"ask\":\"explain\"}\n");
            // Whoever has read enough may go before the end.
            let _ = stream.write_all(bytes).await;
        };
        tokio::join!(ask(&path, &ControlRequest::Explain {}, LIMIT), answer).0
    }

    #[tokio::test]
    async fn an_answer_is_one_line() {
        let reply = answered(b"{\"refused\":\"no\"}\nand more\n").await.unwrap();
        assert_eq!(reply, ControlReply::Refused("no".to_owned()));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_told_apart() {
        let said = |error: ControlError| format!("{:#}", anyhow::Error::new(error));
        let wrong = said(answered(b"+PONG\r\n").await.unwrap_err());
        assert!(wrong.contains("is not understood; is it a `gungnir sentinel`"), "{wrong}");
        let half = said(answered(b"{\"refused\":\"n").await.unwrap_err());
        assert!(half.contains("is not understood") && half.contains("EOF"), "{half}");
        let none = said(answered(b"").await.unwrap_err());
        assert!(none.contains("ended before it answered"), "{none}");
        let long = said(answered(&vec![b'a'; 3 << 20]).await.unwrap_err());
        assert!(long.ends_with("is longer than 1048576 bytes"), "{long}");
    }

    #[tokio::test]
    async fn where_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let explain = ControlRequest::Explain {};
        let nobody = |path: PathBuf, error: ControlError| {
            let expected = format!(
                "nobody listens at `{}`: is `gungnir sentinel` running with that endpoint file?",
                path.display()
            );
            assert_eq!(error.to_string(), expected);
        };
        nobody(path.clone(), ask(&path, &explain, LIMIT).await.unwrap_err());
        // One that a killed process has left behind.
        drop(UnixListener::bind(&path).unwrap());
        nobody(path.clone(), ask(&path, &explain, LIMIT).await.unwrap_err());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let _listener = UnixListener::bind(&path).unwrap();
        let error = ask(&path, &ControlRequest::Explain {}, LIMIT).await.unwrap_err();
        assert_eq!(error.to_string(), format!("no answer from `{}` within 10 s", path.display()));
    }
}
