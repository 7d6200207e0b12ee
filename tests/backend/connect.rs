//! Connections that wait for a machine that is busy: by itself a client gives a server half a second. A server that is gone is
//! noticed at once all the same.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// To one server.
pub async fn one(url: &str) -> Result<MultiplexedConnection, RedisError> {
    let patient = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    Client::open(url)?.get_multiplexed_async_connection_with_config(&patient).await
}

/// To a cluster; the nodes have commas between.
pub async fn cluster(urls: &str) -> Result<ClusterConnection, RedisError> {
    let client = ClusterClient::builder(urls.split(','))
        .connection_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .build()?;
    client.get_async_connection().await
}
