package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	core "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// volumesProvisioner is the name by which storage classes ask for this provisioner.
const volumesProvisioner = "gungnir.test/folders"

// volumes is a dynamic provisioner as a cloud's storage driver is one, for the nodes of one machine:
// a volume is a folder, bound to the node that the scheduler chose. It makes volumes, lets them
// grow where their class allows it, and deletes them when they are released.
type volumes struct {
	client  kubernetes.Interface
	folder  string
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
	classes storagelisters.StorageClassLister
}

// runVolumes looks at every claim and volume whenever one of them changes. What fails is tried again
// with the next change, or after a second.
func runVolumes() int {
	kubeconfig := flag.String("kubeconfig", "", "file that names the API server and a user who may change volumes")
	folder := flag.String("folder", "", "folder that holds the volumes")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	client := kubernetes.NewForConfigOrDie(config)
	factory := informers.NewSharedInformerFactory(client, 0)
	v := volumes{
		client:  client,
		folder:  *folder,
		claims:  factory.Core().V1().PersistentVolumeClaims().Lister(),
		volumes: factory.Core().V1().PersistentVolumes().Lister(),
		classes: factory.Storage().V1().StorageClasses().Lister(),
	}
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { wake() },
		UpdateFunc: func(any, any) { wake() },
		DeleteFunc: func(any) { wake() },
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().PersistentVolumeClaims().Informer(),
		factory.Core().V1().PersistentVolumes().Informer(),
		factory.Storage().V1().StorageClasses().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	factory.Start(nil)
	factory.WaitForCacheSync(nil)
	for {
		v.look(context.Background())
		select {
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}

func (v *volumes) look(ctx context.Context) {
	claims, err := v.claims.List(labels.Everything())
	if err != nil {
		klog.ErrorS(err, "cannot list claims")
		return
	}
	for _, claim := range claims {
		class := v.class(claim)
		if class == nil {
			continue
		}
		if err := v.serve(ctx, claim, class); err != nil {
			klog.ErrorS(err, "claim", "claim", klog.KObj(claim))
		}
	}
	existing, err := v.volumes.List(labels.Everything())
	if err != nil {
		klog.ErrorS(err, "cannot list volumes")
		return
	}
	for _, volume := range existing {
		if volume.Annotations["pv.kubernetes.io/provisioned-by"] != volumesProvisioner ||
			volume.Status.Phase != core.VolumeReleased ||
			volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
			continue
		}
		if err := v.remove(ctx, volume); err != nil {
			klog.ErrorS(err, "volume", "volume", volume.Name)
		}
	}
}

// class returns the claim's storage class when it is one of ours.
func (v *volumes) class(claim *core.PersistentVolumeClaim) *storage.StorageClass {
	if claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := v.classes.Get(*claim.Spec.StorageClassName)
	if err != nil || class.Provisioner != volumesProvisioner {
		return nil
	}
	return class
}

func (v *volumes) serve(ctx context.Context, claim *core.PersistentVolumeClaim, class *storage.StorageClass) error {
	node := claim.Annotations["volume.kubernetes.io/selected-node"]
	switch {
	case claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil && node != "":
		return v.provision(ctx, claim, class, node)
	case claim.Status.Phase == core.ClaimBound && class.AllowVolumeExpansion != nil && *class.AllowVolumeExpansion:
		return v.grow(ctx, claim)
	}
	return nil
}

func (v *volumes) provision(ctx context.Context, claim *core.PersistentVolumeClaim, class *storage.StorageClass, node string) error {
	name := "pvc-" + string(claim.UID)
	if _, err := v.volumes.Get(name); err == nil {
		return nil // made, and soon bound
	}
	folder := filepath.Join(v.folder, name)
	if err := os.Mkdir(folder, 0o777); err != nil && !os.IsExist(err) {
		return err
	}
	// Whatever the mask says: the pod's group gets its rights from the kubelet.
	if err := os.Chmod(folder, 0o777); err != nil {
		return err
	}
	mode := core.PersistentVolumeFilesystem
	reclaim := core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		reclaim = *class.ReclaimPolicy
	}
	_, err := v.client.CoreV1().PersistentVolumes().Create(ctx, &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": volumesProvisioner},
		},
		Spec: core.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeReclaimPolicy: reclaim,
			StorageClassName:              class.Name,
			VolumeMode:                    &mode,
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: folder}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{
					Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node},
				}},
			}}}},
		},
	}, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// grow gives a claim the size that it asks for: a folder has room enough.
func (v *volumes) grow(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	volume, err := v.volumes.Get(claim.Spec.VolumeName)
	if err != nil {
		return err
	}
	if size := volume.Spec.Capacity[core.ResourceStorage]; size.Cmp(wanted) < 0 {
		volume = volume.DeepCopy()
		volume.Spec.Capacity[core.ResourceStorage] = wanted
		if _, err := v.client.CoreV1().PersistentVolumes().Update(ctx, volume, meta.UpdateOptions{}); err != nil {
			return err
		}
	}
	if size := claim.Status.Capacity[core.ResourceStorage]; size.Cmp(wanted) < 0 {
		claim = claim.DeepCopy()
		claim.Status.Capacity[core.ResourceStorage] = wanted
		_, err := v.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, meta.UpdateOptions{})
		return err
	}
	return nil
}

func (v *volumes) remove(ctx context.Context, volume *core.PersistentVolume) error {
	if err := os.RemoveAll(filepath.Join(v.folder, volume.Name)); err != nil {
		return err
	}
	err := v.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
