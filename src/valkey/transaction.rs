//! Several commands with nothing in between: `MULTI`, they, `EXEC`, in one write.

use redis::Value;

use super::command::Command;
use super::connection::Answer;
use super::error_reply::ErrorReply;
use super::reply::ReplyError;

/// Commands that run as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    requests: Vec<Command>,
}

/// Why a transaction did not run as one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TransactionError {
    /// A command was refused when it was queued; none has run.
    #[error("command {at} of the transaction was refused, so none has run: {error}")]
    Refused {
        /// Which of them, from 0.
        at: usize,
        /// Why.
        error: ErrorReply,
    },
    /// `EXEC` itself was refused; none has run.
    #[error("the transaction was refused, so none of its commands has run: {0}")]
    Exec(ErrorReply),
    /// `MULTI` was refused, so the server **ran the commands one by one**.
    #[error("`MULTI` was refused, so the commands ran one by one: {error}")]
    NotAtomic {
        /// Why.
        error: ErrorReply,
        /// What each of them answered.
        answers: Vec<Answer>,
    },
    /// The answers are not those of a transaction.
    #[error("the answer to a transaction is none: {0}")]
    Reply(ReplyError),
}

impl Transaction {
    /// A transaction of these commands.
    #[must_use]
    pub fn new(commands: Vec<Command>) -> Self {
        let mut requests = Vec::with_capacity(commands.len() + 2);
        requests.push(Command::multi());
        requests.extend(commands);
        requests.push(Command::exec());
        Self { requests }
    }

    /// What to send, for [`Connection::request`](super::Connection::request).
    #[must_use]
    pub fn requests(&self) -> &[Command] {
        &self.requests
    }

    /// What each command answered, from the answers to [`Transaction::requests`].
    ///
    /// # Errors
    /// [`TransactionError`] when they did not run as one.
    pub fn read(&self, mut answers: Vec<Answer>) -> Result<Vec<Answer>, TransactionError> {
        let wanted = "an answer to each command of a transaction";
        let short = || TransactionError::Reply(ReplyError { wanted, found: "fewer or more" });
        if answers.len() != self.requests.len() {
            return Err(short());
        }
        let executed = answers.pop().ok_or_else(short)?;
        if let Err(error) = answers.remove(0) {
            return Err(TransactionError::NotAtomic { error, answers });
        }
        let refusal =
            answers.into_iter().enumerate().find_map(|(at, queued)| Some((at, queued.err()?)));
        match (executed, refusal) {
            (Ok(Value::Array(values)), None) if values.len() + 2 == self.requests.len() => {
                let commands = &self.requests[1..];
                Ok(values.into_iter().zip(commands).map(answer).collect())
            }
            (Err(_), Some((at, error))) => Err(TransactionError::Refused { at, error }),
            (Err(error), None) => Err(TransactionError::Exec(error)),
            (Ok(other), _) => Err(TransactionError::Reply(ReplyError::new(wanted, &other))),
        }
    }
}

fn answer((value, command): (Value, &Command)) -> Answer {
    match value {
        Value::ServerError(error) => {
            let error = ErrorReply::new(&error);
            Err(if command.holds_secret() { error.withheld() } else { error })
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction() -> Transaction {
        Transaction::new(vec![Command::role(), Command::replicaof_nowhere()])
    }

    /// Answers as they come off the wire.
    fn answers(replies: &[&str]) -> Vec<Answer> {
        let parsed = |reply: &&str| redis::parse_redis_value(reply.as_bytes()).unwrap();
        replies.iter().map(parsed).map(|value| answer((value, &Command::ping()))).collect()
    }

    #[test]
    fn commands_stand_between_multi_and_exec() {
        let shown: Vec<String> = transaction().requests().iter().map(Command::to_string).collect();
        assert_eq!(shown, ["MULTI", "ROLE", "REPLICAOF 127.0.0.1 1", "EXEC"]);
    }

    #[test]
    fn each_command_has_its_own_answer() {
        let replies = ["+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "*2\r\n:1\r\n-LOADING x\r\n"];
        assert_eq!(
            transaction().read(answers(&replies)),
            Ok(vec![Ok(Value::Int(1)), Err(ErrorReply::Loading)])
        );
    }

    #[test]
    fn what_did_not_run_as_one_is_told() {
        let no_perm = ErrorReply::NoPerm { message: "x".to_owned() };
        let abort = "-EXECABORT Transaction discarded\r\n";
        for (replies, expected) in [
            (
                ["+OK\r\n", "+QUEUED\r\n", "-NOPERM x\r\n", abort],
                TransactionError::Refused { at: 1, error: no_perm.clone() },
            ),
            (
                ["+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", "-NOPERM x\r\n"],
                TransactionError::Exec(no_perm.clone()),
            ),
            (["-NOPERM x\r\n", ":1\r\n", "+OK\r\n", "-ERR EXEC without MULTI\r\n"], {
                let error = no_perm.clone();
                TransactionError::NotAtomic { error, answers: answers(&[":1\r\n", "+OK\r\n"]) }
            }),
        ] {
            assert_eq!(transaction().read(answers(&replies)), Err(expected));
        }
        for last in ["*1\r\n:1\r\n", "*-1\r\n", "+OK\r\n"] {
            let replies = ["+OK\r\n", "+QUEUED\r\n", "+QUEUED\r\n", last];
            let read = transaction().read(answers(&replies));
            assert!(matches!(read, Err(TransactionError::Reply(_))), "{last}: {read:?}");
        }
        assert!(matches!(transaction().read(Vec::new()), Err(TransactionError::Reply(_))));
    }
}
