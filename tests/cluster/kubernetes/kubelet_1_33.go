//go:build kubernetes_1_33

package main

import (
	"k8s.io/component-base/cli"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// runKubelet, as it was called until Kubernetes 1.33.
func runKubelet() int {
	return cli.Run(kubelet.NewKubeletCommand())
}
