//! CLIENT: what concerns one connection.

use bytes::Bytes;

use super::command;
use super::limits::MAX_NAME_BYTES;
use super::reply::Reply;
use super::session::{Call, Session, Wanted};

pub(super) fn getname(call: &mut Call<'_>) -> Reply {
    call.session.name.as_ref().map_or(Reply::Null, |name| Reply::text(&**name))
}

pub(super) fn setname(call: &mut Call<'_>) -> Reply {
    let [name] = call.arguments else { return Reply::error("ERR syntax error") };
    match self::name(call.session, name) {
        Ok(()) => Reply::OK,
        Err(reply) => reply,
    }
}

/// Names the connection; an empty name takes it away.
pub(super) fn name(session: &mut Session, name: &Bytes) -> Result<(), Reply> {
    session.name = plain("Client names", name)?;
    Ok(())
}

pub(super) fn setinfo(call: &mut Call<'_>) -> Reply {
    let [attribute, value] = call.arguments else { return Reply::error("ERR syntax error") };
    let (name, place) = match command::lower(attribute).as_str() {
        "lib-name" => ("lib-name", &mut call.session.library_name),
        "lib-ver" => ("lib-ver", &mut call.session.library_version),
        _ => {
            let attribute = command::shown(attribute, 128);
            return Reply::error(format!("ERR Unrecognized option '{attribute}'"));
        }
    };
    match plain(name, value) {
        Ok(value) => {
            *place = value;
            Reply::OK
        }
        Err(reply) => reply,
    }
}

/// The value of an attribute: visible ASCII, not long; nothing when it is empty.
fn plain(what: &str, value: &[u8]) -> Result<Option<Box<str>>, Reply> {
    if value.len() > MAX_NAME_BYTES {
        return Err(Reply::error(format!("ERR {what} have at most {MAX_NAME_BYTES} bytes")));
    }
    match std::str::from_utf8(value) {
        Ok("") => Ok(None),
        Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(text.into())),
        _ => Err(Reply::error(format!(
            "ERR {what} cannot contain spaces, newlines or special characters."
        ))),
    }
}

pub(super) fn id(call: &mut Call<'_>) -> Reply {
    Reply::Integer(i64::try_from(call.session.id).unwrap_or(i64::MAX))
}

pub(super) fn info(call: &mut Call<'_>) -> Reply {
    let session = &*call.session;
    let or_empty = |value: &Option<Box<str>>| value.clone().unwrap_or_default();
    Reply::Verbatim(format!(
        "id={} addr={} laddr={} name={} flags={} db=0 sub={} psub={} ssub=0 multi=-1 watch=0 \
         cmd=client|info user=default resp={} lib-name={} lib-ver={}\n",
        session.id,
        session.peer,
        session.local,
        or_empty(&session.name),
        if session.subscriptions.is_empty() { "N" } else { "P" },
        session.subscriptions.channels(),
        session.subscriptions.patterns(),
        session.protocol.number(),
        or_empty(&session.library_name),
        or_empty(&session.library_version),
    ))
}

pub(super) fn no_evict(call: &mut Call<'_>) -> Reply {
    match call.arguments.first().map(|word| command::lower(word)).as_deref() {
        Some("on" | "off") => Reply::OK,
        _ => Reply::error("ERR syntax error"),
    }
}

pub(super) fn reply(call: &mut Call<'_>) -> Reply {
    let session = &mut *call.session;
    match call.arguments.first().map(|word| command::lower(word)).as_deref() {
        Some("on") => {
            session.wanted = Wanted::All;
            return Reply::OK;
        }
        Some("off") => session.wanted = Wanted::None,
        Some("skip") if session.wanted != Wanted::None => session.wanted = Wanted::SkipNext,
        Some("skip") => {}
        _ => return Reply::error("ERR syntax error"),
    }
    Reply::Several(Vec::new())
}

pub(super) fn help(_: &mut Call<'_>) -> Reply {
    command::help("client")
}
