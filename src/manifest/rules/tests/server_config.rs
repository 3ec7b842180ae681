//! Changes of a `valkey.conf`.

const TAKEN_OVER: &str = "a running server takes it over by CONFIG SET";
const NOT_TAKEN_OVER: &str = "a running server does not take it over";
const NOBODY_SETS: &str = "is read when a pod starts: without an operator nobody sets it before";

/// Older `valkey.conf` behind the boot gate, newer one, impact, reason.
pub(super) const SERVER_CONFIGS: &[(&str, &str, &str, &str)] = &[
    ("maxmemory 1gb", "maxmemory 2gb", "reload", TAKEN_OVER),
    ("maxmemory 1gb", "", "reload", "a running server keeps its value until it restarts"),
    ("io-threads 2", "io-threads 4", "rolling-restart", NOT_TAKEN_OVER),
    ("unheard-of 2", "", "rolling-restart", NOT_TAKEN_OVER),
    (
        "appendonly yes",
        "appendonly no",
        "data-loss",
        "the append-only file is no longer written or read",
    ),
    ("appendonly yes", "", "data-loss", "the append-only file is no longer written or read"),
    ("appendonly no", "appendonly yes", "reload", TAKEN_OVER),
    ("", "appendonly yes", "reload", TAKEN_OVER),
    ("save \"\"", "save ''\nappendonly yes", "reload", TAKEN_OVER),
    ("save 3600 1", "save \"\"", "data-loss", "nothing is written to disk any more"),
    ("", "save \"\"", "data-loss", "nothing is written to disk any more"),
    ("appendonly yes", "appendonly yes\nsave \"\"", "reload", TAKEN_OVER),
    ("save 3600 1", "save 60 1", "reload", TAKEN_OVER),
];

/// The same without the boot gate: a master for ever, or a server that is not Gungnir's.
pub(super) const STATIC_SERVER_CONFIGS: &[(&str, &str, &str, &str)] = &[
    ("maxmemory 1gb", "maxmemory 2gb", "rolling-restart", NOBODY_SETS),
    ("maxmemory 1gb", "", "rolling-restart", NOBODY_SETS),
    ("appendonly yes\nsave \"\"", "appendonly yes\nsave 60 1", "rolling-restart", NOBODY_SETS),
    (
        "appendonly no",
        "appendonly yes",
        "data-loss",
        "a server that starts with an append-only file ignores its snapshot; CONFIG SET it first",
    ),
    ("appendonly yes", "", "data-loss", "the append-only file is no longer written or read"),
];
