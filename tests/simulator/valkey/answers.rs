//! Errors, in the words of Valkey 9.

pub const NO_AUTH: &str = "NOAUTH Authentication required.";
pub const WRONG_PASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";
pub const NO_PASSWORD: &str = "ERR AUTH <password> called without any password configured for \
                               the default user. Are you sure your configuration is correct?";
pub const LOADING: &str = "LOADING Valkey is loading the dataset in memory";
pub const READ_ONLY: &str = "READONLY You can't write against a read only replica.";
pub const NO_REPLICAS: &str = "NOREPLICAS Not enough good replicas to write.";
pub const NO_KEY_RIGHT: &str = "NOPERM No permissions to access a key";
pub const NO_MASTER_LINK: &str = "NOMASTERLINK Can't SYNC while not connected with my master";
pub const MASTER_DOWN: &str =
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
pub const MISCONF_RDB: &str = "MISCONF Valkey is configured to save RDB snapshots, but it's \
    currently unable to persist to disk. Commands that may modify the data set are disabled, \
    because this instance is configured to report errors during writes if RDB snapshotting fails \
    (stop-writes-on-bgsave-error option). Please check the Valkey logs for details about the RDB \
    error.";
pub const MISCONF_AOF: &str = "MISCONF Errors writing to the AOF file: No space left on device";
pub const EXEC_ABORT: &str = "EXECABORT Transaction discarded because of previous errors.";
pub const NESTED: &str = "ERR Command 'multi' not allowed inside a transaction";
pub const NOT_BUSY: &str = "NOTBUSY No scripts in execution right now.";
pub const WAIT_ON_REPLICA: &str = "ERR WAIT cannot be used with replica instances. Please also \
    note that if a replica is configured to be writable (which is not the default) writes to \
    replicas are just local and are not propagated.";
pub const UNBLOCKED: &str = "UNBLOCKED force unblock from blocking operation, instance state \
    changed (master -> replica?)";
pub const NOT_A_NUMBER: &str = "ERR value is not an integer or out of range";

pub fn no_right(user: &str, command: &str) -> String {
    format!("NOPERM User {user} has no permissions to run the '{command}' command")
}

pub fn unknown_command(words: &[String]) -> String {
    let mut arguments = words[1..].join("' '");
    if words.len() > 1 {
        arguments = format!("'{arguments}' ");
    }
    format!("ERR unknown command '{}', with args beginning with: {arguments}", words[0])
}

pub fn unknown_subcommand(words: &[String]) -> String {
    let container = words[0].to_uppercase();
    format!("ERR unknown subcommand '{}'. Try {container} HELP.", words[1])
}

pub fn wrong_arity(command: &str) -> String {
    format!("ERR wrong number of arguments for '{command}' command")
}
