//! What the operator answers by HTTP: to probes and to Prometheus.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::tap::{Fault, Seen};
use crate::world::{DEADLINE, World};

/// A port that nobody listens on.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A page: its code and its text; nothing while nobody listens.
async fn page(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some((code, body.to_owned()))
}

/// Waits until a page is answered with a code, and gives its text.
async fn until(address: SocketAddr, path: &str, code: u16) -> String {
    let start = Instant::now();
    loop {
        let answer = page(address, path).await;
        if let Some((_, text)) = answer.as_ref().filter(|(found, _)| *found == code) {
            return text.clone();
        }
        assert!(start.elapsed() < DEADLINE, "{path} is {answer:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn who_waits_for_its_definition_is_not_ready_and_never_dead() {
    let world = World::new("health").await;
    let address = free_port();
    world.tap.spoil(|seen: &Seen| {
        let asks = seen.path.ends_with("/valkeyclusters");
        asks.then_some(Fault::Refused(404))
    });
    let story = async {
        assert_eq!(until(address, "/livez", 200).await, "ok\n");
        let waits = until(address, "/readyz", 503).await;
        assert_eq!(waits, "the first lists are not complete\n");
        // However long that takes.
        sleep(Duration::from_secs(2)).await;
        assert_eq!(page(address, "/livez").await.unwrap().0, 200);
        assert_eq!(page(address, "/readyz").await.unwrap().0, 503);

        world.tap.spoil(|_| None);
        assert_eq!(until(address, "/readyz", 200).await, "ok\n");
        world.shop(json!({})).await;
        world.created().await;
        let metrics = until(address, "/metrics", 200).await;
        let labels = format!("{{namespace=\"{}\",cluster=\"shop\"}}", world.namespace);
        for line in [
            "gungnir_leading 1".to_owned(),
            format!("gungnir_cluster_replicas{labels} 3"),
            format!("gungnir_cluster_ready_replicas{labels} 0"),
        ] {
            assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
        }
        assert!(metrics.ends_with("# EOF\n"), "{metrics}");
        let (code, text) = page(address, "/").await.unwrap();
        assert!(code == 404 && text.contains("/metrics, /livez, /readyz"), "{code} {text}");
    };
    world.operated_with(|options| options.listen = Some(address), story).await;
}
