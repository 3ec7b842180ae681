//! Each stage from people's YAML to a diff, in process, at 1 to 1,000 clusters.
//!
//! `cargo bench --bench stages`
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gungnir::api::{ValkeyCluster, crd_schema};
use gungnir::cluster::{Roles, ValidatedCluster, validate};
use gungnir::input::{Schema, Source};
use gungnir::manifest::{Manifest, ManifestSet};
use gungnir::render::render_into;
use serde::Deserialize;

const SIZES: [usize; 4] = [1, 10, 100, 1000];

/// A stream of clusters that use what most clusters use.
fn stream(clusters: usize) -> Source {
    let mut text = String::new();
    for number in 0..clusters {
        let _ = write!(
            text,
            "---\napiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  \
             name: cluster-{number}\n  namespace: team-{}\nspec:\n  replicas: 3\n  resources:\n    \
             limits: {{memory: 1Gi, cpu: 1}}\n  persistence: {{storageSize: 10Gi}}\n  config:\n    \
             maxmemory-policy: allkeys-lru\n",
            number % 10
        );
    }
    Source::new("bench.yaml", text.into_bytes()).unwrap()
}

fn read(source: &Source) -> Vec<ValkeyCluster> {
    let documents = source.documents().map(Result::unwrap);
    documents.map(|document| ValkeyCluster::deserialize(document.value()).unwrap()).collect()
}

fn sound(source: &Source) -> Vec<ValidatedCluster> {
    read(source).into_iter().map(|cluster| validate(cluster, Roles::Elected).unwrap()).collect()
}

fn rendered(clusters: &[ValidatedCluster]) -> ManifestSet {
    let mut set = ManifestSet::new();
    for cluster in clusters {
        render_into(cluster, &mut set).unwrap();
    }
    set
}

fn stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stages");
    group.sample_size(20);
    let schema = Schema::compile(crd_schema()).unwrap();
    for size in SIZES {
        let source = stream(size);
        let clusters = sound(&source);
        let set = rendered(&clusters);
        let read_clusters = read(&source);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_with_input(BenchmarkId::new("read", size), &source, |bencher, source| {
            bencher.iter(|| black_box(read(source)));
        });
        group.bench_with_input(BenchmarkId::new("schema", size), &source, |bencher, source| {
            let documents: Vec<_> = source.documents().map(Result::unwrap).collect();
            bencher.iter(|| documents.iter().map(|d| schema.faults(d).len()).sum::<usize>());
        });
        group.bench_with_input(
            BenchmarkId::new("validate", size),
            &read_clusters,
            |bencher, clusters| {
                bencher.iter_batched(
                    || clusters.clone(),
                    |clusters| {
                        clusters
                            .into_iter()
                            .map(|cluster| validate(cluster, Roles::Elected).is_ok())
                            .filter(|sound| *sound)
                            .count()
                    },
                    criterion::BatchSize::LargeInput,
                );
            },
        );
        group.bench_with_input(BenchmarkId::new("render", size), &clusters, |bencher, clusters| {
            bencher.iter(|| black_box(rendered(clusters)));
        });
        group.bench_with_input(BenchmarkId::new("parse", size), &set, |bencher, set| {
            bencher.iter(|| set.iter().map(Manifest::object).filter(Result::is_ok).count());
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
