//! Tests of the rules: tables first, then whole stories.

mod adoption;
mod clocks;
mod death;
mod election;
mod failover;
mod guards;
mod handover;
mod holds;
mod members;
mod order;
mod power_cut;
mod quorum;
mod stable;
mod terms;
mod witness;

mod crashes;
mod server;
mod story;
mod world;
