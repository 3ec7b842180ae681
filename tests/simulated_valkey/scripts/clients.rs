//! What clients are answered, and how long they wait.

use crate::stage::Signal;
use crate::transcript::Transcript;

scripts!(a_pause, errors, waits, a_transaction, directives,);

fn a_pause(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "CLIENT PAUSE 60000 WRITE");
    script.send(0, "writer", "SET a 1");
    script.answer(0, "writer");
    script.ask(0, "GET a");
    script.ask(0, "CLIENT PAUSE 10 WRITE");
    script.pass(500);
    script.ask(0, "GET a");
    script.ask(0, "CLIENT UNPAUSE");
    script.answer(0, "writer");
    script.ask(0, "CLIENT PAUSE 60000 WRITE");
    script.send(0, "writer", "SET a 2");
    script.pass(100);
    script.ask(0, "REPLICAOF 127.0.0.1 1");
    script.ask(0, "CLIENT UNPAUSE");
    script.answer(0, "writer");
    script.show(0);
}

fn errors(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.ask(0, "REPLICAOF NO ONE");
    for words in [
        "NOSUCH",
        "NOSUCH a b",
        "GET",
        "CONFIG",
        "CONFIG GET",
        "CONFIG NOSUCH",
        "CLIENT NOSUCH",
        "SCRIPT KILL",
        "FUNCTION KILL",
        "AUTH x",
        "AUTH x y",
        "EXEC",
        "DISCARD",
        "CLIENT KILL USER nobody",
        "CLIENT KILL TYPE nothing",
        "CLIENT PAUSE x WRITE",
        "CLIENT NO-EVICT ON",
        "PING hello",
        "REPLICAOF a b",
        "REPLICAOF 127.0.0.1 1",
        "REPLICAOF 127.0.0.1 1",
        "WAIT 0 0",
        "SELECT 0",
        "CONFIG SET nosuch 1",
        "CONFIG SET maxmemory abc",
        "CONFIG SET appendonly maybe",
        "CONFIG SET min-replicas-to-write -1",
        "CONFIG SET min-replicas-to-write abc",
        "CONFIG SET replicaof a",
        "ACL DELUSER nobody",
    ] {
        script.ask(0, words);
    }
}

fn waits(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "WAIT 0 0");
    script.ask(0, "SET a 1");
    script.ask(0, "WAIT 1 0");
    script.ask(0, "WAIT 2 300");
    script.signal(1, Signal::Stop);
    script.ask(0, "SET a 2");
    script.ask(0, "WAIT 1 300");
    script.send(0, "usual", "WAIT 1 0");
    script.pass(100);
    script.ask_as(0, "other", "REPLICAOF 127.0.0.1 1");
    script.answer(0, "usual");
    script.answer(0, "usual");
    script.signal(1, Signal::Continue);
    script.pass(1500);
    (0..2).for_each(|server| script.show(server));
}

fn a_transaction(script: &mut Transcript<'_>) {
    script.set(2, "");
    for words in [
        "MULTI",
        "MULTI",
        "SET a 1",
        "EXEC",
        "MULTI",
        "SET a 1",
        "INCR a",
        "WAIT 1 0",
        "EXEC",
        "MULTI",
        "NOSUCH",
        "SET a 9",
        "EXEC",
        "MULTI",
        "SET b 1",
        "DISCARD",
        "GET a",
        "GET b",
        "MULTI",
        "ROLE",
        "REPLICAOF 127.0.0.1 1",
        "CLIENT KILL TYPE normal SKIPME yes",
        "EXEC",
        "MULTI",
        "SET a 1",
        "EXEC",
    ] {
        script.ask(0, words);
    }
}

fn directives(script: &mut Transcript<'_>) {
    script.start(0, "maxmemory 100mb\nclient-output-buffer-limit replica 1gb 0 1\n");
    script.ask(0, "CONFIG GET replicaof");
    script.ask(0, "REPLICAOF NO ONE");
    for words in [
        "CONFIG GET replicaof",
        "CONFIG GET min-replicas-to-write",
        "CONFIG GET min-slaves-to-write",
        "CONFIG GET repl-ping-replica-period",
        "CONFIG GET appendonly",
        "CONFIG GET save",
        "CONFIG GET cluster-enabled",
        "CONFIG GET busy-reply-threshold",
        "CONFIG GET timeout",
        "CONFIG GET replica-priority",
        "CONFIG GET replica-announce-ip",
        "CONFIG GET replica-announce-port",
        "CONFIG GET tls-replication",
        "CONFIG GET tls-port",
        "CONFIG GET requirepass",
        "CONFIG GET masterauth",
        "CONFIG GET maxmemory",
        "CONFIG GET maxmemory-policy",
        "CONFIG GET nosuch",
        "CONFIG SET maxmemory 1gb",
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG GET maxmemory-policy",
        "CONFIG SET timeout 300",
        "CONFIG GET timeout",
        "CONFIG SET requirepass hunter2",
        "CONFIG GET requirepass",
    ] {
        script.ask(0, words);
    }
    script.ask_as(0, "late", "GET a");
    script.ask_as(0, "late", "AUTH wrong");
    script.ask_as(0, "late", "AUTH hunter2");
    script.ask_as(0, "late", "GET a");
}
