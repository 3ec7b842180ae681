//go:build !kubernetes_1_33

package main

import (
	"context"

	"k8s.io/component-base/cli"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

// runKubelet: the context that ends with a signal it makes by itself.
func runKubelet() int {
	return cli.Run(kubelet.NewKubeletCommand(context.Background()))
}
