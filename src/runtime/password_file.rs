//! A file with a password, read again when the servers have been given another one.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::valkey::{Credentials, Secret};

/// A file with a password is no longer than this, in bytes.
pub const MAX_PASSWORD_BYTES: u64 = 4096;
/// How long a disk may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A user whose password is the first line of a file.
#[derive(Debug, Clone)]
pub struct PasswordFile {
    user: Option<String>,
    path: PathBuf,
}

impl PasswordFile {
    /// The password of a user, `None` for the default one.
    #[must_use]
    pub fn new(user: Option<String>, path: PathBuf) -> Self {
        Self { user, path }
    }

    /// What is in the file now; `None` when that is no password, or the disk takes too long.
    pub async fn read(&self) -> Option<Credentials> {
        let read = async {
            let mut bytes = Vec::new();
            let file = tokio::fs::File::open(&self.path).await.ok()?;
            file.take(MAX_PASSWORD_BYTES + 1).read_to_end(&mut bytes).await.ok()?;
            Some(bytes)
        };
        let bytes = timeout(PATIENCE, read).await.ok()??;
        let whole = bytes.len() as u64 <= MAX_PASSWORD_BYTES;
        let text = String::from_utf8(bytes).ok().filter(|_| whole)?;
        let line = text.lines().next().filter(|line| !line.is_empty())?;
        Some(Credentials { user: self.user.clone(), password: Secret::new(line.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_line_is_the_password() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let file = PasswordFile::new(Some("watcher".to_owned()), path.clone());
        assert_eq!(file.read().await, None);
        for (text, password) in [
            ("hunter2", Some("hunter2")),
            ("hunter2\n", Some("hunter2")),
            ("a b\r\nc\n", Some("a b")),
            ("", None),
            ("\nhunter2", None),
            (&"a".repeat(5000), None),
        ] {
            std::fs::write(&path, text).unwrap();
            let expected = password.map(|password| Credentials {
                user: Some("watcher".to_owned()),
                password: Secret::new(password.to_owned()),
            });
            assert_eq!(file.read().await, expected);
        }
    }
}
