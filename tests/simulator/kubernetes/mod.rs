//! A simulated Kubernetes: an API server, its controllers, its kubelets.
