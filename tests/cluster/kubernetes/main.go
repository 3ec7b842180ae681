// Kubernetes for the tests: every component in one program, which looks at the name it was
// called by (or at its first argument) to know which of them to be. One program links, caches
// and starts faster than one per component, since they share almost all of their code.
//
// Only the choice of component happens here (and `volumes`, in volumes.go). No flag, default or file of a component is touched:
// what the tests run must behave as the released component does.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // time zones in CronJobs, on machines without zone files

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// component runs one part of Kubernetes on os.Args. It either ends the process or returns its
// exit code.
type component struct {
	name string
	run  func() int
}

// components is the whole list: a further component is a row here and a word in ../build's list of
// links.
var components = []component{
	{"etcd", func() int { etcdmain.Main(os.Args); return 0 }},
	{"kube-apiserver", func() int { return cli.Run(apiserver.NewAPIServerCommand()) }},
	{"kube-controller-manager", func() int { return cli.Run(controllers.NewControllerManagerCommand()) }},
	{"kube-scheduler", func() int { return cli.Run(scheduler.NewSchedulerCommand()) }},
	{"kube-proxy", func() int { return cli.Run(proxy.NewProxyCommand()) }},
	{"kubelet", runKubelet},
	{"kubectl", runKubectl},
	// Not Kubernetes': it stands for the storage driver that a cloud would bring.
	{"volumes", runVolumes},
}

// runKubectl prints an error the way people know it from kubectl ("error: ...", "Error from
// server (NotFound): ..."), which the servers' own way of printing would not.
func runKubectl() int {
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		kubectlutil.CheckErr(err)
	}
	return 0
}

func find(name string) (component, bool) {
	i := slices.IndexFunc(components, func(c component) bool { return c.name == name })
	if i < 0 {
		return component{}, false
	}
	return components[i], true
}

func main() {
	if c, ok := find(filepath.Base(os.Args[0])); ok {
		os.Exit(c.run())
	}
	if len(os.Args) > 1 {
		if c, ok := find(os.Args[1]); ok {
			os.Args = os.Args[1:]
			os.Exit(c.run())
		}
	}
	names := make([]string, 0, len(components))
	for _, c := range components {
		names = append(names, c.name)
	}
	fmt.Fprintf(os.Stderr, "usage: %s COMPONENT [FLAG...]\ncomponents: %s\n",
		filepath.Base(os.Args[0]), strings.Join(names, " "))
	os.Exit(2)
}
