//! SENTINEL: the masters, as the directory has them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::command;
use super::directory::Set;
use super::handover::HandoverRequest;
use super::instance;
use super::reply::Reply;
use super::session::Call;

const NO_SUCH_MASTER: &str = "ERR No such master with that name";
/// Begins as the other does: clients may know those words.
const NAME_OF_SEVERAL: &str =
    "ERR No such master with that name: several sets have it, ask for NAMESPACE/NAME";

/// The set that the first argument names, exactly.
fn set(call: &Call<'_>) -> Option<Arc<Set>> {
    call.shared.feed.directory().find(name(call)?).cloned()
}

fn name<'c>(call: &Call<'c>) -> Option<&'c str> {
    std::str::from_utf8(call.arguments.first()?).ok()
}

/// Whether the name would lead to a set if no other had it, too.
fn is_of_several(call: &Call<'_>) -> bool {
    name(call).is_some_and(|name| call.shared.feed.directory().is_of_several(name))
}

/// Why there is no set of that name.
fn no_such_master(call: &Call<'_>) -> Reply {
    Reply::error(if is_of_several(call) { NAME_OF_SEVERAL } else { NO_SUCH_MASTER })
}

pub(super) fn address(call: &mut Call<'_>) -> Reply {
    match set(call).as_ref().and_then(|set| set.master.as_ref()) {
        Some(master) => Reply::List(vec![
            Reply::text(master.host.as_str()),
            Reply::text(master.port.to_string()),
        ]),
        // Nothing is what Sentinel answers, and not enough for people to find the cause.
        None if is_of_several(call) => no_such_master(call),
        None => Reply::NullList,
    }
}

pub(super) fn master(call: &mut Call<'_>) -> Reply {
    let Some(set) = set(call) else { return no_such_master(call) };
    let name = command::shown(&call.arguments[0], usize::MAX);
    match &set.master {
        Some(master) => instance::master(&name, &set, master),
        None => Reply::error("ERR No such master with that name yet: none was found or chosen"),
    }
}

pub(super) fn masters(call: &mut Call<'_>) -> Reply {
    let directory = call.shared.feed.directory();
    let told = directory.sets.iter().filter_map(|(name, set)| {
        set.master.as_ref().map(|master| instance::master(name, set, master))
    });
    Reply::List(told.collect())
}

pub(super) fn replicas(call: &mut Call<'_>) -> Reply {
    let Some(set) = set(call) else { return no_such_master(call) };
    Reply::List(set.replicas.iter().map(|replica| instance::replica(&set, replica)).collect())
}

pub(super) fn sentinels(call: &mut Call<'_>) -> Reply {
    match set(call) {
        Some(_) => Reply::List(Vec::new()),
        None => no_such_master(call),
    }
}

pub(super) fn ckquorum(call: &mut Call<'_>) -> Reply {
    let Some(set) = set(call) else { return no_such_master(call) };
    match &set.cannot_fail_over {
        None => {
            Reply::simple("OK 1 usable Sentinels. Quorum and failover authorization can be reached")
        }
        Some(reason) => Reply::error(format!("NOQUORUM 1 usable Sentinels. {reason}")),
    }
}

pub(super) fn myid(call: &mut Call<'_>) -> Reply {
    Reply::text(call.shared.config.id.as_str())
}

pub(super) fn pending_scripts(_: &mut Call<'_>) -> Reply {
    Reply::List(Vec::new())
}

pub(super) fn help(_: &mut Call<'_>) -> Reply {
    command::help("sentinel")
}

/// Tells whether the master at an address is down. Nobody is ever voted for.
pub(super) fn is_down(call: &mut Call<'_>) -> Reply {
    let number = |word: &Bytes| std::str::from_utf8(word).ok()?.parse::<i64>().ok();
    let [host, port, epoch, _run_id] = call.arguments else {
        return Reply::error("ERR syntax error");
    };
    let (Some(port), Some(_)) = (number(port), number(epoch)) else {
        return Reply::error("ERR value is not an integer or out of range");
    };
    let directory = call.shared.feed.directory();
    let masters = directory.sets.values().filter_map(|set| set.master.as_ref());
    let down = masters
        .filter(|master| master.host.as_bytes() == &**host && i64::from(master.port) == port)
        .any(|master| master.down_age_ms.is_some());
    Reply::List(vec![Reply::Integer(i64::from(down)), Reply::word("*"), Reply::Integer(0)])
}

pub(super) fn failover(call: &mut Call<'_>) -> Reply {
    if set(call).is_none() {
        return no_such_master(call);
    }
    // Every handover here is a coordinated one, so that the option changes nothing.
    match call.arguments {
        [_] => {}
        [_, option] if command::lower(option) == "coordinated" => {}
        _ => return Reply::error("ERR Unknown failover option specified"),
    }
    let Some(wishes) = &call.shared.config.handover else {
        return Reply::error(
            "ERR this is Gungnir; SENTINEL FAILOVER is not allowed here: ask by `gungnir \
             switchover`; `gungnir sentinel` allows it with --listen-password-file or \
             --listen-allow-failover",
        );
    };
    let (reply, answer) = oneshot::channel();
    let set = command::shown(&call.arguments[0], usize::MAX).into_owned();
    match wishes.try_send(HandoverRequest { set, reply }) {
        Ok(()) => {
            call.session.handover = Some(answer);
            Reply::Several(Vec::new())
        }
        Err(mpsc::error::TrySendError::Full(_)) => {
            Reply::error("ERR too many handovers are asked for; ask again in a second")
        }
        Err(mpsc::error::TrySendError::Closed(_)) => {
            tracing::warn!("a handover was asked for while nobody grants any");
            Reply::error("ERR the sentinel is stopping; ask again when it is back")
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use crate::discovery::Publisher;
    use crate::discovery::connection::serve;
    use crate::discovery::fixture::{ask, client, config, first, set_led_by, shared};

    #[tokio::test(start_paused = true)]
    async fn the_bare_name_of_several_sets_is_refused_with_what_helps() {
        let publisher = Publisher::new();
        publisher.update("one/demo", Some(set_led_by(&first())), &[]);
        publisher.alias("demo", Some("one/demo"));
        let shared = shared(&publisher, config());
        let (mut near, far) = duplex(1024);
        tokio::spawn(serve(far, client(&shared), shared.config.idle_timeout));
        let told = "*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n";
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME demo", told).await;
        publisher.update("two/demo", Some(set_led_by(&first())), &[]);
        publisher.alias("demo", None);
        let refused = "-ERR No such master with that name: several sets have it, ask for \
                       NAMESPACE/NAME\r\n";
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME demo", refused).await;
        ask(&mut near, "SENTINEL REPLICAS demo", refused).await;
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME two/demo", told).await;
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME none", "*-1\r\n").await;
    }
}
