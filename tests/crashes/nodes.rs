//! The nodes of a Redis Cluster, one by one.

use std::collections::BTreeSet;
use std::time::Duration;

use heirloom::token::FamilyId;
use redis::{Connection, cmd};

/// The ports of a master and of its replica.
pub fn pair(urls: &str) -> (u16, u16) {
    let any = urls.split(',').next().expect("a node");
    let mut node = redis::Client::open(any).and_then(|it| it.get_connection()).expect("a node");
    let nodes: String = cmd("CLUSTER").arg("NODES").query(&mut node).expect("a cluster");
    let lines: Vec<Vec<&str>> = nodes.lines().map(|line| line.split(' ').collect()).collect();
    let replica = lines.iter().find(|it| it[2].contains("slave")).expect("a replica");
    let master = lines.iter().find(|it| it[0] == replica[3]).expect("its master");
    (port(master[1]), port(replica[1]))
}

/// Ends the connections of its replicas: one that is stopped gets nothing more.
pub fn cut_off(master: u16) {
    let ended = cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").query(&mut node(master));
    assert_eq!(ended, Ok(1), "the connections of one replica");
}

/// Tells all nodes but one how long another may be silent before they take it for dead.
pub fn notice_within(silence: Duration, urls: &str, dead: u16) {
    for url in urls.split(',') {
        let port = port(url.trim_start_matches("redis://").trim_end_matches('/'));
        if port != dead {
            let mut set = cmd("CONFIG");
            set.arg("SET").arg("cluster-node-timeout").arg(silence.as_millis().to_string());
            set.exec(&mut node(port)).expect("a node");
        }
    }
}

/// Whether the node is a master, and the cluster works.
pub fn is_promoted(replica: u16) -> bool {
    let role: String = cmd("INFO").arg("replication").query(&mut node(replica)).expect("a node");
    let state: String = cmd("CLUSTER").arg("INFO").query(&mut node(replica)).expect("a node");
    role.contains("role:master") && state.contains("cluster_state:ok")
}

/// The families that have their key there.
pub fn families_on(master: u16) -> BTreeSet<FamilyId> {
    let keys: Vec<String> = cmd("KEYS").arg("*").query(&mut node(master)).expect("a node");
    let id = |key: &String| key.rsplit(':').next().and_then(|id| id.parse().ok());
    let families: BTreeSet<FamilyId> = keys.iter().filter_map(id).collect();
    assert!(!families.is_empty(), "no families among {} keys", keys.len());
    families
}

fn node(port: u16) -> Connection {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/"));
    client.and_then(|it| it.get_connection()).expect("a node that runs")
}

/// Of `127.0.0.1:7000@17000`.
fn port(address: &str) -> u16 {
    let port = address.split(['@', ',']).next().and_then(|it| it.rsplit(':').next());
    port.and_then(|port| port.parse().ok()).expect("a port")
}
