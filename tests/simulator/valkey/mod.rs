//! Simulated servers: what they hold, how they replicate, what they answer.
