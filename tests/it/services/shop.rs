//! A shop whose dumps lie in SeaweedFS, with their manifests.

use steadyhand::aws::s3::S3;

use super::damage::{gzip, sha256};
use super::postgres::Cluster;
use super::seaweed::Seaweed;

/// A database `shop` whose dump is some megabytes, and a bucket with dumps of it.
pub struct Shop {
    /// Running; `shop` is still there.
    pub cluster: Cluster,
    /// With the bucket `backups`.
    pub seaweed: Seaweed,
    s3: S3,
}

/// How many orders there are, and what they say.
pub const ORDERS: &str =
    "SELECT count(*) || ' ' || md5(string_agg(note, ',' ORDER BY id)) FROM orders";

impl Shop {
    /// Makes it; `None`, said loudly, when one of the two cannot be had.
    pub async fn open() -> Option<Self> {
        let seaweed = Seaweed::start().await?;
        let cluster = Cluster::start_with("", &["dumps"])?;
        let s3 = S3::connect(&seaweed.access()).await;
        s3.client.create_bucket().bucket("backups").send().await.unwrap();
        cluster.sql("postgres", "CREATE DATABASE shop");
        cluster.sql(
            "shop",
            "CREATE TABLE orders (id int PRIMARY KEY, note text, created_at timestamptz DEFAULT clock_timestamp()); CREATE INDEX ON orders (note); \
             INSERT INTO orders SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 60000) i",
        );
        let shop = Self { cluster, seaweed, s3 };
        let plain = shop.dump("-Fp", "shop.sql");
        let custom = shop.dump("-Fc", "shop.dump");
        for (key, bytes) in
            [("pg/shop.sql.gz", &gzip(&plain)), ("pg/shop.sql", &plain), ("pg/shop.dump", &custom)]
        {
            shop.put(key, bytes.clone()).await;
            shop.vouch(key, bytes).await;
        }
        Some(shop)
    }

    /// A dump of `shop` as it is now.
    pub fn dump(&self, format: &str, name: &str) -> Vec<u8> {
        let path = self.cluster.home.path().join("dumps").join(name);
        let path = path.to_str().unwrap();
        self.cluster.must("pg_dump", &[format, "-f", path, "shop"], &[]).unwrap();
        std::fs::read(path).unwrap()
    }

    /// Puts an object.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.s3.client.put_object().bucket("backups").key(key).body(bytes.into());
        put.send().await.unwrap();
    }

    /// Leaves a manifest beside `key` that says that it is `bytes`.
    pub async fn vouch(&self, key: &str, bytes: &[u8]) {
        let file = self.cluster.home.path().join("dumps").join("vouched");
        std::fs::write(&file, bytes).unwrap();
        let manifest = format!("{{\"date\": \"2026-11-20\", \"sha256\": \"{}\"}}", sha256(&file));
        self.put(&format!("{key}.manifest.json"), manifest.into_bytes()).await;
    }
}
