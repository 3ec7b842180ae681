//! A pod: an object on the API server, and a valkey-server on a loopback address.

use std::cell::Cell;
use std::cell::RefCell;
use std::fs;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use k8s_openapi::api::core::v1::Pod as PodObject;
use kube::Api;
use kube::api::DeleteParams;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use serde_json::Value;
use serde_json::json;

use crate::support::valkey::Installed;
use crate::tap::Taps;
use crate::tap::Way;

/// The port of every server; each has an address of its own.
pub const PORT: u16 = 6379;
/// The password of the operator's user.
pub const OPERATOR_PASSWORD: &str = "the-password-of-the-operator";
const REPLICATION_PASSWORD: &str = "the-password-of-replicas";

/// A pod of a `StatefulSet`, as its controller and a kubelet keep it.
pub struct Pod {
    /// Its name.
    pub name: String,
    ordinal: usize,
    cluster: String,
    pods: Api<PodObject>,
    installed: Installed,
    /// `valkey.conf` and `users.conf`, as rendered.
    files: [String; 2],
    folder: PathBuf,
    address: Cell<Ipv4Addr>,
    /// Where its server is, if something lies before it.
    behind: Option<Behind>,
    process: RefCell<Option<Child>>,
    containers: Cell<u32>,
    /// The state of the container before this one.
    last: RefCell<Value>,
}

/// What lies between a pod's address and its server.
struct Behind {
    taps: Taps,
    /// The server's own address.
    server: Ipv4Addr,
    /// Open while the server runs: nobody answers for one that has ended.
    way: RefCell<Option<Way>>,
}

/// An address that no other pod has, of this process or another.
fn new_address() -> Ipv4Addr {
    static LAST: AtomicU32 = AtomicU32::new(1);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() % 0xffff;
    let [high, low] = u16::try_from(process).unwrap().to_be_bytes();
    let number = u8::try_from(number).expect("few pods");
    Ipv4Addr::new(127, high.max(1), low, number)
}

impl Pod {
    pub fn new(
        (cluster, ordinal): (&str, usize),
        pods: Api<PodObject>,
        installed: &Installed,
        files: [String; 2],
        folder: PathBuf,
    ) -> Self {
        fs::create_dir_all(&folder).unwrap();
        Self {
            name: format!("{cluster}-{ordinal}"),
            ordinal,
            cluster: cluster.to_owned(),
            pods,
            installed: installed.clone(),
            files,
            folder,
            address: Cell::new(new_address()),
            behind: None,
            process: RefCell::new(None),
            containers: Cell::new(0),
            last: RefCell::new(json!({})),
        }
    }

    /// What comes to its address goes through these taps to its server.
    pub fn tapped(mut self, taps: &Taps) -> Self {
        let way = RefCell::new(None);
        self.behind = Some(Behind { taps: taps.clone(), server: new_address(), way });
        self
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address.get()
    }

    /// The object is made: scheduled nowhere, without an address.
    pub async fn create(&self) {
        let object: PodObject = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "labels": {
                    "valkey.verilean.io/cluster": self.cluster,
                    "statefulset.kubernetes.io/pod-name": self.name,
                },
            },
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{ "name": "valkey", "image": "valkey" }],
            },
        }))
        .unwrap();
        self.pods.create(&PostParams::default(), &object).await.unwrap();
        self.last.replace(json!({}));
    }

    /// The object is gone.
    pub async fn delete(&self) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        self.pods.delete(&self.name, &now).await.unwrap();
    }

    /// It gets another address with its next start.
    pub fn move_away(&self) {
        self.address.set(new_address());
    }

    /// All its data is gone.
    pub fn wipe(&self) {
        fs::remove_dir_all(&self.folder).unwrap();
        fs::create_dir_all(&self.folder).unwrap();
    }

    /// Its server starts, and the kubelet says so.
    pub async fn start(&self) {
        self.spawn();
        self.report(json!({ "running": {} })).await;
    }

    /// Its server starts, and nobody says so yet.
    pub fn spawn(&self) {
        let [conf, users] = &self.files;
        let hash = |password: &str| {
            use std::fmt::Write as _;
            let digest = <sha2::Sha256 as sha2::Digest>::digest(password.as_bytes());
            digest.iter().fold("#".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        let users = users
            .replace("%default%", "nopass")
            .replace("%operator%", &hash(OPERATOR_PASSWORD))
            .replace("%replication%", &hash(REPLICATION_PASSWORD));
        let data = self.folder.join("data");
        fs::create_dir_all(&data).unwrap();
        let conf = conf.replace("dir /data", "");
        let server = self.behind.as_ref().map_or_else(|| self.address(), |it| it.server);
        let text = format!(
            "{conf}\n{users}\nmasteruser replication-{}\nmasterauth {REPLICATION_PASSWORD}\n\
             replica-announce-ip {}\nbind {server}\ndir {}\n",
            self.ordinal,
            self.address(),
            data.display()
        );
        let file = self.folder.join("valkey.conf");
        fs::write(&file, text).unwrap();
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let program = self.installed.program("valkey-server");
        let child = Command::new(program.get_program())
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process.replace(Some(child));
        if let Some(behind) = &self.behind {
            let way = behind.taps.open((self.address(), PORT), (behind.server, PORT));
            behind.way.replace(Some(way));
        }
        self.containers.set(self.containers.get() + 1);
    }

    /// `kill -9`; nobody says so.
    pub fn kill(&self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(behind) = &self.behind {
            behind.way.take();
        }
    }

    /// It is suspended, or goes on.
    pub fn signal(&self, signal: &str) {
        let id = self.process.borrow().as_ref().unwrap().id();
        crate::support::valkey::send_signal(signal, id);
    }

    fn container_id(&self) -> String {
        format!("containerd://{}-{}", self.name, self.containers.get())
    }

    /// The kubelet says that the server has ended.
    pub async fn report_end(&self) {
        let ended =
            json!({ "terminated": { "exitCode": 137, "containerID": self.container_id() } });
        self.report(ended.clone()).await;
        self.last.replace(ended);
    }

    async fn report(&self, state: Value) {
        let last = self.last.borrow().clone();
        let status = json!({
            "status": {
                "podIP": self.address().to_string(),
                "podIPs": [{ "ip": self.address().to_string() }],
                "containerStatuses": [{
                    "name": "valkey",
                    "image": "valkey",
                    "imageID": "",
                    "ready": false,
                    "restartCount": 0,
                    "containerID": self.container_id(),
                    "state": state,
                    "lastState": last,
                }],
            },
        });
        let patch = Patch::Strategic(&status);
        self.pods.patch_status(&self.name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// A command to the server as the application.
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        ask(&format!("redis://{}:{PORT}", self.address()), words)
    }

    /// The same as the operator's user.
    pub fn ask_as_operator<T: redis::FromRedisValue>(
        &self,
        words: &[&str],
    ) -> redis::RedisResult<T> {
        self.ask_as(("gungnir", OPERATOR_PASSWORD), words)
    }

    /// The same as a user with a password.
    pub fn ask_as<T: redis::FromRedisValue>(
        &self,
        (user, password): (&str, &str),
        words: &[&str],
    ) -> redis::RedisResult<T> {
        ask(&format!("redis://{user}:{password}@{}:{PORT}", self.address()), words)
    }

    /// `master`, `slave`, or that it does not say.
    pub fn role(&self) -> String {
        let value: redis::RedisResult<Vec<redis::Value>> = self.ask(&["ROLE"]);
        match value {
            Ok(values) => redis::from_redis_value(values[0].clone()).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    /// What the server wrote.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn ask<T: redis::FromRedisValue>(address: &str, words: &[&str]) -> redis::RedisResult<T> {
    let client = redis::Client::open(address)?;
    let limit = std::time::Duration::from_secs(5);
    let mut connection = client.get_connection_with_timeout(limit)?;
    connection.set_read_timeout(Some(limit))?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query(&mut connection)
}

impl Drop for Pod {
    fn drop(&mut self) {
        self.kill();
    }
}
