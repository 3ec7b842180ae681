//! temporary
#![allow(missing_docs, clippy::all, clippy::pedantic)]
use crate::sentinel::*;
use std::io;
use std::path::Path;
use tokio::sync::{mpsc, oneshot};
pub struct TraceWriter(std::io::BufWriter<std::fs::File>);
impl TraceWriter {
    pub fn create(p: &Path, _: &str, _: &[crate::valkey::Address]) -> io::Result<Self> {
        Ok(Self(std::io::BufWriter::new(std::fs::File::create(p)?)))
    }
    pub fn step(&mut self, seen: &Observation, l: &Local, a: &[Action], now: u64) {
        use std::io::Write;
        let _ = writeln!(self.0, "{now} {seen:?}\n   HOLD {:?} ACT {a:?}", l.hold);
        let _ = self.0.flush();
    }
    pub fn flush(&mut self) {}
}
pub struct Explanation {
    pub warnings: Vec<String>,
    t: String,
}
impl Explanation {
    pub fn new(_: &str, s: &Observation, l: &Local, _: &[String], _: u64) -> Self {
        Self { warnings: vec![], t: format!("{s:?}{l:?}") }
    }
    pub fn event(&mut self, _: u64, _: &str) {
        let _ = &self.t;
    }
}
pub enum ControlRequest {
    Explain(oneshot::Sender<Explanation>),
    Switchover { to: Option<String>, reply: oneshot::Sender<Result<String, String>> },
}
pub struct ControlServer(tokio::net::UnixListener);
impl ControlServer {
    pub fn bind(p: &Path) -> io::Result<Self> {
        let _ = std::fs::remove_file(p);
        Ok(Self(tokio::net::UnixListener::bind(p)?))
    }
    pub async fn serve(self, tx: mpsc::Sender<ControlRequest>) {
        loop {
            let Ok((mut s, _)) = self.0.accept().await else { continue };
            use tokio::io::*;
            let mut b = [0u8; 256];
            let n = s.read(&mut b).await.unwrap_or(0);
            let t = String::from_utf8_lossy(&b[..n]).trim().to_string();
            let (r, rx) = oneshot::channel();
            let to = if t.is_empty() { None } else { Some(t) };
            let _ = tx.send(ControlRequest::Switchover { to, reply: r }).await;
            let a = rx.await;
            let _ = s.write_all(format!("{a:?}\n").as_bytes()).await;
        }
    }
}
