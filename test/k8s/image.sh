#!/bin/sh
# Builds the Dockerfile with buildah, without an engine, on a base image made of this machine's own
# files, and lays the result out for a look:
#
#   image.sh build FOLDER   builds; FOLDER/root is then the image's file system, mounted read-only
#   image.sh remove FOLDER  takes it down again
#
# Needs root, buildah (Debian's package, installed where apt-get can) and the package registry. Exit code
# 77: it cannot be done here, and the last line says why.
set -eu
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
base=localhost/wechat-sidecar-test-base
image=localhost/wechat-sidecar-test
folder=$2

cannot() {
  echo "$1"
  exit 77
}

# node, npm, and what a RUN line of the Dockerfile needs of a shell, with the libraries of each.
make_base() {
  root=$folder/base
  mkdir -p "$root/usr/bin" "$root/usr/lib/node_modules" "$root/etc/ssl/certs" "$root/tmp" "$root/root"
  ln -s usr/bin "$root/bin"
  chmod 1777 "$root/tmp"
  for program in sh env rm mkdir ls; do cp -L "$(command -v $program)" "$root/usr/bin/$program"; done
  cp -L "$(readlink -f "$(command -v node)")" "$root/usr/bin/node"
  npm_cli=$(readlink -f "$(command -v npm)")
  cp -R "${npm_cli%/bin/npm-cli.js}" "$root/usr/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/bin/npm"
  for program in "$root"/usr/bin/*; do
    { ldd "$program" 2>/dev/null || true; } | grep -o '/[^ )]*'
  done | sort -u >"$folder/libraries"
  for library in $(cat "$folder/libraries") $(ls /lib/*/libnss_dns.so.2 /lib/*/libnss_files.so.2 2>/dev/null); do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  [ ! -r /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$root" / >/dev/null
  buildah config --env PATH=/usr/bin --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
  buildah commit --quiet --rm "$container" $base >/dev/null
  rm -rf "$root"
}

build() {
  [ "$(id -u)" = 0 ] || cannot 'building an image in a chroot needs root'
  if ! command -v buildah >/dev/null; then
    { apt-get install --yes --quiet --no-install-recommends buildah || {
      apt-get update --quiet && apt-get install --yes --quiet --no-install-recommends buildah
    }; } >&2 || cannot 'there is no buildah, and it cannot be installed'
  fi
  mkdir -p "$folder"
  make_base
  # The settings of this machine's npm, such as which registry it asks.
  settings=$folder/npmrc
  cp "${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}" "$settings" 2>/dev/null || : >"$settings"
  buildah bud --quiet --build-arg NODE_IMAGE=$base --volume "$settings:/root/.npmrc:ro" -t $image "$(dirname "$0")/../.."
  container=$(buildah from $image)
  echo "$container" >"$folder/container"
  mkdir -p "$folder/root"
  mount --bind "$(buildah mount "$container")" "$folder/root" || cannot 'nothing can be mounted here'
  mount -o remount,bind,ro "$folder/root"
  buildah inspect --type image $image >"$folder/config.json"
}

remove() {
  umount "$folder/root" 2>/dev/null || true
  [ ! -r "$folder/container" ] || buildah rm "$(cat "$folder/container")" >/dev/null || true
  buildah rmi --force $image $base >/dev/null 2>&1 || true
  rm -rf "$folder"
}

"$1"
