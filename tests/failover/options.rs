//! What people set up around it: TLS on both sides, a user with few rights, settings of their own.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use redis::Value;

use crate::harness::certificates::Certificates;
use crate::harness::controller::Controller as _;
use crate::harness::directory::SET_NAME;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::network::controller_address;
use crate::harness::node::DEADLINE;
use crate::harness::node::Node;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::scenarios;
use crate::scenario::start;
use crate::version::version;

scenarios!(with_tls_few_rights_and_settings_of_its_own_a_killed_master_is_replaced);

const PASSWORD: &str = "sentinel-password";
const LISTEN_PASSWORD: &str = "listen-password";
/// What the README says that the user needs.
macro_rules! rights {
    () => {
        "+ping +info +role +acl +config|get +config|set +client +replicaof +script|kill \
         +function|kill"
    };
}
/// Nobody but that user and the replicas is let in.
const USERS: &str = concat!(
    "user default off\nmasteruser app\nmasterauth any\nuser sentinel on >sentinel-password ",
    rights!(),
);

fn with_tls_few_rights_and_settings_of_its_own_a_killed_master_is_replaced(world: &World) {
    let readme = include_str!("../../README.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&format!("the user needs `{}`", rights!())));
    let setup = SetSetup {
        replicas_to_write: 0,
        max_lag_s: 2,
        tls: true,
        conf: USERS,
        ..SetSetup::default()
    };
    let (set, gungnir) = start(world, &setup, &with_every_option(world));
    gungnir.wait_until_writes_count();
    let settings = &gungnir.explained()["settings"];
    for (name, expected) in [
        ("ping_interval_ms", "50"),
        ("failover_timeout_ms", "20000"),
        ("min_replicas_to_write", "1"),
        ("min_replicas_max_lag_s", "1"),
        ("policy", "\"Availability\""),
    ] {
        assert_eq!(settings[name].to_string(), expected, "{name}");
    }
    for number in 1..=100 {
        set.node(1).tell(&["RPUSH", "numbers", &number.to_string()]);
    }
    for node in set.others(1) {
        node.wait_until_it_has_all_of(set.node(1));
    }
    assert_eq!(named_over_tls(world, &set), gungnir.named());
    nothing_was_refused(&set);

    set.node(1).kill();
    wait_until("another node is named", DEADLINE, || {
        gungnir.named().is_some_and(|named| named != set.node(1).address())
    });
    let master = set.at(gungnir.named().expect("a master"));
    set.node(1).start();
    wait_until("the set is whole", DEADLINE, || set.is_whole_under(master));
    set.node(1).wait_until_it_follows(master);
    assert_eq!(master.ask::<u32>(&["LLEN", "numbers"]), Ok(100));
    for (name, expected) in [("min-replicas-to-write", "1"), ("min-replicas-max-lag", "1")] {
        assert_eq!(configured(master, name), expected, "{name}");
    }
    assert_eq!(named_over_tls(world, &set), Some(master.address()));
    nothing_was_refused(&set);
    assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    for password in [PASSWORD, LISTEN_PASSWORD] {
        assert!(!gungnir.log().contains(password), "{}", gungnir.log());
    }
    gungnir.replay();
}

fn with_every_option(world: &World) -> GungnirSetup {
    let files = Certificates::of(world);
    let password_file = world.folder("listen").join("password");
    fs::write(&password_file, LISTEN_PASSWORD).expect("a file");
    let options = [
        ("--user", "sentinel"),
        ("--tls-ca", &files.authority()),
        ("--tls-cert", &files.certificate()),
        ("--tls-key", &files.key()),
        ("--policy", "availability"),
        ("--ping-interval", "50"),
        ("--min-replicas-to-write", "1"),
        ("--min-replicas-max-lag", "1"),
        ("--failover-timeout", "20000"),
        ("--listen", &listen().to_string()),
        ("--listen-password-file", &password_file.display().to_string()),
        ("--listen-tls-cert", &files.certificate()),
        ("--listen-tls-key", &files.key()),
    ];
    let words = options.iter().flat_map(|(name, value)| [*name, *value]);
    GungnirSetup {
        options: words.map(str::to_owned).collect(),
        password: Some(PASSWORD.to_owned()),
        ..GungnirSetup::default()
    }
}

fn listen() -> SocketAddr {
    (controller_address(1), 26379).into()
}

/// Whom it names to a client of Sentinel's protocol that insists on its certificate.
fn named_over_tls(world: &World, set: &Set) -> Option<SocketAddr> {
    let listen = listen();
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=1", "20"])
        .arg(version(&set.setup.series).program("valkey-cli").get_program())
        .args(["-h", &listen.ip().to_string(), "-p", &listen.port().to_string(), "--tls"])
        .args(["--cacert", &Certificates::of(world).authority()])
        .args(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SET_NAME])
        .env("REDISCLI_AUTH", LISTEN_PASSWORD);
    let output = command.output().expect("valkey-cli runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (host, port) = text.trim().split_once('\n')?;
    format!("{host}:{port}").parse().ok()
}

fn configured(node: &Node, name: &str) -> String {
    let found: Vec<String> = node.ask(&["CONFIG", "GET", name]).expect("its configuration");
    found.last().cloned().unwrap_or_default()
}

/// That the rights are enough: no server has refused anybody anything.
fn nothing_was_refused(set: &Set) {
    for node in set.nodes() {
        let refused: Vec<Value> = node.ask(&["ACL", "LOG"]).expect("its log");
        assert!(refused.is_empty(), "node {}: {refused:?}", node.number);
    }
}
