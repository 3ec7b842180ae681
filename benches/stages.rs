//! Each stage from people's YAML to a diff, in process, at 1 to 1,000 clusters.
//!
//! `cargo bench --bench stages`; `tests/run bench` holds the figures against their targets.
//! Stages are measured one by one, each from what the one before it made, so that a slow one is
//! seen: `objects` alone is two in one, what a program gets that wants objects and not text.
#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt::Write;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use gungnir::api::{SCHEMA_LINES, ValkeyCluster};
use gungnir::cluster::{Roles, ValidatedCluster, validate};
use gungnir::input::{Schema, Source};
use gungnir::manifest::{Manifest, ManifestSet, compare};
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

fn validated(clusters: Vec<ValkeyCluster>) -> Vec<ValidatedCluster> {
    clusters.into_iter().map(|cluster| validate(cluster, Roles::Elected).unwrap()).collect()
}

fn rendered(clusters: &[ValidatedCluster]) -> ManifestSet {
    let mut set = ManifestSet::new();
    for cluster in clusters {
        render_into(cluster, &mut set).unwrap();
    }
    set
}

fn objects(set: &ManifestSet) -> usize {
    set.iter().map(Manifest::object).map(Result::unwrap).filter(|object| !object.is_null()).count()
}

/// What `rendered` gives, with one value of one cluster changed.
fn with_one_change(clusters: &[ValidatedCluster]) -> ManifestSet {
    let mut clusters = clusters.to_vec();
    clusters[0].replicas += 2;
    rendered(&clusters)
}

/// Every stage at one size.
fn at_size(group: &mut BenchmarkGroup<'_, WallTime>, size: usize, schema: &Schema) {
    let source = stream(size);
    let clusters = read(&source);
    let sound = validated(clusters.clone());
    let set = rendered(&sound);
    let changed = with_one_change(&sound);
    assert_eq!(compare(&set, &changed).unwrap().objects.len(), 1);

    let id = |stage: &str| BenchmarkId::new(stage, size);
    group.throughput(Throughput::Elements(size as u64));
    group.bench_function(id("read"), |bencher| bencher.iter(|| read(&source)));
    group.bench_function(id("schema"), |bencher| {
        let documents: Vec<_> = source.documents().map(Result::unwrap).collect();
        bencher.iter(|| documents.iter().map(|one| schema.faults(one).len()).sum::<usize>());
    });
    group.bench_function(id("validate"), |bencher| {
        bencher.iter_batched(|| clusters.clone(), validated, BatchSize::LargeInput);
    });
    group.bench_function(id("render"), |bencher| bencher.iter(|| rendered(&sound)));
    group.bench_function(id("text"), |bencher| bencher.iter(|| set.to_yaml()));
    group.bench_function(id("objects"), |bencher| bencher.iter(|| objects(&rendered(&sound))));
    group.bench_function(id("diff-equal"), |bencher| {
        bencher.iter(|| compare(&set, &set).unwrap());
    });
    group.bench_function(id("diff-one-value"), |bencher| {
        bencher.iter(|| compare(&set, &changed).unwrap());
    });
}

fn stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stages");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    let schema = Schema::compile_lines(SCHEMA_LINES).unwrap();
    for size in SIZES {
        if size == 1000 {
            // The slowest stages take a second a time there: samples of one run each, and few.
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
        } else {
            group.sample_size(30);
        }
        at_size(&mut group, size, &schema);
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
