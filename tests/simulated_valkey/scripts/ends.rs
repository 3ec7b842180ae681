//! Processes that stop, end, or are made to.

use crate::stage::Signal;
use crate::transcript::Transcript;

scripts!(a_stopped_server, ends, an_orderly_end,);

fn a_stopped_server(script: &mut Transcript<'_>) {
    script.set(2, "min-replicas-to-write 1\n");
    script.until(0, "min_slaves_good_slaves", "1");
    script.signal(0, Signal::Stop);
    script.ask_as(0, "writer", "SET a 1");
    script.leave(0, "writer");
    script.pass(1000);
    script.show(1);
    script.signal(0, Signal::Continue);
    script.pass(300);
    script.level(2);
    script.show(0);
    script.ask(0, "GET a");
}

fn ends(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.ask_as(0, "idle", "ECHO a");
    script.signal(0, Signal::Kill);
    script.answer(0, "idle");
    script.ask_as(0, "idle", "ECHO a");
    script.start(0, "");
    script.ask_as(0, "idle", "ECHO a");
    script.signal(0, Signal::Stop);
    script.send(0, "unread", "ECHO a");
    script.pass(200);
    script.signal(0, Signal::Kill);
    script.answer(0, "unread");
    script.answer(0, "idle");
    script.exit(0);
}

fn an_orderly_end(script: &mut Transcript<'_>) {
    script.set(2, "shutdown-timeout 2\n");
    script.signal(1, Signal::Stop);
    script.ask(0, "SET a 1");
    script.signal(0, Signal::Terminate);
    script.pass(300);
    script.show(0);
    script.ask(0, "SET a 2");
    script.exit(0);
    script.answer(0, "usual");
    script.signal(1, Signal::Continue);
    script.pass(1000);
    script.show(1);
    script.signal(1, Signal::Terminate);
    script.exit(1);
}
