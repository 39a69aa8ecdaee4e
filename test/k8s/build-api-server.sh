#!/bin/sh
# Builds a real kube-apiserver and etcd into .cache/k8s, once, for `npm run test:k8s`.
#
# Where Go is missing this says so and succeeds: the tests then skip themselves, with the reason. Set
# KUBEBUILDER_ASSETS to a folder with both binaries to use those instead.
set -eu

KUBERNETES=1.35.4
ETCD=3.6.16

cd "$(dirname "$0")/../.."
cache="$PWD/.cache/k8s"
done_mark="$cache/kubernetes-$KUBERNETES-etcd-$ETCD"

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  echo "Using the API server in $KUBEBUILDER_ASSETS."
  exit 0
fi
[ -e "$done_mark" ] && exit 0
if ! command -v go >/dev/null; then
  echo "No API server is built, since there is no Go here; the tests against a real one will be skipped."
  exit 0
fi

mkdir -p "$cache/source-apiserver" "$cache/source-etcd"
export GOFLAGS=-mod=mod CGO_ENABLED=0
echo "Building etcd $ETCD and kube-apiserver $KUBERNETES; this takes long, once."

# Tools that a main package needs are named by an import, so that `go mod tidy` keeps them.
main_module() {
  printf 'module build\n\ngo 1.25\n'
}

cd "$cache/source-etcd"
main_module >go.mod
go get "go.etcd.io/etcd/server/v3@v$ETCD"
nice -n 10 go build -trimpath -ldflags '-s -w' -o "$cache/etcd" go.etcd.io/etcd/server/v3

# The staging modules of Kubernetes carry v0.0.0 in its go.mod; their releases are v0.<minor>.<patch>.
cd "$cache/source-apiserver"
staging="v0.${KUBERNETES#1.}"
main_module >go.mod
go mod download "k8s.io/kubernetes@v$KUBERNETES"
kubernetes_mod="$(go env GOMODCACHE)/cache/download/k8s.io/kubernetes/@v/v$KUBERNETES.mod"
sed -n 's|^[[:space:]]*\(k8s\.io/[a-z-]*\) v0\.0\.0$|\1|p' "$kubernetes_mod" | while read -r module; do
  go mod edit -replace "$module=$module@$staging"
done
go get "k8s.io/kubernetes@v$KUBERNETES"
version=k8s.io/component-base/version
nice -n 10 go build -trimpath -o "$cache/kube-apiserver" -ldflags "-s -w \
  -X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=$(echo "$KUBERNETES" | cut -d. -f2)" \
  k8s.io/kubernetes/cmd/kube-apiserver

touch "$done_mark"
