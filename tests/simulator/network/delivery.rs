//! What becomes of a packet: on its way, held, and where it arrives.

use std::net::IpAddr;
use std::time::Duration;

use super::connection::{EndId, Ended, Owner, Packet, State};
use super::wire::{Due, Event, Wire};

impl<M, T> Wire<M, T> {
    pub(super) fn transmit(&mut self, from: EndId, packet: Packet<M>) {
        let Some(end) = self.end_mut(from) else { return };
        end.sent += 1;
        let order = end.sent;
        self.transmit_again(from, order, packet);
    }

    fn transmit_again(&mut self, from: EndId, order: u64, packet: Packet<M>) {
        let (Some(end), Some(other)) = (self.end(from), self.end(from.other())) else { return };
        let (own_ip, other_ip) = (end.address.ip(), other.address.ip());
        if self.is_blocked(own_ip, other_ip) || !end.held.is_empty() {
            self.hold(from, order, packet);
            return;
        }
        let (least, most) = if own_ip == other_ip {
            (Duration::ZERO, Duration::ZERO)
        } else {
            let path = self.paths.get(&(own_ip, other_ip));
            path.and_then(|path| path.latency).unwrap_or(self.usual_latency)
        };
        let mut at = self.now + self.chance.between(least, most);
        if let Some(end) = self.end_mut(from) {
            at = at.max(end.last_arrival.unwrap_or(at));
            end.last_arrival = Some(at);
        }
        self.push(at, Due::Arrival { to: from.other(), order, packet });
    }

    /// It did not get through. A RST is not sent again.
    fn hold(&mut self, from: EndId, order: u64, packet: Packet<M>) {
        let now = self.now;
        if let Some(end) = self.end_mut(from)
            && !matches!(packet, Packet::Reset)
        {
            end.held_since.get_or_insert(now);
            end.held.insert(order, packet);
        }
    }

    pub(super) fn retry(&mut self, from: EndId) {
        let (Some(end), Some(other)) = (self.end(from), self.end(from.other())) else { return };
        if self.is_blocked(end.address.ip(), other.address.ip()) {
            return;
        }
        if let Some(end) = self.end_mut(from) {
            end.held_since = None;
            for (order, packet) in std::mem::take(&mut end.held) {
                self.transmit_again(from, order, packet);
            }
        }
    }

    pub(super) fn arrive(&mut self, to: EndId, order: u64, packet: Packet<M>) -> Option<Event<T>> {
        let address = self.end(to)?.address;
        let from_ip = self.peer(to)?.ip();
        if self.hosts.get(&address.ip()).is_none_or(|host| host.is_silent) {
            self.hold(to.other(), order, packet);
            return None;
        }
        let state = self.end(to)?.state;
        match (packet, state) {
            (Packet::Syn, _) => return self.take_in(to, from_ip),
            (Packet::SynAck, State::Connecting) => self.end_mut(to)?.state = State::Open,
            (Packet::Refuse, State::Connecting) => {
                self.end_mut(to)?.ended = Some(Ended::Refused);
            }
            (Packet::Data(frame), State::Open) => self.end_mut(to)?.inbox.push_back(frame),
            (Packet::Data(_) | Packet::SynAck, _) => {
                self.transmit(to, Packet::Reset);
                return None;
            }
            (Packet::Fin, State::Open) => {
                self.end_mut(to)?.ended.get_or_insert(Ended::Fin);
            }
            // After a FIN the end of what can be read stays that; writing fails.
            (Packet::Reset, State::Open) => {
                let end = self.end_mut(to)?;
                end.shut |= end.ended.is_some();
                end.ended.get_or_insert(Ended::Reset);
            }
            (Packet::Refuse | Packet::Fin | Packet::Reset, _) => return None,
        }
        self.tell(to)
    }

    /// The kernel takes a connection for whoever listens, or refuses it.
    fn take_in(&mut self, to: EndId, from: IpAddr) -> Option<Event<T>> {
        if self.end(to.other())?.state == State::Gone {
            self.connections.remove(&to.connection);
            return None;
        }
        let address = self.end(to)?.address;
        let refuses = self.paths.get(&(from, address.ip())).is_some_and(|path| path.refuses);
        let listener = self.hosts.get(&address.ip())?.listeners.get(&address.port()).copied();
        let Some(process) = listener.filter(|_| !refuses) else {
            self.transmit(to, Packet::Refuse);
            self.end_mut(to)?.forget();
            return None;
        };
        let end = self.end_mut(to)?;
        end.owner = Owner::Process(process);
        end.state = State::Open;
        self.transmit(to, Packet::SynAck);
        self.tell(to)
    }

    fn tell(&mut self, end: EndId) -> Option<Event<T>> {
        let it = self.end_mut(end)?;
        match it.owner {
            Owner::Process(process) => Some(Event::Ready(process, end)),
            Owner::Link => {
                if let Some(waker) = it.waker.take() {
                    waker.wake();
                }
                None
            }
        }
    }
}
