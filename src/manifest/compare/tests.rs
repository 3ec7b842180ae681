//! What is the same, what differs, and in which order that is told.

use serde_json::json;

use crate::manifest::impact::Impact;

use super::*;

fn set(texts: &[&str]) -> ManifestSet {
    let manifests = texts.iter().map(|text| Manifest::read(*text).unwrap());
    manifests.collect::<Result<_, _>>().unwrap()
}

/// What differs between two objects of `kind` with these fields, a line each.
fn changes(kind: &str, from: &str, to: &str) -> Vec<String> {
    let one = |fields: &str| {
        let mut object: Value = serde_yaml::from_str(fields).unwrap();
        object["apiVersion"] = json!("v1");
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!("cache");
        [Manifest::from_object(object).unwrap()].into_iter().collect::<Result<_, _>>().unwrap()
    };
    let show = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
    let comparison = compare(&one(from), &one(to)).unwrap();
    let fields = comparison.objects.iter().flat_map(|object| &object.fields);
    fields
        .map(|field| format!("{} {} → {}", field.path, show(&field.old), show(&field.new)))
        .collect()
}

/// Kind, and two spellings of one thing.
const EQUAL: &[(&str, &str, &str)] = &[
    ("Pod", "{spec: {a: 1, b: 2}}", "{spec: {b: 2.0, a: 1, c: null}}"),
    (
        "Pod",
        "{spec: {containers: [{name: a, x: 1}, {name: b}]}}",
        "{spec: {containers: [{name: b}, {x: 1, name: a}]}}",
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, resources: {limits: {cpu: 1000m, memory: 1Gi}}}]}}",
        "{spec: {containers: [{name: a, resources: {limits: {cpu: 1, memory: 1024Mi}}}]}}",
    ),
    (
        "Pod",
        "{spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}]}}",
        "{spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1024Mi}}]}}",
    ),
    (
        "Pod",
        "{spec: {tolerations: [{key: a}, {key: b}]}}",
        "{spec: {tolerations: [{key: b}, {key: a}]}}",
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 2}]}]}}",
        "{spec: {containers: [{name: a, ports: [{containerPort: 2}, {containerPort: 1}]}]}}",
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, readinessProbe: {httpGet: {port: 80}}}]}}",
        "{spec: {containers: [{name: a, readinessProbe: {httpGet: {port: '80'}}}]}}",
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, volumeMounts: [{mountPath: /a}, {mountPath: /b}]}]}}",
        "{spec: {containers: [{name: a, volumeMounts: [{mountPath: /b}, {mountPath: /a}]}]}}",
    ),
    ("PodDisruptionBudget", "{spec: {maxUnavailable: 1}}", "{spec: {maxUnavailable: '1'}}"),
    (
        "Service",
        "{spec: {ports: [{port: 1, targetPort: 2}, {port: 3}]}}",
        "{spec: {ports: [{port: 3}, {port: 1, targetPort: '2'}]}}",
    ),
    (
        "StatefulSet",
        "{spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {resources: {requests: {storage: 1Gi}}}}]}}",
        "{spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {resources: {requests: {storage: 1024Mi}}}}]}}",
    ),
    (
        "NetworkPolicy",
        "{spec: {ingress: [{from: [{a: 1}, {a: 2}]}, {ports: [{port: 1}, {port: 2}]}]}}",
        "{spec: {ingress: [{ports: [{port: 2}, {port: 1}]}, {from: [{a: 2}, {a: 1}]}]}}",
    ),
    ("Certificate", "{spec: {dnsNames: [a, b]}}", "{spec: {dnsNames: [b, a]}}"),
    (
        "ConfigMap",
        "{data: {valkey.conf: \"# a\\nport 1\\nslave-read-only yes\\nsave ''\\n\"}}",
        "{data: {valkey.conf: \"save \\\"\\\"\\nREPLICA-READ-ONLY yes\\nport 1\"}}",
    ),
    (
        "Pod",
        "{metadata: {uid: a, generation: 1, resourceVersion: '1', managedFields: [], creationTimestamp: x, selfLink: y, annotations: {kubectl.kubernetes.io/last-applied-configuration: z}}, status: {a: 1}}",
        "{metadata: {creationTimestamp: null}}",
    ),
];

#[test]
fn equal_in_meaning_is_no_change() {
    for (kind, from, to) in EQUAL {
        assert_eq!(changes(kind, from, to), Vec::<String>::new(), "{kind} {from} {to}");
        assert_eq!(changes(kind, to, from), Vec::<String>::new(), "{kind} {to} {from}");
    }
}

/// Kind, older object, newer object, and what differs.
const DIFFERENT: &[(&str, &str, &str, &[&str])] = &[
    (
        "StatefulSet",
        "{spec: {template: {spec: {containers: [{name: valkey, image: a}]}}}}",
        "{spec: {template: {spec: {containers: [{name: exporter}, {name: valkey, image: b}]}}}}",
        &[
            r#"spec.template.spec.containers[exporter] - → {"name":"exporter"}"#,
            r#"spec.template.spec.containers[valkey].image "a" → "b""#,
        ],
    ),
    // The schema decides, not the look of a text.
    (
        "Pod",
        "{metadata: {annotations: {cpu: '1'}}}",
        "{metadata: {annotations: {cpu: 1000m}}}",
        &[r#"metadata.annotations.cpu "1" → "1000m""#],
    ),
    (
        "Widget",
        "{spec: {containers: [{name: a}, {name: b}]}}",
        "{spec: {containers: [{name: b}, {name: a}]}}",
        &[r#"spec.containers[0].name "a" → "b""#, r#"spec.containers[1].name "b" → "a""#],
    ),
    (
        "Service",
        "{spec: {ports: [{port: 80}]}}",
        "{spec: {ports: [{port: '80'}]}}",
        &[r#"spec.ports[80/TCP].port 80 → "80""#],
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, ports: [{containerPort: 1, name: v}]}]}}",
        "{spec: {containers: [{name: a, ports: [{containerPort: 1, protocol: TCP, name: w}]}]}}",
        &[
            r#"spec.containers[a].ports[1/TCP].name "v" → "w""#,
            r#"spec.containers[a].ports[1/TCP].protocol - → "TCP""#,
        ],
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, args: [x, y, z]}]}}",
        "{spec: {containers: [{name: a, args: [x, z]}]}}",
        &[r#"spec.containers[a].args[1] "y" → -"#],
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, args: [x, y]}]}}",
        "{spec: {containers: [{name: a, args: [w, x, z]}]}}",
        &[
            r#"spec.containers[a].args[0] "x" → "w""#,
            r#"spec.containers[a].args[1] "y" → "x""#,
            r#"spec.containers[a].args[2] - → "z""#,
        ],
    ),
    (
        "Pod",
        "{spec: {tolerations: [{key: a}, {key: b}]}}",
        "{spec: {tolerations: [{key: c}, {key: a}]}}",
        &[r#"spec.tolerations[0].key "b" → "c""#],
    ),
    (
        "Pod",
        "{spec: {containers: [{name: a, env: [{name: A}, {name: B}, {name: C}]}]}}",
        "{spec: {containers: [{name: a, env: [{name: C}, {name: A}]}]}}",
        &[
            r#"spec.containers[a].env[B] {"name":"B"} → -"#,
            r#"spec.containers[a].env ["A","C"] → ["C","A"]"#,
        ],
    ),
    // Two of one name: by place.
    (
        "Pod",
        "{spec: {volumes: [{name: a}, {name: a}]}}",
        "{spec: {volumes: [{name: a}, {name: b}]}}",
        &[r#"spec.volumes[1].name "a" → "b""#],
    ),
    (
        "ConfigMap",
        "{data: {valkey.conf: \"port 1\\nsave 1 1\\nhz 10\"}}",
        "{data: {valkey.conf: \"port 1\\nsave 1 1\\nsave 2 2\\ntimeout 1\"}}",
        &[
            r#"data["valkey.conf"].hz "10" → -"#,
            r#"data["valkey.conf"].save "1 1" → "1 1\n2 2""#,
            r#"data["valkey.conf"].timeout - → "1""#,
        ],
    ),
    ("ConfigMap", "{}", "{data: {a: b}}", &[r#"data.a - → "b""#]),
    ("Pod", "{spec: {a: [1]}}", "{spec: {a: {b: 1}}}", &[r#"spec.a [1] → {"b":1}"#]),
    ("Pod", "{spec: {emptyDir: null}}", "{spec: {emptyDir: {}}}", &["spec.emptyDir - → {}"]),
    (
        "Secret",
        "{data: {a: eA==, b: eQ==}}",
        "{data: {a: eQ==, b: eQ==}}",
        &[r#"data.a "<secret #1>" → "<secret #2>""#],
    ),
];

#[test]
fn each_change_is_one_value_at_its_path() {
    for (kind, from, to, expected) in DIFFERENT {
        assert_eq!(changes(kind, from, to), *expected, "{kind} {from} {to}");
    }
}

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
const SERVICE: &str =
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ClusterIP}\n";
const BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b}\n";

#[test]
fn objects_are_added_changed_and_deleted_in_total_order() {
    let other = SERVICE.replace("ClusterIP", "NodePort");
    let comparison = compare(&set(&[SECRET, SERVICE]), &set(&[&other, BUDGET])).unwrap();
    let shown: Vec<_> = comparison
        .objects
        .iter()
        .map(|object| {
            (object.action, object.key.kind.as_str(), object.fields.len(), object.impact())
        })
        .collect();
    assert_eq!(
        shown,
        [
            (Action::Add, "PodDisruptionBudget", 1, Impact::None),
            (Action::Delete, "Secret", 1, Impact::Failover),
            (Action::Change, "Service", 1, Impact::None),
        ]
    );
    let counts =
        [Action::Add, Action::Change, Action::Delete].map(|action| comparison.count(action));
    assert_eq!((counts, comparison.impact()), ([1, 1, 1], Impact::Failover));
    assert!(!format!("{comparison:?}").contains("hunter2"));
}

#[test]
fn a_new_api_version_is_a_change_of_one_object() {
    let newer = BUDGET.replace("policy/v1", "policy/v2");
    let comparison = compare(&set(&[BUDGET]), &set(&[&newer])).unwrap();
    assert_eq!(comparison.objects.len(), 1);
    assert_eq!(comparison.objects[0].key.version, "v2");
    assert_eq!(comparison.objects[0].fields[0].pointer(), "/apiVersion");
}

#[test]
fn a_set_does_not_differ_from_itself() {
    let set = set(&[SECRET, SERVICE, BUDGET]);
    assert!(compare(&set, &set).unwrap().is_empty());
    assert_eq!(compare_texts(&set, &set).unwrap(), []);
    assert!(compare(&ManifestSet::new(), &ManifestSet::new()).unwrap().is_empty());
}

#[test]
fn a_comment_changes_the_text_and_not_the_meaning() {
    let commented = format!("# new\n{SERVICE}");
    let (from, to) = (set(&[SERVICE]), set(&[&commented]));
    assert!(compare(&from, &to).unwrap().is_empty());
    let texts = compare_texts(&from, &to).unwrap();
    assert_eq!(texts.len(), 1);
    assert_eq!((texts[0].old.as_deref(), texts[0].new.as_ref()), (Some(SERVICE), Some(&commented)));
}

#[test]
fn texts_are_masked_too() {
    let other = SECRET.replace("hunter2", "hunter3");
    let texts = compare_texts(&set(&[SECRET]), &set(&[&other])).unwrap();
    let [TextChange { old: Some(old), new: Some(new), .. }] = texts.as_slice() else {
        panic!("one change")
    };
    assert!(old.ends_with("  password: \"<secret #1>\"\n"), "{old}");
    assert!(new.ends_with("  password: \"<secret #2>\"\n"), "{new}");
}
