//! The users of a server: the application's, the replicas', the operator's.
//!
//! Each line names a placeholder where its credential belongs; the start script puts the hash of
//! the Secret's value there.

use std::fmt::Write;

use super::roles::Roles;
use super::validate::MAX_REPLICAS;

/// What applications may not do: follow or feed a replica, change roles, stop the server, read or
/// change its configuration (which holds the replicas' password) and users, load code, or hold
/// everybody up.
const DENIED_TO_APPLICATIONS: &str = "-psync -sync -replconf -replicaof -slaveof -failover \
     -shutdown -acl -config -module -client|pause -debug";

/// The `user` lines of a server.
///
/// One user a replica, so that a single one can be shut out. The operator's user looks and takes
/// over; for everything else it makes a user of its term.
#[must_use]
pub fn users_text(roles: Roles) -> String {
    let mut text = String::with_capacity(1024);
    let _ = writeln!(text, "user default on %default% ~* &* +@all {DENIED_TO_APPLICATIONS}");
    let operator = match roles {
        Roles::Elected => "+ping +info +role +acl",
        // Nobody takes over: the user is there for the probes.
        Roles::Static { .. } => "+ping +info +role",
    };
    let _ = writeln!(text, "user gungnir on %operator% -@all {operator}");
    for ordinal in 0..MAX_REPLICAS {
        let _ = writeln!(
            text,
            "user replication-{ordinal} on %replication% -@all +psync +replconf +ping"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_user_may_change_users_and_only_where_one_is() {
        let acl_rights =
            |roles| users_text(roles).lines().filter(|line| line.contains("+acl")).count();
        assert_eq!(acl_rights(Roles::Elected), 1);
        assert_eq!(acl_rights(Roles::Static { master: 0 }), 0);
    }

    #[test]
    fn the_text_fits_a_pipe_that_the_shell_writes_without_a_second_process() {
        // dash and busybox write a here-document of up to 4096 bytes at once.
        assert!(users_text(Roles::Elected).len() < 3072);
    }
}
