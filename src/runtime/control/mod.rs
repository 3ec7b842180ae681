//! The control socket of a sentinel: `gungnir explain` and `gungnir switchover` ask there.
//!
//! One connection is one question: a JSON line asked, a JSON line answered. Who closes the
//! connection before that waits for nothing any more.
//!
//! ```text
//! {"ask":"explain"}                      {"explained":{…}}
//! {"ask":"switchover","to":"b:6379"}     {"master":"b:6379"}  {"refused":"…"}  {"invalid":"…"}
//! ```

mod client;
mod error;
mod server;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Explanation;
use super::disk::beside;

pub use client::ask;
pub use error::ControlError;
pub use server::ControlServer;

/// What somebody asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlRequest {
    /// What is seen, what would be done, and why not yet.
    Explain {},
    /// Hand over to another node.
    Switchover {
        /// `host:port`; `None` for the best one.
        to: Option<String>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlReply {
    /// To [`ControlRequest::Explain`].
    Explained(Box<Explanation>),
    /// The handover is done; this is the master now.
    Master(String),
    /// It was not done, in words.
    Refused(String),
    /// The question itself is at fault: it is not understood, or names no node of the set.
    Invalid(String),
}

/// The control socket of a sentinel that is not told another: beside its endpoint file.
#[must_use]
pub fn control_of(endpoint_file: &Path) -> PathBuf {
    beside(endpoint_file, ".sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_wire() {
        for (request, line) in [
            (ControlRequest::Explain {}, r#"{"ask":"explain"}"#),
            (ControlRequest::Switchover { to: None }, r#"{"ask":"switchover","to":null}"#),
            (
                ControlRequest::Switchover { to: Some("b:1".to_owned()) },
                r#"{"ask":"switchover","to":"b:1"}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&request).unwrap(), line);
            assert_eq!(serde_json::from_str::<ControlRequest>(line).unwrap(), request);
        }
        // By hand, the shorter form does.
        let short = serde_json::from_str::<ControlRequest>(r#"{"ask":"switchover"}"#).unwrap();
        assert_eq!(short, ControlRequest::Switchover { to: None });
        for (reply, line) in [
            (ControlReply::Master("b:1".to_owned()), r#"{"master":"b:1"}"#),
            (ControlReply::Refused("no".to_owned()), r#"{"refused":"no"}"#),
            (ControlReply::Invalid("what".to_owned()), r#"{"invalid":"what"}"#),
        ] {
            assert_eq!(serde_json::to_string(&reply).unwrap(), line);
            assert_eq!(serde_json::from_str::<ControlReply>(line).unwrap(), reply);
        }
    }

    #[test]
    fn a_question_that_is_not_known_is_no_other_one() {
        for line in
            ["", "{}", r#"{"ask":"stop"}"#, r#"{"ask":"switchover","for":"b:1"}"#, "explain"]
        {
            assert!(serde_json::from_str::<ControlRequest>(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_socket_is_beside_the_endpoint_file() {
        assert_eq!(control_of(Path::new("/run/master")), Path::new("/run/master.sock"));
    }
}
